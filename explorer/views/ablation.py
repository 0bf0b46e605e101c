"""What each head and each feed-forward layer is worth, and what is said without some of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.views.figure import Figure, shown, view
from explorer.views.palette import Theme, contrast, palette
from explorer.words import N_, _

ROW = 44  # pixels
DRAWN = 12  # tokens, of the likeliest before or after
FEED = "ff"  # a feed-forward layer's name, after its layer's
HOW = {"zero": N_("zero"), "mean": N_("its mean")}

Array = NDArray[np.float64]


def name(layer: int, head: int | None) -> str:
    """What a head, or (None) a feed-forward layer, is called in a link: people count from 1."""
    return f"{layer + 1}.{FEED if head is None else head + 1}"


def title(name: str) -> str:
    """What it is called on screen."""
    layer, part = name.split(".")
    if part == FEED:
        return _("layer {layer}, feed-forward", layer=layer)
    return _("layer {layer}, head {head}", layer=layer, head=part)


def worth(trace: xr.Dataset) -> pd.DataFrame:
    """By how much the mean loss rises without each: `name`, `layer`, `part`, `rise`, in nats a
    token. Layers and heads counted from 1."""
    L, H = trace.sizes["layer"], trace.sizes["head"]
    rise = changes(trace)
    parts = [*range(H), None]
    return pd.DataFrame({
        "name": [name(layer, head) for layer in range(L) for head in parts],
        "layer": np.repeat(np.arange(1, L + 1), H + 1),
        "part": [FEED if head is None else f"head {head + 1}" for head in parts] * L,
        "rise": rise.ravel()})


def changes(trace: xr.Dataset) -> Array:
    """(layer, head and, last, feed-forward): the loss without it less the whole network's."""
    without = np.column_stack([trace["without_head"].values, trace["without_feed"].values])
    found: Array = without - float(trace.attrs["loss"])
    return found


@view("ablations", "without_head")
def ablations(
    trace: xr.Dataset, chosen: Sequence[str] = (), theme: Theme = "light"
) -> Figure:
    """Loss without each head, less the loss of the whole (layer × head), and beside it without each
    feed-forward layer. chosen: the names of those that are framed."""
    values, colours = changes(trace), palette(theme)
    L, H = trace.sizes["layer"], trace.sizes["head"]
    reach = max(float(np.abs(values[:, :-1]).max()), 1e-6)
    places = [*range(H), H + 0.5]
    columns = [*(_("head {number}", number=head + 1) for head in range(H)), _("feed-forward")]
    said = [[f"{title(name(layer, head))}<br>{values[layer, i]:+.4f}"
             for i, head in enumerate([*range(H), None])] for layer in range(L)]
    shared: dict[str, Any] = {
        "y": list(range(L)), "zmin": -reach, "zmax": reach, "xgap": 2, "ygap": 2,
        "colorscale": colours.scale(signed=True), "hovertemplate": "%{customdata}<extra></extra>"}
    bar = {"orientation": "h", "thickness": 8, "outlinewidth": 0, "len": 0.6, "y": -0.02,
           "yanchor": "top", "tickvals": [-reach, 0, reach],
           "ticktext": [_("−{reach} · better without", reach=f"{reach:.2g}"), "0",
                        _("+{reach} · worse without", reach=f"{reach:.2g}")],
           "tickfont": {"color": colours.muted, "size": 11}}
    chart = go.Figure([
        go.Heatmap(z=values[:, :H], x=places[:H], customdata=[row[:H] for row in said],
                   colorbar=bar, **shared),
        go.Heatmap(z=values[:, H:], x=places[H:], dx=1, customdata=[row[H:] for row in said],
                   showscale=False, **shared)])
    inks = [max((colours.text, colours.background), key=lambda ink: contrast(
        ink, colours.shade(float(value), True, reach))) for value in values.ravel()]
    chart.add_trace(go.Scatter(
        x=places * L, y=np.repeat(np.arange(L), H + 1), mode="text", hoverinfo="skip",
        text=[_signed(value) for value in values.ravel()], showlegend=False,
        textfont={"color": inks, "size": 12 if H <= 4 else 10}))
    chart.update_layout(colours.layout(height=ROW * L + 110))
    chart.update_xaxes(tickvals=places, ticktext=columns, showgrid=False, side="top",
                       range=[-0.5, H + 1])
    chart.update_yaxes(tickvals=list(range(L)), showgrid=False, range=[-0.5, L - 0.5],
                       ticktext=[_("layer {number}", number=layer + 1) for layer in range(L)])
    for layer, i in [(layer, i) for layer in range(L) for i, head in enumerate([*range(H), None])
                     if name(layer, head) in chosen]:
        chart.add_shape(type="rect", x0=places[i] - 0.5, x1=places[i] + 0.5, y0=layer - 0.5,
                        y1=layer + 0.5, line={"color": colours.primary, "width": 2})
    caption = _caption(trace, reach, float(np.abs(values[:, -1]).max()))
    return Figure(chart, worth(trace), caption, caption, "ablations")


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _caption(trace: xr.Dataset, reach: float, feed: float) -> str:
    about = trace.attrs
    said = _("By how much the mean loss of {loss} nats a token rises when one head, or one "
             "feed-forward layer, is silenced and {how} stands in its place; {read} tokens, step "
             "{step}.", loss=f"{about['loss']:.3f}", how=_(HOW[about["how"]]), read=about["read"],
             step=about["step"])
    if feed > reach:
        said += " " + _("The colours end at the largest change by a head: the numbers go on.")
    if about["read"] < about["of"]:
        said += " " + _("Read: the first {count} of {whole} tokens.", count=about["read"],
                        whole=f"{about['of']:,}")
    return said


@view("silenced", "network")
def silenced(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """The likeliest next tokens, and their probabilities before and after parts are silenced."""
    data, colours = before_after(trace), palette(theme)
    rows = data.head(DRAWN)
    names = [shown(label, 8) for label in rows["label"]]
    bars = [(_("whole"), "before", colours.muted), (_("silenced"), "after", colours.primary)]
    chart = go.Figure([go.Bar(
        x=rows[key], y=list(range(len(rows))), orientation="h", name=said, marker_color=fill,
        text=[f"{share:.3f}" for share in rows[key]], textposition="outside", cliponaxis=False,
        textfont={"size": 10}, customdata=names,
        hovertemplate="%{customdata}: %{x:.5f}<extra>" + said + "</extra>")
        for said, key, fill in bars])
    chart.update_layout(colours.layout(height=90 + 32 * len(rows)) | {
        "barmode": "group", "bargap": 0.2,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}})
    chart.update_xaxes(range=[0, 1.12], tickvals=[0, 0.5, 1], title={"text": _("probability")})
    chart.update_yaxes(tickvals=list(range(len(rows))), ticktext=names, autorange="reversed",
                       showgrid=False, tickfont={"family": "monospace", "size": 12})
    said = _("What comes next after token {token}, with the whole network and without what is "
             "silenced: the {drawn} tokens that are likeliest in either.",
             token=trace.attrs["token"], drawn=len(rows))
    alt = ", ".join(f"{label} {before:.3f} → {after:.3f}" for label, before, after in zip(
        names, rows["before"], rows["after"], strict=True))
    return Figure(chart, data, said, f"{said} {alt}.", "silenced")


def before_after(trace: xr.Dataset) -> pd.DataFrame:
    """Every token's probability `before` and `after`, those first that are likeliest in either."""
    logits = trace["logits"].values.astype(np.float64)  # (network, vocabulary)
    share = np.exp(logits - logits.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    order = np.argsort(-share.max(0), kind="stable")
    return pd.DataFrame({"label": [str(trace["vocabulary"].values[i]) for i in order], "id": order,
                         "before": share[0, order], "after": share[1, order]})
