"""The tree of a search on the page: stepped through, folded, zoomed, walked by keyboard; a click
opens a node, and its word, with all before it, can be forced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
import xarray as xr

from explorer.ui.session import asset, theme
from explorer.views.palette import palette
from explorer.views.tree import NAMES, layers, look, tidy
from explorer.words import _

_tree = st.components.v2.component("explorer_tree", css=asset("tree.css"), js=asset("tree.js"))

SHOWN_STATES = ("kept", "pruned", "finished", "cut", "best")


@dataclass(frozen=True)
class TreeEvent:
    """node: what was clicked. force: search on from it."""

    node: int
    force: bool = False


def search_tree(trace: xr.Dataset, *, key: str, selected: int | None = None) -> TreeEvent | None:
    """Draw the tree; gives what was just done, once."""
    found: Any = _tree(data=picture(trace, selected), key=key, on_event_change=lambda: None)
    return admit(found.event if found else None, trace)


def admit(event: Any, trace: xr.Dataset) -> TreeEvent | None:
    """What a browser says was done, if that can be done."""
    if not isinstance(event, Mapping):
        return None
    node = event.get("node")
    if not isinstance(node, int) or isinstance(node, bool) or not 0 <= node < trace.sizes["node"]:
        return None
    return TreeEvent(node, event.get("force") is True and goes_on(trace, node))


def goes_on(trace: xr.Dataset, node: int) -> bool:
    """Whether a search can go on from a node."""
    ended = int(trace["token"].values[node]) == trace.attrs["eos"]
    return node > 0 and not ended and int(trace["depth"].values[node]) < trace.attrs["longest"]


def picture(trace: xr.Dataset, selected: int | None = None) -> dict[str, Any]:
    """What the component draws."""
    data, colours = tidy(trace), palette(theme())
    present = [state for state in SHOWN_STATES if data["drawn_as"][1:].eq(state).any()]
    looks = {state: {"name": _(NAMES[state]), "colour": look(state, colours).colour}
             for state in SHOWN_STATES}
    looks["reference"] = {"name": _("the reference"), "colour": colours.categorical[0]}
    if data["on_reference"].any():
        present.append("reference")
    asked = repr([trace.attrs, data["label"].tolist(), trace["total"].values.tolist()])
    return {
        "id": hashlib.sha256(asked.encode()).hexdigest()[:16], "nodes": layers(data),
        "best": int(trace.attrs["best"]), "selected": selected, "looks": looks,
        "legend": present, "joint": str(trace.attrs["joint"]),
        "eos": next((str(label) for label, token in zip(
            trace["label"].values, trace["token"].values, strict=True)
            if token == trace.attrs["eos"] and token >= 0), ""),
        "label": _("The tree of the search"),
        "says": {
            "root": _("start"), "score": _("score"), "own": _("of this word"), "rank": _("rank"),
            "margin": _("missed by"), "drawn": _("drawn"),
            "hint": _("Point at a node, or walk with the arrow keys: here its numbers are said. "
                      "Click one to open it; + unfolds what was left out."),
            "force": _("Go on from “{word}”"), "level": _("step {level} of {levels}"),
            "first": _("To the first step"), "back": _("One step back"), "on": _("One step on"),
            "all": _("All steps"), "smaller": _("Smaller"), "larger": _("Larger"),
            "fit": _("Fit in"),
        },
    }
