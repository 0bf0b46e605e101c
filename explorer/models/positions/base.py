"""What every positional encoding says of itself: attention alone does not know any order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from explorer.spec import Kind

if TYPE_CHECKING:
    from torch import Tensor


class Position(Kind):
    """A way to tell where a token stands: something added to its vector, its queries and keys
    turned, or its scores lowered by distance.

    title: its name for people. paper: where it is from. letters: as LaTeX. even: what must be an
    even number for it, "width" or "head", or nothing. turns: which way each pair of numbers turns
    from place to place, by ω_i: 1 against the clock, −1 with it, 0 not at all.
    """

    title: ClassVar[str]
    paper: ClassVar[str]
    letters: ClassVar[str]
    even: ClassVar[str] = ""
    turns: ClassVar[int] = 0

    def shapes(self, width: int, context: int) -> dict[str, tuple[int, ...]]:
        """Its weights and their shapes. width: of a token's vector. context: how many places it
        can learn."""
        return {}

    def admit(self, length: int, context: int) -> None:
        """Raises DataError: a text of so many tokens is longer than it knows."""

    def added(self, places: Tensor, width: int, w: Mapping[str, Tensor]) -> Tensor | None:
        """What is added to the vectors of tokens at some places (T,): (T, width), or nothing."""
        return None

    def turned(self, x: Tensor, places: Tensor) -> Tensor:
        """Queries or keys (…, T, d) at some places (T,), as they are compared."""
        return x

    def bias(self, queries: Tensor, keys: Tensor, heads: int) -> Tensor | None:
        """What is added to the scores of queries at places (Q,) and keys at places (K,):
        (heads, Q, K), or nothing."""
        return None
