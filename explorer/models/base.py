"""What every architecture says of itself."""

from __future__ import annotations

from abc import abstractmethod
from math import prod
from typing import TYPE_CHECKING, ClassVar

from explorer.spec import Kind

if TYPE_CHECKING:
    from torch import nn


class Model(Kind):
    """An architecture and its settings.

    title: its name for people. observes: the names of its taps, in the order of computation.
    """

    title: ClassVar[str]
    observes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def build(self, vocabulary: int, source: int = 0) -> nn.Module:
        """The network, freshly initialised from torch's global generator. vocabulary: how many
        tokens it writes; source: how many it reads, where those are others."""

    @abstractmethod
    def shapes(self, vocabulary: int, source: int = 0) -> dict[str, tuple[int, ...]]:
        """The tensors of a snapshot and their shapes, known without building the network."""

    def parameters(self, vocabulary: int, source: int = 0) -> int:
        """How many numbers are learnt."""
        return sum(prod(shape) for shape in self.shapes(vocabulary, source).values())
