"""The trace: every gate and state of a network while it reads a text."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.tape import Axes, Tape, record
from explorer.observations import OBSERVATIONS
from explorer.probes.opened import Opened
from explorer.text import Tokens
from explorer.words import N_

LONGEST = 2_000  # tokens of a text that is traced


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


def trace(opened: Opened, text: str, logits: bool = True, by_cell: bool = False) -> xr.Dataset:
    """Gates and states over (layer, direction, token, unit), logits over (token, vocabulary),
    and `loss` over token: nats paid for each token, guessed from those before it (NaN for the
    first).

    by_cell: read step by step through the readable cell instead of the fused layer.
    Raises DataError when the text is empty or longer than `LONGEST` tokens.
    """
    tokens = admit(opened, text)
    tape = Tape()
    with torch.no_grad(), record(tape):
        ids = torch.from_numpy(tokens.ids)
        top = (through_cell if by_cell else through_layers)(opened, ids)  # (T, hidden)
        guesses = opened.network.decoder(top)  # (T, vocabulary)
        paid = -guesses[:-1].log_softmax(-1).gather(1, ids[1:, None])[:, 0]  # (T − 1,)
    variables: dict[str, Any] = {
        name: (
            ("layer", "direction", "token", "unit"),
            _stack(tape.kept[name])[:, None],
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
    """Read by PyTorch's layers, then compute all gates of a layer in one matrix product."""
    network = opened.network
    x = network.read(ids)  # (T, inputs)
    for layer in range(network.spec.layers):
        h, _ = network.layer(layer)(x)  # (T, hidden)
        network.spec.replay(x, h, network.start(), network.weights(layer), layer=layer)
        x = h
    return x


def through_cell(opened: Opened, ids: Tensor) -> Tensor:
    """Read token by token through the cell's own lines."""
    network = opened.network
    spec = network.spec
    weights = [network.weights(layer) for layer in range(spec.layers)]
    states = [network.start() for _ in weights]
    top = []
    for t, x in enumerate(network.read(ids)):  # (inputs,)
        for layer, w in enumerate(weights):
            states[layer] = spec.step(x, states[layer], w, layer=layer, token=t)
            x = spec.output(states[layer])
        top.append(x)
    return torch.stack(top)


def _stack(kept: dict[Axes, Tensor]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(layer, token, unit), whether it was tapped once a layer or once a layer and token."""
    layers: dict[int, list[Tensor]] = {}
    for axes, value in sorted(kept.items()):
        layers.setdefault(dict(axes)["layer"], []).append(value)
    stacked = [parts[0] if parts[0].dim() == 2 else torch.stack(parts) for parts in layers.values()]
    return torch.stack(stacked).detach().numpy()
