"""Rotary positions (Su et al. 2021, RoFormer): queries and keys are turned by their place, so that
their product depends on the distance alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from explorer.models.positions.base import Position
from explorer.models.positions.sinusoidal import frequencies
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor


class Rotary(Position):
    """(R(p) q)ᵀ (R(s) k) = qᵀ R(s − p) k,  R(p) turns the i-th pair of numbers by ω_i p"""

    kind: Literal["rotary"] = "rotary"

    title: ClassVar = N_("rotary")
    paper: ClassVar = "Su et al. 2021"
    letters: ClassVar = (
        r"(R_p q)^\top (R_s k) = q^\top R_{s-p}\, k,\quad "
        r"(R_p q)_{2i} = q_{2i} \cos p\,\omega_i - q_{2i+1} \sin p\,\omega_i,\quad "
        r"(R_p q)_{2i+1} = q_{2i} \sin p\,\omega_i + q_{2i+1} \cos p\,\omega_i")
    even: ClassVar = "head"
    turns: ClassVar = 1

    def turned(self, x: Tensor, places: Tensor) -> Tensor:
        import torch

        angles = places.double()[:, None] * frequencies(x.shape[-1], places)  # (T, d/2)
        sin, cos = angles.sin().to(x.dtype), angles.cos().to(x.dtype)
        one, other = x[..., ::2], x[..., 1::2]  # (…, T, d/2)
        turned = torch.stack((one * cos - other * sin, one * sin + other * cos), -1)
        return turned.flatten(-2)  # (…, T, d)
