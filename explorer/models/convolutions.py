"""The convolutional network that is trained: tokens in, logits out."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explorer.models.cnn import CNN
from explorer.models.tape import tap


class Level(nn.Module):
    """Two causal convolutions of one dilation, and a residual path around them."""

    def __init__(self, spec: CNN, dilation: int) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Conv1d(spec.hidden, spec.hidden, spec.kernel, dilation=dilation) for _ in range(2))
        self.drop = nn.Dropout(spec.dropout)
        self.reach = (spec.kernel - 1) * dilation  # tokens before one that it is made of
        for conv in (self.first, self.second):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.second.weight.mul_(spec.layers**-0.5)  # the sum of all levels keeps its size

    def forward(self, x: Tensor, past: Sequence[Tensor] = ()) -> tuple[Tensor, list[Tensor]]:
        """x (B, C, T) after `past`, what each convolution read last, (B, C, reach) each; likewise.
        Nothing stands before the first token: zeros."""
        kept: list[Tensor] = []
        h = x
        for place, conv in enumerate((self.first, self.second)):
            before = past[place] if past else h.new_zeros(*h.shape[:2], self.reach)
            read = torch.cat((before, h), 2)  # (B, C, reach + T)
            kept.append(read[..., read.shape[2] - self.reach :])
            h = self.drop(conv(read))
            h = F.relu(h if place == 0 else x + h)  # (B, C, T)
        return h, kept


class Convolutions(nn.Module):
    """Embedding → levels → linear. With tied weights `decoder.weight` is `encoder.weight`."""

    def __init__(self, spec: CNN, vocabulary: int) -> None:
        super().__init__()
        self.spec, self.vocabulary = spec, vocabulary
        self.encoder = nn.Embedding(vocabulary, spec.hidden)
        self.levels = nn.ModuleList(Level(spec, 2**level) for level in range(spec.layers))
        self.decoder = nn.Linear(spec.hidden, vocabulary)
        if spec.tied:
            self.decoder.weight = self.encoder.weight
        nn.init.normal_(self.encoder.weight, std=spec.hidden**-0.5)
        nn.init.zeros_(self.decoder.bias)

    def read(self, ids: Tensor) -> Tensor:
        """What the first level sees: ids (B, T) -> (B, C, T)."""
        x: Tensor = self.encoder(ids) * sqrt(self.spec.hidden)
        return x.transpose(1, 2)

    def forward(
        self, ids: Tensor, state: Sequence[Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """ids (T, B) -> logits (T, B, vocabulary), and what each convolution read last, (1, B, C,
        reach) each, level by level. state: that after the tokens before."""
        x = self.read(ids.T)
        kept: list[Tensor] = []
        for layer, level in enumerate(self.levels):
            past = [part[0] for part in state[2 * layer : 2 * layer + 2]] if state else ()
            x, mine = level(x, past)
            tap("hidden", x.mT, layer=layer)  # (B, T, C)
            kept += [part[None] for part in mine]
        logits: Tensor = self.decoder(x.mT)  # (B, T, vocabulary)
        return logits.transpose(0, 1), tuple(kept)
