"""The segments that a text is cut into when the chain through time is. A way to cut has one colour,
marker and dash in all pictures.
"""

from __future__ import annotations

from html import unescape
from typing import Any, NamedTuple
from unicodedata import east_asian_width

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.views.figure import Figure, shown, view
from explorer.views.palette import Palette, Theme, mix, palette
from explorer.words import N_, _

LINE = 32  # letters of a line
LINES = 3  # drawn at most
HEIGHT = 26  # pixels of a row of segments
NAMES = {"full": N_("full"), "regular": N_("regular"), "randomised": N_("randomised")}

Array = NDArray[Any]


class Look(NamedTuple):
    colour: str
    marker: str
    dash: str


def look(kind: str, colours: Palette) -> Look:
    """How a way to cut is drawn everywhere."""
    return {
        "full": Look(colours.text, "circle", "solid"),
        "regular": Look(colours.categorical[3], "diamond", "dash"),
        "randomised": Look(colours.categorical[4], "x", "dot"),
    }[kind]


def reach(link: Array) -> NDArray[np.int64]:
    """How many tokens back the error of each token is followed: to the last cut, or the start.
    link: ξ (token,)."""
    places = np.arange(len(link))
    starts = np.where((np.asarray(link) == 0) | (places == 0), places, 0)
    found: NDArray[np.int64] = places - np.maximum.accumulate(starts)
    return found


@view("segments", "links")
def segments(trace: xr.Dataset, draw: int = 0, theme: Theme = "light") -> Figure:
    """The text's first tokens, three times: cut at random places, regularly, not at all. Each box
    is a segment, inside which errors are followed back. draw: which of the random ones."""
    colours = palette(theme)
    labels = [str(label) for label in trace["label"].values]
    places = _set(labels)
    labels, lines = labels[: len(places)], int(places["line"].max()) + 1
    rows = {"randomised": trace["links"].values[draw], "regular": trace["link"].values[1],
            "full": trace["link"].values[0]}
    parts, chart = [], go.Figure()
    for row, (kind, link) in enumerate(rows.items()):
        part = _segmented(kind, link[: len(labels)], labels).join(places)
        part["y"] = -part["line"] * (len(rows) + 0.6) - row
        parts.append(part)
        chart.add_trace(_letters(part, look(kind, colours)))
        _boxes(chart, part, look(kind, colours), colours)
    data = pd.concat(parts, ignore_index=True)
    chart.update_layout(colours.layout(height=round(lines * 3.6 * HEIGHT + 24)), showlegend=False)
    chart.update_xaxes(visible=False, range=[-0.2, LINE + 0.2], fixedrange=True)
    ticks = data.drop_duplicates("y")
    chart.update_yaxes(tickvals=ticks["y"], ticktext=[_(NAMES[kind]) for kind in ticks["way"]],
                       showgrid=False, range=[data["y"].min() - 0.6, 0.6], fixedrange=True)
    caption = _(
        "Three ways to cut the chain of the first {count} of {tokens} tokens; randomised: draw "
        "{draw} of {draws}. In a box, the error of each token is followed back to the left edge.",
        count=len(labels), tokens=trace.attrs["tokens"], draw=draw + 1, draws=trace.attrs["draws"])
    if trace.attrs["of"] > trace.attrs["tokens"]:
        caption += " " + _("Of the text's {of} tokens the first {tokens} are read.",
                           of=trace.attrs["of"], tokens=trace.attrs["tokens"])
    said = data.drop(columns=["line", "left", "right", "y"])
    return Figure(chart, said, caption, _alt(data), "segments")


def _set(labels: list[str]) -> pd.DataFrame:
    """Where each token stands, set in lines like print, until `LINES` are full: line, and its left
    and right edge in letters."""
    found: list[tuple[int, float, float]] = []
    line, right = 0, 0.0
    for label in labels:
        text = unescape(shown(label, 6))
        wide = sum(1.7 if east_asian_width(sign) in "WF" else 1.0 for sign in text)
        wide += 0.6 if len(text) > 1 else 0.0
        if found and right + wide > LINE:
            line, right = line + 1, 0.0
        if line == LINES:
            break
        found.append((line, right, right + wide))
        right += wide
    return pd.DataFrame(found, columns=["line", "left", "right"])


def _segmented(kind: str, link: Array, labels: list[str]) -> pd.DataFrame:
    """Tokens with their segment, how far back it goes, and the weight of the error by then."""
    back = reach(link)
    weight = [float(np.prod(link[t - b + 1 : t + 1])) for t, b in enumerate(back)]
    return pd.DataFrame({"way": kind, "token": np.arange(len(link)), "label": labels,
                         "link": link, "segment": np.cumsum(back == 0), "reach": back,
                         "weight": weight})


def _letters(part: pd.DataFrame, look: Look) -> go.Scatter:
    """The tokens of one row, with what can be said of each."""
    said = []
    for token, back, weight in zip(part["token"], part["reach"], part["weight"], strict=True):
        line = _("token {token}: its error goes back {count} tokens, to token {first}",
                 token=token, count=back, first=token - back)
        if weight != 1:
            line += "<br>" + _("there it weighs × {weight}", weight=f"{weight:.2f}")
        said.append(line)
    return go.Scatter(x=(part["left"] + part["right"]) / 2, y=part["y"], mode="text",
                      hovertext=said, text=[shown(label, 6) for label in part["label"]],
                      textfont={"family": "monospace", "size": 13},
                      hovertemplate="%{text} · %{hovertext}<extra></extra>",
                      hoverlabel={"bordercolor": look.colour})


def _boxes(chart: go.Figure, part: pd.DataFrame, look: Look, colours: Palette) -> None:
    """A box round each segment, or round what a line has of it."""
    for _place, box in part.groupby(["segment", "y"], sort=False):
        y, segment = float(box["y"].iloc[0]), int(box["segment"].iloc[0])
        chart.add_shape(
            type="rect", layer="below", x0=box["left"].min() + 0.04,
            x1=box["right"].max() - 0.04, y0=y - 0.42, y1=y + 0.42,
            line={"color": look.colour, "width": 1},
            fillcolor=mix(colours.background, look.colour, 0.22 if segment % 2 else 0.08))


def _alt(data: pd.DataFrame) -> str:
    counts = data.groupby("way", sort=False)["segment"].max()
    return _("The text in segments: {randomised} of varying length, {regular} of equal length, and "
             "as one piece.", randomised=counts["randomised"], regular=counts["regular"])
