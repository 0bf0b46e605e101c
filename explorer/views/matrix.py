"""A matrix as it is: its values as colours, its name and its shape above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.views.figure import shown
from explorer.views.palette import Palette, contrast

WRITTEN = 10  # rows, or columns: of no more the numbers are written into their cells
NAMED = 1_500  # cells: of no more each says its own names; of more they would fill the message
TICKS = 24  # names along an axis: of more every second, third, … is written
HIDDEN = "−∞"
ROW = 15  # pixels, of many rows
SHORTEST, TALLEST = 200, 460  # pixels

Array = NDArray[Any]


class Axis(NamedTuple):
    """What stands along one side: a name for each row or column, or their number alone (`names`
    empty); `framed` is the one that is looked at, if one is."""

    names: Sequence[str] = ()
    framed: int | None = None


def matrix(
    values: Array, title: str, rows: Axis, columns: Axis, signed: bool, reach: float,
    colours: Palette, tallest: int = TALLEST,
) -> go.Figure:
    """values (rows, columns) as a heatmap from −reach to reach if signed, else from 0 to reach;
    −∞ is left blank and marked. Cells are counted from 1. title: HTML of ours."""
    high, wide = values.shape
    finite = np.where(np.isfinite(values), values, np.nan)
    few = max(high, wide) <= WRITTEN
    across, down = _called(columns, wide), _called(rows, high)
    named = values.size <= NAMED
    chart = go.Figure(go.Heatmap(
        z=finite, x=list(range(1, wide + 1)), y=list(range(1, high + 1)), hoverongaps=False,
        customdata=[[f"{row}, {column}" for column in across] for row in down] if named else None,
        hovertemplate=("%{customdata}" if named else "%{y}, %{x}") + "<br>%{z:.4f}<extra></extra>",
        zmin=-reach if signed else 0, zmax=reach, colorscale=colours.scale(signed),
        showscale=False, xgap=int(few), ygap=int(few)))
    _write(chart, values, signed, reach, colours, few)
    height = min(tallest, max(SHORTEST, ROW * high + 70))
    chart.update_layout(colours.layout(height))
    chart.update_layout(
        title={"text": title, "x": 0, "xanchor": "left", "y": 1, "yanchor": "top",
               "yref": "container", "pad": {"t": 4}, "font": {"size": 15, "color": colours.text}},
        margin={"l": 4, "r": 4, "t": 30, "b": 4}, showlegend=False)
    turned = max((len(name) for name in columns.names), default=0) > 1
    chart.update_xaxes(_ticks(columns, wide, across), tickangle=-60 if turned else 0,
                        range=[0.5, wide + 0.5])
    chart.update_yaxes(_ticks(rows, high, down), range=[high + 0.5, 0.5])
    for axis, (place, count, other) in {"y": (rows.framed, high, wide),
                                        "x": (columns.framed, wide, high)}.items():
        if place is not None and 0 <= place < count:
            along = {"x": "y", "y": "x"}[axis]
            chart.add_shape(type="rect", line={"color": colours.primary, "width": 2}, **{
                f"{axis}0": place + 0.5, f"{axis}1": place + 1.5,
                f"{along}0": 0.5, f"{along}1": other + 0.5})
    return chart


def _called(axis: Axis, count: int) -> list[str]:
    return [shown(name, 10) for name in axis.names] or [str(i + 1) for i in range(count)]


def _ticks(axis: Axis, count: int, names: list[str]) -> dict[str, Any]:
    """Names of tokens stand along a side; mere numbers are said as one points at them."""
    every = -(-count // TICKS)
    places = list(range(0, count, every)) if axis.names else []
    return {"tickvals": [place + 1 for place in places],
            "ticktext": [names[place] for place in places], "showgrid": False,
            "tickfont": {"family": "monospace", "size": 11}, "automargin": True}


def _write(
    chart: go.Figure, values: Array, signed: bool, reach: float, colours: Palette, few: bool
) -> None:
    """The numbers, where they are few; a small cross where the mask hides one."""
    hidden = np.isinf(values)
    rows, columns = np.indices(values.shape) if few else np.nonzero(hidden)
    inks, said = [], []
    for value in values[rows, columns].ravel():
        shade = colours.background if np.isinf(value) else colours.shade(
            value if signed else value / reach, signed, reach)
        inks.append(colours.muted if np.isinf(value) else max(
            (colours.text, colours.background), key=lambda ink: contrast(ink, shade)))
        said.append(HIDDEN if np.isinf(value) else f"{value + 0.0:.1f}" if signed
                    else f"{value:.2f}".lstrip("0") or "0")
    chart.add_trace(go.Scatter(
        x=columns.ravel() + 1, y=rows.ravel() + 1, mode="text" if few else "markers", text=said,
        textfont={"color": inks, "size": 10}, hoverinfo="skip",
        marker={"symbol": "x-thin", "size": 4, "line": {"width": 1, "color": colours.muted}}))


def tidy(values: Array) -> dict[str, Array]:
    """One row a cell: `row` and `column` from 1, `value`."""
    rows, columns = np.indices(values.shape)
    return {"row": rows.ravel() + 1, "column": columns.ravel() + 1, "value": values.ravel()}
