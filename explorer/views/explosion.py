"""An explosion: loss and gradient norm until it breaks, growth along a window, clipping."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.views.figure import Figure, view
from explorer.views.palette import Palette, Theme, mix, palette
from explorer.words import _

POINTS = 500  # of a curve; of more steps only the one with the longest gradient in each group
SINGLE = float(np.finfo(np.float32).max)  # the largest number of single precision
STYLES = (("solid", "circle"), ("dash", "square"))

Array = NDArray[Any]


@view("explosion", "gradient_norm")
def explosion(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Gradient norm (before clipping) and loss over the steps of some runs, on log axes.

    trace: `gradient_norm`, `loss` over (curve, step), NaN where a run has no such step; `clip`,
    `broke` over curve: the norm at which it clips (0 = never), the step that broke (−1 = none).
    attrs: kind, blind (the size of the vocabulary), good (the last good snapshot, −1 = none);
    counting, order, where they are known: held-out perplexity and order of the best n-gram model.
    """
    colours = palette(theme)
    chart = _two(_("gradient norm"), _("loss, nats"), colours)
    data = pd.concat([_thinned(trace, i) for i in range(trace.sizes["curve"])], ignore_index=True)
    for i, name in enumerate(trace["curve"].values):
        rows, line = data[data["curve"] == name], _line(colours, trace.attrs["kind"], i)
        for row, column in ((1, "gradient_norm"), (2, "loss")):
            chart.add_trace(go.Scatter(
                x=rows["step"], y=_log(rows[column]), name=str(name), legendgroup=str(name),
                showlegend=row == 1, line=line, mode="lines",
                hovertemplate="%{y:.4g}"), row=row, col=1)
        _mark_break(chart, trace, i, rows, line["color"])
    _mark_limits(chart, trace, colours)
    every = max(1, math.ceil(int(trace.sizes["step"]) / POINTS))
    _ticks(chart, data["gradient_norm"], data["loss"])
    caption = _("The length of the gradient before clipping, and the loss, at every step; a cross "
                "marks the last step that could be taken.")
    if every > 1:
        caption = _("The length of the gradient before clipping, and the loss; of every {count} "
                    "steps the one with the longest gradient is drawn. A cross marks the last "
                    "step that could be taken.", count=every)
    return Figure(chart, data, caption, _alt(trace), "explosion")


def _alt(trace: xr.Dataset) -> str:
    said = []
    for i, name in enumerate(trace["curve"].values):
        broke = int(trace["broke"].values[i])
        known = trace["loss"].values[i][np.isfinite(trace["loss"].values[i])]
        if not len(known):
            continue
        said.append(_("{name}: loss from {first} to {last}.", name=name, first=f"{known[0]:.3g}",
                      last=f"{known[-1]:.3g}")
                    + (" " + _("It breaks at step {step}.", step=broke) if broke >= 0 else ""))
    return " ".join(said) or _("No step has been taken yet.")


@view("growth", "size")
def growth(trace: xr.Dataset, layer: int = 1, theme: Theme = "light") -> Figure:
    """The largest |h(t)| and ‖∂L/∂h(t)‖ along the window of one step, on log axes.

    trace: of the probe `explosion`; with `broken_size`, `broken_gradient` over (layer, position)
    and attrs `broke` as well, if the run broke: the same at that very step, as it was measured.
    layer: counted from 1.
    """
    colours, T = palette(theme), trace.sizes["position"]
    chart = _two(_("largest |h(t)|"), _("‖∂L/∂h(t)‖"), colours)
    curves = [(_("at step {step}", step=int(trace.attrs["step"])), "size", "gradient")]
    if "broken_size" in trace:
        curves.append((_("at step {step}, where it broke", step=int(trace.attrs["broke"])),
                       "broken_size", "broken_gradient"))
    parts = []
    for i, (name, *columns) in enumerate(curves):
        line = _line(colours, trace.attrs["kind"], i)
        values = [trace[column].sel(layer=layer).values if column in trace else np.full(T, np.nan)
                  for column in columns]
        parts.append(pd.DataFrame({"position": trace["position"].values, "curve": name,
                                   "size": values[0], "gradient": values[1]}))
        for row, some in enumerate(values, start=1):
            known = np.isfinite(some)
            if known.any():
                chart.add_trace(go.Scatter(
                    x=trace["position"].values[known], y=_log(some[known]), name=name,
                    legendgroup=name, showlegend=row == 1, line=line, mode="lines+markers",
                    marker={"symbol": STYLES[i][1], "size": 4},
                    hovertemplate="%{y:.4g}"), row=row, col=1)
    data = pd.concat(parts, ignore_index=True)
    if np.nanmax(data[["size", "gradient"]].values) > SINGLE ** 0.75:
        _limit(chart, SINGLE, 1, _("largest number of single precision"), colours, "top", "left")
    chart.update_xaxes(title_text=_("position in the window"), row=2, col=1)
    _ticks(chart, data["size"], data["gradient"])
    caption = _("Above: the largest of the hidden states of layer {layer} in the batch, token by "
                "token. Below: how strongly the loss of the window pulls at the state of each "
                "token. On a log axis a straight line is the same factor at every token.",
                layer=layer)
    return Figure(chart, data, caption, caption, "growth")


@view("clipping", "clipped")
def clipping(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """The length of each parameter's gradient before and after clipping all of them together."""
    colours = palette(theme)
    names = [str(name) for name in trace["parameter"].values] + [_("all together")]
    before = np.append(trace["norm"].values, trace.attrs["total"])
    after = np.append(trace["clipped"].values, trace.attrs["total"] * trace.attrs["factor"])
    shade = colours.architecture(trace.attrs["kind"])
    chart = go.Figure()
    for name, one, other in zip(names, before, after, strict=True):
        chart.add_trace(go.Scatter(
            x=_log(np.array([one, other])), y=[name, name], mode="lines", showlegend=False,
            line={"color": colours.muted, "width": 2}, hoverinfo="skip"))
    for label, values, symbol in ((_("before clipping"), before, "circle-open"),
                                  (_("after clipping"), after, "circle")):
        chart.add_trace(go.Scatter(
            x=_log(values), y=names, name=label, mode="markers", cliponaxis=False,
            marker={"color": shade, "symbol": symbol, "size": 10, "line": {"width": 2}},
            hovertemplate="%{y}: %{x:.4g}"))
    chart.add_vline(trace.attrs["clip"], line={"dash": "dot", "color": colours.muted})
    chart.add_annotation(x=math.log10(trace.attrs["clip"]), y=1, yref="paper", text="θ",
                         showarrow=False, yanchor="bottom",
                         font={"color": colours.muted, "size": 13})
    chart.update_layout(**colours.layout(110 + 26 * len(names)))
    chart.update_layout(margin={"t": 44}, legend={"orientation": "h", "y": 1.02,
                                                  "yanchor": "bottom"})
    chart.update_xaxes(type="log", title_text=_("length of the gradient"), exponentformat="power",
                       dtick=_decades(_log(np.append(before, after))))
    chart.update_yaxes(autorange="reversed", showgrid=False)
    caption = _("Clipping at {norm} multiplies every part of the gradient by the same {factor}: on "
                "the log axis all move by the same distance, and the direction stays.",
                norm=f"{trace.attrs['clip']:g}", factor=f"{trace.attrs['factor']:.3g}")
    data = pd.DataFrame({"parameter": names, "before": before, "after": after})
    return Figure(chart, data, caption, caption, "clipping")


def _two(upper: str, lower: str, colours: Palette) -> go.Figure:
    """Two log axes above each other over the same x."""
    chart = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    chart.update_layout(**colours.layout(460))
    chart.update_xaxes(**colours.layout(0)["xaxis"], showgrid=False)
    chart.update_yaxes(**colours.layout(0)["yaxis"], type="log", exponentformat="power",
                       minor={"showgrid": False})
    chart.update_yaxes(title_text=upper, row=1, col=1)
    chart.update_yaxes(title_text=lower, row=2, col=1)
    chart.update_xaxes(title_text=_("step"), row=2, col=1)
    chart.update_layout(hovermode="x unified", margin={"t": 40},
                        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"})
    return chart


def _ticks(chart: go.Figure, *columns: Any) -> None:
    """Whole decades where there are some; else Plotly finds what lies between."""
    for row, values in enumerate(columns, start=1):
        known = _log(values)[np.isfinite(_log(values))]
        if len(known) and known.max() > 10 * known.min():
            chart.update_yaxes(dtick=_decades(known), row=row, col=1)


def _line(colours: Palette, kind: str, i: int) -> dict[str, Any]:
    """The colour of the architecture; of the second curve nearer to the ink, and dashed."""
    shade = colours.architecture(kind)
    return {"color": mix(shade, colours.text, 0.45) if i else shade, "width": 2,
            "dash": STYLES[min(i, 1)][0]}


def _thinned(trace: xr.Dataset, i: int) -> pd.DataFrame:
    """One curve, tidy: at most `POINTS` steps, of each group the one with the longest gradient."""
    rows = pd.DataFrame({"step": trace["step"].values,
                         "gradient_norm": trace["gradient_norm"].values[i],
                         "loss": trace["loss"].values[i]}).dropna(subset=["loss"])
    every = max(1, math.ceil(trace.sizes["step"] / POINTS))
    if every > 1:
        group = rows["step"] // every
        rows = rows.loc[rows.groupby(group)["gradient_norm"].idxmax()]
    return rows.assign(curve=str(trace["curve"].values[i]))


def _mark_break(
    chart: go.Figure, trace: xr.Dataset, i: int, rows: pd.DataFrame, shade: str
) -> None:
    broke = int(trace["broke"].values[i])
    if broke < 0 or not len(rows):
        return
    chart.add_vline(broke, line={"dash": "dot", "color": shade, "width": 1.5})
    last = rows.iloc[-1]
    for row, column in ((1, "gradient_norm"), (2, "loss")):
        chart.add_trace(go.Scatter(
            x=[last["step"]], y=_log(np.array([last[column]])), mode="markers+text",
            marker={"symbol": "x", "size": 11, "color": shade}, showlegend=False,
            text=[_("breaks at step {step}", step=broke)] if row == 1 else None,
            textposition=f"middle {_roomier(trace, broke)}", textfont={"color": shade},
            hovertemplate=_("the next step breaks") + ": %{y:.4g}",
            name=str(trace["curve"].values[i])), row=row, col=1)


def _mark_limits(chart: go.Figure, trace: xr.Dataset, colours: Palette) -> None:
    """Where it clips, what a blind guess costs, and where the last good snapshot lies."""
    for clip in sorted({float(clip) for clip in trace["clip"].values if clip > 0}):
        _limit(chart, clip, 1, "θ", colours)
    _limit(chart, math.log(trace.attrs["blind"]), 2, _("blind guess"), colours)
    counting = trace.attrs.get("counting", 1.0)
    if counting > 1:  # 0 nats have no place on a logarithmic axis
        _limit(chart, math.log(counting), 2,
               _("best n-gram (order {n})", n=trace.attrs["order"]), colours, side="left")
    if trace.attrs["good"] >= 0:
        chart.add_vline(trace.attrs["good"], line={"dash": "dash", "color": colours.muted,
                                                   "width": 1})
        right = _roomier(trace, trace.attrs["good"]) == "right"
        chart.add_annotation(x=trace.attrs["good"], y=1, yref="y2 domain", yanchor="top",
                             xanchor="left" if right else "right", xshift=4 if right else -4,
                             text=_("last good snapshot"), showarrow=False,
                             font={"color": colours.muted, "size": 12})


def _roomier(trace: xr.Dataset, step: int) -> str:
    """The side of a step on which words have more room: on the other they would stretch the axis,
    or be cut off."""
    return "left" if 2 * step > trace["step"].values.max(initial=0) else "right"


def _limit(
    chart: go.Figure, value: float, row: int, text: str, colours: Palette,
    anchor: str = "bottom", side: str = "right",
) -> None:
    """A dotted line at a value, with words at one end (Plotly wants the logarithm there)."""
    chart.add_hline(value, row=row, col=1, line={"dash": "dot", "color": colours.muted})
    chart.add_annotation(x=int(side == "right"), xref="x domain", y=math.log10(value),
                         yref="y" if row == 1 else "y2", text=text, showarrow=False,
                         xanchor=side, yanchor=anchor,
                         font={"color": colours.muted, "size": 12})


def _log(values: Any) -> Array:
    """Values for a log axis: what is not above zero is left out."""
    some = np.asarray(values, float)
    return np.where(some > 0, some, np.nan)


def _decades(values: Array) -> int:
    """How many decades lie between two ticks, so that some five are drawn."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 1
    return max(1, round(math.log10(known.max() / known.min()) / 5))
