"""The general score (Luong, Pham & Manning 2015): a matrix between query and key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from explorer.models.scorers.base import Scorer
from explorer.models.scorers.filled import Array, products
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor


class General(Scorer):
    """qᵀ W k"""

    kind: Literal["general"] = "general"

    title: ClassVar = N_("general")
    paper: ClassVar = "Luong, Pham & Manning 2015"
    letters: ClassVar = r"q^\top W k"

    def shapes(self, query: int, key: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {"W": (query, key)}

    def prepare(self, k: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        return k @ w["W"].mT  # (…, K, query)

    def score(self, q: Tensor, prepared: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        """qᵀ W k, for every pair; prepared: W k."""
        return q @ prepared.mT  # (…, Q, K)

    def filled(self, q: Array, k: Array, w: Mapping[str, Array]) -> str:
        return rf"q^\top (W k) = {products(q, w['W'] @ k)} = {q @ w['W'] @ k:.3f}"
