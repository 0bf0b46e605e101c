"""Attention: scores → mask → softmax → weighted sum, for any scorer.

    α(t, s) = softmax_s score(q_t, k_s),   c_t = Σ_s α(t, s) v_s        (Bahdanau et al. 2014)

Local attention looks through a window around a place that the query foretells (Luong et al. 2015,
“local-p”):

    p_t = S · σ(v_pᵀ tanh(W_p q_t)),   α(t, s) · exp(−(s − p_t)² / 2σ²),   |s − p_t| ≤ D,   σ = D/2
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from explorer.models.scorers.scoring import Scoring
from explorer.models.tape import tap


def masked_softmax(scores: Tensor, valid: Tensor | None = None) -> Tensor:
    """The softmax over the last axis, over its valid entries only: the others get exactly 0. A row
    without a valid entry is 0 throughout, in its gradient too.

    valid: bool, broadcastable to scores (…, Q, K); None: all are.
    """
    if valid is None:
        return scores.softmax(-1)
    lowest = torch.finfo(scores.dtype).min  # not −∞: a row of it would be NaN
    weights = scores.masked_fill(~valid, lowest).softmax(-1)
    return weights.masked_fill(~valid, 0.0)  # (…, Q, K)


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    scorer: Scoring,
    valid: Tensor | None = None,
    *,
    local: LocalP | None = None,
    prepared: Tensor | None = None,
    **axes: int,
) -> tuple[Tensor, Tensor]:
    """The context (…, Q, value) and the weights (…, Q, K); taps `scores` and `attention`.

    q: (…, Q, query). k: (…, K, key). v: (…, K, value). valid: bool, broadcastable to (…, Q, K).
    local: look through its window. prepared: `scorer.prepare(k)`, where it is at hand.
    """
    prepared = scorer.prepare(k) if prepared is None else prepared
    scores = tap("scores", scorer.score(q, prepared), **axes)  # (…, Q, K)
    weights = masked_softmax(scores, valid) if local is None else local(q, scores, valid, **axes)
    weights = tap("attention", weights, **axes)  # (…, Q, K)
    return weights @ v, weights


class LocalP(nn.Module):
    """Local attention with a foretold centre. reach: D, so that at most 2D + 1 keys are seen.

    As in the paper, the Gaussian is not made up for: the weights of a query sum to less than 1.
    """

    def __init__(self, query: int, hidden: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.W_p = nn.Parameter(_even(hidden, query))
        self.v_p = nn.Parameter(_even(hidden))

    @staticmethod
    def shapes(query: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """The weights and their shapes."""
        return {"W_p": (hidden, query), "v_p": (hidden,)}

    def centre(self, q: Tensor, length: Tensor | int) -> Tensor:
        """p (…, Q) between 0 and `length`, the number of keys S, for queries (…, Q, query)."""
        return length * ((q @ self.W_p.mT).tanh() @ self.v_p).sigmoid()

    def forward(
        self, q: Tensor, scores: Tensor, valid: Tensor | None = None, **axes: int
    ) -> Tensor:
        """The weights (…, Q, K) of scores (…, Q, K); taps `centre`. Keys are counted from 0, and
        those of a sequence are the first ones: S is how many of a row are valid."""
        length = scores.shape[-1] if valid is None else valid.sum(-1)  # (…, Q)
        p = tap("centre", self.centre(q, length), **axes)
        away = torch.arange(scores.shape[-1], device=p.device) - p.unsqueeze(-1)  # (…, Q, K)
        inside = away.abs() <= self.reach
        weights = masked_softmax(scores, inside if valid is None else inside & valid)
        return weights * (-2 * (away / self.reach) ** 2).exp()  # 1 / 2σ² = 2 / D²


def _even(*shape: int) -> Tensor:
    bound = shape[-1] ** -0.5
    return torch.empty(shape).uniform_(-bound, bound)
