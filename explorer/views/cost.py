"""What a layer costs by its shape: which token reaches which, and operations by formula and as
counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import unescape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.views.figure import Figure, shown, view
from explorer.views.palette import Palette, Theme, mark, palette, stroke
from explorer.words import N_, _

NAMES = {"rnn": N_("RNN"), "gru": N_("GRU"), "lstm": N_("LSTM"), "cnn": N_("CNN"),
         "dilated": N_("CNN, dilated"), "attention": N_("self-attention"),
         "fused": N_("self-attention, fused"), "aaren": N_("Aaren, by steps")}
OF = {"dilated": "cnn", "attention": "transformer", "fused": "transformer"}  # whose colour it has
SECOND = {"dilated": ("dashdot", "star-diamond-open"), "fused": ("dash", "star-open")}
LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0}
ROW, GAP = 34, 46  # pixels of a level, and of what stands between two networks
EDGES = {0: (0.7, 0.55), 1: (1.2, 0.75), 2: (4.0, 1.0)}  # width and opacity of each role


def look(kind: str, colours: Palette) -> tuple[str, str, str]:
    """Colour, dash and marker of a layer, everywhere."""
    whose = OF.get(kind, kind)
    dash, marker = SECOND.get(kind, (stroke(whose), mark(whose)))
    return colours.architecture(whose), dash, marker


@view("reach", "role")
def reach(trace: xr.Dataset, labels: Sequence[str], all: int = 0, theme: Theme = "light") -> Figure:
    """Every dependency of four networks over the sentence, layer by layer from below, and the
    shortest way from one token to another.

    labels: the tokens that are followed. all: how many the sentence has, if more.
    """
    colours, kinds = palette(theme), [str(kind) for kind in trace["network"].values]
    levels = trace["levels"].values
    chart = make_subplots(
        len(kinds), 1, shared_xaxes=True, row_heights=[float(high) for high in levels],
        vertical_spacing=GAP / (GAP * len(kinds) + ROW * int(levels.sum() + len(kinds))),
        subplot_titles=[_title(trace, kind) for kind in kinds])
    names = ["kind", "from_level", "from_token", "to_level", "to_token", "role"]
    data = trace[names].to_dataframe().reset_index(drop=True)
    for row, kind in enumerate(kinds, 1):
        edges = data[data["kind"] == kind]
        for line in _edges(edges, look(kind, colours)[0], colours):
            chart.add_trace(line, row, 1)
        chart.add_trace(_nodes(trace, edges, kind, labels, colours), row, 1)
        chart.update_yaxes(range=[-0.35, float(levels[row - 1]) + 0.35], row=row, col=1)
    layout = colours.layout(height=int(ROW * (levels.sum() + len(kinds)) + GAP * len(kinds) + 60))
    chart.update_layout({name: layout[name] for name in layout if "axis" not in name},
                        showlegend=False, margin={"l": 8, "r": 8, "t": 30, "b": 8})
    chart.update_xaxes(**layout["xaxis"])
    chart.update_xaxes(range=[-0.6, len(labels) - 0.4], showgrid=False, tickvals=[])
    chart.update_xaxes(
        tickvals=list(range(len(labels))), ticktext=[shown(label, 12) for label in labels],
        tickfont={"family": "monospace"}, row=len(kinds), col=1)
    chart.update_yaxes(**layout["yaxis"])
    chart.update_yaxes(visible=False)
    chart.update_annotations(font={"size": 13, "color": colours.muted}, x=0, xanchor="left")
    said = _("Each row of points is a layer, the lowest the sentence; a line is a dependency of a "
             "real layer (its gradient is not 0). Thick: the shortest way from “{source}” to the "
             "answer at “{target}”; the rest of what reaches that answer stands out from what does "
             "not.", source=_cut(labels[trace.attrs["source"]]),
             target=_cut(labels[trace.attrs["target"]]))
    if all > len(labels):
        said += " " + _("The first {count} of {all} tokens.", count=len(labels), all=f"{all:,}")
    return Figure(chart, data, said, said, "reach")


def _title(trace: xr.Dataset, kind: str) -> str:
    here = trace.sel(network=kind)
    path, needed, field = (int(here[name]) for name in ("path", "needed", "field"))
    seen = _("{field} of {all} tokens reach it", field=field, all=trace.attrs["tokens"])
    if path < 0:
        way = (_("no way: it takes {needed} layers", needed=needed) if needed > 0 else
               _("no way, however many layers"))
    elif kind in ("cnn", "dilated"):
        way = _("way of {needed} layers", needed=needed)
    else:
        way = _("way of {count} steps", count=path) if path > 1 else _("way of one step")
    return f"<b>{_(NAMES[kind])}</b> · {way} · {seen}"


def _edges(edges: pd.DataFrame, colour: str, colours: Palette) -> list[go.Scatter]:
    """One line trace for each role, its pieces apart by a gap."""
    found = []
    for role, (width, opacity) in EDGES.items():
        some = edges[edges["role"] == role]
        gap = np.full(len(some), np.nan)
        x = np.stack([some["from_token"], some["to_token"], gap], 1).ravel()
        y = np.stack([some["from_level"], some["to_level"], gap], 1).ravel()
        ink = (colours.border, colours.muted, colour)[role]
        found.append(go.Scatter(x=x, y=y, mode="lines", opacity=opacity, hoverinfo="skip",
                                line={"color": ink, "width": width}, name=str(role)))
    return found


def _nodes(
    trace: xr.Dataset, edges: pd.DataFrame, kind: str, labels: Sequence[str], colours: Palette
) -> go.Scatter:
    """The tokens and the answers of each layer: in colour where the way goes,
    strong where another might."""
    way = {(int(row[f"{end}_level"]), int(row[f"{end}_token"]))
           for _at, row in edges[edges["role"] == 2].iterrows() for end in ("from", "to")}
    some = edges[edges["role"] > 0]
    field = {(int(level), int(token)) for end in ("from", "to")
             for level, token in zip(some[f"{end}_level"], some[f"{end}_token"], strict=True)}
    places = [(level, token) for level in range(int(trace["levels"].sel(network=kind)) + 1)
              for token in range(len(labels))]
    ink = [look(kind, colours)[0] if place in way else
           colours.muted if place in field else colours.border for place in places]
    said = [_("layer {layer}", layer=level) + f" · {shown(labels[token])}" if level else
            shown(labels[token]) for level, token in places]
    return go.Scatter(
        x=[token for _level, token in places], y=[level for level, _token in places], text=said,
        mode="markers", hovertemplate="%{text}<extra></extra>",
        marker={"color": ink, "size": [9 if place in way else 6 for place in places]})


def _cut(label: str) -> str:
    """A token within a sentence: not too long, blanks visible."""
    return unescape(shown(label, 24))


def reached(trace: xr.Dataset, labels: Sequence[str]) -> list[str]:
    """How far the two tokens are apart in each network."""
    at, to = trace.attrs["source"], trace.attrs["target"]
    here = {str(kind): trace.sel(network=kind) for kind in trace["network"].values}
    steps = int(here["rnn"]["path"])
    said = [_("From “{source}” to “{target}” the RNN takes **{steps} steps**, self-attention "
              "**{one}**.", source=_cut(labels[at]), target=_cut(labels[to]),
              steps=steps, one=int(here["attention"]["path"]))]
    plain, wide = int(here["cnn"]["needed"]), int(here["dilated"]["needed"])
    if wide > 0:
        said.append(_("A CNN with kernel {k} needs **{plain} layers** for it, and {wide} when the "
                      "dilation grows {growth}-fold with each.", k=trace.attrs["k"], plain=plain,
                      wide=wide, growth=trace.attrs["growth"]))
    else:
        said.append(_("A CNN with kernel {k} needs **{plain} layers** for it. When the dilation "
                      "grows {growth}-fold with each layer, faster than the kernel is wide, it "
                      "skips this token: no depth helps.", k=trace.attrs["k"], plain=plain,
                      growth=trace.attrs["growth"]))
    if int(here["cnn"]["path"]) < 0:
        said.append(_("With {layers} layers the plain CNN sees {field} tokens there, and not this "
                      "one.", layers=trace.attrs["layers"], field=int(here["cnn"]["field"])))
    if trace.attrs["tokens"] == 1:
        said.append(_("One token has nobody to be told by: write a longer sentence."))
    return said


def crossing(
    x: NDArray[np.float64], one: NDArray[np.float64], other: NDArray[np.float64]
) -> float:
    """Where `one` comes to lie above `other` for good, interpolated on log axes; NaN where it does
    not: it is below at the end, or above from the beginning."""
    lead = np.log(np.asarray(one, float)) - np.log(np.asarray(other, float))
    below = np.flatnonzero(lead <= 0)
    if not len(below) or below[-1] == len(lead) - 1:
        return float("nan")
    i = int(below[-1])
    share = -lead[i] / (lead[i + 1] - lead[i])
    left, right = np.log(float(x[i])), np.log(float(x[i + 1]))
    return float(np.exp(left + share * (right - left)))


@view("layer operations", "formula")
def operations(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Operations of each layer over the length, on log axes: a line by the formula, and marks for
    what is counted, with and without the products that see one token each."""
    colours = palette(theme)
    chart = make_subplots(1, 2, horizontal_spacing=0.09, shared_yaxes=True, subplot_titles=[
        _("between tokens"), _("all products")])
    x = trace["length"].values
    for kind in map(str, trace["layer"].values):
        colour, dash, marker = look(kind, colours)
        here = trace.sel(layer=kind)
        every = here["mixing"] + here["apart"]
        lines: list[tuple[Any, int, dict[str, Any]]] = [
            (here["formula"], 1, {"mode": "lines", "showlegend": False}),
            (here["mixing"], 1, {"mode": "markers", "showlegend": False}),
            (every, 2, {"mode": "lines+markers"})]
        for values, column, how in lines:
            chart.add_trace(go.Scatter(
                x=x, y=values.values, name=_(NAMES[kind]), legendgroup=kind,
                line={"color": colour, "dash": dash, "width": 2},
                marker={"symbol": marker, "size": 7, "color": colour},
                hovertemplate="n = %{x:,}: %{y:.3s} FLOPs", **how), row=1, col=column)
    layout = colours.layout(height=360)
    chart.update_layout({name: layout[name] for name in layout if "axis" not in name},
                        legend=LEGEND | {"y": 1.12}, margin={"l": 8, "r": 8, "t": 40, "b": 8})
    chart.update_xaxes(**layout["xaxis"])
    chart.update_yaxes(**layout["yaxis"])
    chart.update_xaxes(type="log", tickvals=x[::2], tickformat=",",
                       title={"text": _("tokens, n")})
    chart.update_yaxes(type="log", exponentformat="power", dtick=1, tickfont={"size": 12})
    chart.update_yaxes(title={"text": _("FLOPs")}, row=1, col=1)
    chart.add_vline(trace.attrs["n"], line={"color": colours.muted, "width": 1, "dash": "dot"})
    chart.update_annotations(font={"size": 13, "color": colours.muted})
    said = _("One layer of width {d}, kernel {k}. Left, lines: the formula, which leaves out "
             "constants; marks: the products between tokens as counted, a multiplication and an "
             "addition as two. Right: with the products that see one token each. Upright: n = {n}.",
             d=trace.attrs["d"], k=trace.attrs["k"], n=f"{trace.attrs['n']:,}")
    names = ["formula", "mixing", "apart", "steps", "chain", "path"]
    data = trace[names].to_dataframe().reset_index()[["layer", "length", *names]]
    return Figure(chart, data, said, said, "operations")


def table(trace: xr.Dataset) -> dict[str, list[str]]:
    """Table 1 with its numbers at n: a row for each layer."""
    here = trace.sel(length=trace.attrs["n"])
    kinds = [str(kind) for kind in here["layer"].values]
    one = {kind: here.sel(layer=kind) for kind in kinds}
    return {
        _("layer"): [_(NAMES[kind]) for kind in kinds],
        _("formula"): [FORMULAS[kind] for kind in kinds],
        _("its number"): [_number(one[kind]["formula"]) for kind in kinds],
        _("FLOPs between tokens"): [
            f"{_number(one[kind]['mixing'])} (× {_ratio(one[kind])})" for kind in kinds],
        _("FLOPs apart"): [_number(one[kind]["apart"]) for kind in kinds],
        _("steps"): [_number(one[kind]["steps"]) for kind in kinds],
        _("chain of products"): [_number(one[kind]["chain"]) for kind in kinds],
        _("path"): [_number(one[kind]["path"]) + PATHS[kind] for kind in kinds],
    }


FORMULAS = {"rnn": "n·d²", "gru": "n·d²", "lstm": "n·d²", "cnn": "k·n·d²", "dilated": "k·n·d²",
            "attention": "n²·d"}
PATHS = {"rnn": " (n)", "gru": " (n)", "lstm": " (n)", "cnn": " (⌈(n−1)/(k−1)⌉)",
         "dilated": " (⌈logₖ n⌉)", "attention": ""}


def _number(value: Any) -> str:
    return f"{int(value):,}"


def _ratio(here: xr.Dataset) -> str:
    return f"{float(here['mixing'] / here['formula']):g}"


def counts(trace: xr.Dataset) -> list[str]:
    """Which layer computes most at n, and where the curves cross."""
    here = trace.sel(length=trace.attrs["n"])
    mixing = {str(kind): int(here["mixing"].sel(layer=kind)) for kind in here["layer"].values}
    most, least = max(mixing, key=mixing.__getitem__), min(mixing, key=mixing.__getitem__)
    x = trace["length"].values
    said = [_("At n = {n} and d = {d}, between tokens **{most}** computes most, {high} FLOPs, and "
              "**{least}** least, {low}.", n=f"{trace.attrs['n']:,}", d=trace.attrs["d"],
              most=_(NAMES[most]), high=_number(mixing[most]), least=_(NAMES[least]),
              low=_number(mixing[least]))]
    for kind in ("rnn", "lstm"):
        by = {name: crossing(x, *(_sum(trace, each, name) for each in ("attention", kind)))
              for name in ("formula", "mixing", "all")}
        said.append(_("Self-attention comes to more than the **{kind}** by the formula {formula}, "
                      "by the products between tokens {mixing}, by all products {all}.",
                      kind=_(NAMES[kind]), **{
                          name: _about(at, _sum(trace, "attention", name),
                                       _sum(trace, kind, name)) for name, at in by.items()}))
    chains = here["chain"]
    said.append(_("One after the other: {rnn} products in the RNN, whatever the machine; "
                  "{attention} in self-attention, {cnn} in a CNN.",
                  rnn=_number(chains.sel(layer="rnn")), cnn=_number(chains.sel(layer="cnn")),
                  attention=_number(chains.sel(layer="attention"))))
    return said


def _sum(trace: xr.Dataset, kind: str, name: str) -> NDArray[np.float64]:
    here = trace.sel(layer=kind)
    values = here["mixing"] + here["apart"] if name == "all" else here[name]
    return np.asarray(values.values, float)


def _about(at: float, one: NDArray[np.float64], other: NDArray[np.float64]) -> str:
    """A crossing in words: a length, or that it lies outside of those that were looked at."""
    if np.isfinite(at):
        return _("beyond {n} tokens", n=f"{at:,.0f}")
    return _("at every length") if one[0] > other[0] else _("at none of these lengths")
