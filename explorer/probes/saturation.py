"""How often each gate is nearly shut or nearly open (Karpathy, Johnson & Fei-Fei 2015, fig. 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.models.tape import Tape, record
from explorer.observations import OBSERVATIONS
from explorer.probes.capture import DIRECTIONS, about
from explorer.probes.opened import Opened

LOW, HIGH = 0.1, 0.9
CHUNK = 2_000
MOST = 100_000  # tokens of a run's text that are read


def saturation(opened: Opened, most: int = MOST) -> xr.Dataset:
    """`left`, `right` over (observation, layer, direction, unit): the share of tokens of the run's
    own text at which a gate is below 0.1, above 0.9. An RNN, which has no gates, shows its hidden
    state: below −0.9, above 0.9.

    The backward direction of a network that has one starts blank at the end of each `CHUNK`.
    most: only so many tokens from the beginning are read; attrs["tokens"] says how many were,
    attrs["of"] how many there are.
    """
    spec = opened.network.spec
    names = [n for n in spec.observes if not OBSERVATIONS[n].signed] or ["hidden"]
    ids = torch.from_numpy(opened.tokenizer.encode(opened.experiment.text.content).ids)
    read = ids[:most]
    counts = {name: torch.zeros(2, spec.layers, spec.directions, spec.hidden) for name in names}
    states: list[list[Any]] = [
        [opened.network.start() for _ in range(spec.directions)] for _ in range(spec.layers)
    ]
    with torch.no_grad():
        for chunk in read.split(CHUNK):
            tape = Tape()
            with record(tape):
                states = _read(opened, chunk, states)
            for name in names:
                for axes, value in tape.kept[name].items():
                    place = dict(axes)
                    counts[name][:, place["layer"], place.get("direction", 0)] += _count(
                        name, value
                    )
    share = np.stack([counts[name].numpy() for name in names]) / len(read)
    dims = ("observation", "layer", "direction", "unit")
    return xr.Dataset(
        {"left": (dims, share[:, 0]), "right": (dims, share[:, 1])},
        {"observation": names, "direction": list(DIRECTIONS[: spec.directions])},
        about(opened) | {"tokens": len(read), "of": len(ids)},
    )


def _count(name: str, value: Tensor) -> Tensor:
    """How often (2, unit) a value (T, unit) is at its low, at its high end."""
    low = -HIGH if OBSERVATIONS[name].signed else LOW
    return torch.stack([(value < low).sum(0), (value > HIGH).sum(0)])


def _read(opened: Opened, ids: Tensor, states: list[list[Any]]) -> list[list[Any]]:
    """Read a chunk from the states that the last one left, tapping every gate."""
    network = opened.network
    x, after = network.read(ids), []
    for layer, ways in enumerate(states):
        shown, left = [], []
        for way, state in enumerate(ways):
            state = network.start() if way else state
            h, end = _one(opened, x.flip(0) if way else x, state, layer, way)
            shown.append(h.flip(0) if way else h)
            left.append(end)
        x = torch.cat(shown, -1)  # (T, width)
        after.append(left)
    return after


def _one(opened: Opened, x: Tensor, state: Any, layer: int, way: int) -> tuple[Tensor, Any]:
    """One layer in one direction: h (T, hidden), and the state that it leaves."""
    network = opened.network
    wrapped = tuple(s[None] for s in state) if isinstance(state, tuple) else state[None]
    h, end = network.layer(layer, way)(x, wrapped)  # (T, hidden)
    network.spec.replay(x, h, state, network.weights(layer, way), **network.axes(layer, way))
    return h, tuple(s[0] for s in end) if isinstance(end, tuple) else end[0]
