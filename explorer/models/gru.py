"""The gated recurrent unit (Cho et al. 2014), in PyTorch's convention: z keeps the old state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from explorer.models.recurrent import Recurrent, Sums, Weights, before
from explorer.models.tape import tap

if TYPE_CHECKING:
    from torch import Tensor, nn


class Slopes(NamedTuple):
    """keep, and what ∂h(t) is multiplied by for each gate's sum."""

    keep: Tensor  # (T, hidden)  z
    bend: Tensor  # (T, 3, hidden)  r, z, and U_n h + c_n
    candidate: Tensor  # (T, hidden)  W_n x + b_n


class GRU(Recurrent):
    """h(t) = z ⊙ h(t−1) + (1 − z) ⊙ n"""

    kind: Literal["gru"] = "gru"

    title: ClassVar = "GRU"
    observes: ClassVar = ("reset", "update", "candidate", "hidden")
    blocks: ClassVar = ("reset", "update", "candidate")
    letters: ClassVar = (
        r"r_t = \sigma(W_r x_t + U_r h_{t-1} + b_r)",
        r"z_t = \sigma(W_z x_t + U_z h_{t-1} + b_z)",
        r"n_t = \tanh(W_n x_t + b_n + r_t \odot (U_n h_{t-1} + c_n))",
        r"h_t = z_t \odot h_{t-1} + (1 - z_t) \odot n_t",
    )

    def fused(
        self, inputs: int, layers: int, dropout: float = 0.0, bidirectional: bool = False
    ) -> nn.RNNBase:
        from torch import nn

        return nn.GRU(inputs, self.hidden, layers, dropout=dropout, bidirectional=bidirectional)

    def step(self, x: Tensor, state: Tensor, w: Weights, **axes: int) -> Tensor:
        """r = σ(W_r x + U_r h + b_r),  z = σ(W_z x + U_z h + b_z),
        n = tanh(W_n x + b_n + r ⊙ (U_n h + c_n)),  h' = z ⊙ h + (1 − z) ⊙ n"""
        h = state
        x_r, x_z, x_n = (x @ w.W.mT + w.b_W).chunk(3, -1)  # (…, hidden) each
        h_r, h_z, h_n = (h @ w.U.mT + w.b_U).chunk(3, -1)  # (…, hidden) each
        r = tap("reset", (x_r + h_r).sigmoid(), **axes)
        z = tap("update", (x_z + h_z).sigmoid(), **axes)
        n = tap("candidate", (x_n + r * h_n).tanh(), **axes)
        return tap("hidden", z * h + (1 - z) * n, **axes)

    def replay(self, x: Tensor, h: Tensor, state: Tensor, w: Weights, **axes: int) -> None:
        self.step(x, before(h, state), w, **axes)

    def slopes(self, seen: Mapping[str, Tensor], state: Tensor, w: Weights) -> Slopes:
        from torch import stack

        r, z, n, h = (seen[name] for name in self.observes)  # (T, hidden) each
        h = before(h, state)
        U_n, c_n = w.U.chunk(3)[2], w.b_U.chunk(3)[2]
        a_n = (1 - z) * (1 - n**2)
        a_z = (h - n) * z * (1 - z)
        a_r = a_n * (h @ U_n.mT + c_n) * r * (1 - r)
        return Slopes(z, stack((a_r, a_z, a_n * r), 1), a_n)

    def back(self, d: Tensor, slopes: Slopes, U: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """∂h(t−1) = z ⊙ ∂h(t) + U_rᵀ ∂a_r + U_zᵀ ∂a_z + U_nᵀ (r ⊙ ∂a_n)"""
        import torch

        da = (d.unsqueeze(-2) * slopes.bend).flatten(-2)  # (…, 3·hidden)
        H = self.hidden
        return d * slopes.keep + da @ U, torch.cat((da[..., : 2 * H], d * slopes.candidate), -1)

    def filled(
        self, sums: Mapping[str, Sums], before: Mapping[str, float], now: Mapping[str, float]
    ) -> list[str]:
        r, z, n, h = (now[name] for name in self.observes)
        s = sums["candidate"]
        return [
            sums["reset"].filled("r", r"\sigma") + f" = {r:.3f}",
            sums["update"].filled("z", r"\sigma") + f" = {z:.3f}",
            rf"n_t = \tanh(\underbrace{{{s.from_input:.3f}}}_{{W_n x_t}} + {s.bias_input:.3f} + "
            rf"{r:.3f} \cdot (\underbrace{{{s.from_state:.3f}}}_{{U_n h_{{t-1}}}} + "
            rf"{s.bias_state:.3f})) = {n:.3f}",
            rf"h_t = {z:.3f} \cdot {before['hidden']:.3f} + {1 - z:.3f} \cdot {n:.3f} = {h:.3f}",
        ]
