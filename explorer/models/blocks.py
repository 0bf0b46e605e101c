"""The blocks of a Transformer (Vaswani et al. 2017): attention and a feed-forward network, each
with a residual path around it and a normalisation.

    post-norm:   x ← norm(x + f(x))        (Vaswani et al. 2017)
    pre-norm:    x ← x + f(norm(x))        (Xiong et al. 2020)

Either can be switched off, to see what it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explorer.models.heads import Attention, Sight
from explorer.models.tape import tap

Norm = Literal["pre", "post", "none"]


class FeedForward(nn.Module):
    """W₂ φ(W₁ x + b₁) + b₂, at every token alike."""

    def __init__(self, width: int, inner: int, activation: str) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.bend = F.relu if activation == "relu" else F.gelu

    def forward(self, x: Tensor, **axes: int) -> Tensor:
        """x (B, T, width) -> (B, T, width)."""
        active = tap("active", self.bend(self.up(x)), **axes)  # (B, T, inner)
        made: Tensor = self.down(active)
        return made


class Around(nn.Module):
    """What stands around a sublayer f: normalisation, dropout, residual path."""

    def __init__(self, width: int, norm: Norm, residual: bool, dropout: float) -> None:
        super().__init__()
        self.order, self.residual = norm, residual
        self.norm = None if norm == "none" else nn.LayerNorm(width)
        self.drop = nn.Dropout(dropout)

    def reads(self, x: Tensor) -> Tensor:
        """What f is given of x."""
        return self.norm(x) if self.norm is not None and self.order == "pre" else x

    def goes_on(self, x: Tensor, made: Tensor, name: str, **axes: int) -> Tensor:
        """What goes on to the next sublayer, from x and what f made of it; taps `name` for f's
        output, and `name`_sum for what it is added to."""
        made = tap(name, self.drop(made), **axes)
        total = tap(f"{name}_sum", x + made if self.residual else made, **axes)
        return self.norm(total) if self.norm is not None and self.order == "post" else total


class Block(nn.Module):
    """Attention to what is read itself, to a source if `across`, then the feed-forward network.

    mix: the module that looks along the text, in the place of self-attention: it is called as
    `Attention` is, and gives its output and what it must remember.
    """

    def __init__(
        self, width: int, mix: nn.Module, *, inner: int, activation: str, norm: Norm,
        residual: bool, dropout: float, across: Attention | None = None,
    ) -> None:
        super().__init__()
        self.mix, self.across = mix, across
        self.feed = FeedForward(width, inner, activation)
        self.around_mix = Around(width, norm, residual, dropout)
        self.around_across = None if across is None else Around(width, norm, residual, dropout)
        self.around_feed = Around(width, norm, residual, dropout)

    def forward(
        self, x: Tensor, sight: Sight, past: Sequence[Tensor] = (),
        **axes: int,
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """x (B, T, width) -> what goes on to the next block, likewise, and what `mix` remembers.

        past: what it remembers of the tokens before.
        """
        x, kept = self.along(x, sight, past, **axes)
        return self.on(x, **axes), kept

    def along(
        self, x: Tensor, sight: Sight, past: Sequence[Tensor] = (), **axes: int
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """The first sublayer: it looks along the text."""
        x = tap("before", x, **axes)
        read = tap("attention_reads", self.around_mix.reads(x), **axes)
        made, kept = self.mix(read, sight, past, **axes)
        return tap("middle", self.around_mix.goes_on(x, made, "attended", **axes), **axes), kept

    def look(
        self, x: Tensor, source: Sequence[Tensor], sight: Sight, shown: bool = False, **axes: int
    ) -> tuple[Tensor, Tensor | None]:
        """The sublayer of a decoder that looks at a source, by its keys and values; and its weights
        (B, heads, T, S) if `shown`."""
        assert self.across is not None
        assert self.around_across is not None
        read = tap("look_reads", self.around_across.reads(x), **axes)
        made, weights = self.across.across(read, source, sight, shown, across=1, **axes)
        x = self.around_across.goes_on(x, made, "looks", **axes)
        return tap("looked", x, **axes), weights

    def source(self, keys: Tensor) -> list[Tensor]:
        """Keys and values, (B, heads, S, d) each, of what an encoder shows (B, S, width)."""
        assert self.across is not None
        return self.across.projected(keys, 1, 3)

    def on(self, x: Tensor, **axes: int) -> Tensor:
        """The last sublayer: the feed-forward network, at each token for itself."""
        read = tap("feed_reads", self.around_feed.reads(x), **axes)
        x = self.around_feed.goes_on(x, self.feed(read, **axes), "fed", **axes)
        return tap("after", x, **axes)


def stack(
    spec: Any, layers: int, mixes: Callable[[], nn.Module],
    across: Callable[[], Attention] | None = None,
) -> nn.ModuleList:
    """Blocks in a spec's sizes, and the weights into the residual path drawn smaller the more there
    are, so that its variance does not grow with the depth (Radford et al. 2019)."""
    blocks = nn.ModuleList(
        Block(spec.hidden, mixes(), inner=spec.inner, activation=spec.activation, norm=spec.norm,
              residual=spec.residual, dropout=spec.dropout,
              across=None if across is None else across())
        for _ in range(layers))
    if spec.residual:
        with torch.no_grad():
            for name, weight in blocks.named_parameters():
                if name.endswith(("out.weight", "down.weight")):
                    weight.mul_((2 * layers) ** -0.5)
    return blocks
