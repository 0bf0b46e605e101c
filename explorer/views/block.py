"""Pictures of a stack of blocks: one of its tensors whole, and the residual stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.text.cropped import cropped
from explorer.views.block_parts import SHARES, looks, plane, row, shape, told, window
from explorer.views.figure import Figure, view
from explorer.views.gates import CELLS
from explorer.views.matrix import Axis, matrix, tidy
from explorer.views.palette import Theme, palette
from explorer.words import _

LIKELIEST = 40  # tokens of the vocabulary that are drawn
BARS = {"attended": ("/", 0), "looks": ("x", 2), "fed": ("", 1)}  # pattern and colour
ACROSS = 200  # tokens that are drawn along both sides

Array = NDArray[Any]


@view("block tensor", "after")
def tensor(
    trace: xr.Dataset, observation: str, layer: int = 0, head: int = 0, token: int = 0,
    number: int | None = None, theme: Theme = "light",
) -> Figure:
    """One tensor whole: token × number; of attention, query × key; of logits and probabilities,
    token × the likeliest tokens of the vocabulary after `token`. token, number: are framed."""
    name, found = observation, plane(trace, observation, layer, head)
    down, across = map(str, found.dims)
    columns: Any = slice(None)
    if across == "vocabulary":
        columns = np.argsort(-found.values[token], kind="stable")[:LIKELIEST]
    elif across == "key":
        columns = window(found.sizes["key"], ACROSS, token)
    place = row(trace, name, layer, token)
    rows = window(found.sizes[down], min(
        ACROSS, max(1, CELLS // len(found[0, columns]))), place)
    drawn = found.values[rows][:, columns]
    signed = name not in SHARES
    reach = max(float(np.abs(drawn).max()), 1e-6) if signed else 1.0
    labels = _labels(trace, down)
    names: list[str] = []
    if across == "vocabulary":
        names = [str(trace["vocabulary"].values[column]) for column in columns]
    elif across in ("key", "source"):
        names = _labels(trace, across)[columns]
    colours, size = palette(theme), shape(trace, name).replace("×", " × ")
    title = (f"<b>{told(name, trace).letter}</b> "
             f'<span style="color:{colours.muted}">{size}</span>')
    chart = matrix(drawn, title, Axis(labels[rows], place - rows.start), Axis(
        names, None if number is None else number), signed, reach, colours, 520)
    said = _caption(trace, name, layer, head, reach, drawn, found)
    data = pd.DataFrame(tidy(drawn))
    data["row"] += rows.start
    data["label"] = np.repeat(labels[rows], drawn.shape[1])
    if names:
        data["column_label"] = np.tile(names, len(drawn))
    return Figure(chart, data, said, said + " " + _(
        "Its numbers lie between {low} and {high}.", low=f"{drawn.min():.2f}",
        high=f"{drawn.max():.2f}"), f"{name}-layer{layer + 1}")


def _labels(trace: xr.Dataset, axis: str) -> list[str]:
    """The tokens along an axis."""
    name = "source_label" if axis == "source" else "label"
    return [str(label) for label in trace[name].values]


def _caption(
    trace: xr.Dataset, name: str, layer: int, head: int, reach: float, drawn: Array,
    found: xr.DataArray,
) -> str:
    what = _(told(name, trace).title)
    where = ""
    if "head" in trace[name].dims:
        where = " " + _("(layer {layer}, head {head})", layer=layer + 1, head=head + 1)
    elif "layer" in trace[name].dims:
        where = " " + _("(layer {layer})", layer=layer + 1)
    said = f"{what[:1].upper()}{what[1:]}{where}: " + (
        _("from 0 to 1.") if name in SHARES else _("from {low} to {high}.", low=f"{-reach:.3g}",
                                                   high=f"{reach:.3g}"))
    rows, columns = drawn.shape
    if columns < found.shape[1] and found.dims[1] == "vocabulary":
        said += " " + _("Of {all} tokens of the vocabulary the {count} likeliest after the chosen "
                        "one are drawn.", all=f"{found.shape[1]:,}", count=columns)
    elif columns < found.shape[1]:
        said += " " + _("Drawn: {count} of {all} columns.", count=columns, all=found.shape[1])
    if rows < found.shape[0]:
        said += " " + _("Drawn: {count} of {all} tokens, around the chosen one.", count=rows,
                        all=found.shape[0])
    if trace.attrs["of"] > trace.sizes["token"]:
        said += " " + _("The first {count} of {of} tokens were read.", count=trace.sizes["token"],
                        of=trace.attrs["of"])
    return " ".join([said, *cropped(trace.attrs)])


@view("residual stream", "after")
def stream(trace: xr.Dataset, token: int = 0, theme: Theme = "light") -> Figure:
    """How long the vector of a token is after each block, and what each sublayer makes of it."""
    colours = palette(theme)
    data = lengths(trace, token)
    chart = go.Figure()
    for name, (pattern, shade) in BARS.items():
        if name not in data:
            continue
        chart.add_trace(go.Bar(
            x=data["layer"], y=data[name], name=_(told(name, trace).title),
            marker={"color": colours.categorical[shade], "pattern": {"shape": pattern}},
            hovertemplate="%{x}: %{y:.3f}"))
    chart.add_trace(go.Scatter(
        x=data["layer"], y=data["after"], name=_("after the block"),
        mode="lines+markers", line={"color": colours.text, "width": 2}, marker={"size": 7},
        hovertemplate="%{x}: %{y:.3f}"))
    chart.update_layout(colours.layout(height=300), barmode="group", bargap=0.35,
                        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
                        margin={"l": 8, "r": 8, "t": 36, "b": 8})
    chart.update_xaxes(title={"text": _("layer")}, dtick=1, showgrid=False)
    chart.update_yaxes(title={"text": _("length of the vector")}, rangemode="tozero")
    said = _("Token {place}: the length of its vector after each block, and of what attention and "
             "the feed-forward network make of it there.", place=token + 1)
    if looks(trace):
        said = _("Token {place}: the length of its vector after each block, and of what attention, "
                 "the look at the source and the feed-forward network make of it there.",
                 place=token + 1)
    return Figure(chart, data, said, said, "residual-stream")


def lengths(trace: xr.Dataset, token: int) -> pd.DataFrame:
    """‖x‖ of a token by layer: before the block, what its sublayers make, after it."""
    names = ("before", "attended", *(["looks"] if looks(trace) else []), "fed", "after")
    found = {name: np.linalg.norm(trace[name].values[:, token].astype(float), axis=-1)
             for name in names}
    return pd.DataFrame({"layer": np.arange(1, trace.sizes["layer"] + 1)} | found)
