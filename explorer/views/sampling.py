"""Logits that become the probabilities that a token is drawn by."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from explorer.sampling import stages
from explorer.views.figure import Figure, shown, view
from explorer.views.palette import Palette, Theme, palette
from explorer.words import _

DRAWN = 12  # of the likeliest
ROW = 26  # pixels


@view("sampling", "logits")
def sampling(
    trace: xr.Dataset, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0,
    token: int = 0, theme: Theme = "light",
) -> Figure:
    """The likeliest next tokens: their logits over the temperature; what the softmax makes of
    them, hollow where top-k or top-p cuts them off; what is drawn by.

    token: after which, where the trace has logits after each.
    """
    data = table(trace, temperature, top_k, top_p, token)
    colours, rows = palette(theme), data.head(DRAWN)
    names = [shown(label, 8) for label in rows["label"]]
    titles = (_("logit ÷ temperature"), _("softmax"), _("drawn by"))
    chart = make_subplots(rows=1, cols=3, shared_yaxes=True, subplot_titles=titles,
                          horizontal_spacing=0.04)
    stays = (rows["in_top_p"] > 0).tolist()
    for column, name in enumerate(("scaled", "chance", "drawn"), 1):
        chart.add_trace(_bars(rows[name], names, stays, colours, column > 1), row=1, col=column)
    layout = colours.layout(height=70 + ROW * len(rows))
    axis, side = layout.pop("xaxis"), layout.pop("yaxis")
    chart.update_layout(layout | {"margin": {"l": 8, "r": 8, "t": 30, "b": 8},
                                  "showlegend": False, "bargap": 0.25})
    chart.update_xaxes(axis | {"showgrid": False, "showticklabels": False})
    chart.update_xaxes(range=[0, 1.45], col=2)
    chart.update_xaxes(range=[0, 1.45], col=3)
    chart.update_xaxes(range=_reach(rows["scaled"].to_numpy()), col=1)
    chart.update_yaxes(side | {"autorange": "reversed", "showgrid": False,
                               "tickvals": list(range(len(rows)))})
    chart.update_yaxes(ticktext=names, tickfont={"family": "monospace", "size": 12}, col=1)
    chart.update_annotations(font={"size": 12, "color": colours.muted})
    said = _caption(trace, data, len(rows), temperature, top_k, top_p)
    return Figure(chart, data, said, f"{said} {_alt(rows)}", "sampling")


def table(
    trace: xr.Dataset, temperature: float, top_k: int, top_p: float, token: int = 0
) -> pd.DataFrame:
    """Every token with each stage's number, the likeliest first. See `explorer.sampling`."""
    logits = trace["logits"].isel(token=token, network=0, missing_dims="ignore").values
    found = stages(logits, temperature, top_k, top_p)
    words = [str(trace["vocabulary"].values[i]) for i in found.order]
    return pd.DataFrame({"label": words} | found._asdict()).rename(
        columns={"order": "id", "logits": "logit"})


def _bars(
    values: pd.Series, names: list[str], stays: list[bool], colours: Palette, shares: bool
) -> go.Bar:
    """A stage. What was cut off is drawn as an outline."""
    finite = values.replace(-np.inf, np.nan)
    fill = colours.primary if shares else colours.muted
    return go.Bar(
        x=finite, y=list(range(len(values))), orientation="h", customdata=names,
        marker={"color": [fill if stay or not shares else colours.background for stay in stays],
                "line": {"color": fill, "width": 1}},
        text=[_number(value, shares) for value in values], textposition="outside",
        textfont={"size": 11, "color": colours.text}, cliponaxis=False,
        hovertemplate="%{customdata}: %{x:.5f}<extra></extra>")


def _number(value: float, share: bool) -> str:
    if np.isneginf(value):
        return "−∞"
    if not share:
        return f"{value:.2f}".replace("-", "−")
    return f"{value:.3f}" if value == 0 or value >= 0.001 else "<0.001"


def _reach(values: np.ndarray) -> list[float]:
    """The axis of the logits, with room for their numbers."""
    known = values[np.isfinite(values)]
    low, high = min(0.0, float(known.min())), max(0.0, float(known.max()))
    room = 0.45 * max(high - low, 1e-6)
    return [low - (room if low < 0 else 0), high + (room if high > 0 else 0)]


def _caption(
    trace: xr.Dataset, data: pd.DataFrame, drawn: int, temperature: float, top_k: int, top_p: float
) -> str:
    said = _("The {drawn} likeliest of {count} tokens that could come next, after step {step}. "
             "Outlined: cut off by top-k or top-p.", drawn=drawn, count=len(data),
             step=trace.attrs["step"])
    if temperature == 0:
        return said + " " + _("At temperature 0 the likeliest has all.")
    return said + " " + _("Temperature {temperature}, top-k {top_k}, top-p {top_p}.",
                          temperature=f"{temperature:g}", top_k=top_k or _("off"),
                          top_p=f"{top_p:g}")


def _alt(rows: pd.DataFrame) -> str:
    return ", ".join(f"{shown(label)} {share:.3f}" for label, share in zip(
        rows["label"], rows["drawn"], strict=True)) + "."
