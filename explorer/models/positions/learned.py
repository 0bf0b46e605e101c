"""A vector for each place, learnt like those of the tokens (Gehring et al. 2017; GPT, BERT)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from explorer.errors import DataError
from explorer.models.positions.base import Position
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor


class Learned(Position):
    """x + P[p]"""

    kind: Literal["learned"] = "learned"

    title: ClassVar = N_("learned")
    paper: ClassVar = "Gehring et al. 2017"
    letters: ClassVar = r"x_p + P_p,\quad P \in \mathbb{R}^{n \times d}"

    def shapes(self, width: int, context: int) -> dict[str, tuple[int, ...]]:
        return {"places": (context, width)}

    def admit(self, length: int, context: int) -> None:
        if length > context:
            raise DataError(
                N_("The network has learnt {known} places, and this text needs {needed}: read a "
                   "shorter one, or train with another kind of positions (sinusoidal, rotary and "
                   "ALiBi know any place)."), known=context, needed=length)

    def added(self, places: Tensor, width: int, w: Mapping[str, Tensor]) -> Tensor:
        return w["places"][places]  # (T, width)
