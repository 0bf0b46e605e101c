"""Attention with one learnt query for each head: what it has seen fits into a memory of constant
size (Feng et al. 2024, “Attention as an RNN”). Imports torch.

    s_i = q · k_i / √d,   o_k = Σ_{i≤k} e^{s_i} v_i / Σ_{i≤k} e^{s_i}

It trains through PyTorch's fused kernel, is looked at as a masked softmax, and reads on from a
memory by a scan; `scan` holds the three forms, and tests hold them equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explorer.models.attention import masked_softmax
from explorer.models.heads import Sight
from explorer.models.scan import State, join, scan, whole
from explorer.models.tape import tap, taped


class Prefix(nn.Module):
    """It looks at all that stands up to each token, with `heads` heads over `width` numbers."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Parameter(torch.empty(heads, width // heads).normal_())
        self.in_weight = nn.Parameter(torch.empty(2, width, width).normal_(std=width**-0.5))
        self.in_bias = nn.Parameter(torch.zeros(2, width))
        self.out = nn.Linear(width, width)
        nn.init.normal_(self.out.weight, std=width**-0.5)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, x: Tensor, sight: Sight, past: Sequence[Tensor] = (), **axes: int
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x (B, T, width), after what is remembered of the tokens before: m, u (B, heads) and w
        (B, heads, d). The output (B, T, width), and what is remembered after the last token."""
        made = F.linear(x, self.in_weight.flatten(0, 1), self.in_bias.flatten())
        parts = made.unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        k, v = parts.unbind()  # (B, heads, T, d)
        q = self.query[:, None].expand_as(k)
        s = (q * k).sum(-1) / sqrt(k.shape[-1])  # (B, heads, T)
        if not past:
            seen = self._readable(q, k, v, **axes) if taped() else (
                F.scaled_dot_product_attention(q, k, v, is_causal=True))
            return self._out(seen), tuple(whole(s, v))
        m, u, w = past
        states = join(State(m[..., None], u[..., None], w[..., None, :]), scan(s, v))
        last = State(states.m[..., -1], states.u[..., -1], states.w[..., -1, :])
        return self._out(states.answer), tuple(last)

    def _out(self, seen: Tensor) -> Tensor:
        made: Tensor = self.out(seen.transpose(1, 2).flatten(2))  # (B, T, width)
        return made

    @staticmethod
    def _readable(q: Tensor, k: Tensor, v: Tensor, **axes: int) -> Tensor:
        """The same weights as a table: every row of the scores is the same."""
        q, k, v = tap("q", q, **axes), tap("k", k, **axes), tap("v", v, **axes)
        scores = tap("scores", q @ k.mT / sqrt(q.shape[-1]), **axes)  # (B, heads, T, T)
        T = scores.shape[-1]
        past = torch.ones(T, T, dtype=torch.bool, device=k.device).tril()
        attention = tap("attention", masked_softmax(scores, past), **axes)
        return tap("mixed", attention @ v, **axes)  # (B, heads, T, d)
