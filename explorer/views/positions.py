"""Positional encodings: as heatmap, as waves, by their products, and as lowered scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.views.figure import Figure, view
from explorer.views.gates import CELLS
from explorer.views.palette import DASHES, Palette, Theme, palette
from explorer.words import N_, _

LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0}
KINDS = {"sinusoidal": N_("sinusoidal"), "learned": N_("learned"), "rotary": N_("rotary"),
         "alibi": "ALiBi", "none": N_("none")}
WAVES = (0, 1, 4, 5, 10, 11)  # numbers whose waves are drawn at first, if there are so many

Array = NDArray[Any]


@view("position heatmap", "encoding")
def heatmap(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Every number of an encoding at every place (number × place)."""
    colours = palette(theme)
    T, d = trace.sizes["place"], trace.sizes["number"]
    wide = min(T, max(1, CELLS // d))
    drawn: Array = trace["encoding"].values[:wide].T  # (number, place)
    reach = max(1e-6, float(np.abs(drawn).max()))
    chart = go.Figure(go.Heatmap(
        z=drawn.astype(np.float32), x=np.arange(wide), y=np.arange(d), zmin=-reach, zmax=reach,
        colorscale=colours.scale(True), colorbar=_bar([-reach, 0, reach], colours),
        hovertemplate=_("place {place}, number {number}", place="%{x}", number="%{y}")
        + ": %{z:.4f}<extra></extra>"))
    chart.update_layout(colours.layout(height=320))
    chart.update_xaxes(title={"text": _("place")}, showgrid=False)
    chart.update_yaxes(title={"text": _("number of the vector")}, showgrid=False,
                       autorange="reversed")
    caption = _made_of(trace)
    if wide < T:
        caption += " " + _("Drawn: the first {wide} of {count} places.", wide=wide, count=T)
    data = pd.DataFrame({"place": np.tile(np.arange(wide), d),
                         "number": np.repeat(np.arange(d), wide), "value": drawn.ravel()})
    said = caption + " " + _("From {low} to {high}.", low=f"{drawn.min():.2f}",
                             high=f"{drawn.max():.2f}")
    return Figure(chart, data, caption, said, f"positions-{trace.attrs['kind']}")


def _made_of(trace: xr.Dataset) -> str:
    """What the rows of an encoding are."""
    T, d = trace.sizes["place"], trace.sizes["number"]
    if not trace.attrs["adds"]:
        return _("What rotary positions make of the query (1, 0, 1, 0, …) of a head of {width} "
                 "numbers at {count} places: each pair is turned. They multiply, where others are "
                 "added.", width=d, count=T)
    if trace.attrs["kind"] != "learned":
        return _("What is added to the {width} numbers of a token at each of {count} places.",
                 width=d, count=T)
    if trace.attrs["random"]:
        return _("Vectors of {width} numbers for {count} places as they are drawn before any "
                 "training: at random. Train the run below to see what becomes of them.",
                 width=d, count=T)
    return _("What the run below has learnt for its first {count} of {known} places, {width} "
             "numbers each; it was trained on windows of {window} tokens.", count=T,
             known=trace.attrs["known"], width=d, window=trace.attrs["window"])


def first_waves(d: int) -> list[int]:
    """Whose waves are drawn at first, of d numbers."""
    return [number for number in WAVES if number < d]


@view("position waves", "encoding")
def waves(trace: xr.Dataset, numbers: Sequence[int] = WAVES, theme: Theme = "light") -> Figure:
    """Some numbers of an encoding as waves along the text."""
    colours, values = palette(theme), trace["encoding"].values  # (place, number)
    chosen = [number for number in numbers if number < values.shape[1]]
    chart = go.Figure([
        go.Scatter(y=values[:, number], mode="lines", name=_("number {number}", number=number),
                   line={"color": colours.categorical[i % len(colours.categorical)], "width": 2,
                         "dash": DASHES[i // 2 % len(DASHES)]},
                   hovertemplate=_("place {place}", place="%{x}") + ": %{y:.4f}")
        for i, number in enumerate(chosen)])
    chart.update_layout(colours.layout(height=260), legend=LEGEND, showlegend=True)
    chart.update_xaxes(title={"text": _("place")}, showgrid=False)
    chart.update_yaxes(title={"text": _("value")})
    caption = _("{count} of the {width} numbers, along {length} places.", count=len(chosen),
                width=values.shape[1], length=len(values))
    if "wavelength" in trace and chosen:
        quick, slow = (float(trace["wavelength"].values[number // 2])
                       for number in (min(chosen), max(chosen)))
        caption += " " + _("The quickest comes round every {quick} places, the slowest every "
                           "{slow}.", quick=f"{quick:.3g}", slow=f"{slow:,.0f}")
    data = pd.DataFrame({"place": np.tile(np.arange(len(values)), len(chosen)),
                         "number": np.repeat(chosen, len(values)),
                         "value": values[:, chosen].T.ravel()})
    return Figure(chart, data, caption, caption, f"waves-{trace.attrs['kind']}")


@view("position products", "dot")
def products(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """The product of the vectors of two places by their distance: a curve for each first place,
    the first of them broad, so that one sees where they lie on each other."""
    colours = palette(theme)
    starts, dot = trace["start"].values, trace["dot"].values  # (start, away)
    chart = go.Figure()
    for row, start in enumerate(starts):
        chart.add_trace(go.Scatter(
            y=dot[row], mode="lines", name=f"p = {start}",
            line={"color": colours.categorical[(0, 5, 1, 3)[row % 4]],
                  "width": max(1.5, 9 - 2.6 * row), "dash": ("solid", "solid", "dash", "dot")[row]},
            hovertemplate="k = %{x}: %{y:.4f}"))
    chart.update_layout(colours.layout(height=300), legend=LEGEND)
    chart.update_xaxes(title={"text": _("k, places further on")}, showgrid=False)
    chart.update_yaxes(title={"text": "PE(p) · PE(p + k)" if trace.attrs["adds"]
                              else "(R(p) q) · (R(p + k) q)"})
    caption = (_("The product of the vectors of places p and p + k, from {count} first places.",
                 count=len(starts)) if trace.attrs["adds"] else
               _("The product of a query at place p and a key at p + k, both (1, 0, 1, 0, …) "
                 "before they are turned, from {count} first places.", count=len(starts)))
    data = trace["dot"].to_dataframe().reset_index()
    data["start"] = np.repeat(starts, dot.shape[1])
    data = data[["start", "away", "dot"]].dropna().reset_index(drop=True)
    return Figure(chart, data, caption, f"{caption} {same_everywhere(trace)}".replace("**", ""),
                  f"products-{trace.attrs['kind']}")


def apart(trace: xr.Dataset) -> float:
    """By how much, at most, the products at one distance differ between first places."""
    dot = trace["dot"].values
    shared = dot[:, np.isfinite(dot).all(0)]
    return float(np.ptp(shared, axis=0).max())


def same_everywhere(trace: xr.Dataset) -> str:
    """Whether the products depend on the distance alone."""
    largest = float(trace["squared"].values.max())
    if apart(trace) < 1e-9 * largest:
        return _("All curves are **the same**: the product depends on the distance alone, not on "
                 "p (they differ by {apart} at most).", apart=f"{apart(trace):.0e}")
    return _("The curves **differ** by up to {apart}, while a vector with itself has up to "
             "{largest}: the product depends on where one stands.", apart=f"{apart(trace):.2f}",
             largest=f"{largest:.2f}")


@view("lowered scores", "bias")
def lowered(trace: xr.Dataset, head: int = 0, theme: Theme = "light") -> Figure:
    """What is taken from the score of each query for each key, in one head (query × key)."""
    colours = palette(theme)
    drawn: Array = trace["bias"].values[head]  # (query, key)
    reach = max(1e-6, float(np.abs(drawn).max()))
    chart = go.Figure(go.Heatmap(
        z=drawn.astype(np.float32), zmin=-reach, zmax=reach, colorscale=colours.scale(True),
        colorbar=_bar([-reach, 0, reach], colours),
        hovertemplate=_("query at {query}, key at {key}", query="%{y}", key="%{x}")
        + ": %{z:.4f}<extra></extra>"))
    chart.update_layout(colours.layout(height=360))
    chart.update_xaxes(title={"text": _("place of the key")}, showgrid=False)
    chart.update_yaxes(title={"text": _("place of the query")}, showgrid=False,
                       autorange="reversed")
    caption = _("What is added to the scores of head {head} of {heads}, at the first {count} "
                "places: −{slope} for each place between query and key, so that nearer keys win. "
                "A writer hides the upper right half besides.", head=head + 1,
                heads=trace.sizes["head"], count=len(drawn),
                slope=f"{float(trace['slope'][head]):.4g}")
    data = pd.DataFrame({"query": np.repeat(np.arange(len(drawn)), len(drawn)),
                         "key": np.tile(np.arange(len(drawn)), len(drawn)), "bias": drawn.ravel()})
    return Figure(chart, data, caption, caption, f"bias-head-{head + 1}")


@view("slopes", "lowered")
def slopes(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """What is taken from a score by distance, a line for each head."""
    colours, values = palette(theme), trace["lowered"].values  # (head, away)
    chart = go.Figure([
        go.Scatter(y=line, mode="lines", name=_("head {head}", head=head + 1),
                   line={"color": colours.categorical[head % len(colours.categorical)],
                         "width": 2, "dash": DASHES[head % len(DASHES)]},
                   hovertemplate=_("{count} places away", count="%{x}") + ": %{y:.4f}")
        for head, line in enumerate(values)])
    chart.update_layout(colours.layout(height=300), legend=LEGEND, showlegend=True)
    chart.update_xaxes(title={"text": _("distance of query and key, in places")}, showgrid=False)
    chart.update_yaxes(title={"text": _("added to the score")})
    slope = trace["slope"].values
    caption = _("The slopes of {heads} heads, fixed and never learnt: from {steep} down to {flat} "
                "a place.", heads=len(slope), steep=f"{slope.max():.4g}",
                flat=f"{slope.min():.4g}")
    data = pd.DataFrame({"head": np.repeat(np.arange(1, len(values) + 1), values.shape[1]),
                         "away": np.tile(np.arange(values.shape[1]), len(values)),
                         "bias": values.ravel()})
    return Figure(chart, data, caption, caption, "slopes")


def _bar(ticks: list[float], colours: Palette) -> dict[str, Any]:
    return {"thickness": 8, "outlinewidth": 0, "len": 0.9, "tickvals": ticks,
            "ticktext": [f"{tick:.3g}" for tick in ticks],
            "tickfont": {"color": colours.muted, "size": 11}}
