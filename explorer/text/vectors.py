"""Vectors that are typed: one a line, its numbers apart, with a name before a colon if one likes.

    north: 0 2
    north-east: 1.5, 1.5
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from explorer.errors import DataError
from explorer.words import N_

MOST = 24  # vectors
LONGEST = 32  # numbers of one
REACH = 1e6  # of a number
_TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])  # of the reading direction
_APART = re.compile(r"[\s\[\]()]+")


@dataclass(frozen=True)
class Vectors:
    """names: one for each. numbers: one row for each, all of one length."""

    names: tuple[str, ...]
    numbers: tuple[tuple[float, ...], ...]

    @property
    def length(self) -> int:
        return len(self.numbers[0])

    def moved(self, index: int, numbers: tuple[float, ...]) -> Vectors:
        """The same with other numbers in one place."""
        rows = [numbers if i == index else row for i, row in enumerate(self.numbers)]
        return Vectors(self.names, tuple(rows))


def read(text: str, what: str, letter: str) -> Vectors:
    """The vectors of a text. what: they are called so in a message ("keys", a text of ours).
    letter: those without a name are called by it, k1, k2, …

    Raises DataError: none, too many, of different lengths, something that is no finite number.
    """
    names: list[str] = []
    rows: list[tuple[float, ...]] = []
    for line, content in enumerate(text.splitlines(), 1):
        if not content.strip():
            continue
        name, numbers = _line(content, line, what)
        names.append(name or f"{letter}{len(rows) + 1}")
        rows.append(numbers)
        if len(numbers) != len(rows[0]):
            raise DataError(
                N_("Line {line} of the {what} has the length {count}, but the first line {first}: "
                   "make all lines equally long."),
                line=line, what=what, count=len(numbers), first=len(rows[0]))
    if not rows:
        raise DataError(N_("The {what} are empty: write one vector a line, its numbers apart, "
                           "such as 1 0.5."), what=what)
    if len(rows) > MOST:
        raise DataError(N_("There are {count} {what}; at most {most} can be shown: leave some "
                           "lines out."), count=len(rows), what=what, most=MOST)
    return Vectors(tuple(names), tuple(rows))


def write(vectors: Vectors, letter: str) -> str:
    """The text that `read` reads so."""
    return "\n".join(
        ("" if name == f"{letter}{i}" else f"{name}: ") + " ".join(f"{x:.10g}" for x in row)
        for i, (name, row) in enumerate(zip(vectors.names, vectors.numbers, strict=True), 1))


def _line(content: str, line: int, what: str) -> tuple[str, tuple[float, ...]]:
    """The name (or nothing) and the numbers of a line."""
    name, _, rest = content.replace("：", ":").rpartition(":")
    cells = rest.replace("，", ",").strip(" \t,[]()").split(",")
    words = [word for cell in cells for word in (_APART.split(cell.strip()) if cell.strip()
                                                 else [""])]
    if len(words) > LONGEST:
        raise DataError(N_("Line {line} of the {what} has {count} numbers; at most {most} can be "
                           "shown: leave some out."),
                        line=line, what=what, count=len(words), most=LONGEST)
    return name.translate(_TURNS).strip(), tuple(_number(word, line, what) for word in words)


def _number(word: str, line: int, what: str) -> float:
    if not word:
        raise DataError(N_("A number is missing in line {line} of the {what}: write one there, 0 "
                           "say."), line=line, what=what)
    try:
        value = float(word.replace("−", "-"))
    except ValueError:
        raise DataError(N_("Line {line} of the {what}: “{given}” is no number; write it like 0.5 "
                           "or -3."), line=line, what=what, given=word[:40]) from None
    if not math.isfinite(value) or abs(value) > REACH:
        raise DataError(N_("Line {line} of the {what}: “{given}” is not a number from -1,000,000 "
                           "to 1,000,000, and nothing can be computed with it; write another."),
                        line=line, what=what, given=word[:40])
    return value
