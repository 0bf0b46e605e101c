"""The door for sentence pairs: files or characters come in, Pairs go on, or a DataError names
file, place, cure. A few broken lines are skipped, and reported; many are refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import PurePosixPath

from explorer.errors import DataError
from explorer.text import door
from explorer.text.pairs import Pairs, Report
from explorer.words import N_

MINIMUM = 2  # different pairs
BROKEN = 0.05  # a higher share of broken lines is refused
LISTED = 5  # broken lines that a report names

NO_TAB = N_("no tab")
NO_COLUMN = N_("no second column")
NO_SOURCE = N_("no source sentence")
NO_TARGET = N_("no translation")
_REFUSALS = {  # what is wrong with a line: all that is said of it when there are too many
    NO_TAB: N_(
        "line {line} of {name} has no tab: write the source sentence, a tab, and its "
        "translation. Broken are {broken} of {lines} lines; up to {share:.0%} are skipped."
    ),
    NO_COLUMN: N_(
        "line {line} of {name} has no second column: write the source sentence, a comma, and its "
        "translation, below a header. Broken are {broken} of {lines} lines; up to {share:.0%} are "
        "skipped."
    ),
    NO_SOURCE: N_(
        "line {line} of {name} has no source sentence: write it before the translation, or take "
        "the line out. Broken are {broken} of {lines} lines; up to {share:.0%} are skipped."
    ),
    NO_TARGET: N_(
        "line {line} of {name} has no translation: write it after the source sentence, or take "
        "the line out. Broken are {broken} of {lines} lines; up to {share:.0%} are skipped."
    ),
}
_EDGES = re.compile(r"^[\s\ufeff]+|[\s\ufeff]+$")
_BREAKS = re.compile(r"[\t\n]+")
_DELIMITERS = ",;\t"

Line = tuple[int, str, str, str]  # its number, source, target, and what is wrong with it, or ""


def read(path: str | PathLike[str], target: str | PathLike[str] | None = None) -> Pairs:
    """The pairs of a file, or of two. Raises DataError."""
    if target is None:
        return decode(*door.loaded(path))
    return decode_two(*door.loaded(path), *door.loaded(target))


def decode(name: str, data: bytes) -> Pairs:
    """The pairs of an upload, a .csv or tab-separated. Raises DataError."""
    name, content, encoding = door.opened(name, data)
    if PurePosixPath(name).suffix.lower() == ".csv":
        header, lines = _csv(name, content)
        return _pairs(name, encoding, lines, header)
    return _pairs(name, encoding, _tabbed(content))


def decode_two(name: str, data: bytes, target_name: str, target_data: bytes) -> Pairs:
    """The pairs of two uploads, line by line. Raises DataError."""
    name, sources, encoding = door.opened(name, data)
    target_name, targets, other = door.opened(target_name, target_data)
    both = f"{name} + {target_name}"
    door.fits(both, len(data) + len(target_data))
    lines = [content.rstrip("\n").split("\n") for content in (sources, targets)]
    if len(lines[0]) != len(lines[1]):
        raise DataError(
            N_(
                "“{source}” has {sources} lines and “{target}” has {targets}: line by line they "
                "must be translations of each other."
            ),
            source=name,
            target=target_name,
            sources=len(lines[0]),
            targets=len(lines[1]),
        )
    made = (_line(number, *sides) for number, sides in enumerate(zip(*lines, strict=True), 1))
    return _pairs(both, encoding if encoding == other else f"{encoding} + {other}", made)


def admit(name: str, content: str) -> Pairs:
    """Pairs that were typed or pasted. Raises DataError."""
    name, content = door.clean_name(name), door.normal(content)
    door.fits(name, len(content.encode()))
    return _pairs(name, "utf-8", _tabbed(content))


def _tabbed(content: str) -> Iterator[Line]:
    """Source, tab, target; a third column, as in the files of manythings.org, is dropped."""
    for number, line in enumerate(content.split("\n"), 1):
        source, *more = line.split("\t")
        if not more and _side(source):
            yield number, "", "", NO_TAB
        else:
            yield _line(number, source, more[0] if more else "")


def _csv(name: str, content: str) -> tuple[str, Iterator[Line]]:
    """The header, and the first two columns below it. The delimiter is the one that gives the
    header the most columns."""
    first = content.partition("\n")[0]
    headers = {each: next(csv.reader([first], delimiter=each), []) for each in _DELIMITERS}
    delimiter = max(headers, key=lambda each: len(headers[each]))
    rows = _rows(name, content, delimiter)
    _, header = next(rows, (0, []))
    return ", ".join(map(_side, header)), (_columns(number, row) for number, row in rows)


def _rows(name: str, content: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV and the numbers of their (last) lines. Raises DataError.

    A row of many lines is read strictly once more: of a quote that is not closed csv says nothing
    else, and what follows, up to the next quote or the end, would be one cell."""
    lines, begun = content.split("\n"), 0  # lines before the row
    reader = csv.reader(io.StringIO(content), delimiter=delimiter)
    try:
        for row in reader:
            if reader.line_num > begun + 1:
                list(csv.reader(lines[begun : reader.line_num], delimiter=delimiter, strict=True))
            begun = reader.line_num
            yield begun, row
    except csv.Error as error:
        raise DataError(
            N_("line {line} of {name} is no CSV ({reason}): look for a quote that is not closed."),
            line=begun + 1,
            name=name,
            reason=str(error),
        ) from error


def _columns(number: int, row: list[str]) -> Line:
    if len(row) == 1 and _side(row[0]):
        return number, "", "", NO_COLUMN
    source, target = [*row, "", ""][:2]
    return _line(number, source, target)


def _line(number: int, source: str, target: str) -> Line:
    source, target = _side(source), _side(target)
    if bool(source) == bool(target):
        return number, source, target, ""
    return number, source, target, NO_TARGET if source else NO_SOURCE


def _side(sentence: str) -> str:
    """A sentence on one line, without blanks around it."""
    return _BREAKS.sub(" ", _EDGES.sub("", sentence))


def _pairs(name: str, encoding: str, lines: Iterable[Line], header: str = "") -> Pairs:
    """The good lines, if they are enough. Blank lines are no lines."""
    every = [line for line in lines if line[3] or line[1]]
    good = [f"{source}\t{target}" for _, source, target, wrong in every if not wrong]
    broken = [(number, wrong) for number, _, _, wrong in every if wrong]
    if len(broken) > BROKEN * len(every):
        number, wrong = broken[0]
        raise DataError(
            _REFUSALS[wrong],
            line=number,
            name=name,
            broken=len(broken),
            lines=len(every),
            share=BROKEN,
        )
    distinct = len(set(good))
    if distinct < MINIMUM:
        raise _too_few(name, good)
    report = Report(len(broken), tuple(broken[:LISTED]), len(good) - distinct, header)
    return Pairs(name, "".join(f"{line}\n" for line in good), encoding, report)


def _too_few(name: str, good: list[str]) -> DataError:
    if not good:
        return DataError(
            N_(
                "“{name}” holds no pairs: write the source sentence, a tab, and its translation "
                "in each line, at least {minimum} lines, better some thousands."
            ),
            name=name,
            minimum=MINIMUM,
        )
    if len(good) == 1:
        return DataError(
            N_(
                "“{name}” holds a single pair: a network needs at least {minimum} different ones, "
                "better some thousands."
            ),
            name=name,
            minimum=MINIMUM,
        )
    return DataError(
        N_(
            "“{name}” holds the same pair {count} times: there is nothing to learn. A network "
            "needs at least {minimum} different ones, better some thousands."
        ),
        name=name,
        count=len(good),
        minimum=MINIMUM,
    )
