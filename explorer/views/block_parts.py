"""What the tensors of a block are: their names and formulas, their order, and how one is read out
of a trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr

from explorer.words import N_


class Tensor(NamedTuple):
    """letter: its name in a box. title: in words. meaning: in one line. formula: as LaTeX."""

    letter: str
    title: str
    meaning: str
    formula: str


SEEN_WHOLE = r"A = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right)"

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
        "Each token's numbers brought to mean 0 and variance 1, then stretched and shifted as "
        "learnt: what attention reads."),
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
    "look_reads": Tensor("norm", N_("norm"), N_(
        "Normalised once more: what the look at the source reads."),
        r"\mathrm{LN}(x') = \gamma \odot \frac{x' - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta"),
    "look_q": Tensor("Q", N_("queries to the source"), N_(
        "What each token that was written asks of the source, head by head."),
        r"Q = \mathrm{LN}(x')\, W_Q + b_Q"),
    "look_k": Tensor("K", N_("keys of the source"), N_(
        "What each token of the source can be found by, head by head: made of what the encoder "
        "gives, M."), r"K = M\, W_K + b_K"),
    "look_v": Tensor("V", N_("values of the source"), N_(
        "What each token of the source hands over, head by head: made of what the encoder gives, "
        "M."), r"V = M\, W_V + b_V"),
    "look_attention": Tensor("A", N_("attention to the source"), N_(
        "How much each token that was written (row) takes from each of the source (column): every "
        "row sums to 1."), SEEN_WHOLE),
    "look_mixed": Tensor("Z", N_("mixed values of the source"), N_(
        "The values of the whole source, summed with their weights, head by head."), r"Z = A V"),
    "looks": Tensor("look", N_("what the look at the source adds"), N_(
        "The heads side by side, mixed by a matrix: this is written into the stream."),
        r"c(x') = [Z_1; \dots; Z_H]\, W_O + b_O"),
    "looks_sum": Tensor("x′ + c", N_("sum"), N_(
        "What the look at the source made, added to what it was given."), r"x' + c(x')"),
    "looked": Tensor("x″", N_("residual stream"), N_(
        "The stream after the look at the source, on its way into the feed-forward network."),
        r"x'' = x' + c(x')"),
    "feed_reads": Tensor("norm", N_("norm"), N_(
        "Normalised once more: what the feed-forward network reads."),
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
        "What the last block gives on, normalised: the output matrix reads it."),
        r"\mathrm{LN}(x^{(N)})"),
    "logits": Tensor("logits", N_("logits"), N_(
        "A number for each token of the vocabulary: the higher, the likelier it comes next."),
        r"z = \mathrm{LN}(x^{(N)})\, E^\top + b"),
    "probability": Tensor("p", N_("probability"), N_(
        "The softmax of the logits: what the network says of the next token."),
        r"p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}"),
}
# What is said otherwise where there are no residual paths: nothing is added, so there is no stream.
BARE: dict[str, dict[str, str]] = {
    "before": {"title": N_("vectors of the tokens"), "meaning": N_(
        "What the block is given: what has been made of each token so far.")},
    "attended": {"title": N_("what attention makes"), "meaning": N_(
        "The heads side by side, mixed by a matrix: with no residual path it takes the place of "
        "what was given.")},
    "attended_sum": {"letter": "f", "title": N_("without a residual path"), "meaning": N_(
        "What attention made, alone: what it was given is not added.")},
    "middle": {"title": N_("vectors of the tokens"), "meaning": N_(
        "What attention made, on its way into the feed-forward network.")},
    "looks": {"title": N_("what the look at the source makes"), "meaning": N_(
        "The heads side by side, mixed by a matrix: with no residual path it takes the place of "
        "what was given.")},
    "looks_sum": {"letter": "c", "title": N_("without a residual path"), "meaning": N_(
        "What the look at the source made, alone: what it was given is not added.")},
    "looked": {"title": N_("vectors of the tokens"), "meaning": N_(
        "What the look at the source made, on its way into the feed-forward network.")},
    "fed": {"title": N_("what feed-forward makes"), "meaning": N_(
        "The neurons, summed by a matrix: with no residual path it takes the place of what was "
        "given.")},
    "fed_sum": {"letter": "g", "title": N_("without a residual path"), "meaning": N_(
        "What the feed-forward network made, alone: what it was given is not added.")},
    "after": {"title": N_("vectors of the tokens")}}
STREAM = ("before", "middle", "looked", "after")  # what lies on the residual stream
LOOKS = ("feed_reads", "active", "fed", "fed_sum", "after")  # after the look at a source
SHARES = ("attention", "look_attention", "probability")  # values in 0…1


def looks(trace: xr.Dataset) -> bool:
    """Whether its blocks look at a source: they are those of a decoder."""
    return "looked" in trace


def told(name: str, trace: xr.Dataset) -> Tensor:
    """What a tensor is, in the blocks of this trace: what comes after a look at the source has one
    stroke more; an encoder hides nothing, and what it gives in the end the decoder reads; without
    residual paths nothing is added to a stream."""
    found = TENSORS[name]
    if not trace.attrs.get("residual", 1):
        found = found._replace(**BARE.get(name, {}))
    if looks(trace) and name in LOOKS:
        return found._replace(letter=found.letter.replace("″", "‴").replace("′", "″"),
                              formula=found.formula.replace("x'", "x''"))
    if trace.attrs.get("side") == "encoder":
        if name == "attention":
            return found._replace(formula=SEEN_WHOLE)
        if name == "final":
            return found._replace(letter="M", title=N_("what the encoder gives"), meaning=N_(
                "What the last block gives on: of it the decoder makes its keys and values."),
                formula="M = " + found.formula)
    return found


def sums(trace: xr.Dataset) -> dict[str, tuple[str, str]]:
    """Of each sum the two tensors that are added."""
    fed = ("looked" if looks(trace) else "middle", "fed")
    found = {"middle": ("before", "attended"), "attended_sum": ("before", "attended"),
             "after": fed, "fed_sum": fed}
    if looks(trace):
        found |= dict.fromkeys(("looked", "looks_sum"), ("middle", "looks"))
    return found


def formula(name: str, trace: xr.Dataset, norm: str, residual: bool, tied: bool) -> str:
    """The formula of a tensor, as the blocks of a network are built."""
    said = told(name, trace).formula
    if not tied:
        said = said.replace(r"E^\top", r"W^\top")
    goes_on = name in ("middle", "looked", "after")
    if norm == "post" and goes_on:
        made, inside = said.split(" = ")
        said = rf"{made} = \mathrm{{LN}}({inside})"
    elif norm != "pre" and name not in ("attention_reads", "look_reads", "feed_reads"):
        for inside in ("x", "x'", "x''", "x^{(N)}"):
            said = said.replace(rf"\mathrm{{LN}}({inside})", inside)
    if not residual:
        for given, made in (("x", "f(x)"), ("x'", "g(x')"), ("x'", "c(x')"), ("x''", "g(x'')")):
            said = said.replace(f"{given} + {made}", made)
    return said


def order(norm: str, residual: bool, looks: bool = False) -> Iterator[tuple[str, str]]:
    """The tensors of a block in the order of computation, each with the sign before it. looks: it
    looks at a source."""
    plus = "+" if residual else "→"
    yield "before", ""
    if norm == "pre":
        yield "attention_reads", "→"
    yield from (("q", "→"), ("k", ""), ("v", ""), ("attention", "→"), ("mixed", "→"),
                ("attended", "→"))
    yield from ((("attended_sum", plus), ("middle", "→")) if norm == "post"
                else (("middle", plus),))
    if looks:
        if norm == "pre":
            yield "look_reads", "→"
        yield from (("look_q", "→"), ("look_k", ""), ("look_v", ""), ("look_attention", "→"),
                    ("look_mixed", "→"), ("looks", "→"))
        yield from ((("looks_sum", plus), ("looked", "→")) if norm == "post"
                    else (("looked", plus),))
    if norm == "pre":
        yield "feed_reads", "→"
    yield from (("active", "→"), ("fed", "→"))
    yield from ((("fed_sum", plus), ("after", "→")) if norm == "post" else (("after", plus),))


def whole(trace: xr.Dataset) -> xr.Dataset:
    """A trace with the probabilities that its logits are, if it has any."""
    if "logits" not in trace:
        return trace
    logits = trace["logits"].values.astype(float)
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return trace.assign(probability=(
        trace["logits"].dims, (powers / powers.sum(-1, keepdims=True)).astype(np.float32)))


def plane(trace: xr.Dataset, name: str, layer: int = 0, head: int = 0) -> xr.DataArray:
    """A tensor of one layer and, where there are several, of one head: over two axes."""
    return trace[name].isel(layer=layer, head=head, missing_dims="ignore")


def of_source(trace: xr.Dataset, name: str) -> bool:
    """Whether a tensor has a row for each token of the source."""
    return "source" in trace[name].dims and "query" not in trace[name].dims


def row(trace: xr.Dataset, name: str, layer: int, token: int) -> int:
    """The row of a tensor that is a token's own; of what the source has, the row at which the token
    looks most."""
    if not of_source(trace, name):
        return token
    weights = trace["look_attention"].isel(layer=layer, query=token)  # (head, source)
    return int(weights.values.mean(0).argmax())


def shape(trace: xr.Dataset, name: str) -> str:
    """The shape of a tensor in one layer, as it is computed."""
    sizes = [size for axis, size in trace[name].sizes.items() if axis != "layer"]
    return "×".join(map(str, sizes))


def window(count: int, most: int, place: int) -> slice:
    """At most so many of `count`, `place` among them."""
    first = max(0, min(place - most // 2, count - most))
    return slice(first, min(count, first + most))
