"""Positional encodings by themselves: the tensors that tell a network where a token stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from math import pi
from typing import Any, cast

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.positions import Position
from explorer.models.positions.sinusoidal import frequencies
from explorer.models.transformer import Transformer
from explorer.probes.opened import Opened
from explorer.probes.stacks import stack_of
from explorer.words import N_

LENGTHS, WIDTHS, HEADS = (2, 512), (2, 256), (1, 8)
STARTS = 4  # places from which products are taken
SQUARE = 48  # queries, and keys, whose bias is given one by one


def positions(
    kind: str = "sinusoidal", length: int = 128, width: int = 32, heads: int = 4,
    distance: int = 1, seed: int = 0,
) -> xr.Dataset:
    """An encoding at `length` places, in double precision. See `described`.

    width: how many numbers are told where they stand: of a token's vector, or, where queries and
    keys are turned, of a head. seed: a learnt one is drawn from it, as before any training.
    Raises DataError or ExperimentError: an encoding that there is not, a size out of range.
    """
    position = cast("Position", Position.parse(kind))
    for what, value, (low, high) in (
        (N_("places"), length, LENGTHS), (N_("numbers of a vector"), width, WIDTHS),
        (N_("heads"), heads, HEADS), (N_("distance"), distance, (1, LENGTHS[1])),
    ):
        if not low <= value <= high:
            raise DataError(N_("The {what} must be from {low} to {high} (given: {given})."),
                            what=what, low=low, high=high, given=value)
    if position.even and width % 2:
        raise DataError(N_("Sines and rotations come in pairs: choose an even number instead of "
                           "{given}."), given=width)
    generator = torch.Generator().manual_seed(seed)
    weights = {name: torch.empty(shape).normal_(std=0.1, generator=generator).double()
               for name, shape in position.shapes(width, length).items()}
    asked = json.dumps([kind, length, width, heads, distance, seed])
    return described(position, weights, length, width, heads, distance).assign_attrs(
        random=int(bool(weights)), asked=hashlib.sha256(asked.encode()).hexdigest())


def run_positions(opened: Opened, length: int = 128, distance: int = 1) -> xr.Dataset:
    """The encoding of a run, with the weights that it has learnt, if any. See `described`. Of more
    places than it knows, those that it knows."""
    spec = cast("Transformer", opened.experiment.model)
    position, weights = spec.position, stack_of(opened).placed.weights
    width = spec.hidden // spec.heads if position.even == "head" else spec.hidden
    known = spec.places if position.shapes(width, spec.places) else length
    with torch.no_grad():
        found = described(position, {name: weight.double() for name, weight in weights.items()},
                          min(length, known), width, spec.heads, distance)
    return found.assign_attrs(
        random=0, run=opened.key, step=opened.step, known=known,
        window=opened.experiment.training.window, asked=f"{length} {distance}")


def described(
    position: Position, weights: Mapping[str, Tensor], length: int, width: int, heads: int,
    distance: int,
) -> xr.Dataset:
    """What an encoding does at places 0 … length − 1.

    `encoding` (place, number): what is added to a token's vector; where queries and keys are
    turned, what becomes of the vector (1, 0, 1, 0, …). `dot` (start, away): the product of its rows
    at `start` and at `start + away`, NaN beyond the last place; `squared` (place): ‖·‖².
    Where pairs of numbers turn from place to place: `frequency` ω_i (pair), in radians a place,
    `wavelength` 2π/ω_i, in places, and `turned` (place, number): R(distance) times each row, which
    attrs["error"], the largest difference, holds against the row so many places on.
    Where scores are lowered: `bias` (head, query, key) of the first places, `lowered` (head, away),
    `slope` (head). All float64.
    """
    places = torch.arange(length + distance)
    variables: dict[str, Any] = {}
    unit = torch.zeros(width, dtype=torch.float64)
    unit[::2] = 1.0
    attrs: dict[str, Any] = {
        "kind": position.kind, "length": length, "width": width, "heads": heads,
        "distance": distance, "turns": position.turns, "adds": 0}
    known = places if position.turns else places[:length]
    added = position.added(known, width, weights)
    vectors = position.turned(unit.expand(len(known), -1), known) if added is None else added
    if added is not None or position.turns:
        attrs["adds"] = int(added is not None)
        encoding = vectors[:length]  # (place, number)
        variables["encoding"] = (("place", "number"), encoding.numpy())
        variables["squared"] = ("place", encoding.square().sum(-1).numpy())
        variables |= _products(encoding)
    if position.turns:
        ω = frequencies(width, places)  # (pair,)
        turned = encoding @ rotation(ω * distance * position.turns).mT  # (place, number)
        variables["frequency"] = ("pair", ω.numpy(), {"units": "radian"})
        variables["wavelength"] = ("pair", (2 * pi / ω).numpy())
        variables["turned"] = (("place", "number"), turned.numpy())
        attrs["error"] = float((turned - vectors[distance:]).abs().max())
    first = places[: min(length, SQUARE)]
    bias = position.bias(first, first, heads)
    if bias is not None:
        lowered = position.bias(places[:1], places[:length], heads)
        assert lowered is not None
        variables["bias"] = (("head", "query", "key"), bias.double().numpy())
        variables["lowered"] = (("head", "away"), lowered[:, 0].double().numpy())
        variables["slope"] = ("head", -lowered[:, 0, 1].double().numpy())
    return xr.Dataset(variables, attrs=attrs)


def rotation(angles: Tensor) -> Tensor:
    """The matrix that turns the i-th pair of numbers by angles (d/2,), against the clock: (d, d).
    """
    sin, cos = angles.sin(), angles.cos()
    pairs = torch.stack((cos, -sin, sin, cos), -1).view(-1, 2, 2)  # (d/2, 2, 2)
    return cast("Tensor", torch.block_diag(*pairs))


def _products(encoding: Tensor) -> dict[str, Any]:
    """`dot` over (start, away), and the coordinate `start`. encoding: (place, number)."""
    T = len(encoding)
    starts = sorted({T * part // (2 * STARTS) for part in range(STARTS)})
    dot = np.full((len(starts), T), np.nan)
    for row, start in enumerate(starts):
        dot[row, : T - start] = (encoding[start:] @ encoding[start]).numpy()
    return {"dot": (("start", "away"), dot), "start": ("start", starts)}
