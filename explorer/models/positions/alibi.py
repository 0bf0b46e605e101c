"""Attention with linear biases (Press et al. 2022): the further away, the lower the score."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from explorer.models.positions.base import Position

if TYPE_CHECKING:
    from torch import Tensor


def slopes(heads: int) -> list[float]:
    """m of each head: 2^(−8/n), 2^(−16/n), … for n heads, a power of two. For other numbers, as in
    the paper's code, those of the power below, then every second one of the power above."""
    below = 1 << (heads.bit_length() - 1)
    first = [2.0 ** (-8 * (h + 1) / below) for h in range(below)]
    between = [2.0 ** (-8 * (h + 1) / (2 * below)) for h in range(0, 2 * below, 2)]
    return first + between[: heads - below]


class ALiBi(Position):
    """qᵀk / √d − m |p − s|,  with a slope m for each head"""

    kind: Literal["alibi"] = "alibi"

    title: ClassVar = "ALiBi"
    paper: ClassVar = "Press et al. 2022"
    letters: ClassVar = (r"\frac{q_p^\top k_s}{\sqrt d} - m_h\,|p - s|,\quad "
                         r"n = 2^{\lfloor \log_2 H \rfloor},\quad m_{h \le n} = 2^{-8h/n},\quad "
                         r"m_{h > n} = 2^{-4(2(h-n)-1)/n}")

    def bias(self, queries: Tensor, keys: Tensor, heads: int) -> Tensor:
        import torch

        away = (queries[:, None] - keys).abs()  # (Q, K)
        m = torch.tensor(slopes(heads), device=queries.device)
        return -m[:, None, None] * away  # (heads, Q, K)
