"""What a head or a feed-forward layer is worth: the loss without it (Michel et al. 2019).

A head is silenced where its weighted sum of values goes into W_O, a feed-forward layer where it is
added to the stream: zero, or what it gives on average of the run's own text (mean ablation), stands
there instead. All else reads on, and is not trained anew.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.tape import Change, Tape, record
from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.probes.stacks import AT_ONCE, cropped, read, stack_of
from explorer.words import N_

How = Literal["zero", "mean"]
HOW: tuple[How, ...] = ("zero", "mean")
WINDOWS = 4  # of the run's own text, of which the mean is taken
AFFORDABLE = 3e10  # multiplications of all readings together: some seconds
FEWEST = 16  # tokens that are read all the same


class Instead(NamedTuple):
    """What stands in the place of what is silenced: `mixed` (layer, head, number), `fed` (layer,
    unit)."""

    mixed: Tensor
    fed: Tensor


def ablations(opened: Opened, text: str, how: How = "zero") -> xr.Dataset:
    """The mean loss, in nats a token, with each single head silenced: `without_head` over (layer,
    head); with each single feed-forward layer: `without_feed` over layer; and of the whole network:
    attrs["loss"].

    how: "zero", or "mean" for what it gives on average of the run's own text. At most
    `stacks.AT_ONCE` tokens are read, of a large network fewer: attrs `read`, of `of`. Raises
    DataError: fewer than two tokens, or there is no such `how`.
    """
    spec = stack_of(opened).spec
    passes = spec.layers * (spec.heads + 1) + 1
    size = sum(weight.numel() for weight in stack_of(opened).parameters())
    tokens, of = cropped(opened, text, max(FEWEST, min(AT_ONCE, int(AFFORDABLE / passes / size))))
    if len(tokens) < 2:
        raise DataError(N_("One token alone has no loss, for nothing guesses it: type at least "
                           "two."))
    ids = torch.from_numpy(tokens.ids)
    with torch.no_grad():
        instead = _instead(opened, how)
        layers, heads = range(spec.layers), range(spec.heads)
        whole = _mean_loss(opened, ids, Tape())
        head = [[_mean_loss(opened, ids, silent([(layer, head)], (), instead)) for head in heads]
                for layer in layers]
        feed = [_mean_loss(opened, ids, silent((), [layer], instead)) for layer in layers]
    return xr.Dataset(
        {"without_head": (("layer", "head"), np.array(head), {"units": "nat"}),
         "without_feed": ("layer", np.array(feed), {"units": "nat"})},
        {"label": ("token", list(tokens.labels))},
        about(opened) | {"loss": whole, "how": how, "read": len(tokens), "of": of})


def ablated(
    opened: Opened, text: str, token: int = 0, heads: Sequence[Sequence[int]] = (),
    feeds: Sequence[int] = (), how: How = "zero",
) -> xr.Dataset:
    """The same text read by the whole network and with some of it silenced, over `network`
    ("whole", "silenced"): `loss` over token, in nats (NaN for the first, which nothing guesses),
    and the `logits` over vocabulary after `token`.

    heads: [layer, head] each. feeds: layers whose feed-forward network is silenced. Raises
    DataError: an empty text, or there is no such token, head or layer.
    """
    tokens, of = cropped(opened, text)
    spec = stack_of(opened).spec
    admit_place("token", token, len(tokens))
    for layer, head in heads:
        admit_place("layer", layer, spec.layers)
        admit_place("head", head, spec.heads)
    for layer in feeds:
        admit_place("layer", layer, spec.layers)
    ids = torch.from_numpy(tokens.ids)
    with torch.no_grad():
        tape = silent({(layer, head) for layer, head in heads}, feeds, _instead(opened, how))
        both = [read(opened, ids, each)[0] for each in (Tape(), tape)]  # (T, vocabulary) each
        loss = [np.append(np.nan, _losses(logits, ids).numpy()) for logits in both]
    return xr.Dataset(
        {"loss": (("network", "token"), np.stack(loss), {"units": "nat"}),
         "logits": (("network", "vocabulary"), np.stack([each[token].numpy() for each in both]))},
        {"network": ["whole", "silenced"], "label": ("token", list(tokens.labels)),
         "id": ("token", tokens.ids), "vocabulary": list(opened.tokenizer.labels)},
        about(opened) | {"token": token, "how": how, "of": of,
                         "heads": " ".join(f"{layer}.{head}" for layer, head in heads),
                         "feeds": " ".join(map(str, feeds))})


def silent(
    heads: Collection[tuple[int, int]], feeds: Collection[int], instead: Instead
) -> Tape:
    """A tape that silences these heads, (layer, head) each, and the feed-forward layers."""

    def head(mixed: Tensor, axes: Any) -> Tensor:
        chosen = [head for layer, head in heads if layer == axes["layer"]]
        if not chosen:
            return mixed
        mixed = mixed.clone()  # (B, heads, T, d)
        mixed[:, chosen] = instead.mixed[axes["layer"], chosen, None]
        return mixed

    def feed(fed: Tensor, axes: Any) -> Tensor:
        return instead.fed[axes["layer"]].expand_as(fed) if axes["layer"] in feeds else fed

    changes: dict[str, Change] = {"mixed": head, "fed": feed}
    return Tape(changes=changes)


def admit_place(name: str, value: int, count: int) -> None:
    """Raises DataError: there is no token, layer or head of this number."""
    if not 0 <= value < count:
        raise DataError(N_("There is no {name} {value}: choose one from 0 to {last}."), name=name,
                        value=value, last=count - 1)


def _instead(opened: Opened, how: str) -> Instead:
    if how not in HOW:
        raise DataError(N_("There is no way “{how}” to silence: there are {known}."), how=how,
                        known=", ".join(HOW))
    return averages(opened) if how == "mean" else _nothing(opened)


def _nothing(opened: Opened) -> Instead:
    spec = stack_of(opened).spec
    weight = stack_of(opened).encoder.weight
    return Instead(weight.new_zeros(spec.layers, spec.heads, spec.hidden // spec.heads),
                   weight.new_zeros(spec.layers, spec.hidden))


def averages(opened: Opened) -> Instead:
    """What each head and each feed-forward layer gives on average: of some windows of the run's own
    text, spread evenly."""
    ids = torch.from_numpy(opened.corpus.ids)
    window = min(len(ids), opened.experiment.training.window, AT_ONCE)
    starts = np.linspace(0, len(ids) - window, WINDOWS).astype(int)
    tape = Tape()
    with record(tape):
        stack_of(opened)(torch.stack([ids[start : start + window] for start in starts], 1))
    layers = range(stack_of(opened).spec.layers)
    return Instead(*(torch.stack([_mean(tape.kept[name][("layer", layer),]) for layer in layers])
                     for name in ("mixed", "fed")))


def _mean(value: Tensor) -> Tensor:
    """Over texts and tokens: (B, …, T, n) -> (…, n)."""
    return value.mean((0, -2))


def _losses(logits: Tensor, ids: Tensor) -> Tensor:
    """Nats paid for each token but the first: (T − 1,)."""
    return -logits[:-1].double().log_softmax(-1).gather(1, ids[1:, None])[:, 0]


def _mean_loss(opened: Opened, ids: Tensor, tape: Tape) -> float:
    return float(_losses(read(opened, ids, tape)[0], ids).mean())
