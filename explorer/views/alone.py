"""Attention alone: what the size of queries and keys does to a softmax, and kernel regression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from explorer.views.figure import Figure, view
from explorer.views.palette import Palette, Theme, palette
from explorer.words import N_, _

LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0}
NAMES = {"off": N_("without the scale"), "on": N_("with the scale")}
BEST = {  # by whether there is noise
    True: N_("Guessing each example from the others goes best at a width of about {width}: "
             "narrower follows the noise, wider smooths the waves away."),
    False: N_("Guessing each example from the others goes best at a width of about {width}: "
              "narrower has but the nearest example, wider smooths the waves away."),
}
LOOKS = {"off": (5, "dash", "diamond"), "on": (1, "solid", "circle")}


def _look(scale: str, colours: Palette) -> tuple[str, str, str]:
    """Colour, dash and marker of a softmax without or with the scale, everywhere."""
    number, dash, marker = LOOKS[scale]
    return colours.categorical[number], dash, marker


@view("score distribution", "density")
def distribution(trace: xr.Dataset, size: int, theme: Theme = "light") -> Figure:
    """How the scores q·k are spread at one size, without and with the scale."""
    colours, here = palette(theme), trace.sel(size=size)
    chart, parts = go.Figure(), []
    for scale in NAMES:
        edge = here["edge"].sel(scale=scale).values
        density = here["density"].sel(scale=scale).values
        colour, dash, _marker = _look(scale, colours)
        chart.add_trace(go.Scatter(
            x=edge, y=[*density, density[-1]], name=_(NAMES[scale]), mode="lines", fill="tozeroy",
            line={"color": colour, "dash": dash, "width": 2, "shape": "hv"},
            fillcolor=_faint(colour), hovertemplate="%{x:.1f}: %{y:.4f}"))
        parts.append(pd.DataFrame({"scale": scale, "from": edge[:-1], "to": edge[1:],
                                   "density": density}))
    chart.update_layout(colours.layout(height=260), legend=LEGEND)
    chart.update_xaxes(title={"text": _("score")}, showgrid=False)
    chart.update_yaxes(title={"text": _("share per unit")})
    variance = here["variance"]
    said = _("{count} scores of vectors of {size} standard normal numbers: their variance is {off} "
             "without the scale, {on} with it.",
             count=f"{trace.attrs['queries'] * trace.attrs['keys']:,}", size=size,
             off=f"{float(variance.sel(scale='off')):.3g}",
             on=f"{float(variance.sel(scale='on')):.3g}")
    return Figure(chart, pd.concat(parts, ignore_index=True), said, said, "scores")


@view("sorted weights", "sorted")
def weights(trace: xr.Dataset, size: int, theme: Theme = "light") -> Figure:
    """The largest, second largest, … weight of a query, on average over all queries."""
    colours, here = palette(theme), trace["sorted"].sel(size=size)
    chart = go.Figure()
    places = [str(place) for place in here["place"].values]
    for scale in NAMES:
        colour, _dash, _marker = _look(scale, colours)
        chart.add_trace(go.Bar(
            x=places, y=here.sel(scale=scale).values, name=_(NAMES[scale]),
            marker={"color": colour, "pattern": {"shape": "/" if scale == "off" else ""}},
            hovertemplate="%{x}: %{y:.4f}"))
    chart.update_layout(colours.layout(height=260), legend=LEGEND, bargap=0.25)
    chart.update_xaxes(title={"text": _("weights, the largest first")}, type="category")
    chart.update_yaxes(range=[0, 1.02], title={"text": _("weight")})
    said = _("How the weights of one query are shared out among {keys} keys, the mean of {queries} "
             "queries; the vectors have {size} numbers.", keys=trace.attrs["keys"],
             queries=f"{trace.attrs['queries']:,}", size=size)
    data = here.rename("weight").to_dataframe().reset_index()[["scale", "place", "weight"]]
    return Figure(chart, data, said, said, "weights")


@view("softmax left", "left")
def left(trace: xr.Dataset, size: int, theme: Theme = "light") -> Figure:
    """Entropy of the weights, and the gradient that passes, as vectors grow."""
    colours = palette(theme)
    chart = make_subplots(1, 2, horizontal_spacing=0.1, subplot_titles=[
        _("entropy of the weights"), _("gradient that is left")])
    lines = [("entropy", 1, ""), ("left", 2, ""), ("median", 2, _("half of them have less"))]
    for scale in NAMES:
        colour, dash, marker = _look(scale, colours)
        for name, column, more in lines:
            chart.add_trace(go.Scatter(
                x=trace["size"].values, y=trace[name].sel(scale=scale).values,
                name=_(NAMES[scale]) + (f": {more}" if more else ""), legendgroup=scale,
                showlegend=name == "left", mode="lines" if more else "lines+markers",
                line={"color": colour, "dash": "dot" if more else dash,
                      "width": 1.5 if more else 2},
                marker={"symbol": marker, "size": 7}, hovertemplate="d = %{x}: %{y:.4f}"),
                row=1, col=column)
    layout = colours.layout(height=320)
    chart.update_layout({name: layout[name] for name in layout if "axis" not in name},
                        legend=LEGEND | {"y": 1.14}, margin={"l": 8, "r": 8, "t": 40, "b": 8})
    chart.update_xaxes(**layout["xaxis"])
    chart.update_yaxes(**layout["yaxis"])
    chart.update_xaxes(type="log", tickvals=trace["size"].values[::2],
                       title={"text": _("numbers of a vector, d")})
    chart.update_yaxes(range=[-0.03, 1.03])
    chart.add_vline(size, line={"color": colours.muted, "width": 1, "dash": "dot"})
    chart.update_annotations(font={"size": 13, "color": colours.muted})
    said = _("Left: 1 is even weights, 0 one key has all. Right: how much of the scores' gradient "
             "passes the softmax, beside even weights; the mean of {queries} queries, dotted the "
             "median. Upright: d = {size}.", queries=f"{trace.attrs['queries']:,}", size=size)
    names = ["variance", "entropy", "left", "median"]
    data = trace[names].to_dataframe().reset_index()[["scale", "size", *names]]
    return Figure(chart, data, said, said, "softmax-by-size")


def findings(trace: xr.Dataset, size: int) -> list[str]:
    """What the scale does at this size."""
    here = trace.sel(size=size)
    off, on = (here.sel(scale=scale) for scale in NAMES)
    ratio = float(off["left"] / on["left"])
    said = [
        _("At d = {size} the scores' variance is **{off}** without the scale and **{on}** with it.",
          size=size, off=f"{float(off['variance']):.3g}", on=f"{float(on['variance']):.3g}"),
        _("The largest of {keys} weights is {off} on average without the scale, {on} with it.",
          keys=trace.attrs["keys"], off=f"{float(off['sorted'][0]):.2f}",
          on=f"{float(on['sorted'][0]):.2f}")]
    said.append(
        _("Without the scale **{share} of the gradient** is left that passes with it.",
          share=f"{ratio:.0%}") if size > 1 else
        _("A vector of one number is divided by √1: both are the same."))
    if float(off["median"]) < float(off["left"]) / 10:
        said.append(_("Half of the queries have less than {median} of what even weights would "
                      "leave: the mean is made by the few that waver between two keys.",
                      median=f"{float(off['median']):.1g}"))
    return said


@view("kernel regression", "estimate")
def regression(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Examples, the function they come from, and what the weighted mean makes of them."""
    colours = palette(theme)
    x = trace["at"].values
    chart = go.Figure([
        go.Scatter(x=trace["x"].values, y=trace["y"].values, mode="markers", name=_("examples"),
                   marker={"color": colours.muted, "size": 7, "symbol": "circle-open"},
                   hovertemplate="x = %{x:.2f}: %{y:.2f}"),
        go.Scatter(x=x, y=trace["truth"].values, mode="lines", name=_("truth"),
                   line={"color": colours.text, "dash": "dash", "width": 1.5},
                   hovertemplate="x = %{x:.2f}: %{y:.2f}"),
        go.Scatter(x=x, y=trace["estimate"].values, mode="lines", name=_("estimate"),
                   connectgaps=False, line={"color": colours.primary, "width": 2.5},
                   hovertemplate="x = %{x:.2f}: %{y:.2f}")])
    chart.update_layout(colours.layout(height=320), legend=LEGEND)
    chart.update_xaxes(title={"text": "x"}, showgrid=False)
    chart.update_yaxes(title={"text": "y"})
    said = _("{count} examples with noise; the estimate at each x is their mean, weighted by a "
             "kernel of width {width}.", count=trace.attrs["examples"],
             width=f"{trace.attrs['used']:.3g}")
    if trace.attrs["unreached"]:
        said += " " + _("At {count} of {all} places no example is within reach: a gap.",
                        count=trace.attrs["unreached"], all=len(x))
    data = trace[["at", "truth", "estimate"]].to_dataframe().reset_index(drop=True)
    return Figure(chart, data[["at", "truth", "estimate"]], said, said, "kernel-regression")


@view("kernel width", "left_out")
def width(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """The error on examples that were left out, by width, and the way down where it was learnt."""
    colours = palette(theme)
    chart = go.Figure(go.Scatter(
        x=trace["tried"].values, y=trace["left_out"].values, mode="lines",
        name=_("error of every width"), line={"color": colours.muted, "width": 1.5},
        hovertemplate="w = %{x:.3f}: %{y:.3f}"))
    rows = [pd.DataFrame({"step": -1, "width": trace["tried"].values,
                          "error": trace["left_out"].values})]
    if trace.sizes["step"]:
        chart.add_trace(go.Scatter(
            x=trace["width"].values, y=trace["error"].values, mode="lines+markers",
            name=_("gradient descent"), text=np.arange(trace.sizes["step"]),
            line={"color": colours.primary, "width": 2}, marker={"size": 6},
            hovertemplate=_("step {number}", number="%{text}") + ", w = %{x:.3f}: %{y:.3f}"))
        rows.append(pd.DataFrame({"step": np.arange(trace.sizes["step"]),
                                  "width": trace["width"].values, "error": trace["error"].values}))
    used: Any = trace.attrs["used"]
    chart.add_vline(used, line={"color": colours.primary, "width": 1, "dash": "dot"})
    chart.update_layout(colours.layout(height=280), legend=LEGEND)
    chart.update_xaxes(type="log", title={"text": _("width of the kernel")},
                       tickvals=[0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10])
    chart.update_yaxes(title={"text": _("mean squared error")}, rangemode="tozero")
    said = _("Each example is guessed from all the others: the error by the kernel's width. "
             "Upright: the width of the picture, {width}.", width=f"{used:.3g}")
    if trace.sizes["step"]:
        said += " " + _("Learnt in {steps} steps of gradient descent, from {start}.",
                        steps=trace.sizes["step"] - 1, start=f"{trace.attrs['start']:.3g}")
    return Figure(chart, pd.concat(rows, ignore_index=True), said, said, "kernel-width")


def fitted(trace: xr.Dataset) -> list[str]:
    """How good the estimate is, and what the width has to do with it."""
    here = trace.attrs
    least = int(trace["left_out"].values.argmin())
    said = [_("The estimate is **{error}** off the truth (root mean square); the noise has a "
              "standard deviation of {noise}.", error=f"{here['rms']:.2f}", noise=here["noise"])]
    if here["kernel"] != "constant":
        said.append(_(BEST[here["noise"] > 0], width=f"{float(trace['tried'][least]):.2g}"))
    else:
        said.append(_("With the same weight for all, it is the mean of all examples everywhere: "
                      "attention that does not look."))
    if trace.sizes["step"]:
        error = trace["error"].values
        said.append(_("Gradient descent took the width from {start} to **{used}**, and the error "
                      "on left-out examples from {before} to {after}.",
                      start=f"{here['start']:.3g}", used=f"{here['used']:.3g}",
                      before=f"{error[0]:.3f}", after=f"{error[-1]:.3f}"))
    most = float(trace["attention"].max())
    said.append(_("The largest weight of any example is {most}, against {even} if all counted "
                  "alike.", most=f"{most:.2f}", even=f"{1 / here['examples']:.3f}"))
    return said


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"
