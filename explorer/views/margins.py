"""Room for what stands beside the axes of a Plotly chart, before it is drawn. Plotly widens margins
that are too small by itself, but draws the whole chart a second time then, which doubles the wait.
"""

from __future__ import annotations

import re
from html import unescape
from math import cos, radians, sin
from typing import Any
from unicodedata import east_asian_width

import plotly.graph_objects as go

SIZE = 13  # of letters, in pixels, where an axis says nothing else
NUMBERS = 34  # pixels for numbers where Plotly chooses the marks: charts one below the other align
LINE = 1.3  # of a line of letters, in their size
BESIDE, BELOW = 9, 11  # pixels between an axis and the edge, but for its labels and its title
LETTER, MONOSPACE, WIDE = 0.53, 0.62, 1.05  # of a letter, in its size
MOST = 120  # pixels: on a telephone a long name must not take the picture's room by an estimate
EDGE = 1e-3
MARKUP = re.compile("<[^>]*>")


def width(label: str, size: float, monospace: bool = False) -> float:
    """About how many pixels a text takes, rather too many than too few."""
    narrow = MONOSPACE if monospace else LETTER
    return size * max(sum(WIDE if east_asian_width(letter) in "WF" else narrow
                          for letter in unescape(MARKUP.sub("", line)))
                      for line in label.split("<br>"))


def fit(chart: go.Figure) -> None:
    """Widen the margins of a chart so far that what its axes say has room."""
    layout = chart.layout
    needed = {"l": 0.0, "r": 0.0, "t": 0.0, "b": 0.0}
    for axis in (*chart.select_xaxes(), *chart.select_yaxes()):
        upright = axis.plotly_name.startswith("y")
        side = axis.side or ("left" if upright else "bottom")
        if axis.automargin and axis.visible is not False and _outer(layout, axis, side):
            room = _across(chart, axis) if upright else _down(chart, axis)
            needed[side[0]] = max(needed[side[0]], room + _title(axis))
    layout.margin.update({side: max(layout.margin[side] or 0, min(round(room), MOST))
                          for side, room in needed.items()})


def _outer(layout: Any, axis: Any, side: str) -> bool:
    """Whether an axis stands at the edge of the chart, not between two of its fields."""
    if axis.anchor in (None, "free"):
        return True
    other = layout[f"{axis.anchor[0]}axis{axis.anchor[1:]}"]
    low, high = other.domain or (0.0, 1.0)
    return bool(high > 1 - EDGE if side in ("right", "top") else low < EDGE)


def _title(axis: Any) -> float:
    said = axis.title.text
    return LINE * (axis.title.font.size or SIZE) * (1 + said.count("<br>")) if said else 0.0


def _labels(chart: go.Figure, axis: Any) -> list[str] | None:
    """What is written at an axis; None: what Plotly chooses, numbers mostly."""
    if axis.showticklabels is False:
        return []
    if axis.tickvals is not None:
        said = axis.ticktext if axis.ticktext is not None else axis.tickvals
        return [str(label) for label, _place in zip(said, axis.tickvals, strict=False)]
    letter, number = axis.plotly_name[0], axis.plotly_name[5:]
    for trace in chart.data:
        if f"{letter}axis" in trace and (trace[f"{letter}axis"] or letter) == letter + number:
            values = trace[letter]
            if values is not None and len(values) and isinstance(values[0], str):
                return list(dict.fromkeys(values))
    return None


def _font(axis: Any) -> tuple[float, bool]:
    return axis.tickfont.size or SIZE, axis.tickfont.family == "monospace"


def _across(chart: go.Figure, axis: Any) -> float:
    """Of an upright axis: the width of its widest label."""
    labels = _labels(chart, axis)
    if labels is None:
        return NUMBERS + BESIDE
    return max((width(label, *_font(axis)) for label in labels), default=0.0) + BESIDE


def _down(chart: go.Figure, axis: Any) -> float:
    """Of a level axis: the height of its tallest label, as it is turned."""
    labels, (size, monospace) = _labels(chart, axis), _font(axis)
    if labels == []:
        return BELOW
    turned = abs(radians(axis.tickangle or 0))
    longest = max((width(label, size, monospace) for label in labels or ()), default=0.0)
    return longest * sin(turned) + LINE * size * cos(turned) + BELOW
