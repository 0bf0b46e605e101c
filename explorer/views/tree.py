"""The tree of a search. Which of its nodes stand in the picture, where, and how each looks; the
page's own tree and the figure that one takes away are drawn from the same.

Kept: a circle, a full line. Pruned: a small ring, dashed. Finished: a square. Best: a star, and a
thick line all the way to it. The reference: a dotted line.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.views.figure import Figure, shown, view
from explorer.views.palette import Palette, Theme, palette
from explorer.words import N_, _

LANES = 12  # nodes of a level that stand in the picture at once, at most, unless more are kept
SHALLOW = 8  # levels up to which pruned continuations fill up the lanes
GAP = 1.0  # between two nodes of a level
NAMES = {"kept": N_("kept"), "pruned": N_("pruned"), "finished": N_("finished"),
         "best": N_("the best"), "cut": N_("cut off")}
METHOD_NAMES = {"greedy": N_("Greedy search"), "beam": N_("Beam search"),
                "exhaustive": N_("Exhaustive search"), "sampling": N_("Sampling")}


class Look(NamedTuple):
    colour: str
    marker: str
    size: float
    dash: str
    width: float


def look(state: str, colours: Palette) -> Look:
    """How a node, and the line to it, is drawn everywhere."""
    return {
        "kept": Look(colours.text, "circle", 9, "solid", 1.4),
        "pruned": Look(colours.muted, "circle-open", 6, "dash", 0.9),
        "finished": Look(colours.categorical[1], "square", 10, "solid", 1.4),
        "cut": Look(colours.categorical[1], "square-open", 10, "solid", 1.4),
        "best": Look(colours.primary, "star", 15, "solid", 3.2),
    }[state]


def path(trace: xr.Dataset, node: int) -> list[int]:
    """The nodes from the root to one."""
    parents, found = trace["parent"].values, [int(node)]
    while found[-1] > 0:
        found.append(int(parents[found[-1]]))
    return found[::-1]


def written(trace: xr.Dataset, node: int) -> str:
    """The words up to a node, as one writes them."""
    words = [str(trace["label"].values[each]) for each in path(trace, node)[1:]]
    return str(trace.attrs["joint"]).join(words).strip()


def reference_path(trace: xr.Dataset) -> list[int]:
    """The nodes of the reference, as far as they are in the tree."""
    children = {(int(parent), int(token)): node for node, (parent, token) in enumerate(zip(
        trace["parent"].values, trace["token"].values, strict=True)) if node}
    found = [0]
    for token in trace["reference_token"].values if "reference_token" in trace else []:
        node = children.get((found[-1], int(token)))
        if node is None:
            break
        found.append(node)
    return found if len(found) > 1 else []


def tidy(trace: xr.Dataset) -> pd.DataFrame:
    """All nodes, a row each; `drawn_as` is the state, or "cut" of a sentence that the maximum
    length cut off (where no word ends a sentence, it is what finishes it); `visible`: whether it
    stands in the picture at first."""
    names = ["parent", "label", "token", "depth", "state", "log_probability", "total", "score",
             "rank", "margin", "more", "drawn", "forced", "expanded"]
    data = pd.DataFrame({name: trace[name].values for name in names})
    over = (data["depth"] == trace.attrs["longest"]) & (data["state"] == "kept")
    data["drawn_as"] = data["state"].mask(over, "cut" if trace.attrs["eos"] >= 0 else "finished")
    data["on_best"] = data.index.isin(path(trace, trace.attrs["best"]))
    data["on_reference"] = data.index.isin(reference_path(trace))
    data["visible"] = _visible(data)
    return data


def _visible(data: pd.DataFrame) -> NDArray[np.bool_]:
    """Level by level the kept, the likeliest first, then, in a tree that is not deep, what was
    pruned; what leads to the best sentence and to the reference in any case."""
    shallow = data["depth"].max() <= SHALLOW
    always = (data["on_best"] | data["on_reference"] | data["forced"]).to_numpy()
    pruned = (data["state"] == "pruned").to_numpy()
    found = always.copy()
    order = np.lexsort((-data["total"].to_numpy(), pruned, ~always, data["depth"].to_numpy()))
    parents, depths = data["parent"].to_numpy(), data["depth"].to_numpy()
    taken = np.zeros(int(depths.max()) + 1, int)
    for node in order:
        fits = taken[depths[node]] < LANES and (shallow or not pruned[node])
        if node and (always[node] or (fits and found[parents[node]])):
            found[node] = True
            taken[depths[node]] += 1
    return found


def placed(data: pd.DataFrame) -> NDArray[np.float64]:
    """How high each visible node stands, in lanes; NaN of the others. On each level nodes keep the
    order of their parents and, below one parent, of their rank; each as near to its parent as the
    others let it."""
    heights = np.full(len(data), np.nan)
    heights[0] = 0.0
    for _depth, level in data[data["visible"] & (data["depth"] > 0)].groupby("depth"):
        family = level.groupby("parent").cumcount().to_numpy()
        many = level.groupby("parent")["parent"].transform("size").to_numpy()
        order = np.lexsort((level["rank"].to_numpy(), heights[level["parent"].to_numpy()]))
        wished = heights[level["parent"].to_numpy()[order]] + (
            family[order] - (many[order] - 1) / 2) * GAP
        own = wished.copy()
        for i in range(1, len(own)):
            own[i] = max(own[i], own[i - 1] + GAP)
        heights[level.index.to_numpy()[order]] = own + (wished - own).mean()
    return heights


def hidden(data: pd.DataFrame) -> pd.Series[int]:
    """How many continuations of each node were scored and do not stand in the picture."""
    listed = data[~data["visible"] & (data["depth"] > 0)].groupby("parent").size()
    found: pd.Series[int] = data["more"].add(listed, fill_value=0).astype(int)
    return found


@view("tree", "parent")
def tree(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """The tree, level by level from left to right."""
    colours, data = palette(theme), tidy(trace)
    data["height"], data["hidden"] = placed(data), hidden(data)
    chart = go.Figure()
    drawn = data[data["visible"]]
    for state in ("pruned", "kept", "cut", "finished", "best"):
        some = drawn[drawn["drawn_as"].eq(state) & (drawn["depth"] > 0)]
        if len(some):
            _lines(chart, data, some, look(state, colours))
    marked = drawn[drawn["on_best"] & (drawn["depth"] > 0)]
    _lines(chart, data, marked, look("best", colours))
    _lines(chart, data, drawn[drawn["on_reference"] & (drawn["depth"] > 0)],
           Look(colours.categorical[0], "", 0, "dot", 2.4))
    for state in ("pruned", "kept", "cut", "finished", "best"):
        some = drawn[drawn["drawn_as"].eq(state) & (drawn["depth"] > 0)]
        if len(some):
            chart.add_trace(_nodes(some, state, colours))
    folded = drawn[drawn["hidden"] > 0]
    chart.add_trace(go.Scatter(
        x=folded["depth"] + 0.3, y=-folded["height"] - 0.42, mode="text", hoverinfo="skip",
        text=[f"+{count:,}" for count in folded["hidden"]], showlegend=False,
        textfont={"size": 10, "color": colours.muted}))
    _axes(chart, drawn, colours)
    caption, alt = _told(trace, drawn), _alt(trace, drawn)
    return Figure(chart, data.rename_axis("node").reset_index(), caption, alt, "tree")


def _lines(chart: go.Figure, data: pd.DataFrame, some: pd.DataFrame, how: Look) -> None:
    """A line to each of some nodes from its parent."""
    parents = data.loc[some["parent"]]
    nothing = np.full(len(some), np.nan)
    x = np.stack([parents["depth"], some["depth"], nothing], 1).ravel()
    y = -np.stack([parents["height"], some["height"], nothing], 1).ravel()
    chart.add_trace(go.Scatter(
        x=x, y=y, mode="lines", hoverinfo="skip", showlegend=False,
        line={"color": how.colour, "dash": how.dash, "width": how.width}))


def _nodes(some: pd.DataFrame, state: str, colours: Palette) -> go.Scatter:
    how = look(state, colours)
    said = [
        _("log P {total}, score {score}, of this word {own}", total=f"{total:.3f}",
          score=f"{score:.3f}", own=f"{own:.3f}")
        for total, score, own in zip(
            some["total"], some["score"], some["log_probability"], strict=True)]
    return go.Scatter(
        x=some["depth"], y=-some["height"], mode="markers+text", name=_(NAMES[state]),
        marker={"symbol": how.marker, "size": how.size, "color": how.colour},
        text=[shown(label, 10) for label in some["label"]], textposition="top center",
        textfont={"family": "monospace", "size": 11 if state == "pruned" else 12,
                  "color": colours.muted if state == "pruned" else colours.text},
        hovertext=said, hovertemplate="%{text} · %{hovertext}<extra></extra>")


def _axes(chart: go.Figure, drawn: pd.DataFrame, colours: Palette) -> None:
    lanes = drawn["height"].max() - drawn["height"].min() + 2
    chart.update_layout(
        colours.layout(height=int(min(900, max(260, 40 * lanes + 90)))),
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0})
    levels = range(1, int(drawn["depth"].max()) + 1)
    ticks = list(levels)[::max(1, len(levels) // 20)]
    chart.update_xaxes(title={"text": _("step")}, tickvals=ticks, showgrid=False,
                       range=[-0.3, max(levels) + 0.7])
    chart.update_yaxes(visible=False, range=[-drawn["height"].max() - 0.9,
                                             -drawn["height"].min() + 0.9])


def _told(trace: xr.Dataset, drawn: pd.DataFrame) -> str:
    about = trace.attrs
    said = _("{method}: {scored} continuations of {expanded} beginnings were scored; "
             "log P / L^{alpha:g} is corrected for length.",
             method=_(METHOD_NAMES[about["method"]]), scored=f"{about['scored']:,}",
             expanded=f"{about['expanded']:,}", alpha=about["length_penalty"])
    out = trace.sizes["node"] - len(drawn) + about["left_out"]
    if out > 0:
        said += " " + _("Left out: {count}, where “+n” says how many.", count=f"{out:,}")
    return said


def _alt(trace: xr.Dataset, drawn: pd.DataFrame) -> str:
    return _("A tree of {count} beginnings in {levels} levels. The best sentence: {best}, score "
             "{score}.", count=len(drawn) - 1, levels=int(drawn["depth"].max()),
             best=written(trace, trace.attrs["best"]), score=f"{trace.attrs['best_score']:.3f}")


def layers(data: pd.DataFrame) -> dict[str, Any]:
    """The nodes as columns of plain data, for a component that draws them itself."""
    def rounded(name: str) -> list[float | None]:
        return [float(f"{value:.5g}") if np.isfinite(value) else None for value in data[name]]

    whole = {name: data[name].astype(int).tolist()
             for name in ("parent", "depth", "rank", "more", "drawn", "forced", "visible",
                          "on_best", "on_reference", "expanded")}
    return whole | {name: rounded(name) for name in
                    ("log_probability", "total", "score", "margin")} | {
        "label": data["label"].astype(str).tolist(), "state": data["drawn_as"].tolist()}
