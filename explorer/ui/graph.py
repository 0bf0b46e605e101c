"""The computational graph of three steps: every value in its node, every gradient on its edge, with
where it comes from as one points at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
import xarray as xr

from explorer.models.three_steps import along
from explorer.ui.session import asset
from explorer.views.truncation import path_name
from explorer.words import _

_graph = st.components.v2.component(
    "explorer_graph", css=asset("graph.css"), js=asset("graph.js"))

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SIZE = (780, 372)
PLACES = {"L": (410, 32), "h0": (38, 218)} | {
    name: place
    for t, x in ((1, 200), (2, 430), (3, 660))
    for name, place in {
        f"o{t}": (x, 112), f"h{t}": (x, 218), f"x{t}": (x, 340), f"w_qh{t}": (x - 88, 166),
        f"w_hh{t}": (x - 84, 302), f"w_hx{t}": (x + 84, 302)}.items()
}  # of each node's middle


def letter(name: str) -> str:
    """h2 as h₂; a weight as it is called, whichever step uses it."""
    return name.rstrip("123") if name.startswith("w_") else name.translate(SUBSCRIPTS)


def graph(trace: xr.Dataset, key: str) -> None:
    """Draw the graph of `three_steps`. Pointing at (or walking to) an edge, a node or a path says
    its numbers and marks what they run along."""
    _graph(data=picture(trace), key=key)


def picture(trace: xr.Dataset) -> dict[str, Any]:
    """What the component draws, every number as text."""
    value = dict(zip(trace["node"].values.tolist(), trace["value"].values.tolist(), strict=True))
    gradient = dict(
        zip(trace["node"].values.tolist(), trace["gradient"].values.tolist(), strict=True))
    edges = [
        {"source": source, "target": target, "number": f"{flows + 0.0:+.3f}",
         "cut": source.startswith("h") and target.startswith("h") and slope == 0,
         "weight": source.startswith("w_"), "says": _edge_says(source, target, slope, flows,
                                                               gradient[target])}
        for source, target, slope, flows in zip(
            *(trace[name].values.tolist() for name in ("source", "target", "slope", "along")),
            strict=True)
    ]
    nodes = [
        {"name": name, "letter": letter(name), "value": f"{value[name]:.3g}", "x": x, "y": y,
         "weight": name.startswith("w_"),
         "says": _node_says(name, trace, value[name], gradient[name])}
        for name, (x, y) in PLACES.items()
    ]
    return {"size": SIZE, "nodes": nodes, "edges": edges, "paths": _paths(trace, gradient["w_hh"]),
            "label": _("Computational graph of three steps"),
            "hint": _("Point at an edge, a node or a path, or walk there with Tab: here its "
                      "numbers are said."),
            "heading": _("The paths from L to w_hh:")}


def _paths(trace: xr.Dataset, whole: float) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    steps = zip(*(trace[name].values.tolist() for name in ("loss_step", "use_step", "product")),
                strict=True)
    for loss_step, use_step, product in steps:
        name = path_name(loss_step, use_step).translate(SUBSCRIPTS)
        found.append({
            "name": name, "number": f"{product + 0.0:+.4f}",
            "edges": [list(pair) for pair in along(loss_step, use_step)],
            "says": _("Along L → {path} → w_hh: {product}, one of six parts of "
                      "∂L/∂w_hh = {whole}.", path=name, product=f"{product + 0.0:+.4f}",
                      whole=f"{whole:+.4f}")})
    return found


def _edge_says(source: str, target: str, slope: float, flows: float, above: float) -> str:
    if source.startswith("h") and target.startswith("h") and slope == 0:
        return _("Cut: of ∂L/∂{target} = {above} nothing passes to {source}.",
                 target=letter(target), above=f"{above:+.4f}", source=letter(source))
    return _("∂L/∂{target} · ∂{target}/∂{source} = {above} · {slope} = {flows}",
             target=letter(target), source=letter(source), above=f"{above:+.4f}",
             slope=f"{slope:+.4f}", flows=f"{flows:+.4f}")


def _node_says(name: str, trace: xr.Dataset, value: float, gradient: float) -> str:
    """A node's value, and the gradients that meet there."""
    parts = [f"{flows:+.4f}" for source, flows in
             zip(trace["source"].values, trace["along"].values, strict=True) if source == name]
    total = f" = {' '.join(parts)}" if len(parts) > 1 else ""
    values: Mapping[str, str] = {"node": letter(name), "value": f"{value:.4f}",
                                 "total": f"{total} = {gradient:+.4f}"}
    if name.startswith("o"):
        return _("{node} = {value}, asked for: y = {asked}; ∂L/∂{node}{total}",
                 asked=f"{trace.attrs['y' + name[1:]]:g}", **values)
    return _("{node} = {value}; ∂L/∂{node}{total}", **values)
