"""The scaled dot product (Vaswani et al. 2017): the variance of a score no longer grows with d."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import TYPE_CHECKING, ClassVar, Literal

from explorer.models.scorers.base import Scorer, same_length
from explorer.models.scorers.filled import Array, products
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor


class ScaledDot(Scorer):
    """qᵀ k / √d"""

    kind: Literal["scaled-dot"] = "scaled-dot"

    title: ClassVar = N_("scaled dot")
    paper: ClassVar = "Vaswani et al. 2017"
    letters: ClassVar = r"\frac{q^\top k}{\sqrt d}"

    def shapes(self, query: int, key: int, hidden: int) -> dict[str, tuple[int, ...]]:
        same_length(self, query, key)
        return {}

    def score(self, q: Tensor, prepared: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        """qᵀ k / √d, for every pair."""
        return q @ prepared.mT / sqrt(q.shape[-1])  # (…, Q, K)

    def filled(self, q: Array, k: Array, w: Mapping[str, Array]) -> str:
        return (rf"\frac{{q^\top k}}{{\sqrt d}} = \frac{{{products(q, k)}}}{{\sqrt{{{len(q)}}}}} = "
                rf"{q @ k / sqrt(len(q)):.3f}")
