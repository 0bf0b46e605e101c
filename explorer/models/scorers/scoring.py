"""The weights of a scorer, as a module."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from explorer.models.scorers.base import Scorer


class Scoring(nn.Module):
    """A scorer with weights of these shapes, drawn evenly within ±1/√inputs, as PyTorch draws those
    of a linear layer."""

    def __init__(self, spec: Scorer, shapes: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.spec = spec
        for name, shape in shapes.items():
            bound = shape[-1] ** -0.5
            weight = torch.empty(shape).uniform_(-bound, bound)
            self.register_parameter(name, nn.Parameter(weight))

    @property
    def weights(self) -> dict[str, Tensor]:
        return {name: getattr(self, name) for name in self._parameters}

    def prepare(self, k: Tensor) -> Tensor:
        """What of the score depends on the keys (…, K, key) alone; keep it for all queries."""
        return self.spec.prepare(k, self.weights)

    def score(self, q: Tensor, prepared: Tensor) -> Tensor:
        """Scores (…, Q, K) of queries (…, Q, query) and prepared keys."""
        return self.spec.score(q, prepared, self.weights)

    def forward(self, q: Tensor, k: Tensor) -> Tensor:
        """Scores (…, Q, K) of queries (…, Q, query) and keys (…, K, key)."""
        return self.score(q, self.prepare(k))
