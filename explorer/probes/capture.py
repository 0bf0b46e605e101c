"""The trace: every gate and state of a network while it reads a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.base import RECURRENT
from explorer.models.network import Network
from explorer.models.tape import Axes, Tape, record
from explorer.observations import OBSERVATIONS
from explorer.probes.opened import Opened
from explorer.probes.stacks import trace_stack
from explorer.text import Tokens
from explorer.words import N_

LONGEST = 2_000  # tokens of a text that is traced
DIRECTIONS = ("forward", "backward")


def admit(opened: Opened, text: str, longest: int = LONGEST) -> Tokens:
    """The tokens of a text that is to be read. Raises DataError: empty, or too long."""
    tokens = opened.tokenizer.encode(text)
    if not len(tokens):
        raise DataError(N_("There is nothing to read: type a sentence of at least one token."))
    if len(tokens) > longest:
        raise DataError(
            N_("This text has {count} tokens; at most {longest} are read at once: shorten it."),
            count=len(tokens),
            longest=longest,
        )
    return tokens


def trace(
    opened: Opened, text: str, logits: bool = True, by_cell: bool = False,
    only: Sequence[str] | None = None,
) -> xr.Dataset:
    """Of a stack of attention blocks, see `stacks.trace_stack`. Of a recurrent network, gates and
    states over (layer, direction, token, unit), logits over (token, vocabulary), and `loss` over
    token: nats paid for each token, guessed from those before it (NaN for the first). A network of
    both directions has read the whole text, the guessed token too.

    by_cell: read step by step through the readable cell instead of the fused layer. only: these
    names, of a stack.
    Raises DataError when the text is empty or longer than `LONGEST` tokens.
    """
    if opened.experiment.model.kind not in RECURRENT:
        return trace_stack(opened, text, logits, only)
    tokens = admit(opened, text)
    tape = Tape()
    with torch.no_grad(), record(tape):
        ids = torch.from_numpy(tokens.ids)
        top = (through_cell if by_cell else through_layers)(opened, ids)  # (T, width)
        guesses = opened.network.decoder(top)  # (T, vocabulary)
        paid = -guesses[:-1].log_softmax(-1).gather(1, ids[1:, None])[:, 0]  # (T − 1,)
    variables: dict[str, Any] = {
        name: (
            ("layer", "direction", "token", "unit"),
            stacked(tape.kept[name]),
            {"title": OBSERVATIONS[name].title, "signed": int(OBSERVATIONS[name].signed)},
        )
        for name in opened.experiment.model.observes
    }
    variables["loss"] = (
        "token",
        np.concatenate([[np.nan], paid.numpy()]).astype(np.float32),
        {"units": "nat"},
    )
    coordinates: dict[str, Any] = {
        "label": ("token", list(tokens.labels)),
        "id": ("token", tokens.ids),
        "direction": list(DIRECTIONS[: opened.network.spec.directions]),
    }
    if logits:
        variables["logits"] = (("token", "vocabulary"), guesses.numpy())
        coordinates["vocabulary"] = list(opened.tokenizer.labels)
    return xr.Dataset(variables, coordinates, about(opened))


def about(opened: Opened) -> dict[str, Any]:
    """What a trace is a trace of: kept in its attrs, so that a picture always knows."""
    return {
        "run": opened.key,
        "step": opened.step,
        "model": opened.experiment.model.title,
        "kind": opened.experiment.model.kind,
    }


def through_layers(opened: Opened, ids: Tensor) -> Tensor:
    """Read by PyTorch's layers, then compute all gates of a layer in one matrix product. Gives
    what the top layer shows: (T, width)."""
    network = opened.network
    x = network.read(ids)  # (T, inputs)
    for layer in range(network.spec.layers):
        x = torch.cat(
            [_at_once(network, x, layer, way) for way in range(network.spec.directions)], -1
        )  # (T, width)
    return x


def _at_once(network: Network, x: Tensor, layer: int, direction: int) -> Tensor:
    """One layer in one direction. x (T, inputs) -> h (T, hidden), both in the text's order; it is
    tapped in the order in which it reads."""
    x = x.flip(0) if direction else x
    h: Tensor = network.layer(layer, direction)(x)[0]  # (T, hidden)
    network.spec.replay(
        x, h, network.start(), network.weights(layer, direction), **network.axes(layer, direction)
    )
    return h.flip(0) if direction else h


def through_cell(opened: Opened, ids: Tensor) -> Tensor:
    """Read token by token through the cell's own lines; likewise (T, width)."""
    network = opened.network
    x = network.read(ids)  # (T, inputs)
    for layer in range(network.spec.layers):
        x = torch.cat(
            [_by_token(network, x, layer, way) for way in range(network.spec.directions)], -1
        )  # (T, width)
    return x


def _by_token(network: Network, x: Tensor, layer: int, direction: int) -> Tensor:
    """One layer in one direction, a step at a time. x (T, inputs) -> h (T, hidden)."""
    spec, w, axes = network.spec, network.weights(layer, direction), network.axes(layer, direction)
    state, shown = network.start(), {}
    for t in reversed(range(len(x))) if direction else range(len(x)):
        state = spec.step(x[t], state, w, token=t, **axes)
        shown[t] = spec.output(state)
    return torch.stack([shown[t] for t in range(len(x))])


def stacked(kept: dict[Axes, Tensor]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(layer, direction, token, unit), whether it was tapped once a layer, in the order of
    reading, or once a layer and token."""
    found: dict[tuple[int, int], list[Tensor]] = {}
    for axes, value in sorted(kept.items()):
        place = dict(axes)
        found.setdefault((place["layer"], place.get("direction", 0)), []).append(value)
    planes = {
        (layer, way): torch.stack(parts) if parts[0].dim() == 1
        else parts[0].flip(0) if way else parts[0]
        for (layer, way), parts in found.items()
    }
    layers, ways = (1 + max(place[axis] for place in planes) for axis in (0, 1))
    rows = [torch.stack([planes[layer, way] for way in range(ways)]) for layer in range(layers)]
    return torch.stack(rows).detach().numpy()
