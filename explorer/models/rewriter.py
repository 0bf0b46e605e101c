"""The Transformer that translates (Vaswani et al. 2017): an encoder reads the source, a decoder
writes the target and looks at what the encoder made of it. It is used as `translator.Translator`
is: with the same memory, states and steps.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from explorer.models.blocks import Block, stack
from explorer.models.heads import Sight
from explorer.models.stack import Placed
from explorer.models.tape import tap
from explorer.models.transformer import Transformer
from explorer.models.translator import Memory, State


class Rewriter(nn.Module):
    """Embedding + position → encoder blocks; embedding + position → decoder blocks → linear.

    With tied weights `output.weight` is `target.weight`.
    """

    def __init__(self, spec: Transformer, vocabulary: int, source: int) -> None:
        super().__init__()
        self.spec = spec
        W = spec.hidden
        self.source, self.target = nn.Embedding(source, W), nn.Embedding(vocabulary, W)
        self.source_placed, self.target_placed = Placed(spec), Placed(spec)
        self.encoder = stack(spec, spec.layers, spec.mix)
        self.decoder = stack(spec, spec.layers, spec.mix, spec.looking)
        ends = nn.LayerNorm if spec.norm == "pre" else nn.Identity
        self.encoder_norm, self.decoder_norm = ends(W), ends(W)
        self.output = nn.Linear(W, vocabulary)
        if spec.tied:
            self.output.weight = self.target.weight
        for embedding in (self.source, self.target):
            nn.init.normal_(embedding.weight, std=W**-0.5)
        nn.init.zeros_(self.output.bias)

    @property
    def _writers(self) -> list[Block]:
        return [cast("Block", block) for block in self.decoder]

    def encode(self, source: Tensor, valid: Tensor) -> Memory:
        """Read sources (B, S), of which the first `valid` (B,) tokens count. Of the memory,
        `prepared` (B, layers, 2, heads, S, d) are the keys and values of each decoder block."""
        places = torch.arange(source.shape[1], device=source.device)
        seen = places < valid[:, None]  # (B, S)
        x, sight = self.source_placed(self.source(source)), Sight(places, places, False, seen)
        for layer, block in enumerate(self.encoder):
            x, _ = block(x, sight, layer=layer, source=1)
        keys = tap("final", self.encoder_norm(x), source=1)  # (B, S, width)
        prepared = [torch.stack(block.source(keys), 1) for block in self._writers]
        blank = keys.new_zeros(len(keys), self.spec.hidden)
        return Memory(keys=keys, prepared=torch.stack(prepared, 1), valid=seen[:, None],
                      summary=blank, start=())

    def begin(self, memory: Memory) -> State:
        """The decoder before its first step: it has read nothing."""
        return State((), None)

    def step(
        self, tokens: Tensor, state: State, memory: Memory, **axes: int
    ) -> tuple[Tensor, State, Tensor]:
        """One step: the tokens before (B,) -> logits (B, vocabulary), the state after it, and the
        weights (B, S) of the last block's look at the source, the mean over its heads."""
        x, core, weights = self.read(tokens[:, None], state.core, memory, shown=True)
        logits: Tensor = self.output(x[:, 0])
        assert weights is not None
        return logits, State(core, None), weights[:, :, 0].mean(1)

    def forward(self, source: Tensor, valid: Tensor, given: Tensor) -> Tensor:
        """Teacher forcing: sources (B, S) and the true tokens before each step, given (B, T), ->
        logits (B, T, vocabulary)."""
        logits: Tensor = self.output(self.shown(source, valid, given))
        return logits

    def shown(self, source: Tensor, valid: Tensor, given: Tensor) -> Tensor:
        """Likewise what the logits are made of, (B, T, width). What stands behind a sentence's end
        is seen by nobody who counts: attention looks back only."""
        return self.read(given, (), self.encode(source, valid))[0]

    def read(
        self, ids: Tensor, past: Any, memory: Memory, shown: bool = False
    ) -> tuple[Tensor, tuple[Tensor, ...], Tensor | None]:
        """Tokens (B, T) after those whose keys and values are `past`, (1, B, heads, S, d) each,
        block by block: what the decoder shows (B, T, width), all keys and values, and the weights
        of its last block."""
        first = past[0].shape[3] if past else 0
        places = torch.arange(first + ids.shape[1], device=ids.device)
        sight = Sight(places[first:], places, True)
        sources = torch.arange(memory.keys.shape[1], device=ids.device)
        across = Sight(places[first:], sources, False, memory.valid[:, 0])
        x: Tensor = self.target_placed(self.target(ids), first)
        kept: list[Tensor] = []
        weights = None
        for layer, block in enumerate(self._writers):
            x, mine = block.along(x, sight, [part[0] for part in past[2 * layer : 2 * layer + 2]],
                                  layer=layer)
            x, weights = block.look(x, memory.prepared[:, layer].unbind(1), across, shown,
                                    layer=layer)
            x = block.on(x, layer=layer)
            kept += [part[None] for part in mine]
        return tap("final", self.decoder_norm(x)), tuple(kept), weights
