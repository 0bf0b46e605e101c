"""Sentences of two languages ↔ ids: a vocabulary each, with signs for padding, begin and end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.text.pairs import Pairs
from explorer.text.subwords import CONTINUES, UNKNOWN
from explorer.text.tokenizers import BYTES, SIGNS, Tokenizer, lowered, segmented
from explorer.text.types import Text, Tokenisation, Tokens
from explorer.words import N_

PAD, BOS, EOS = SIGNS
# A sign that is no part of a word stands alone: not the apostrophe of l'eau, not the hyphen of
# vingt-deux, not the point of 3.5.
_SIGN = regex.compile(r"(?<=[\p{L}\p{M}\p{N}])['’\-.,](?=[\p{L}\p{M}\p{N}])(*SKIP)(*FAIL)"
                      r"|[^\s\p{L}\p{M}\p{N}_]")
_LINE_ENDS = ("\n", CONTINUES + "\n")  # stand between sentences, in none


def prepared(sentence: str, lowercase: bool = False, spaced: bool = False) -> str:
    """A sentence as it is cut: in lower case, its blanks single, a blank on either side of each
    sign that is no part of a word."""
    if lowercase:
        sentence = lowered(sentence)
    if spaced:
        sentence = _SIGN.sub(r" \g<0> ", sentence)
    return " ".join(sentence.split())


class Side(Tokenizer):
    """One language's tokenizer. Its last ids but those for bytes are <pad>, <bos> and <eos>, which
    nothing in a sentence spells; id 0 is <unk>, except of byte pairs, which have no unknowns.

    spaced: whether signs are set apart; those of Chinese are found by its segmenter.
    """

    spaced = False

    def __init__(self, *args: Any, **named: Any) -> None:
        """Raises ValueError: the signs are not in the vocabulary."""
        super().__init__(*args, **named)
        first = self.vocabulary.index(PAD)
        if self.vocabulary[first : first + len(SIGNS)] != SIGNS:
            raise ValueError("without <pad>, <bos> and <eos> in a row")
        self.pad, self.bos, self.eos = range(first, first + len(SIGNS))
        if self.how.kind == "word":
            self.labels = tuple(map(_bare, self.vocabulary))

    @classmethod
    def of(cls, name: str, sentences: Sequence[str], how: Tokenisation, spaced: bool) -> Side:
        """Learnt from one side of pairs. Raises DataError: fewer than two different tokens, or
        none that is known."""
        chinese = segmented("\n".join(sentences), how)
        lines = [_marked(prepared(line, how.lowercase, spaced and not chinese), how, chinese)
                 for line in sentences]
        plain = Tokenizer.learn(Text(name, "\n".join(lines)), how, chinese)
        words = [word for word in plain.vocabulary if how.kind == "bpe" or word not in _LINE_ENDS]
        if words == [UNKNOWN]:
            raise DataError(
                N_("No word or sign of “{name}” is frequent enough: each would be {unknown}. Take "
                   "a lower minimum frequency, or cut it by character."),
                name=name, unknown=UNKNOWN)
        ends = len(words) - (len(BYTES) if how.byte_fallback and how.kind != "bpe" else 0)
        made = cls(how, [*words[:ends], *SIGNS, *words[ends:]], chinese, plain.merges)
        made.spaced = spaced
        return made

    def prepare(self, sentence: str) -> str:
        """A sentence as it is cut, and compared."""
        return prepared(sentence, self.how.lowercase, self.spaced and not self.chinese)

    def encode(self, content: str) -> Tokens:
        """The tokens of a prepared sentence, without <bos> or <eos>."""
        return super().encode(_marked(content, self.how, self.chinese))

    def encode_all(self, contents: Iterable[str]) -> list[list[int]]:
        return super().encode_all(_marked(each, self.how, self.chinese) for each in contents)

    def decode(self, ids: Iterable[int]) -> str:
        """The sentence of some ids up to <eos>, as prepared."""
        return super().decode(self.said(ids)).strip()

    def said(self, ids: Iterable[int]) -> list[int]:
        """Those of some ids that say something: what stands before <eos>, without the signs."""
        kept: list[int] = []
        for i in ids:
            if i == self.eos:
                break
            if i not in (self.pad, self.bos):
                kept.append(int(i))
        return kept

    def _label(self, id: int, piece: str) -> str:
        label = super()._label(id, piece)
        return _bare(label) if self.how.kind == "word" else label

    def _bytes_of(self, id: int) -> bytes:
        """An unknown word had the blank before it within, as every word has."""
        if id == 0 and self.how.kind in ("word", "wordpiece") and not self.chinese:
            return f" {UNKNOWN}".encode()
        return super()._bytes_of(id)


class Sentences(Side):
    """Both languages of some pairs: itself the target's tokenizer, which is what a network writes,
    with the source's beside it. longest: tokens that are kept of a sentence, <eos> among them."""

    source: Side
    longest: int

    @classmethod
    def learnt(cls, pairs: Pairs, how: Tokenisation, spaced: bool, longest: int) -> Sentences:
        """The vocabularies of some pairs. Raises DataError: too few different tokens."""
        sides = list(zip(*pairs.rows, strict=True))
        source, target = (Side.of(pairs.name, side, how, spaced) for side in sides)
        return cls._joined(source, target, spaced, longest)

    @classmethod
    def _joined(cls, source: Side, target: Side, spaced: bool, longest: int) -> Sentences:
        made = cls(target.how, target.vocabulary, target.chinese, target.merges)
        made.source, made.longest = source, longest
        made.spaced = source.spaced = spaced
        return made

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.size, self.source.size

    @classmethod
    def from_json(cls, data: str) -> Sentences:
        """Undo `to_json`. Raises DataError when it is no such tokenizer's JSON."""
        try:
            read = json.loads(data)
            source, target = (Side.from_json(json.dumps(read[side]))
                              for side in ("source", "target"))
            longest = int(read["longest"])
            if source.how != target.how or longest < 2:
                raise ValueError("no two sides of pairs")
            return cls._joined(source, target, bool(read["spaced"]), longest)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise DataError(N_("This tokenizer cannot be read: its JSON is damaged.")) from error

    def to_json(self) -> str:
        return json.dumps({"source": json.loads(self.source.to_json()),
                           "target": json.loads(super().to_json()),
                           "spaced": self.spaced, "longest": self.longest}, ensure_ascii=False)

    def read(self, sentence: str) -> Tokens:
        """A source sentence as the network reads it: prepared, cut, <eos> at its end, at most
        `longest` tokens."""
        return self._ended(self.source, sentence)

    def written(self, sentence: str) -> Tokens:
        """A target sentence likewise."""
        return self._ended(self, sentence)

    def all_ended(self, side: Side, sentences: Iterable[str]) -> list[list[int]]:
        """The ids of many sentences of a side, each as `read` or `written` gives them."""
        cut = side.encode_all(map(side.prepare, sentences))
        return [[*ids, side.eos][: self.longest] for ids in cut]

    def _ended(self, side: Side, sentence: str) -> Tokens:
        cut = side.encode(side.prepare(sentence))
        ids, labels = [*cut.ids, side.eos], [*cut.labels, EOS]
        return Tokens(np.array(ids[: self.longest], np.int64), tuple(labels[: self.longest]))


class Padded(NamedTuple):
    """Sentences as rows of one length. ids (N, T), filled up with <pad>; valid (N,): how many
    tokens of each row count."""

    ids: NDArray[np.int64]
    valid: NDArray[np.int64]


def padded(rows: Sequence[Sequence[int] | NDArray[np.int64]], pad: int) -> Padded:
    """Rows of ids, filled up to the longest."""
    valid = np.array([len(row) for row in rows], np.int64)
    width = int(valid.max(initial=1))
    ids = np.full((len(rows), width), pad, np.int64)
    ids[np.arange(width) < valid[:, None]] = np.fromiter(chain.from_iterable(rows), np.int64)
    return Padded(ids, valid)


def encoded(sentences: Sentences, rows: Sequence[tuple[str, str]]) -> tuple[Padded, Padded]:
    """Pairs as the network reads and writes them: source and target, each with its <eos>."""
    sides = (sentences.source, [source for source, _ in rows]), (sentences, [t for _, t in rows])
    source, target = (padded(sentences.all_ended(side, lines), side.pad) for side, lines in sides)
    return source, target


def _marked(sentence: str, how: Tokenisation, chinese: bool) -> str:
    """A blank before the first word, as before every other, so that both are the same token."""
    return sentence if how.kind == "character" or chinese or not sentence else " " + sentence


def _bare(label: str) -> str:
    """A word without the blank before it; a blank that stands alone stays."""
    return label[1:] if len(label) > 1 and label[0] == " " else label
