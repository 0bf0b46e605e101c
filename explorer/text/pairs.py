"""Sentence pairs: a text whose lines are a sentence, a tab and its translation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from explorer.text.types import Text


@dataclass(frozen=True)
class Pairs(Text):
    """content: one pair a line, source, tab, target, as the door let it in."""

    @cached_property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The pairs, (source, target), in their order."""
        split = (line.partition("\t") for line in self.content.splitlines())
        return tuple((source, target) for source, _, target in split)
