"""The concat score (Luong, Pham & Manning 2015): one matrix reads query and key end to end.

As W [q; k] = W_q q + W_k k for the two halves of W, it can say exactly what additive attention can;
only where its weights begin differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from explorer.models.scorers.base import Scorer
from explorer.models.scorers.filled import Array, products, vector
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor


class Concat(Scorer):
    """vᵀ tanh(W [q; k])"""

    kind: Literal["concat"] = "concat"

    title: ClassVar = N_("concat")
    paper: ClassVar = "Luong, Pham & Manning 2015"
    letters: ClassVar = r"v^\top \tanh(W\, [q; k])"

    def shapes(self, query: int, key: int, hidden: int) -> dict[str, tuple[int, ...]]:
        return {"W": (hidden, query + key), "v": (hidden,)}

    def prepare(self, k: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        return k @ w["W"][:, -k.shape[-1] :].mT  # (…, K, hidden)

    def score(self, q: Tensor, prepared: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        """vᵀ tanh(W [q; k]), for every pair, half by half: no pair is ever laid end to end."""
        from_query = (q @ w["W"][:, : q.shape[-1]].mT).unsqueeze(-2)  # (…, Q, 1, hidden)
        return (from_query + prepared.unsqueeze(-3)).tanh() @ w["v"]  # (…, Q, K)

    def filled(self, q: Array, k: Array, w: Mapping[str, Array]) -> str:
        bent = np.tanh(w["W"] @ np.concatenate((q, k)))
        return (rf"v^\top \tanh(W {vector([*q, *k])}) = "
                rf"{products(w['v'], bent)} = {w['v'] @ bent:.3f}")
