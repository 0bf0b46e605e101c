"""Attention as a recurrence (Feng et al. 2024, Aaren): trained like a Transformer, read like a
recurrent network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from explorer.models.stacked import Shapes, Stacked

if TYPE_CHECKING:
    from torch import nn


class Aaren(Stacked):
    """o(k) = Σ e^{s(i)} v(i) / Σ e^{s(i)}, i ≤ k, with a learnt query; several times"""

    kind: Literal["aaren"] = "aaren"

    title: ClassVar = "Aaren"
    observes: ClassVar = (
        "before", "attention_reads", "q", "k", "v", "scores", "attention", "mixed", "attended",
        "middle", "feed_reads", "active", "fed", "after")
    letters: ClassVar = (
        r"s_i = q^\top k_i / \sqrt d",
        r"m_k = \max(m_{k-1}, s_k)",
        r"u_k = u_{k-1} e^{m_{k-1} - m_k} + e^{s_k - m_k}",
        r"w_k = w_{k-1} e^{m_{k-1} - m_k} + e^{s_k - m_k}\, v_k",
        r"o_k = w_k / u_k",
    )

    @property
    def placing(self) -> str:
        return "none"

    def mix(self) -> nn.Module:
        from explorer.models.prefix import Prefix

        return Prefix(self.hidden, self.heads)

    def mixing(self) -> Shapes:
        W = self.hidden
        return {"query": (self.heads, W // self.heads), "in_weight": (2, W, W), "in_bias": (2, W),
                "out.weight": (W, W), "out.bias": (W,)}
