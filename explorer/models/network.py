"""The recurrent network that is trained: tokens in, logits out."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explorer.models.recurrent import ENDS, Recurrent, Weights
from explorer.models.truncation import read_in_pieces

PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


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
        self.core = spec.fused(
            spec.inputs(vocabulary), spec.layers, spec.dropout, spec.bidirectional
        )
        self.decoder = nn.Linear(spec.width, vocabulary)
        if spec.tied and self.encoder is not None:
            self.decoder.weight = self.encoder.weight
            nn.init.normal_(self.encoder.weight, std=spec.hidden**-0.5)
        self._settle()  # last, so that no other weight depends on it

    @torch.no_grad()
    def _settle(self) -> None:
        """Draw and scale the recurrent weights as the spec asks, gate by gate.

        Orthogonal: Saxe et al. 2014. Gaussian of variance 1/hidden: eigenvalues in the unit disc
        (the circular law, Ginibre 1965). On the meta device there are no numbers to scale.
        """
        spec, H = self.spec, self.spec.hidden
        for layer, way in product(range(spec.layers), range(spec.directions)):
            for U in self.weights(layer, way).U.split(H):  # (hidden, hidden)
                if spec.initial == "orthogonal":
                    nn.init.orthogonal_(U)
                elif spec.initial == "gaussian":
                    nn.init.normal_(U, std=H**-0.5)
                if spec.spectral_radius is not None and not U.is_meta:
                    drawn = float(torch.linalg.eigvals(U.double()).abs().max())
                    U.mul_(spec.spectral_radius / drawn if drawn else 0.0)

    def read(self, ids: Tensor) -> Tensor:
        """What the first layer sees: ids (…) -> x (…, inputs)."""
        if self.encoder is None:
            return F.one_hot(ids, self.vocabulary).to(self.decoder.weight.dtype)
        x: Tensor = self.encoder(ids)
        return x

    def forward(
        self, ids: Tensor, state: Any = None, links: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """ids (T, B) -> logits (T, B, vocabulary), and the state after the last step.

        state: carried on from the tokens before. What the backward direction would carry comes
        from the tokens after, which nobody has read yet: that part is taken as blank.
        links: how the gradient passes from token to token (`models.truncation`); None: whole.
        """
        if state is not None and self.spec.bidirectional:
            state = _forward_only(state)
        x = self.read(ids)
        h, state = (self.core(x, state) if links is None
                    else read_in_pieces(self.core, x, state, links))  # (T, B, width)
        return self.decoder(h), state

    def start(self) -> Any:
        """The state before the first token, for one layer without batch axis: zeros (hidden,)."""
        h = self.decoder.weight.new_zeros(self.spec.hidden)
        return (h, h.clone()) if self.spec.has_cell else h

    def weights(self, layer: int, direction: int = 0) -> Weights:
        """The parameters of one layer (views, not copies); direction 1 reads backwards."""
        end = f"_l{layer}{ENDS[direction]}"
        return Weights(*(getattr(self.core, f"{name}{end}") for name in PARTS))

    def axes(self, layer: int, direction: int) -> dict[str, int]:
        """How the tape names a layer; its direction is named where there are two."""
        return {"layer": layer} | ({"direction": direction} if self.spec.bidirectional else {})

    def layer(self, layer: int, direction: int = 0) -> nn.RNNBase:
        """One layer alone, in one direction, as a fused module which shares its parameters. It
        reads what it is given in its order: give the backward one a text turned round."""
        w = self.weights(layer, direction)
        with torch.device("meta"):
            alone = self.spec.fused(w.W.shape[1], 1)
        for name, value in zip(PARTS, w, strict=True):
            setattr(alone, f"{name}_l0", value)
        return alone.train(self.training)


def _forward_only(state: Any) -> Any:
    """A state (2·layers, B, hidden), or a pair of them, without what backward directions left."""
    if isinstance(state, tuple):
        return tuple(_forward_only(part) for part in state)
    kept = state.clone()
    kept[1::2] = 0
    return kept
