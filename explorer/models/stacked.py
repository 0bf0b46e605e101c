"""What the architectures made of Transformer blocks share: sizes, and what is around a block."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from pydantic import Field, model_validator

from explorer.models.base import Model, under
from explorer.models.positions import Position
from explorer.words import N_

if TYPE_CHECKING:
    from torch import nn

    from explorer.models.stack import Stack

Shapes = dict[str, tuple[int, ...]]


class Stacked(Model):
    """Embedding + position → blocks → linear."""

    hidden: int = Field(
        128, ge=1, le=1024, title=N_("Width"),
        description=N_("How many numbers stand for a token, from the first layer to the last."))
    layers: int = Field(
        2, ge=1, le=6, title=N_("Layers"),
        description=N_("How many blocks are stacked."))
    heads: int = Field(
        4, ge=1, le=8, title=N_("Heads"),
        description=N_("Into how many parts the width is cut, each of which looks for itself: it "
                       "must divide the width."))
    expansion: int = Field(
        4, ge=1, le=8, title=N_("Feed-forward, times the width"),
        description=N_("How many times wider the layer inside each feed-forward network is."))
    activation: Literal["gelu", "relu"] = Field(
        "gelu", title=N_("Activation"),
        description=N_("What bends the feed-forward network: ReLU as in the paper, or the smooth "
                       "GELU."))
    norm: Literal["pre", "post", "none"] = Field(
        "pre", title=N_("Layer norm"),
        description=N_("Before each sublayer, after it as in the paper, or nowhere."))
    residual: bool = Field(
        True, title=N_("Residual paths"),
        description=N_("What a sublayer makes is added to what it was given. Without, the gradient "
                       "must pass through every layer."))
    tied: bool = Field(
        True, title=N_("Tied weights"),
        description=N_("Use the embedding as the output matrix too."))
    dropout: float = Field(
        0.0, ge=0, le=0.9, title=N_("Dropout"),
        description=N_("Share of the numbers of each embedding and of each sublayer's output that "
                       "is zeroed at random while training."))

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(N_("the heads must divide the width: choose a width that is a "
                                "multiple of the number of heads"))
        return self

    @classmethod
    def choices(cls, values: Mapping[str, Any]) -> dict[str, list[Any]]:
        width = int(values.get("hidden", cls.model_fields["hidden"].default))
        return {"heads": [heads for heads in range(1, 9) if width % heads == 0]}

    @property
    def grain(self) -> int:
        return self.heads * (2 if self.position.even else 1)

    @property
    def inner(self) -> int:
        """The width inside a feed-forward network."""
        return self.expansion * self.hidden

    @property
    def width(self) -> int:
        """How many numbers a layer shows at each token."""
        return self.hidden

    @property
    def position(self) -> Position:
        """How it is told where a token stands."""
        return cast("Position", Position.parse(self.placing))

    @property
    @abstractmethod
    def placing(self) -> str:
        """The kind of its positions."""

    @abstractmethod
    def mix(self) -> nn.Module:
        """What looks along the text in a block, freshly initialised: called as `heads.Attention`
        is."""

    @abstractmethod
    def mixing(self) -> Shapes:
        """Its weights and their shapes."""

    def build(self, vocabulary: int, source: int = 0) -> nn.Module:
        return self.reader(vocabulary, causal=True)

    def reader(self, vocabulary: int, causal: bool) -> Stack:
        """A stack of blocks that guesses at each token. causal: from what stands before it; else
        from all of the text."""
        from explorer.models.stack import Stack

        return Stack(self, vocabulary, causal)

    def shapes(self, vocabulary: int, source: int = 0) -> Shapes:
        V, W = vocabulary, self.hidden
        found: Shapes = {"encoder.weight": (V, W)}
        found |= under("placed", self.position.shapes(W, self.places))
        for layer in range(self.layers):
            found |= under(f"blocks.{layer}", self.block())
        if self.norm == "pre":
            found |= under("norm", {"weight": (W,), "bias": (W,)})
        if not self.tied:
            found["decoder.weight"] = (V, W)
        return found | {"decoder.bias": (V,)}

    @property
    def places(self) -> int:
        """How many places are learnt, where they are learnt."""
        return 0

    def block(self, across: Shapes | None = None) -> Shapes:
        """The weights of a block and their shapes. across: those of what looks at a source."""
        W, F = self.hidden, self.inner
        feed = {"up.weight": (F, W), "up.bias": (F,), "down.weight": (W, F), "down.bias": (W,)}
        around: Shapes = {} if self.norm == "none" else {
            "norm.weight": (W,), "norm.bias": (W,)}
        found = under("mix", self.mixing()) | under("feed", feed)
        found |= under("around_mix", around) | under("around_feed", around)
        if across is not None:
            found |= under("across", across) | under("around_across", around)
        return found
