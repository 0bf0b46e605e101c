"""The dot product of query and key (Luong, Pham & Manning 2015): nothing is learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from explorer.models.scorers.base import Scorer, same_length
from explorer.models.scorers.filled import Array, products
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor


class Dot(Scorer):
    """qᵀ k"""

    kind: Literal["dot"] = "dot"

    title: ClassVar = N_("dot")
    paper: ClassVar = "Luong, Pham & Manning 2015"
    letters: ClassVar = r"q^\top k"

    def shapes(self, query: int, key: int, hidden: int) -> dict[str, tuple[int, ...]]:
        same_length(self, query, key)
        return {}

    def score(self, q: Tensor, prepared: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        """qᵀ k, for every pair."""
        return q @ prepared.mT  # (…, Q, K)

    def filled(self, q: Array, k: Array, w: Mapping[str, Array]) -> str:
        return rf"q^\top k = {products(q, k)} = {q @ k:.3f}"
