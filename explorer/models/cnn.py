"""A causal convolutional network with growing dilation (van den Oord et al. 2016; TCN: Bai et al.
2018, whose weight normalisation is left out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from explorer.models.base import Model
from explorer.words import N_

if TYPE_CHECKING:
    from torch import nn


class CNN(Model):
    """h(t) = φ(Σ_j W_j x(t − j·dilation) + b), level by level, the dilation twice as long each time
    """

    kind: Literal["cnn"] = "cnn"
    hidden: int = Field(
        128, ge=1, le=1024, title=N_("Channels"),
        description=N_("How many numbers stand for a token, from the first level to the last."))
    layers: int = Field(
        4, ge=1, le=8, title=N_("Levels"),
        description=N_("How many levels of two convolutions are stacked; each looks twice as far "
                       "apart as the one before."))
    kernel: int = Field(
        3, ge=2, le=9, title=N_("Kernel"),
        description=N_("How many tokens a convolution sees at once."))
    tied: bool = Field(
        True, title=N_("Tied weights"),
        description=N_("Use the embedding as the output matrix too."))
    dropout: float = Field(
        0.0, ge=0, le=0.9, title=N_("Dropout"),
        description=N_("Share of the numbers after each convolution that is zeroed at random while "
                       "training."))

    title: ClassVar = "CNN"
    observes: ClassVar = ("hidden",)
    letters: ClassVar = (
        r"h^{(l)}_t = \varphi\Big(\sum_{j=0}^{k-1} W^{(l)}_j x^{(l)}_{t - j\,2^{l-1}} + b\Big)",
        r"x^{(l+1)}_t = \varphi\big(x^{(l)}_t + \mathrm{conv}(h^{(l)})_t\big)",
    )

    @property
    def width(self) -> int:
        """How many numbers a level shows at each token."""
        return self.hidden

    @property
    def sees(self) -> int:
        """How many tokens a guess is made of: two convolutions a level, 1 + 2 (k − 1)(2^L − 1)."""
        return 1 + 2 * (self.kernel - 1) * ((1 << self.layers) - 1)

    def build(self, vocabulary: int, source: int = 0) -> nn.Module:
        from explorer.models.convolutions import Convolutions

        return Convolutions(self, vocabulary)

    def shapes(self, vocabulary: int, source: int = 0) -> dict[str, tuple[int, ...]]:
        H = self.hidden
        found: dict[str, tuple[int, ...]] = {"encoder.weight": (vocabulary, H)}
        for level in range(self.layers):
            for conv in ("first", "second"):
                found |= {f"levels.{level}.{conv}.weight": (H, H, self.kernel),
                          f"levels.{level}.{conv}.bias": (H,)}
        if not self.tied:
            found["decoder.weight"] = (vocabulary, H)
        return found | {"decoder.bias": (vocabulary,)}
