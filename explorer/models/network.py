"""The recurrent network that is trained: tokens in, logits out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explorer.models.recurrent import Recurrent, Weights


class Network(nn.Module):
    """Embedding or one-hot → fused recurrent layers → linear.

    `encoder` is None for one-hot input; with tied weights `decoder.weight` is `encoder.weight`.
    """

    def __init__(self, spec: Recurrent, vocabulary: int) -> None:
        super().__init__()
        self.spec = spec
        self.vocabulary = vocabulary
        embeds = spec.input == "embedding"
        self.encoder = nn.Embedding(vocabulary, spec.embedding) if embeds else None
        self.core = spec.fused(spec.inputs(vocabulary), spec.layers, spec.dropout)
        self.decoder = nn.Linear(spec.hidden, vocabulary)
        if spec.tied and self.encoder is not None:
            self.decoder.weight = self.encoder.weight
            nn.init.normal_(self.encoder.weight, std=spec.hidden**-0.5)
        self._settle()  # last, so that no other weight depends on it

    @torch.no_grad()
    def _settle(self) -> None:
        """Draw and scale the recurrent weights as the spec asks, gate by gate.

        Orthogonal: Saxe et al. 2014. Gaussian of variance 1/hidden: eigenvalues in the unit disc
        (the circular law, Ginibre 1965).
        """
        spec, H = self.spec, self.spec.hidden
        for layer in range(spec.layers):
            for U in self.weights(layer).U.split(H):  # (hidden, hidden)
                if spec.initial == "orthogonal":
                    nn.init.orthogonal_(U)
                elif spec.initial == "gaussian":
                    nn.init.normal_(U, std=H**-0.5)
                if spec.spectral_radius is not None:
                    drawn = float(torch.linalg.eigvals(U.double()).abs().max())
                    U.mul_(spec.spectral_radius / drawn if drawn else 0.0)

    def read(self, ids: Tensor) -> Tensor:
        """What the first layer sees: ids (…) -> x (…, inputs)."""
        if self.encoder is None:
            return F.one_hot(ids, self.vocabulary).to(self.decoder.weight.dtype)
        x: Tensor = self.encoder(ids)
        return x

    def forward(self, ids: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """ids (T, B) -> logits (T, B, vocabulary), and the state after the last step."""
        h, state = self.core(self.read(ids), state)  # (T, B, hidden)
        return self.decoder(h), state

    def start(self) -> Any:
        """The state before the first token, for one layer without batch axis: zeros (hidden,)."""
        h = self.decoder.weight.new_zeros(self.spec.hidden)
        return (h, h.clone()) if self.spec.has_cell else h

    def weights(self, layer: int) -> Weights:
        """The parameters of one layer (views, not copies)."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return Weights(*(getattr(self.core, f"{name}_l{layer}") for name in names))

    def layer(self, layer: int) -> nn.RNNBase:
        """One layer alone as a fused module which shares its parameters."""
        w = self.weights(layer)
        with torch.device("meta"):
            alone = self.spec.fused(w.W.shape[1], 1)
        for name, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), w, strict=True):
            setattr(alone, f"{name}_l0", value)
        return alone.train(self.training)
