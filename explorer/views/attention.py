"""Who looks at what: scores and weights of queries over keys as heatmaps, and what comes of them.

For any trace whose `scores` or `attention` lie over (query, key), with layers, heads or not. What
stands along the axes is in `query_label` and `key_label`, where the trace has them.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.views.figure import Figure, shown, view
from explorer.views.gates import CELLS
from explorer.views.palette import Palette, Theme, contrast, palette
from explorer.words import _

ROOMY = 8  # columns: of more the numbers are set small, so that they fit on a phone
WRITTEN = 12  # rows, or columns: of no more the numbers are written into their cells
WIDEST = 200  # queries, and keys, that are drawn
TICKS = 24  # names along an axis: of more every second, third, … is written
ROW = 40  # pixels, of few rows
HIDDEN = "−∞"

Array = NDArray[Any]


def plane(trace: xr.Dataset, name: str, layer: int = 0, head: int = 0) -> Array:
    """One observation over (query, key), of one layer and head where there are several."""
    values: Array = trace[name].isel(layer=layer, head=head, missing_dims="ignore").values
    return values


def labels(trace: xr.Dataset, axis: str, letter: str) -> list[str]:
    """What the queries or the keys are called."""
    name = f"{axis}_label"
    if name in trace:
        return [str(label) for label in trace[name].values]
    return [f"{letter}{i + 1}" for i in range(trace.sizes[axis])]


@view("attention", "attention")
def attention(
    trace: xr.Dataset,
    layer: int = 0,
    head: int = 0,
    query: int | None = None,
    reach: float = 1.0,
    tallest: int = 640,
    theme: Theme = "light",
) -> Figure:
    """The weights of each query over the keys (query × key). query: is framed. reach: the end of
    the scale, where 1 would leave all of them pale. tallest: pixels."""
    drawn = plane(trace, "attention", layer, head)[:WIDEST, :WIDEST]
    colours = palette(theme)
    chart = _heatmap(trace, drawn, query, colours, "α")
    chart.update_layout(height=min(tallest, chart.layout.height))
    _colour(chart, drawn, colours, False, reach)
    top = _("Weights of {queries} queries over {keys} keys, each row a softmax.",
            queries=len(drawn), keys=drawn.shape[1])
    if len(drawn) and not drawn.any(-1).all():
        top += " " + _("A row of zeros sees nothing: all its keys are hidden.")
    if reach < 1:
        top += " " + _("The scale ends at {reach}, the largest weight.", reach=f"{reach:.2g}")
    said = top + _cropped(trace, drawn)
    return Figure(chart, _tidy(trace, drawn, "attention"), said, _alt(said, drawn), "attention")


@view("scores", "scores")
def scores(
    trace: xr.Dataset,
    layer: int = 0,
    head: int = 0,
    query: int | None = None,
    theme: Theme = "light",
) -> Figure:
    """The scores before the softmax (query × key); those that the mask hides are left blank."""
    drawn = plane(trace, "masked" if "masked" in trace else "scores", layer, head)
    drawn = drawn[:WIDEST, :WIDEST]
    open_ = np.where(np.isfinite(drawn), drawn, np.nan)
    most = float(np.abs(plane(trace, "scores", layer, head)).max(initial=1e-6))
    colours = palette(theme)
    chart = _heatmap(trace, open_, query, colours, _("score"))
    _colour(chart, drawn, colours, True, most)
    hidden = int(np.isinf(drawn).sum())
    said = _("Scores of {queries} queries for {keys} keys.", queries=len(drawn),
             keys=drawn.shape[1])
    if hidden:
        said += " " + _("The mask hides {hidden} of them: {sign} before the softmax is 0 after it.",
                        hidden=hidden, sign=HIDDEN)
    said += _cropped(trace, drawn)
    return Figure(chart, _tidy(trace, drawn, "score"), said, _alt(said, open_), "scores")


@view("context", "context")
def context(trace: xr.Dataset, query: int | None = None, theme: Theme = "light") -> Figure:
    """What each query gets: the weighted sum of the values (query × feature)."""
    drawn: Array = trace["context"].values[:WIDEST, :WIDEST]
    most = max(float(np.abs(drawn).max()), 1e-6)
    if "v" in trace:  # one domain for what is mixed and what comes of it
        most = max(most, float(np.abs(trace["v"].values).max()))
    colours = palette(theme)
    chart = _heatmap(trace, drawn, query, colours, "c",
                     [f"v{i + 1}" for i in range(drawn.shape[1])])
    _colour(chart, drawn, colours, True, most)
    chart.update_xaxes(title={"text": _("number of the value")})
    said = _("What {queries} queries get: each row the sum of all values, by its weights.",
             queries=len(drawn))
    data = pd.DataFrame({
        "query": np.repeat(labels(trace, "query", "q")[: len(drawn)], drawn.shape[1]),
        "feature": np.tile(np.arange(1, drawn.shape[1] + 1), len(drawn)),
        "context": drawn.ravel()})
    return Figure(chart, data, said, _alt(said, drawn), "context")


def _heatmap(
    trace: xr.Dataset,
    drawn: Array,
    query: int | None,
    colours: Palette,
    letter: str,
    columns: list[str] | None = None,
) -> go.Figure:
    """The cells, with their numbers where they are few, and their names along the axes."""
    rows, wide = drawn.shape
    assert drawn.size <= CELLS
    named = [shown(label, 12) for label in labels(trace, "query", "q")[:rows]]
    across = [shown(label, 12) for label in columns or labels(trace, "key", "k")[:wide]]
    few = max(rows, wide) <= WRITTEN
    cells = go.Heatmap(
        z=drawn, x=list(range(wide)), y=list(range(rows)), hoverongaps=False,
        customdata=[[f"{row} → {column}" for column in across] for row in named],
        hovertemplate="%{customdata}<br>" + letter + " = %{z:.4f}<extra></extra>",
        xgap=1 if few else 0, ygap=1 if few else 0)
    chart = go.Figure(cells)
    chart.update_layout(colours.layout(height=min(640, max(180, ROW * rows + 90))))
    font = {"family": "monospace", "size": 12 if few else 11}
    longest = max((len(label) for label in across), default=0)
    chart.update_xaxes(
        tickvals=list(range(0, wide, -(-wide // TICKS))), ticktext=across[:: -(-wide // TICKS)],
        tickfont=font, tickangle=0 if longest * min(wide, TICKS) <= 40 else -60, showgrid=False,
        side="top", title={"text": _("key")})
    chart.update_yaxes(
        tickvals=list(range(0, rows, -(-rows // TICKS))), ticktext=named[:: -(-rows // TICKS)],
        tickfont=font, showgrid=False, autorange="reversed", title={"text": _("query")})
    if query is not None and query < rows:
        chart.add_shape(type="rect", x0=-0.5, x1=wide - 0.5, y0=query - 0.5, y1=query + 0.5,
                        line={"color": colours.primary, "width": 2})
    return chart


def _colour(
    chart: go.Figure, drawn: Array, colours: Palette, signed: bool, reach: float
) -> None:
    """The colours of the cells, and on them their numbers where they are few; where the mask hides
    one, −∞."""
    low, middle = (-reach, 0.0) if signed else (0.0, reach / 2)
    chart.update_traces(
        zmin=low, zmax=reach, colorscale=colours.scale(signed), colorbar={
            "thickness": 8, "outlinewidth": 0, "len": 0.9, "tickvals": [low, middle, reach],
            "ticktext": [f"{place:.3g}" for place in (low, middle, reach)],
            "tickfont": {"color": colours.muted, "size": 11}})
    few = max(drawn.shape) <= WRITTEN
    rows, columns = np.indices(drawn.shape) if few else np.nonzero(np.isinf(drawn))
    inks, said = [], []
    for value in drawn[rows, columns].ravel():
        hidden = np.isinf(value)
        shade = colours.shade(value if signed else value / reach, signed, reach)
        inks.append(colours.muted if hidden else max(
            (colours.text, colours.background), key=lambda ink: contrast(ink, shade)))
        said.append(HIDDEN if hidden else _short(f"{value + 0.0:.2f}", drawn.shape[1]))
    chart.add_trace(go.Scatter(
        x=columns.ravel(), y=rows.ravel(), mode="text" if few else "markers", text=said,
        textfont={"color": inks, "size": 12 if drawn.shape[1] <= ROOMY else 10},
        showlegend=False, hoverinfo="skip",
        marker={"symbol": "x-thin", "size": 5, "line": {"width": 1, "color": colours.muted}}))


def _short(number: str, columns: int) -> str:
    """A number as a narrow cell has room for: .76 for 0.76."""
    return number if columns <= ROOMY else re.sub(r"^(-?)0\.", r"\1.", number)


def _tidy(trace: xr.Dataset, drawn: Array, name: str) -> pd.DataFrame:
    """One row a cell."""
    rows, wide = drawn.shape
    return pd.DataFrame({
        "query": np.repeat(np.arange(rows), wide), "key": np.tile(np.arange(wide), rows),
        "query_label": np.repeat(labels(trace, "query", "q")[:rows], wide),
        "key_label": np.tile(labels(trace, "key", "k")[:wide], rows), name: drawn.ravel()})


def _cropped(trace: xr.Dataset, drawn: Array) -> str:
    rows, wide = trace.sizes["query"], trace.sizes["key"]
    if drawn.shape == (rows, wide):
        return ""
    return " " + _("Drawn: the first {rows} of {queries} queries, the first {columns} of {keys} "
                   "keys.", rows=drawn.shape[0], queries=rows, columns=drawn.shape[1], keys=wide)


def _alt(said: str, drawn: Array) -> str:
    seen = drawn[np.isfinite(drawn)]
    if not seen.size:
        return said
    low, high = f"{seen.min():.2f}", f"{seen.max():.2f}"
    return said + " " + _("From {low} to {high}.", low=low, high=high)


def looks(trace: xr.Dataset, query: int) -> list[str]:
    """What one query looks at, and how sharply. For a trace over (query, key)."""
    weights = plane(trace, "attention")[query]
    name = labels(trace, "query", "q")[query]
    keys = labels(trace, "key", "k")
    seen = int(np.isfinite(trace["masked"].values[query]).sum())
    if not weights.any():
        return [_("The mask hides every key from {query}: all its weights are 0, and so is what it "
                  "gets. A softmax without the mask could not do that: its weights always sum to "
                  "1.", query=name)]
    best = int(weights.argmax())
    entropy = -float((weights[weights > 0] * np.log(weights[weights > 0])).sum())
    said = [
        _("**{query} looks at {key}** most, with a weight of {weight}.", query=name,
          key=keys[best], weight=f"{weights[best]:.2f}")
        if np.isclose(weights, weights[best]).sum() == 1 else
        _("**{query}** has no favourite: its largest weight, {weight}, goes to several keys alike.",
          query=name, weight=f"{weights[best]:.2f}"),
        _("Its weights are as spread as if {count} of {seen} keys shared them evenly.",
          count=f"{np.exp(entropy):.2f}", seen=seen)]
    if seen < len(keys):
        said.append(_("The mask leaves it {seen} of {count} keys; the others get exactly 0.",
                      seen=seen, count=len(keys)))
    top = int(trace["scores"].values[query].argmax())
    if np.isinf(trace["masked"].values[query, top]):
        said.append(_("The best score is that of {key}, which is hidden: the mask counts before "
                      "the softmax, so the others share all the weight.", key=keys[top]))
    return said
