"""A stack of blocks as a flow of tensors: what each is, one of them whole, the residual stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.views.figure import Figure, view
from explorer.views.gates import CELLS
from explorer.views.matrix import Axis, matrix, tidy
from explorer.views.palette import Theme, palette
from explorer.words import N_, _

LIKELIEST = 40  # tokens of the vocabulary that are drawn
ACROSS = 200  # tokens that are drawn along both sides

Array = NDArray[Any]


class Tensor(NamedTuple):
    """letter: its name in a box. title: in words. meaning: in one line. formula: as LaTeX."""

    letter: str
    title: str
    meaning: str
    formula: str


TENSORS: dict[str, Tensor] = {
    "embedding": Tensor("E", N_("embedding"), N_(
        "A vector for each token of the vocabulary, learnt: the token's row of the matrix E."),
        r"e_p = \sqrt{d}\; E_{x_p}"),
    "position": Tensor("P", N_("position"), N_(
        "A vector for each place, added so that the network knows where a token stands."),
        r"x_p = e_p + P_p"),
    "before": Tensor("x", N_("residual stream"), N_(
        "What the block is given: all that the blocks before have written into the stream."),
        r"x^{(l)}"),
    "attention_reads": Tensor("norm", N_("norm"), N_(
        "The stream with each token's numbers brought to mean 0 and variance 1, then stretched and "
        "shifted as learnt: what attention reads."),
        r"\mathrm{LN}(x) = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta"),
    "q": Tensor("Q", N_("queries"), N_("What each token asks for, head by head."),
                r"Q = \mathrm{LN}(x)\, W_Q + b_Q"),
    "k": Tensor("K", N_("keys"), N_("What each token can be found by, head by head."),
                r"K = \mathrm{LN}(x)\, W_K + b_K"),
    "v": Tensor("V", N_("values"), N_("What each token hands over, head by head."),
                r"V = \mathrm{LN}(x)\, W_V + b_V"),
    "attention": Tensor("A", N_("attention"), N_(
        "How much each token (row) takes from each (column): every row sums to 1."),
        r"A = \mathrm{softmax}\!\left(\mathrm{mask}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right)"
        r"\right)"),
    "mixed": Tensor("Z", N_("mixed values"), N_(
        "The values of all tokens that are seen, summed with their weights, head by head."),
        r"Z = A V"),
    "attended": Tensor("attn", N_("what attention adds"), N_(
        "The heads side by side, mixed by a matrix: this is written into the stream."),
        r"f(x) = [Z_1; \dots; Z_H]\, W_O + b_O"),
    "attended_sum": Tensor("x + f", N_("sum"), N_(
        "What attention made, added to what it was given."), r"x + f(x)"),
    "middle": Tensor("x′", N_("residual stream"), N_(
        "The stream after attention, on its way into the feed-forward network."), r"x' = x + f(x)"),
    "feed_reads": Tensor("norm", N_("norm"), N_(
        "The stream, normalised once more: what the feed-forward network reads."),
        r"\mathrm{LN}(x') = \gamma \odot \frac{x' - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta"),
    "active": Tensor("φ", N_("inside the feed-forward network"), N_(
        "A wider layer, bent: each neuron answers to a pattern of the token alone."),
        r"h = \varphi(\mathrm{LN}(x')\, W_1 + b_1)"),
    "fed": Tensor("ffn", N_("what feed-forward adds"), N_(
        "The neurons, summed by a matrix: this is written into the stream."),
        r"g(x') = h\, W_2 + b_2"),
    "fed_sum": Tensor("x′ + g", N_("sum"), N_(
        "What the feed-forward network made, added to what it was given."), r"x' + g(x')"),
    "after": Tensor("x″", N_("residual stream"), N_(
        "What the block gives on: the next one reads it."), r"x^{(l+1)} = x' + g(x')"),
    "final": Tensor("norm", N_("last norm"), N_(
        "The stream after the last block, as the output matrix reads it."),
        r"\mathrm{LN}(x^{(N)})"),
    "logits": Tensor("logits", N_("logits"), N_(
        "A number for each token of the vocabulary: the higher, the likelier it comes next."),
        r"z = \mathrm{LN}(x^{(N)})\, E^\top + b"),
    "probability": Tensor("p", N_("probability"), N_(
        "The softmax of the logits: what the network says of the next token."),
        r"p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}"),
}
STREAM = ("before", "middle", "after")  # what lies on the residual stream
SUMS = {"middle": ("before", "attended"), "attended_sum": ("before", "attended"),
        "after": ("middle", "fed"), "fed_sum": ("middle", "fed")}
SHARES = ("attention", "probability")  # values in 0…1


def formula(name: str, norm: str, residual: bool, tied: bool) -> str:
    """The formula of a tensor, as the blocks of a network are built."""
    said = TENSORS[name].formula
    if not tied:
        said = said.replace(r"E^\top", r"W^\top")
    if norm == "post" and name in ("middle", "after"):
        inside = {"middle": "x + f(x)", "after": "x' + g(x')"}[name]
        said = {"middle": "x'", "after": "x^{(l+1)}"}[name] + rf" = \mathrm{{LN}}({inside})"
    if norm != "pre" and name not in ("attention_reads", "feed_reads"):
        for inside in ("x", "x'", "x^{(N)}"):
            if norm == "none" or name not in ("middle", "after"):
                said = said.replace(rf"\mathrm{{LN}}({inside})", inside)
    if not residual:
        said = said.replace("x + f(x)", "f(x)").replace("x' + g(x')", "g(x')")
    return said


def order(norm: str, residual: bool) -> Iterator[tuple[str, str]]:
    """The tensors of a block in the order of computation, each with the sign before it."""
    plus = "+" if residual else "→"
    yield "before", ""
    if norm == "pre":
        yield "attention_reads", "→"
    yield from (("q", "→"), ("k", ""), ("v", ""), ("attention", "→"), ("mixed", "→"),
                ("attended", "→"))
    yield from ((("attended_sum", plus), ("middle", "→")) if norm == "post"
                else (("middle", plus),))
    if norm == "pre":
        yield "feed_reads", "→"
    yield from (("active", "→"), ("fed", "→"))
    yield from ((("fed_sum", plus), ("after", "→")) if norm == "post" else (("after", plus),))


def whole(trace: xr.Dataset) -> xr.Dataset:
    """A trace with the probabilities that its logits are."""
    logits = trace["logits"].values.astype(float)
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return trace.assign(probability=(
        trace["logits"].dims, (powers / powers.sum(-1, keepdims=True)).astype(np.float32)))


def plane(trace: xr.Dataset, name: str, layer: int = 0, head: int = 0) -> xr.DataArray:
    """A tensor of one layer and, where there are several, of one head: over two axes."""
    return trace[name].isel(layer=layer, head=head, missing_dims="ignore")


def shape(trace: xr.Dataset, name: str) -> str:
    """The shape of a tensor in one layer, as it is computed."""
    sizes = [size for axis, size in trace[name].sizes.items() if axis != "layer"]
    return "×".join(map(str, sizes))


def window(count: int, most: int, place: int) -> slice:
    """At most so many of `count`, `place` among them."""
    first = max(0, min(place - most // 2, count - most))
    return slice(first, min(count, first + most))


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
    rows = window(found.sizes[down], min(
        ACROSS, max(1, CELLS // len(found[0, columns]))), token)
    drawn = found.values[rows][:, columns]
    signed = name not in SHARES
    reach = max(float(np.abs(drawn).max()), 1e-6) if signed else 1.0
    labels = [str(label) for label in trace["label"].values]
    names: list[str] = []
    if across == "vocabulary":
        names = [str(trace["vocabulary"].values[column]) for column in columns]
    elif across == "key":
        names = labels[columns]
    colours, size = palette(theme), shape(trace, name).replace("×", " × ")
    title = (f"<b>{TENSORS[name].letter}</b> "
             f'<span style="color:{colours.muted}">{size}</span>')
    chart = matrix(drawn, title, Axis(labels[rows], token - rows.start), Axis(
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


def _caption(
    trace: xr.Dataset, name: str, layer: int, head: int, reach: float, drawn: Array,
    found: xr.DataArray,
) -> str:
    what = _(TENSORS[name].title)
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
    return said


@view("residual stream", "after")
def stream(trace: xr.Dataset, token: int = 0, theme: Theme = "light") -> Figure:
    """How long the vector of a token is on the stream, and what each sublayer adds to it."""
    colours = palette(theme)
    data = lengths(trace, token)
    chart = go.Figure()
    looks = {"attended": ("/", 0), "fed": ("", 1)}
    for name, (pattern, shade) in looks.items():
        chart.add_trace(go.Bar(
            x=data["layer"], y=data[name], name=_(TENSORS[name].title),
            marker={"color": colours.categorical[shade], "pattern": {"shape": pattern}},
            hovertemplate="%{x}: %{y:.3f}"))
    chart.add_trace(go.Scatter(
        x=data["layer"], y=data["after"], name=_("the stream after the block"),
        mode="lines+markers", line={"color": colours.text, "width": 2}, marker={"size": 7},
        hovertemplate="%{x}: %{y:.3f}"))
    chart.update_layout(colours.layout(height=300), barmode="group", bargap=0.35,
                        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
                        margin={"l": 8, "r": 8, "t": 36, "b": 8})
    chart.update_xaxes(title={"text": _("layer")}, dtick=1, showgrid=False)
    chart.update_yaxes(title={"text": _("length of the vector")}, rangemode="tozero")
    said = _("Token {place}: the length of its vector after each block, and of what attention and "
             "the feed-forward network make of it there.", place=token + 1)
    return Figure(chart, data, said, said, "residual-stream")


def lengths(trace: xr.Dataset, token: int) -> pd.DataFrame:
    """‖x‖ of a token by layer: before the block, what its sublayers make, after it."""
    names = ("before", "attended", "fed", "after")
    found = {name: np.linalg.norm(trace[name].values[:, token].astype(float), axis=-1)
             for name in names}
    return pd.DataFrame({"layer": np.arange(1, trace.sizes["layer"] + 1)} | found)
