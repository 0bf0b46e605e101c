"""Sines and cosines of falling frequency (Vaswani et al. 2017, section 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from explorer.models.positions.base import Position
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor

BASE = 10_000.0


def frequencies(d: int, like: Tensor) -> Tensor:
    """ω_i = 10000^(−2i/d) for each pair of d numbers, (d/2,), in radians a place."""
    import torch

    pairs = torch.arange(0, d, 2, device=like.device, dtype=torch.float64)
    return BASE ** (-pairs / d)


class Sinusoidal(Position):
    """PE(p, 2i) = sin(ω_i p),  PE(p, 2i + 1) = cos(ω_i p),  ω_i = 10000^(−2i/d)"""

    kind: Literal["sinusoidal"] = "sinusoidal"

    title: ClassVar = N_("sinusoidal")
    paper: ClassVar = "Vaswani et al. 2017"
    letters: ClassVar = (r"PE_{p,2i} = \sin(p / 10000^{2i/d}),\quad "
                         r"PE_{p,2i+1} = \cos(p / 10000^{2i/d})")
    even: ClassVar = "width"
    turns: ClassVar = -1  # a pair is (sin, cos): upright at place 0, it leans over

    def added(self, places: Tensor, width: int, w: Mapping[str, Tensor]) -> Tensor:
        import torch

        angles = places.double()[:, None] * frequencies(width, places)  # (T, width/2)
        return torch.stack((angles.sin(), angles.cos()), -1).flatten(1)  # (T, width)
