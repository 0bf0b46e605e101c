"""A stack of Transformer blocks, opened: every tensor of it under its name, from token to guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.stack import Stack
from explorer.models.tape import Axes, Tape, record
from explorer.probes.opened import Opened
from explorer.text.types import Tokens
from explorer.words import N_

AT_ONCE = 256  # tokens that look at each other in one picture; a longer text is cropped
STREAM = ("token", "unit")
PART = ("head", "token", "number")
OF_SOURCE = ("head", "source", "number")

# What is tapped, and the axes of each, but for the layer.
AXES: dict[str, tuple[str, ...]] = {
    "embedding": STREAM, "position": STREAM, "before": STREAM, "attention_reads": STREAM,
    "q": PART, "k": PART, "v": PART, "scores": ("head", "query", "key"),
    "attention": ("head", "query", "key"), "mixed": PART, "attended": STREAM,
    "attended_sum": STREAM, "middle": STREAM, "feed_reads": STREAM, "active": ("token", "neuron"),
    "fed": STREAM, "fed_sum": STREAM, "after": STREAM, "final": STREAM, "hidden": STREAM,
    # Of a decoder that looks at a source:
    "look_reads": STREAM, "look_q": PART, "look_k": OF_SOURCE, "look_v": OF_SOURCE,
    "look_scores": ("head", "query", "source"), "look_attention": ("head", "query", "source"),
    "look_mixed": PART, "looks": STREAM, "looks_sum": STREAM, "looked": STREAM,
}


def stack_of(opened: Opened) -> Stack:
    """The network of a run that is a stack of blocks."""
    return cast("Stack", opened.network)


def cropped(opened: Opened, text: str, most: int = AT_ONCE) -> tuple[Tokens, int]:
    """The first tokens of a text, and how many it has. Raises DataError: none."""
    tokens = opened.tokenizer.encode(text)
    if not len(tokens):
        raise DataError(N_("There is nothing to read: type a sentence of at least one token."))
    return Tokens(tokens.ids[:most], tokens.labels[:most]), len(tokens)


def read(opened: Opened, ids: Tensor, tape: Tape | None = None) -> tuple[Tensor, Tape]:
    """One text (T,) read through the readable form: logits (T, vocabulary), and what was tapped."""
    tape = Tape() if tape is None else tape
    with record(tape):
        logits, _ = stack_of(opened)(ids[:, None])
    return logits[:, 0], tape


def trace_stack(
    opened: Opened, text: str, logits: bool = True, only: Sequence[str] | None = None
) -> xr.Dataset:
    """Every tensor on the way of at most `AT_ONCE` tokens: over (layer, token, unit) what a block
    is given (`before`), what attention reads and adds (`attention_reads`, `attended`), the sum
    (`attended_sum`, after which post-norm gives `middle`), likewise `feed_reads`, `fed`, `fed_sum`
    and `after`; over (layer, head, token, number) `q`, `k`, `v` as they are compared and `mixed`,
    the weighted sum; `scores` and `attention` over (layer, head, query, key); `active`, inside the
    feed-forward network, over (layer, token, neuron); `embedding`, `position` and `final` over
    (token, unit); `logits` over (token, vocabulary); and `loss` over token, as of any language
    model. A score that a mask hides is still given; its attention is 0.

    only: these names. attrs: `of`, how many tokens the text has; `window`, how many the network was
    trained on at once; `residual`, whether its blocks have residual paths. Raises DataError: an
    empty text.
    """
    tokens, of = cropped(opened, text)
    ids = torch.from_numpy(tokens.ids)
    with torch.no_grad():
        guesses, tape = read(opened, ids)
        paid = -guesses[:-1].log_softmax(-1).gather(1, ids[1:, None])[:, 0]  # (T − 1,)
    variables: dict[str, Any] = {
        name: laid(name, kept) for name, kept in tape.kept.items() if only is None or name in only}
    variables["loss"] = (
        "token", np.concatenate([[np.nan], paid.numpy()]).astype(np.float32), {"units": "nat"})
    labels = list(tokens.labels)
    coordinates: dict[str, Any] = {"label": ("token", labels), "id": ("token", tokens.ids)}
    if any("query" in dims for dims, *_ in variables.values()):
        coordinates |= {"query_label": ("query", labels), "key_label": ("key", labels)}
    if logits:
        variables["logits"] = (("token", "vocabulary"), guesses.numpy())
        coordinates["vocabulary"] = list(opened.tokenizer.labels)
    model = opened.experiment.model
    return xr.Dataset(variables, coordinates, {
        "run": opened.key, "step": opened.step, "model": model.title, "kind": model.kind,
        "of": of, "window": opened.experiment.training.window,
        "residual": int(stack_of(opened).spec.residual)})


def laid(name: str, kept: Mapping[Axes, Tensor]) -> tuple[tuple[str, ...], Any]:
    """What was tapped, as its axes and its values: the layers one on the other; of what has no
    layer, as it is."""
    # Without the batch of one; what an Aaren asks is its weight itself, a view that has a gradient.
    parts = [value[0].detach() for _, value in sorted(kept.items())]
    if not any("layer" in dict(axes) for axes in kept):
        [value] = kept.values()
        return AXES[name], _plain(value, AXES[name])
    return ("layer", *AXES[name]), torch.stack(parts).numpy()


def _plain(value: Tensor, axes: tuple[str, ...]) -> Any:
    return (value[0] if value.dim() > len(axes) else value).detach().numpy()
