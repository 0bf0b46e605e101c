"""Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from pydantic import Field

from explorer.models.recurrent import Recurrent, Sums, Weights, before
from explorer.models.tape import tap
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor, nn


class Slopes(NamedTuple):
    """show: ∂h/∂c. keep: ∂c(t)/∂c(t−1). bend: what ∂c, ∂c, ∂c, ∂h are multiplied by for the sums of
    the four gates."""

    show: Tensor  # (T, hidden)  o ⊙ (1 − tanh² c)
    keep: Tensor  # (T, hidden)  f
    bend: Tensor  # (T, 4, hidden)


class LSTM(Recurrent):
    """c(t) = f ⊙ c(t−1) + i ⊙ g,  h(t) = o ⊙ tanh c(t)"""

    kind: Literal["lstm"] = "lstm"
    forget_bias: float = Field(
        0.0,
        ge=-5,
        le=5,
        title=N_("Forget-gate bias"),
        description=N_("Added to the forget gate before training: 1 makes it keep at first."),
    )

    title: ClassVar = "LSTM"
    observes: ClassVar = ("input", "forget", "candidate", "output", "cell", "hidden")
    blocks: ClassVar = ("input", "forget", "candidate", "output")
    letters: ClassVar = (
        r"i_t = \sigma(W_i x_t + U_i h_{t-1} + b_i)",
        r"f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)",
        r"g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g)",
        r"o_t = \sigma(W_o x_t + U_o h_{t-1} + b_o)",
        r"c_t = f_t \odot c_{t-1} + i_t \odot g_t",
        r"h_t = o_t \odot \tanh(c_t)",
    )
    has_cell: ClassVar = True

    def fused(
        self, inputs: int, layers: int, dropout: float = 0.0, bidirectional: bool = False
    ) -> nn.RNNBase:
        from torch import nn, no_grad

        core = nn.LSTM(inputs, self.hidden, layers, dropout=dropout,
                       bidirectional=bidirectional)
        H = self.hidden
        with no_grad():
            for name, bias in core.named_parameters():
                if name.startswith("bias_ih"):
                    bias[H : 2 * H] += self.forget_bias
        return core

    @staticmethod
    def _gates(
        x: Tensor, h: Tensor, w: Weights, **axes: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """i, f, o = σ(W x + U h + b),  g = tanh(W_g x + U_g h + b_g)"""
        a = x @ w.W.mT + w.b_W + h @ w.U.mT + w.b_U  # (…, 4·hidden)
        a_i, a_f, a_g, a_o = a.chunk(4, -1)  # (…, hidden) each
        i = tap("input", a_i.sigmoid(), **axes)
        f = tap("forget", a_f.sigmoid(), **axes)
        g = tap("candidate", a_g.tanh(), **axes)
        o = tap("output", a_o.sigmoid(), **axes)
        return i, f, g, o

    def step(
        self, x: Tensor, state: tuple[Tensor, Tensor], w: Weights, **axes: int
    ) -> tuple[Tensor, Tensor]:
        h, c = state
        i, f, g, o = self._gates(x, h, w, **axes)
        c = tap("cell", f * c + i * g, **axes)
        h = tap("hidden", o * c.tanh(), **axes)
        return h, c

    def replay(
        self, x: Tensor, h: Tensor, state: tuple[Tensor, Tensor], w: Weights, **axes: int
    ) -> None:
        from torch import stack

        first_h, c = state
        i, f, g, _ = self._gates(x, before(h, first_h), w, **axes)
        cells = []
        for f_t, written in zip(f, i * g, strict=True):  # only c(t) = f ⊙ c(t−1) + i ⊙ g is a scan
            c = written.addcmul(f_t, c)
            cells.append(c)
        tap("cell", stack(cells), **axes)
        tap("hidden", h, **axes)

    def slopes(
        self, seen: Mapping[str, Tensor], state: tuple[Tensor, Tensor], w: Weights
    ) -> Slopes:
        from torch import stack

        i, f, g, o, c, _ = (seen[name] for name in self.observes)  # (T, hidden) each
        shown = c.tanh()
        a_i = g * i * (1 - i)
        a_f = before(c, state[1]) * f * (1 - f)
        a_g = i * (1 - g**2)
        a_o = shown * o * (1 - o)
        return Slopes(o * (1 - shown**2), f, stack((a_i, a_f, a_g, a_o), 1))

    def back(  # type: ignore[override]
        self, d: tuple[Tensor, Tensor], slopes: Slopes, U: Tensor
    ) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """∂c += o ⊙ (1 − tanh² c) ⊙ ∂h,  ∂h(t−1) = Uᵀ ∂a,  ∂c(t−1) = f ⊙ ∂c"""
        import torch

        dh, dc = d
        dc = dc.addcmul(dh, slopes.show)
        da = (torch.stack((dc, dc, dc, dh), -2) * slopes.bend).flatten(-2)  # (…, 4·hidden)
        return (da @ U, dc * slopes.keep), da

    def filled(
        self, sums: Mapping[str, Sums], before: Mapping[str, float], now: Mapping[str, float]
    ) -> list[str]:
        i, f, g, o, c, h = (now[name] for name in self.observes)
        bent = {"i": r"\sigma", "f": r"\sigma", "g": r"\tanh", "o": r"\sigma"}
        gates = [
            sums[block].filled(letter, function) + f" = {value:.3f}"
            for (letter, function), block, value in zip(
                bent.items(), self.blocks, (i, f, g, o), strict=True
            )
        ]
        return [
            *gates,
            rf"c_t = {f:.3f} \cdot {before['cell']:.3f} + {i:.3f} \cdot {g:.3f} = {c:.3f}",
            rf"h_t = {o:.3f} \cdot \tanh({c:.3f}) = {h:.3f}",
        ]
