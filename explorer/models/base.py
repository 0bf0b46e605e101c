"""What every architecture says of itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, ClassVar, cast

from explorer.errors import RunError
from explorer.spec import Kind
from explorer.words import N_

if TYPE_CHECKING:
    from torch import nn


RECURRENT = ("rnn", "gru", "lstm")  # what carries its past in one state, step by step
ATTENTIVE = ("transformer",)  # what keeps all of it, and looks


class Model(Kind):
    """An architecture and its settings.

    title: its name for people. observes: the names of its taps, in the order of computation. One
    that carries no state knows no longer texts than the windows that it was trained on.
    """

    title: ClassVar[str]
    observes: ClassVar[tuple[str, ...]]
    carries: ClassVar[bool] = True  # a state from one window of a text to the next

    @property
    def grain(self) -> int:
        """Its width comes in multiples of this."""
        return 1

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


def foreign(model: Model, kinds: Sequence[str]) -> RunError:
    """What is said of a run with this model, where only other kinds are looked at."""
    titles = [cast("type[Model]", Model.family[kind]).title for kind in dict.fromkeys(kinds)]
    return RunError(
        N_("Here one looks into {known}, and this run trained another architecture ({title}): "
           "choose one of those runs."), known=", ".join(titles), title=model.title)


def under(name: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The shapes of a part, by the names that they have in the whole."""
    return {f"{name}.{key}": shape for key, shape in shapes.items()}
