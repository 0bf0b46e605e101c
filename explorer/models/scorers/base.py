"""What every scorer says of itself: how well a key answers a query, as one number."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, ClassVar

from explorer.errors import ExperimentError
from explorer.models.scorers.filled import Array
from explorer.spec import Kind
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.models.scorers.scoring import Scoring


class Scorer(Kind):
    """A way to score. title: its name for people. paper: where it is from. letters: the score in
    its paper's letters, as LaTeX."""

    title: ClassVar[str]
    paper: ClassVar[str]
    letters: ClassVar[str]

    @abstractmethod
    def shapes(self, query: int, key: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """The weights and their shapes. query, key: lengths of the vectors. hidden: length of the
        layer between, in scorers that have one. ExperimentError: lengths that do not go together.
        """

    def parameters(self, query: int, key: int, hidden: int) -> int:
        """How many numbers are learnt."""
        return sum(prod(shape) for shape in self.shapes(query, key, hidden).values())

    def build(self, query: int, key: int, hidden: int) -> Scoring:
        """A module (q (…, Q, query), k (…, K, key)) -> scores (…, Q, K), freshly initialised."""
        from explorer.models.scorers.scoring import Scoring

        return Scoring(self, self.shapes(query, key, hidden))

    def prepare(self, k: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        """What of the score is of the keys (…, K, key) alone: computed once for all queries."""
        return k

    @abstractmethod
    def score(self, q: Tensor, prepared: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        """Scores (…, Q, K) of queries (…, Q, query) and keys that `prepare` has seen."""

    @abstractmethod
    def filled(self, q: Array, k: Array, w: Mapping[str, Array]) -> str:
        """The score of one query (query,) and one key (key,) with its numbers, as LaTeX."""


def same_length(scorer: Scorer, query: int, key: int) -> None:
    """ExperimentError where a product needs queries and keys of one length, and they are not."""
    if query != key:
        raise ExperimentError(
            N_("The {scorer} score multiplies queries and keys number by number, but a query has "
               "{query} and a key {key}: make them equally long, or choose a score with a matrix "
               "between them: general, additive or concat."),
            scorer=scorer.title, query=query, key=key)
