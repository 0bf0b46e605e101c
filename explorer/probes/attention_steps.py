"""One head of one layer, step by step: from what it reads to what it mixes."""

from __future__ import annotations

from math import sqrt
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.heads import Attention, Sight
from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.probes.stacks import cropped, read, stack_of
from explorer.words import N_

DRAWN = 24  # tokens whose matrices can still be read


def attention_steps(
    opened: Opened, text: str, layer: int = 0, head: int = 0, most: int = DRAWN
) -> xr.Dataset:
    """The first `most` tokens of a text through one head (layers and heads are counted from 0).
    What comes later is not looked at by them, so they are read as in the whole text.

    Tokens are `query` as rows, `key` where they are looked at. `reads` (query, input) is what the
    head reads, all of its layer's vectors or, by split, its own part of them; `weight_q`, `bias_q`
    and so on its projections, (input, number) and (number,); `straight_q` (query, number) and
    `straight_k` (key, number) what they make, before it is turned; `q`, `k`, `v` as they are
    compared and mixed; `products` = q kᵀ, `scaled` = products / √d, `bias`, which the distance
    adds (if it does), `scores` with it, `masked` (−∞ where hidden), `attention`, over (query, key);
    `mixed` = attention v over (query, number). The numbers are those of the run, in single
    precision; `products` and `scaled` are worked out from q and k in double.

    attrs: `layer`, `head`, `of`, how many tokens the text has; `positions`, their kind; `split`.
    Raises DataError: an empty text; no such layer or head.
    """
    network = stack_of(opened)
    _admit(layer, network.spec.layers, head, network.spec.heads)
    tokens, of = cropped(opened, text, most)
    ids = torch.from_numpy(tokens.ids)
    with torch.no_grad():
        _, tape = read(opened, ids)
    kept = {name: values[("layer", layer),][0] for name, values in tape.kept.items()
            if (("layer", layer),) in values}
    mix: Attention = network.blocks[layer].mix  # type: ignore[assignment]
    q, k, v = (kept[name][head] for name in ("q", "k", "v"))  # (T, d)
    places = torch.arange(len(ids))
    bias = mix.position.bias(places, places, mix.heads)
    scores, allowed = kept["scores"][head], Sight(places, places, network.causal).allowed()
    products = q.double() @ k.double().mT  # (query, key)
    across = ("query", "key")
    variables: dict[str, Any] = _projected(mix, kept["attention_reads"], head) | {
        "q": (("query", "number"), q), "k": (("key", "number"), k), "v": (("key", "number"), v),
        "products": (across, products), "scaled": (across, products / sqrt(q.shape[-1])),
        "scores": (across, scores), "masked": (across, _hidden(scores, allowed)),
        "attention": (across, kept["attention"][head]),
        "mixed": (("query", "number"), kept["mixed"][head])}
    if bias is not None:
        variables["bias"] = across, bias[head]
    labels = list(tokens.labels)
    return xr.Dataset(
        {name: (dims, value.numpy()) for name, (dims, value) in variables.items()},
        {"query_label": ("query", labels), "key_label": ("key", labels)},
        about(opened) | {"layer": layer, "head": head, "of": of, "split": int(mix.split),
                         "positions": mix.position.kind})


def _admit(layer: int, layers: int, head: int, heads: int) -> None:
    if not 0 <= layer < layers:
        raise DataError(N_("This network has no layer {given}: it has {count}, counted from 1."),
                        given=layer + 1, count=layers)
    if not 0 <= head < heads:
        raise DataError(N_("This layer has no head {given}: it has {count}, counted from 1."),
                        given=head + 1, count=heads)


def _projected(mix: Attention, reads: Tensor, head: int) -> dict[str, Any]:
    """What the head reads of (T, width), its weights, and what they make of it."""
    d = reads.shape[-1] // mix.heads
    own = slice(head * d, (head + 1) * d)
    found: dict[str, Any] = {
        "reads": (("query", "input"), reads[:, own] if mix.split else reads)}
    straight = mix.projected(reads[None], 0, 3)  # three of (1, heads, T, d)
    for place, (name, axis) in enumerate({"q": "query", "k": "key", "v": "key"}.items()):
        W = mix.in_weight[place, head] if mix.split else mix.in_weight[place, own]  # (d, input)
        found[f"weight_{name}"] = ("input", "number"), W.detach().mT
        found[f"bias_{name}"] = ("number",), mix.in_bias[place, own].detach()
        if name != "v":
            found[f"straight_{name}"] = (axis, "number"), straight[place][0, head].detach()
    return found


def _hidden(scores: Tensor, allowed: Tensor | None) -> Tensor:
    """−∞ where nobody may look."""
    return scores if allowed is None else scores.masked_fill(~allowed, -torch.inf)
