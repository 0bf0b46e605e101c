"""PE(p + k) as PE(p), turned: pairs of numbers on circles, and how far each turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.views.figure import Figure, view
from explorer.views.palette import Palette, Theme, palette
from explorer.views.positions import LEGEND
from explorer.words import _

CIRCLES, ACROSS = 8, 4  # pairs that are drawn, and how many in a row
ARC = 48  # points of an arc
INSIDE = 0.62  # its radius

Array = NDArray[Any]


def shown_pairs(d: int) -> list[int]:
    """Which pairs of d numbers are drawn as circles."""
    return sorted({round(i) for i in np.linspace(0, d // 2 - 1, min(CIRCLES, d // 2))})


@view("position circles", "turned")
def circles(trace: xr.Dataset, place: int = 0, theme: Theme = "light") -> Figure:
    """Pairs of numbers as points on circles: at a place, and `distance` places on."""
    colours, k = palette(theme), int(trace.attrs["distance"])
    pairs = shown_pairs(trace.sizes["number"])
    sense, ω = int(trace.attrs["turns"]), trace["frequency"].values
    rows = -(-len(pairs) // ACROSS)
    chart = make_subplots(rows, ACROSS, horizontal_spacing=0.03, vertical_spacing=0.12,
                          subplot_titles=[_("pair {pair}: {angle}", pair=pair,
                                            angle=degrees(ω[pair] * k)) for pair in pairs])
    found = []
    for i, pair in enumerate(pairs):
        here = trace["encoding"].values[place, 2 * pair : 2 * pair + 2]
        there = trace["turned"].values[place, 2 * pair : 2 * pair + 2]
        found.append((pair, float(ω[pair] * k), *here, *there))
        for line in _circle(here, there, float(ω[pair] * k) * sense, colours, place, k, i == 0):
            chart.add_trace(line, row=i // ACROSS + 1, col=i % ACROSS + 1)
    layout = colours.layout(height=190 * rows + 56)
    layout.pop("xaxis"), layout.pop("yaxis")
    chart.update_layout(layout | {"margin": {"l": 4, "r": 4, "t": 62, "b": 4}},
                        legend=LEGEND | {"y": 1.12})
    axis = {"range": [-1.15, 1.15], "showticklabels": False, "showgrid": False, "zeroline": True,
            "zerolinecolor": colours.border, "fixedrange": True, "constrain": "domain"}
    chart.update_xaxes(axis)
    for i in range(rows * ACROSS):
        where = {"row": i // ACROSS + 1, "col": i % ACROSS + 1}
        chart.update_yaxes(axis | {"scaleanchor": f"x{i + 1 if i else ''}"}, **where)
    chart.update_annotations(font={"size": 12, "color": colours.muted})
    caption = _("{count} of {pairs} pairs of numbers at place {place}, and as R(k) turns them to "
                "place {there}, k = {distance}: pair i by ω_i k, the first the fastest.",
                count=len(pairs), pairs=trace.sizes["pair"], place=place, there=place + k,
                distance=k)
    data = pd.DataFrame(found, columns=["pair", "angle", "x", "y", "x_turned", "y_turned"])
    return Figure(chart, data, caption, caption, f"circles-{trace.attrs['kind']}")


def degrees(angle: float) -> str:
    """An angle in radians, for people: 57.3°, and from a full turn on 458° = 98°."""
    turned = np.degrees(angle)
    return f"{turned:.3g}°" if turned < 360 else f"{turned:,.0f}° ≙ {turned % 360:.0f}°"


def _circle(
    here: Array, there: Array, angle: float, colours: Palette, place: int, k: int, first: bool
) -> list[go.Scatter]:
    """A pair at a place and so many places on, and the way between, of at most one turn."""
    around = np.linspace(0, 2 * np.pi, 65)
    at = np.arctan2(here[1], here[0])
    bent = np.linspace(at, at + np.sign(angle) * (abs(angle) % (2 * np.pi)), ARC)
    return [
        go.Scatter(x=np.cos(around), y=np.sin(around), mode="lines", hoverinfo="skip",
                   showlegend=False, line={"color": colours.border, "width": 1}),
        go.Scatter(x=INSIDE * np.cos(bent), y=INSIDE * np.sin(bent), mode="lines",
                   hoverinfo="skip", showlegend=False,
                   line={"color": colours.muted, "width": 2}),
        *(go.Scatter(x=[0, x], y=[0, y], mode="lines+markers", name=name, legendgroup=name,
                     showlegend=first, line={"color": ink, "width": 2, "dash": dash},
                     marker={"size": [0, 10], "symbol": symbol},
                     hovertemplate="%{x:.4f}, %{y:.4f}")
          for (x, y), name, ink, dash, symbol in (
              (here, _("place {place}", place=place), colours.primary, "solid", "circle"),
              (there, _("place {place}", place=place + k), colours.categorical[5], "dot",
               "diamond")))]


@view("position angles", "frequency")
def angles(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """By pair, the angle from a place to one `distance` places on, and the places of a full turn.
    """
    colours, k = palette(theme), int(trace.attrs["distance"])
    turned, wave = np.degrees(trace["frequency"].values * k), trace["wavelength"].values
    chart = make_subplots(1, 2, horizontal_spacing=0.12, subplot_titles=[
        _("angle turned in {distance} places", distance=k), _("places of a full turn")])
    for column, (values, end, said) in enumerate((
        (turned, 360, _("a full turn")),
        (wave, trace.attrs["length"], _("{count} places", count=trace.attrs["length"]))), 1):
        chart.add_trace(go.Scatter(
            y=values, mode="lines+markers", showlegend=False,
            line={"color": colours.primary, "width": 2}, marker={"size": 6},
            hovertemplate=_("pair {pair}", pair="%{x}") + ": %{y:,.4g}<extra></extra>"),
            row=1, col=column)
        # A line of its own: on a log axis an annotation is placed by its logarithm, a shape is not.
        chart.add_trace(go.Scatter(
            x=[-0.5, len(values) - 0.5], y=[end, end], mode="lines+text", showlegend=False,
            text=["", said], textposition="bottom left", hoverinfo="skip",
            textfont={"size": 12, "color": colours.muted},
            line={"color": colours.muted, "width": 1, "dash": "dash"}), row=1, col=column)
    layout = colours.layout(height=270)
    across, upright = layout.pop("xaxis"), layout.pop("yaxis")
    chart.update_layout(layout | {"margin": {"l": 8, "r": 8, "t": 36, "b": 8}})
    chart.update_xaxes(across | {"showgrid": False,
                                 "title": across["title"] | {"text": _("pair of numbers")}})
    chart.update_yaxes(upright | {"type": "log", "dtick": 1})
    chart.update_yaxes(ticksuffix="°", row=1, col=1)
    chart.update_annotations(font={"size": 13, "color": colours.muted})
    caption = _("Pair i turns by ω_i = 10000^(−2i/{width}) radians a place, so that it comes round "
                "after 2π/ω_i places: from {quick} to {slow}.", width=trace.attrs["width"],
                quick=f"{wave[0]:.3g}", slow=f"{wave[-1]:,.0f}")
    data = pd.DataFrame({"pair": np.arange(len(wave)), "degrees": turned, "wavelength": wave})
    return Figure(chart, data, caption, caption, f"angles-{trace.attrs['kind']}")
