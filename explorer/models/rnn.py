"""The simple recurrent network (Elman 1990)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from explorer.models.recurrent import Recurrent, Sums, Weights
from explorer.models.tape import tap
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor, nn


class RNN(Recurrent):
    """h(t) = φ(W x(t) + U h(t−1) + b)"""

    kind: Literal["rnn"] = "rnn"
    activation: Literal["tanh", "relu"] = Field(
        "tanh",
        title=N_("Activation"),
        description=N_("φ, which bends the sum: tanh keeps it in −1…1, ReLU cuts it at 0."),
    )

    title: ClassVar = "RNN"
    observes: ClassVar = ("hidden",)
    blocks: ClassVar = ("hidden",)
    letters: ClassVar = (r"h_t = \varphi(W x_t + U h_{t-1} + b)",)

    def fused(
        self, inputs: int, layers: int, dropout: float = 0.0, bidirectional: bool = False
    ) -> nn.RNNBase:
        from torch import nn

        return nn.RNN(inputs, self.hidden, layers, nonlinearity=self.activation, dropout=dropout,
                      bidirectional=bidirectional)

    def _hidden(self, x: Tensor, h: Tensor, w: Weights) -> Tensor:
        a = x @ w.W.mT + w.b_W + h @ w.U.mT + w.b_U  # (…, hidden)
        return a.tanh() if self.activation == "tanh" else a.relu()

    def step(self, x: Tensor, state: Tensor, w: Weights, **axes: int) -> Tensor:
        return tap("hidden", self._hidden(x, state, w), **axes)

    def replay(self, x: Tensor, h: Tensor, state: Tensor, w: Weights, **axes: int) -> None:
        tap("hidden", h, **axes)

    def filled(
        self, sums: Mapping[str, Sums], before: Mapping[str, float], now: Mapping[str, float]
    ) -> list[str]:
        function = r"\tanh" if self.activation == "tanh" else r"\mathrm{ReLU}"
        return [sums["hidden"].filled("h", function) + f" = {now['hidden']:.3f}"]
