"""A recurrent network without any bend: h(t) = W x(t) + U h(t−1) + b. Its gradient is a power of U,
no more, which is why one looks at it; PyTorch has no kernel for it. Imports torch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class StraightRNN(nn.RNN):
    """`nn.RNN` with the identity as its activation: the same parameters, read step by step."""

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """x (T, inputs) or (T, B, inputs) -> h (T, …, hidden), and the states after the last step
        (layers, …, hidden)."""
        ends = []
        for layer in range(self.num_layers):
            W, U, b_W, b_U = self._flat(layer)
            sums = x @ W.mT + (b_W + b_U)  # (T, …, hidden)
            h: Any = sums.new_zeros(sums.shape[1:]) if state is None else state[layer]
            steps = []
            for a in sums:
                h = a + h @ U.mT  # (…, hidden)
                steps.append(h)
            x = torch.stack(steps)  # (T, …, hidden)
            ends.append(h)
            if layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout, self.training)
        return x, torch.stack(ends)

    def _flat(self, layer: int) -> tuple[Tensor, ...]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return tuple(getattr(self, f"{name}_l{layer}") for name in names)
