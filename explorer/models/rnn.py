"""The simple recurrent network (Elman 1990)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from explorer.models.recurrent import Recurrent, Sums, Weights
from explorer.models.tape import tap
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor, nn


class Slopes(NamedTuple):
    bend: Tensor  # (T, hidden)  φ'(a)


class RNN(Recurrent):
    """h(t) = φ(W x(t) + U h(t−1) + b)"""

    kind: Literal["rnn"] = "rnn"
    activation: Literal["tanh", "relu", "linear"] = Field(
        "tanh",
        title=N_("Activation"),
        description=N_(
            "φ, which bends the sum: tanh keeps it in −1…1, ReLU cuts it at 0, linear leaves it as "
            "it is."
        ),
    )

    title: ClassVar = "RNN"
    observes: ClassVar = ("hidden",)
    blocks: ClassVar = ("hidden",)
    letters: ClassVar = (r"h_t = \varphi(W x_t + U h_{t-1} + b)",)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.activation == "linear" and self.bidirectional:
            raise ValueError(N_("a linear network reads in one direction only"))
        return self

    def fused(
        self, inputs: int, layers: int, dropout: float = 0.0, bidirectional: bool = False
    ) -> nn.RNNBase:
        from torch import nn

        if self.activation == "linear":
            from explorer.models.straight import StraightRNN

            return StraightRNN(inputs, self.hidden, layers, dropout=dropout)
        return nn.RNN(inputs, self.hidden, layers, nonlinearity=self.activation, dropout=dropout,
                      bidirectional=bidirectional)

    def _hidden(self, x: Tensor, h: Tensor, w: Weights) -> Tensor:
        a = x @ w.W.mT + w.b_W + h @ w.U.mT + w.b_U  # (…, hidden)
        return {"tanh": a.tanh, "relu": a.relu, "linear": a.clone}[self.activation]()

    def step(self, x: Tensor, state: Tensor, w: Weights, **axes: int) -> Tensor:
        return tap("hidden", self._hidden(x, state, w), **axes)

    def replay(self, x: Tensor, h: Tensor, state: Tensor, w: Weights, **axes: int) -> None:
        tap("hidden", h, **axes)

    def slopes(self, seen: Mapping[str, Tensor], state: Tensor, w: Weights) -> Slopes:
        h = seen["hidden"]
        if self.activation == "tanh":
            return Slopes(1 - h**2)
        return Slopes((h > 0).to(h) if self.activation == "relu" else h.new_ones(h.shape))

    def back(self, d: Tensor, slopes: Slopes, U: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """∂a = φ'(a) ⊙ ∂h(t),  ∂h(t−1) = Uᵀ ∂a"""
        da = d * slopes.bend  # (…, hidden)
        return da @ U, da

    def filled(
        self, sums: Mapping[str, Sums], before: Mapping[str, float], now: Mapping[str, float]
    ) -> list[str]:
        function = {"tanh": r"\tanh", "relu": r"\mathrm{ReLU}", "linear": ""}[self.activation]
        return [sums["hidden"].filled("h", function) + f" = {now['hidden']:.3f}"]
