"""Additive attention (Bahdanau, Cho & Bengio 2014): a small network reads query and key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from explorer.models.scorers.base import Scorer
from explorer.models.scorers.filled import Array, products, vector
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor


class Additive(Scorer):
    """vᵀ tanh(W_q q + W_k k)"""

    kind: Literal["additive"] = "additive"

    title: ClassVar = N_("additive")
    paper: ClassVar = "Bahdanau, Cho & Bengio 2014"
    letters: ClassVar = r"v^\top \tanh(W_q\, q + W_k\, k)"

    def shapes(self, query: int, key: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {"W_q": (hidden, query), "W_k": (hidden, key), "v": (hidden,)}

    def prepare(self, k: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        return k @ w["W_k"].mT  # (…, K, hidden)

    def score(self, q: Tensor, prepared: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        """vᵀ tanh(W_q q + W_k k), for every pair; prepared: W_k k."""
        from_query = (q @ w["W_q"].mT).unsqueeze(-2)  # (…, Q, 1, hidden)
        return (from_query + prepared.unsqueeze(-3)).tanh() @ w["v"]  # (…, Q, K)

    def filled(self, q: Array, k: Array, w: Mapping[str, Array]) -> str:
        a = w["W_q"] @ q + w["W_k"] @ k
        return (rf"v^\top \tanh({vector(w['W_q'] @ q)} + {vector(w['W_k'] @ k)}) = "
                rf"{products(w['v'], np.tanh(a))} = {w['v'] @ np.tanh(a):.3f}")
