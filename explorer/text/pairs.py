"""Sentence pairs: a text whose lines are a sentence, a tab and its translation."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from explorer.text.types import Text

if TYPE_CHECKING:
    from os import PathLike


@dataclass(frozen=True)
class Report:
    """What the door made of a file of pairs.

    skipped: how many lines were broken. first: of the first of them, the number of the line and
    what is wrong with it, a text of ours. repeated: how many pairs stand there once more.
    header: the line that was taken for one, "" when there was none to look for.
    """

    skipped: int = 0
    first: tuple[tuple[int, str], ...] = ()
    repeated: int = 0
    header: str = ""


@dataclass(frozen=True)
class Pairs(Text):
    """content: one pair a line, source, tab, target, as the door let it in. report: what happened
    there; it is no part of the pairs, and lost where they are stored."""

    report: Report = field(default=Report(), compare=False, repr=False)

    @classmethod
    def read(cls, path: str | PathLike[str], target: str | PathLike[str] | None = None) -> Pairs:
        """The pairs of a file, or of two whose lines answer to each other, the second with the
        translations. Raises DataError with the file, the place and the cure."""
        from explorer.text.pair_door import read

        return read(path, target)

    @classmethod
    def decode(cls, name: str, data: bytes) -> Pairs:
        """The pairs in `data`, an upload called `name`: of a .csv the first two columns below its
        header, else what stands before and after the first tab of a line. Raises DataError."""
        from explorer.text.pair_door import decode

        return decode(name, data)

    @classmethod
    def decode_two(cls, name: str, data: bytes, target_name: str, target_data: bytes) -> Pairs:
        """The pairs of two uploads whose lines answer to each other. Raises DataError."""
        from explorer.text.pair_door import decode_two

        return decode_two(name, data, target_name, target_data)

    @classmethod
    def paste(cls, content: str, name: str = "pasted pairs") -> Pairs:
        """Pairs that were typed or pasted, with a tab in each line. Raises DataError."""
        from explorer.text.pair_door import admit

        return admit(name, content)

    @cached_property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The pairs, (source, target), in their order."""
        split = (line.partition("\t") for line in self.content.split("\n") if line)
        return tuple((source, target) for source, _, target in split)
