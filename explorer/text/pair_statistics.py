"""What preparation makes of sentence pairs, as small tables for pictures: step by step on one
sentence, as a batch, and over all pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from explorer.text.segment import graphemes
from explorer.text.sentences import BOS, EOS, PAD, Sentences, prepared
from explorer.text.subwords import UNKNOWN
from explorer.text.tokenizers import Tokenizer

KINDS = ("word", "unknown", "begin", "end", "pad", "cut")  # of a cell; -1 where there is none
WORD, UNKNOWN_WORD, BEGIN, END, FILL, CUT = range(len(KINDS))
STEPS = ("raw", "lowercase", "spaced", "tokens", "rare", "ended", "padded")
SIDES = ("source", "given", "target")
TWO = ("source", "target")
COUNTED = 4_000  # pairs, at most: half a second
RANKS = 300  # points of a side's curve
BEYOND = 4  # tokens beyond the longest length that are drawn as cut off

Which = Literal["source", "target"]


class Cell(NamedTuple):
    """A token and what becomes of it, an index of `KINDS`."""

    label: str
    kind: int


def tokenizer_of(sentences: Sentences, side: str) -> Tokenizer:
    """The tokenizer of the source, or of the target."""
    return sentences.source if side == "source" else sentences


def steps(sentences: Sentences, sentence: str, side: Which, length: int) -> xr.Dataset:
    """A sentence after each step that it is prepared by: `step_label` and `step_kind` over (step,
    position), `valid` over step: how many cells count. length: to which it is filled up."""
    tokenizer, how = tokenizer_of(sentences, side), sentences.how
    whole = graphemes if how.kind == "character" or tokenizer.chinese else str.split
    prepared_as = {"raw": prepared(sentence), "lowercase": prepared(sentence, how.lowercase),
                   "spaced": sentences.prepare(sentence)}  # fmt: skip
    rows = {step: [Cell(part, WORD) for part in whole(text)] for step, text in prepared_as.items()}
    cut = _cells(tokenizer, prepared_as["spaced"])
    rows["tokens"] = [Cell(cell.label, WORD) for cell in cut]
    rows["rare"] = [_rare(cell) for cell in cut]
    rows["ended"] = _ended(rows["rare"], sentences.longest)
    rows["padded"] = _filled(rows["ended"], length)
    labels, kinds = _table([rows[step] for step in STEPS])
    return xr.Dataset(
        {"step_label": (("step", "position"), labels), "step_kind": (("step", "position"), kinds),
         "valid": ("step", [_valid(rows[step]) for step in STEPS])},
        {"step": list(STEPS)}, {"side": side, "longest": sentences.longest})  # fmt: skip


def batch(sentences: Sentences, rows: Sequence[tuple[str, str]]) -> xr.Dataset:
    """Some pairs side by side, as a network is given them: `batch_label` and `batch_kind` over
    (side, row, position), `valid` over (side, row). side: the source, what the decoder is given
    (<bos> and the target without its end), and the target that it is to write."""
    sources, targets = zip(*rows, strict=True)
    made = {side: [_ended([_rare(cell) for cell in _cells(tokenizer_of(sentences, side),
                                                          sentences.prepare(sentence))],
                          sentences.longest) for sentence in each]
            for side, each in (("source", sources), ("target", targets))}  # fmt: skip
    made["given"] = [_shifted(row) for row in made["target"]]
    lines = []
    for side in SIDES:
        longest = max(_valid(row) for row in made[side])
        lines += [_filled(row, longest) for row in made[side]]
    labels, kinds = _table(lines)
    shape = (len(SIDES), len(rows), labels.shape[1])
    valid = [[_valid(row) for row in made[side]] for side in SIDES]
    dims = ("side", "row", "position")
    return xr.Dataset(
        {"batch_label": (dims, labels.reshape(shape)), "batch_kind": (dims, kinds.reshape(shape)),
         "valid": (("side", "row"), valid)},
        {"side": list(SIDES)}, {"longest": sentences.longest})  # fmt: skip


def statistics(
    sentences: Sentences, rows: Sequence[tuple[str, str]], most: int = COUNTED
) -> xr.Dataset:
    """Lengths and words of pairs, of at most so many, spread evenly over all.

    `length_pairs` over (side, length): how many sentences have so many tokens, <eos> among them;
    over side `cut`, how many are longer than is kept, `distinct` words, how many of them are
    `kept`, and which share of the text is `unknown`. Over point, ranks thinned evenly on a log
    axis: `word_count` of the word `word` of `word_side`, at `word_rank`, and if it is `word_kept`.
    """
    some = [rows[i * len(rows) // most] for i in range(most)] if len(rows) > most else rows
    counted = [_counted(tokenizer_of(sentences, side), sentences, lines)
               for side, lines in zip(TWO, zip(*some, strict=True), strict=True)]  # fmt: skip
    lengths = np.arange(1, 1 + max(max(each.lengths) for each in counted))
    points = [(side, *point) for side, each in zip(TWO, counted, strict=True)
              for point in _ranked(each)]  # fmt: skip
    columns = dict(zip(("word_side", "word_rank", "word", "word_count", "word_kept"),
                       zip(*points, strict=True), strict=True))  # fmt: skip
    over_side = {
        "cut": [sum(count for length, count in each.lengths.items() if length > sentences.longest)
                for each in counted],
        "distinct": [len(each.words) for each in counted],
        "kept": [len(each.words.keys() - each.unknown) for each in counted],
        "unknown": [sum(each.words[word] for word in each.unknown) / each.words.total()
                    for each in counted],
    }  # fmt: skip
    return xr.Dataset(
        {"length_pairs": (("side", "length"), [[each.lengths[int(length)] for length in lengths]
                                               for each in counted])}
        | {name: ("point", list(values)) for name, values in columns.items()}
        | {name: ("side", values) for name, values in over_side.items()},
        {"side": list(TWO), "length": lengths},
        {"pairs": len(rows), "counted": len(some), "longest": sentences.longest,
         "kind": sentences.how.kind, "min_frequency": sentences.how.min_frequency})  # fmt: skip


class Counts(NamedTuple):
    """lengths: how many sentences have which. words: how often each comes. unknown: those that
    are read as <unk>."""

    lengths: Counter[int]
    words: Counter[str]
    unknown: set[str]


def _counted(tokenizer: Tokenizer, sentences: Sentences, lines: Sequence[str]) -> Counts:
    counts = Counts(Counter(), Counter(), set())
    for line in lines:
        cells = _cells(tokenizer, sentences.prepare(line))
        counts.lengths[len(cells) + 1] += 1
        counts.words.update(cell.label for cell in cells)
        counts.unknown.update(cell.label for cell in cells if cell.kind == UNKNOWN_WORD)
    return counts


def _ranked(counts: Counts) -> Iterator[tuple[int, str, int, bool]]:
    """Rank, word, count and whether it is kept: of the most frequent, of others ever fewer."""
    ordered = sorted(counts.words.items(), key=lambda item: (-item[1], item[0]))
    for rank in np.unique(np.geomspace(1, len(ordered), RANKS).round().astype(int)):
        word, count = ordered[rank - 1]
        yield int(rank), word, count, word not in counts.unknown


def _cells(tokenizer: Tokenizer, text: str) -> list[Cell]:
    tokens = tokenizer.encode(text)
    return [Cell(label, UNKNOWN_WORD if tokenizer.unknown(int(id)) else WORD)
            for id, label in zip(tokens.ids, tokens.labels, strict=True)]  # fmt: skip


def _rare(cell: Cell) -> Cell:
    return Cell(UNKNOWN, UNKNOWN_WORD) if cell.kind == UNKNOWN_WORD else cell


def _ended(row: list[Cell], longest: int) -> list[Cell]:
    """<eos> at the end; what is beyond the longest length is cut off, <eos> too."""
    whole = [*row, Cell(EOS, END)]
    return whole[:longest] + [Cell(cell.label, CUT) for cell in whole[longest:][:BEYOND]]


def _shifted(row: list[Cell]) -> list[Cell]:
    """What a decoder reads before it writes a row."""
    return [Cell(BOS, BEGIN), *[cell for cell in row if cell.kind != CUT][:-1]]


def _filled(row: list[Cell], length: int) -> list[Cell]:
    """<pad> up to a length."""
    return row + [Cell(PAD, FILL)] * (length - len(row))


def _valid(row: list[Cell]) -> int:
    return sum(cell.kind not in (FILL, CUT) for cell in row)


def _table(rows: Sequence[list[Cell]]) -> tuple[NDArray[np.str_], NDArray[np.int8]]:
    """Labels and kinds, (row, position); "" and -1 where a row has ended."""
    width = max(map(len, rows), default=0)
    labels = np.full((len(rows), width), "", object)
    kinds = np.full((len(rows), width), -1, np.int8)
    for place, row in enumerate(rows):
        labels[place, : len(row)] = [cell.label for cell in row]
        kinds[place, : len(row)] = [cell.kind for cell in row]
    return labels.astype(str), kinds
