"""The Transformer (Vaswani et al. 2017): a decoder that goes on with a text, an encoder that fills
its gaps, or both, to translate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from explorer.models.base import under
from explorer.models.positions import Position
from explorer.models.stacked import Shapes, Stacked
from explorer.words import N_

if TYPE_CHECKING:
    from torch import nn

    from explorer.models.heads import Attention


class Transformer(Stacked):
    """softmax(Q Kᵀ / √d) V, with several heads, then a feed-forward network; several times"""

    kind: Literal["transformer"] = "transformer"
    positions: Literal["none", "sinusoidal", "learned", "rotary", "alibi"] = Field(
        "rotary", title=N_("Positions"),
        description=N_("How it is told where a token stands, for attention alone does not know: "
                       "not at all; by sines added to the vectors; by a learnt vector for each "
                       "place; by turning queries and keys; by lowering scores with distance."))
    context: int = Field(
        256, ge=2, le=2048, title=N_("Learnt places"),
        description=N_("How many places there are to learn, where positions are learnt: it cannot "
                       "read longer texts."))
    split: bool = Field(
        False, title=N_("Heads by split"),
        description=N_("Each head reads its own part of every vector only; else each has its own "
                       "projection of the whole."))

    title: ClassVar = "Transformer"
    carries: ClassVar = False
    attention: ClassVar = "scaled-dot"
    observes: ClassVar = (
        "before", "attention_reads", "q", "k", "v", "scores", "attention", "mixed", "attended",
        "middle", "feed_reads", "active", "fed", "after")
    letters: ClassVar = (
        r"Q = X W_Q,\; K = X W_K,\; V = X W_V",
        r"\mathrm{head}_h = \mathrm{softmax}\!\left(\frac{Q_h K_h^\top}{\sqrt{d_k}}\right) V_h",
        r"\mathrm{MultiHead} = [\mathrm{head}_1; \dots; \mathrm{head}_H]\, W_O",
        r"\mathrm{FFN}(x) = \varphi(x W_1 + b_1) W_2 + b_2",
    )

    @model_validator(mode="after")
    def _even(self) -> Self:
        needs = self.position.even
        if needs == "head" and self.hidden // self.heads % 2:
            raise ValueError(N_("rotary positions turn pairs of numbers: each head needs an even "
                                "number of them"))
        if needs == "width" and self.hidden % 2:
            raise ValueError(N_("sinusoidal positions come in pairs: choose an even width"))
        return self

    @classmethod
    def choices(cls, values: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Rotary positions turn pairs of numbers: of the heads, those that have only pairs."""
        usual = {name: field.default for name, field in cls.model_fields.items()} | dict(values)
        heads = super().choices(values)["heads"]
        if cast("Position", Position.parse(usual["positions"])).even == "head":
            heads = [each for each in heads if usual["hidden"] // each % 2 == 0] or heads
        return {"heads": heads}

    @property
    def placing(self) -> str:
        return self.positions

    @property
    def places(self) -> int:
        return self.context

    def mix(self) -> nn.Module:
        from explorer.models.heads import Attention

        return Attention(self.hidden, self.heads, self.position, self.split)

    def looking(self) -> Attention:
        """What looks at a source in a decoder's block: places in two languages do not compare, so
        that it is told of none."""
        from explorer.models.heads import Attention

        return Attention(self.hidden, self.heads, cast("Position", Position.parse("none")),
                         self.split)

    def mixing(self) -> Shapes:
        d = self.hidden // self.heads
        W = self.hidden
        return {"in_weight": (3, self.heads, d, d) if self.split else (3, W, W),
                "in_bias": (3, W), "out.weight": (W, W), "out.bias": (W,)}

    def build(self, vocabulary: int, source: int = 0) -> nn.Module:
        if not source:
            return self.reader(vocabulary, causal=True)
        from explorer.models.rewriter import Rewriter

        return Rewriter(self, vocabulary, source)

    def shapes(self, vocabulary: int, source: int = 0) -> Shapes:
        if not source:
            return super().shapes(vocabulary)
        W = self.hidden
        found: Shapes = {"source.weight": (source, W), "target.weight": (vocabulary, W)}
        for part in ("source_placed", "target_placed"):
            found |= under(part, self.position.shapes(W, self.context))
        for layer in range(self.layers):
            found |= under(f"encoder.{layer}", self.block())
            found |= under(f"decoder.{layer}", self.block(across=self.mixing()))
        if self.norm == "pre":
            for part in ("encoder_norm", "decoder_norm"):
                found |= under(part, {"weight": (W,), "bias": (W,)})
        if not self.tied:
            found["output.weight"] = (vocabulary, W)
        return found | {"output.bias": (vocabulary,)}
