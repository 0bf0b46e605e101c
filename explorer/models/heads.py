"""Attention with several heads (Vaswani et al. 2017, section 3.2), in two forms that tests hold
equal.

    q, k, v = x W_q + b_q, …                     cut into heads of d numbers each
    scores = q kᵀ / √d + bias
    attention = softmax(mask(scores))
    z = attention v
    output = concat(z) W_o + b_o

It trains through PyTorch's fused kernel; as soon as a tape is open, the lines above run, with taps.
By split, each head reads its own d numbers of x only: W_q, W_k, W_v are then block-diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explorer.models.attention import masked_softmax
from explorer.models.positions import Position
from explorer.models.tape import tap, taped


class Sight(NamedTuple):
    """Who sees whom. causal: nobody what comes after. valid: bool (B, K), which keys stand for a
    token; None: all. queries, keys: their places, (Q,) and (K,)."""

    queries: Tensor
    keys: Tensor
    causal: bool
    valid: Tensor | None = None

    def allowed(self) -> Tensor | None:
        """bool, broadcastable to (B, heads, Q, K); None: everybody sees all."""
        seen = self.keys <= self.queries[:, None] if self.causal else None  # (Q, K)
        if self.valid is None:
            return seen
        valid = self.valid[:, None, None]  # (B, 1, 1, K)
        return valid if seen is None else valid & seen


class Attention(nn.Module):
    """Scaled dot-product attention with `heads` heads over vectors of `width` numbers."""

    def __init__(self, width: int, heads: int, position: Position, split: bool = False) -> None:
        super().__init__()
        self.heads, self.position, self.split = heads, position, split
        d = width // heads
        self.in_weight = nn.Parameter(torch.empty((3, heads, d, d) if split else (3, width, width)))
        self.in_bias = nn.Parameter(torch.zeros(3, width))
        self.out = nn.Linear(width, width)
        nn.init.normal_(self.in_weight, std=self.in_weight.shape[-1] ** -0.5)
        nn.init.normal_(self.out.weight, std=width**-0.5)
        nn.init.zeros_(self.out.bias)

    def projected(self, x: Tensor, first: int, last: int) -> list[Tensor]:
        """Of x (B, T, width) the queries (0), keys (1), values (2) from `first` up to `last`, each
        (B, heads, T, d)."""
        W, b = self.in_weight[first:last], self.in_bias[first:last]
        if self.split:
            parts = x.unflatten(-1, (self.heads, -1))  # (B, T, heads, d)
            made = torch.einsum("bthd,nhed->nbhte", parts, W)
            return list(made + b.unflatten(-1, (self.heads, 1, -1))[:, None])
        made = F.linear(x, W.flatten(0, 1), b.flatten())  # (B, T, n·width)
        whole = made.unflatten(-1, (last - first, self.heads, -1))  # (B, T, n, heads, d)
        return list(whole.permute(2, 0, 3, 1, 4).unbind())

    def forward(
        self, x: Tensor, sight: Sight, past: Sequence[Tensor] = (), **axes: int
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x (B, T, width) looks at itself, and at `past`, the keys and the values of what stood
        before it, (B, heads, S, d) each. The output (B, T, width), and keys and values of all."""
        q, k, v = self.projected(x, 0, 3)
        q = self.position.turned(q, sight.queries)
        k = self.position.turned(k, sight.queries)
        if past:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        return self._look(q, k, v, sight, False, **axes)[0], (k, v)

    def across(
        self, x: Tensor, source: Sequence[Tensor], sight: Sight, shown: bool = False, **axes: int
    ) -> tuple[Tensor, Tensor | None]:
        """x (B, T, width) looks at the keys and values, (B, heads, S, d) each, of a source. What it
        makes of them (B, T, width), and if `shown` the weights (B, heads, T, S)."""
        [q] = self.projected(x, 0, 1)
        return self._look(q, source[0], source[1], sight, shown, **axes)

    def _look(
        self, q: Tensor, k: Tensor, v: Tensor, sight: Sight, shown: bool = False, **axes: int
    ) -> tuple[Tensor, Tensor | None]:
        bias = self.position.bias(sight.queries, sight.keys, self.heads)
        weights = None
        if taped() or shown:
            seen, weights = self._readable(q, k, v, sight, bias, **axes)
        else:
            seen = _fused(q, k, v, sight, bias)
        return self.out(seen.transpose(1, 2).flatten(2)), weights

    @staticmethod
    def _readable(
        q: Tensor, k: Tensor, v: Tensor, sight: Sight, bias: Tensor | None, **axes: int
    ) -> tuple[Tensor, Tensor]:
        q, k, v = tap("q", q, **axes), tap("k", k, **axes), tap("v", v, **axes)
        scores = q @ k.mT / sqrt(q.shape[-1])  # (B, heads, Q, K)
        if bias is not None:
            scores = scores + bias.to(scores.dtype)
        scores = tap("scores", scores, **axes)
        attention = tap("attention", masked_softmax(scores, sight.allowed()), **axes)
        return tap("mixed", attention @ v, **axes), attention  # (B, heads, Q, d), (B, heads, Q, K)


def _fused(q: Tensor, k: Tensor, v: Tensor, sight: Sight, bias: Tensor | None) -> Tensor:
    if bias is None and sight.valid is None and q.shape[2] == k.shape[2]:
        return F.scaled_dot_product_attention(q, k, v, is_causal=sight.causal)
    allowed = sight.allowed()
    mask = allowed
    if bias is not None:
        mask = bias.to(q.dtype)
        if allowed is not None:
            mask = mask.masked_fill(~allowed, -torch.inf)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
