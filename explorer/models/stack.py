"""A stack of Transformer blocks that is trained: tokens in, logits out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

import torch
from torch import Tensor, nn

from explorer.models.blocks import stack
from explorer.models.heads import Sight
from explorer.models.stacked import Stacked
from explorer.models.tape import tap


class Placed(nn.Module):
    """The vectors of tokens, told where they stand: x_p = √width · E[token] + PE(p).

    As in the paper, so that vectors drawn short, to serve as the output matrix too, are as long as
    what is added to them.
    """

    def __init__(self, spec: Stacked) -> None:
        super().__init__()
        self.position, self.drop = spec.position, nn.Dropout(spec.dropout)
        self.known = spec.places
        for name, shape in self.position.shapes(spec.hidden, spec.places).items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape).normal_(std=0.1)))

    @property
    def weights(self) -> Mapping[str, Tensor]:
        return {name: getattr(self, name) for name in self._parameters}

    def forward(self, vectors: Tensor, first: int = 0) -> Tensor:
        """vectors (B, T, width), of which the first stands at place `first`; likewise.
        Raises DataError: further places than it has learnt."""
        T, W = vectors.shape[1:]
        self.position.admit(first + T, self.known)
        x = tap("embedding", vectors * sqrt(W))
        places = torch.arange(first, first + T, device=x.device)
        added = self.position.added(places, W, self.weights)  # (T, width)
        if added is not None:
            x = x + tap("position", added.to(x.dtype))
        placed: Tensor = self.drop(x)
        return placed


class Stack(nn.Module):
    """Embedding + position → blocks → linear. causal: each guess is made from the tokens up to it.

    With tied weights `decoder.weight` is `encoder.weight`. One that reads from both sides has a
    vector `mask`, which stands for a hidden token: for a negative id.
    """

    def __init__(self, spec: Stacked, vocabulary: int, causal: bool = True) -> None:
        super().__init__()
        self.spec, self.vocabulary, self.causal = spec, vocabulary, causal
        W = spec.hidden
        self.encoder = nn.Embedding(vocabulary, W)
        self.placed = Placed(spec)
        self.blocks = stack(spec, spec.layers, spec.mix)
        self.norm = nn.LayerNorm(W) if spec.norm == "pre" else nn.Identity()
        self.decoder = nn.Linear(W, vocabulary)
        if spec.tied:
            self.decoder.weight = self.encoder.weight
        nn.init.normal_(self.encoder.weight, std=W**-0.5)
        nn.init.zeros_(self.decoder.bias)
        self.mask = None if causal else nn.Parameter(torch.empty(W).normal_(std=W**-0.5))

    def read(self, ids: Tensor, first: int = 0) -> Tensor:
        """What the first block sees: ids (B, T) -> (B, T, width)."""
        vectors = self.encoder(ids if self.causal else ids.clamp(min=0))
        if self.mask is not None:
            vectors = torch.where(ids[..., None] < 0, self.mask, vectors)
        x: Tensor = self.placed(vectors, first)
        return x

    def forward(
        self, ids: Tensor, state: Sequence[Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """ids (T, B) -> logits (T, B, vocabulary), and what the blocks remember of all tokens,
        block by block: keys and values, (1, B, heads, T, d) each, of a Transformer.

        state: that of the tokens before.
        """
        first = 0 if state is None or self.spec.carries else state[0].shape[3]
        x, kept = self.through(self.read(ids.T, first), first, state)
        logits: Tensor = self.guess(x)
        return logits.transpose(0, 1), kept

    def through(
        self, x: Tensor, first: int = 0, state: Sequence[Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x (B, T, width) through all blocks, likewise, and what they remember."""
        keys = torch.arange(first + x.shape[1], device=x.device)
        sight = Sight(keys[first:], keys, self.causal)
        kept: list[Tensor] = []
        for layer, block in enumerate(self.blocks):
            n = len(state) // len(self.blocks) if state else 0
            past = [part[0] for part in state[layer * n : (layer + 1) * n]] if state else ()
            x, mine = block(x, sight, past, layer=layer)
            kept += [part[None] for part in mine]
        return x, tuple(kept)

    def guess(self, x: Tensor) -> Tensor:
        """What a block's output (…, width) would say if it were the last: logits (…, vocabulary).
        """
        logits: Tensor = self.decoder(tap("final", self.norm(x)))
        return logits
