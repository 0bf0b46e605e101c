"""A language model that one can type: the probabilities of the next word after each beginning.

A row belongs to a step, whatever was written before it, or to one beginning: the words so far. The
row of a beginning goes before the row of its step; beyond the last step its row goes on. As text,
the words stand in the first line, and each row is its place and its numbers:

    A   B   C   <eos>
    #1  .5  .2  .2  .1          the first word
    #2  .1  .4  .3  .2          the second, whatever the first
    A C .1  .6  .2  .1          the third, after A C

The notes' example: Zhang et al., Dive into Deep Learning, "Beam Search".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from explorer.errors import DataError
from explorer.words import N_

END = "<eos>"
STEP = re.compile(r"#\d{1,9}")
WORDS, ROWS = 30, 60  # at most
NEAR = 1e-6  # how far from 1 the sum of a row may be: what rounding leaves

Place = int | tuple[str, ...]  # a step, from 1 on, or a beginning
Row = tuple[float, ...]


@dataclass(frozen=True)
class Table:
    """words: what can be written; END among them ends a sentence. steps: the row of each step.
    after: the rows of beginnings. Each row sums to 1."""

    words: tuple[str, ...]
    steps: tuple[Row, ...]
    after: dict[tuple[str, ...], Row]

    @classmethod
    def parse(cls, text: str) -> Table:
        """The table that a text holds. Raises DataError with the line and the cure."""
        words, lines = split(text)
        rows: dict[Place, Row] = {}
        for number, place, numbers in lines:
            key = _place(place, words, number)
            if key in rows:
                raise DataError(N_("Line {line} of the table: “{place}” has a row already; keep "
                                   "one of them."), line=number, place=" ".join(place))
            rows[key] = _probabilities(numbers, words, " ".join(place), number)
        steps = sorted(key for key in rows if isinstance(key, int))
        missing = next(step for step in range(1, len(steps) + 2) if step not in steps)
        if missing <= max(steps, default=1):
            raise DataError(N_("The table has no row for step {step}: begin one with “#{step}”, "
                               "then a number for each word."), step=missing)
        return cls(words, tuple(rows[step] for step in steps),
                   {key: row for key, row in rows.items() if isinstance(key, tuple)})

    @property
    def text(self) -> str:
        """The table as `parse` reads it."""
        rows = {f"#{step}": row for step, row in enumerate(self.steps, 1)}
        rows |= {" ".join(words): row for words, row in self.after.items()}
        return written(self.words, rows.items())

    def row(self, words: Sequence[str]) -> Row:
        """The probabilities of what follows these words."""
        at_step = self.steps[min(len(words), len(self.steps) - 1)]
        return self.after.get(tuple(words), at_step)


def split(text: str) -> tuple[tuple[str, ...], list[tuple[int, list[str], list[str]]]]:
    """The words, and of each row its line's number, its place, and as many numbers as there are
    words, all as they were typed. Raises DataError: no such table at all."""
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1)
             if line.strip()]
    if len(lines) < 2:
        raise DataError(N_("This is no table: write the words in its first line, and below it a "
                           "row of probabilities for each step."))
    words = _words(lines[0][1])
    if len(lines) - 1 > ROWS:
        raise DataError(N_("The table has {count} rows; at most {most} are read."),
                        count=len(lines) - 1, most=ROWS)
    rows = []
    for number, parts in lines[1:]:
        if len(parts) <= len(words):
            raise DataError(
                N_("Line {line} of the table has {count} entries; it needs a step (“#2”) or the "
                   "words so far, and then {words} numbers, one for each word."),
                line=number, count=len(parts), words=len(words))
        rows.append((number, parts[:-len(words)], parts[-len(words):]))
    return words, rows


def written(words: Sequence[str], rows: Iterable[tuple[str, Sequence[float]]]) -> str:
    """Words and rows as a text, the numbers below their words."""
    lines = [["", *words], *([place, *map(brief, row)] for place, row in rows)]
    wide = [max(len(line[column]) for line in lines) for column in range(len(words) + 1)]
    return "\n".join("  ".join(part.ljust(width) for part, width in zip(line, wide, strict=True))
                     .rstrip() for line in lines)


def brief(number: float) -> str:
    """A number as short as it can be said: .5"""
    said = f"{number:.9g}"
    return said[1:] if said.startswith("0.") else said


def normalised(text: str) -> str:
    """The text of a table with each row divided by its sum; rows of zeros, and what are no numbers,
    stay as they are."""
    words, lines = split(text)
    return written(words, _divided(lines))


def _divided(lines: list[tuple[int, list[str], list[str]]]) -> Iterator[tuple[str, list[float]]]:
    for number, place, numbers in lines:
        row = [_number(each, " ".join(place), number) for each in numbers]
        total = math.fsum(row) or 1.0
        yield " ".join(place), [each / total for each in row]


def _words(words: list[str]) -> tuple[str, ...]:
    twice = next((word for word in words if words.count(word) > 1), None)
    if twice:
        raise DataError(N_("“{word}” stands twice in the table's first line."), word=twice)
    if not 2 <= len(words) <= WORDS:
        raise DataError(N_("The table has {count} words; it needs 2 to {most}."),
                        count=len(words), most=WORDS)
    step = next((word for word in words if STEP.fullmatch(word)), None)
    if step:
        raise DataError(N_("“{word}” cannot be a word of a table: it names a step."), word=step)
    return tuple(words)


def _place(place: list[str], words: Sequence[str], line: int) -> Place:
    said = " ".join(place)
    if STEP.fullmatch(said) and 1 <= int(said[1:]) <= ROWS:
        return int(said[1:])
    if said.startswith("#") and said not in words:
        raise DataError(N_("Line {line} of the table: “{place}” is no step; write #1, #2, …"),
                        line=line, place=said)
    for word in place:
        if word not in words or word == END:
            raise DataError(
                N_("Line {line} of the table: nothing can follow “{place}”, for “{word}” is not "
                   "one of the words that can stand before another: {known}."), line=line,
                place=said, word=word, known=" ".join(each for each in words if each != END))
    return tuple(place)


def _probabilities(numbers: list[str], words: Sequence[str], place: str, line: int) -> Row:
    row = [_number(each, place, line) for each in numbers]
    for word, number in zip(words, row, strict=True):
        if not 0 <= number <= 1:
            raise DataError(N_("Row “{place}” of the table gives “{word}” the probability "
                               "{number:g}: it must lie between 0 and 1."),
                            place=place, word=word, number=number)
    total = math.fsum(row)
    if abs(total - 1) > NEAR:
        raise DataError(N_("Row “{place}” of the table sums to {total:.6g}, not to 1: change a "
                           "number, or divide the row by its sum."), place=place, total=total)
    return tuple(number / total for number in row)


def _number(said: str, place: str, line: int) -> float:
    try:
        number = float(said)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(N_("Row “{place}” of the table (line {line}): “{said}” is no number."),
                        place=place, line=line, said=said[:40])
    return number


PRESETS = {
    "notes": """\
       A   B   C   <eos>
#1     .5  .2  .2  .1
#2     .1  .4  .3  .2
#3     .2  .2  .4  .2
#4     0   .2  .2  .6
A C    .1  .6  .2  .1
A C B  .1  .2  .1  .6""",
    "five": """\
     A   B   C   D   E
#1   .4  .1  .3  .1  .1
#2   .2  .2  .2  .2  .2
#3   .2  .2  .2  .2  .2
A    .1  .5  .2  .1  .1
C    .1  .1  .1  .1  .6
A B  .1  .1  .1  .6  .1
C E  .1  .1  .1  .6  .1""",
    "late": """\
       the  one  a    dog  cat  sleeps  barks  <eos>
#1     .4   .35  .25  0    0    0       0      0
#2     0    0    0    .5   .5   0       0      0
#3     0    0    0    0    0    .5      .5     0
#4     0    0    0    0    0    0       0      1
a      0    0    0    .95  .05  0       0      0
a dog  0    0    0    0    0    .05     .95    0""",
}
