"""Sentences of two languages ↔ ids: a vocabulary each, with signs for padding, begin and end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import regex
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.text.pairs import Pairs
from explorer.text.tokenizers import BYTES, Tokenizer
from explorer.text.types import Text, Tokenisation, Tokens
from explorer.words import N_

PAD, BOS, EOS = SIGNS = ("<pad>", "<bos>", "<eos>")
_BLANKS = regex.compile(r"\s+")
# A sign that is no part of a word stands alone: not the apostrophe of l'eau, not the hyphen of
# vingt-deux, not the point of 3.5.
_SIGN = regex.compile(r"(?<=[\p{L}\p{M}\p{N}])['’\-.,](?=[\p{L}\p{M}\p{N}])(*SKIP)(*FAIL)"
                      r"|[^\s\p{L}\p{M}\p{N}_]")


def prepared(sentence: str, lowercase: bool = False, spaced: bool = False) -> str:
    """A sentence as it is cut: in lower case, its blanks single, a blank on either side of each
    sign that is no part of a word."""
    if lowercase:
        sentence = sentence.lower()
    if spaced:
        sentence = _SIGN.sub(r" \g<0> ", sentence)
    return _BLANKS.sub(" ", sentence).strip()


class Side(Tokenizer):
    """One language's tokenizer. Its last ids but those for bytes are <pad>, <bos> and <eos>, which
    nothing in a sentence spells; id 0 is <unk>, except of byte pairs, which have no unknowns."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        first = self.vocabulary.index(PAD)
        self.pad, self.bos, self.eos = range(first, first + len(SIGNS))
        if self.how.kind == "word":
            self.labels = tuple(label.removeprefix(" ") for label in self.vocabulary)

    @classmethod
    def of(cls, name: str, sentences: Sequence[str], how: Tokenisation, spaced: bool) -> Side:
        """Learnt from one side of pairs. Raises DataError: fewer than two different tokens."""
        lines = [_marked(prepared(line, how.lowercase, spaced), how) for line in sentences]
        plain = Tokenizer.learn(Text(name, "\n".join(lines)), how)
        words = [word for word in plain.vocabulary if word != "\n" or how.kind == "bpe"]
        ends = len(words) - (len(BYTES) if how.byte_fallback and how.kind != "bpe" else 0)
        return cls(how, [*words[:ends], *SIGNS, *words[ends:]], plain.chinese, plain.merges)

    def encode(self, content: str) -> Tokens:
        """The tokens of a prepared sentence, without <bos> or <eos>."""
        return super().encode(_marked(content, self.how))

    def _label(self, id: int, piece: str) -> str:
        label = super()._label(id, piece)
        return label.removeprefix(" ") if self.how.kind == "word" else label

    def decode(self, ids: Iterable[int]) -> str:
        """The sentence of some ids up to <eos>, as prepared."""
        kept: list[int] = []
        for i in ids:
            if i == self.eos:
                break
            if i not in (self.pad, self.bos):
                kept.append(int(i))
        return super().decode(kept).strip()


class Sentences(Side):
    """Both languages of some pairs: itself the target's tokenizer, which is what a network writes,
    with the source's beside it. spaced: whether signs were set apart. longest: tokens that are
    kept of a sentence, <eos> among them."""

    source: Side
    spaced: bool
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
        made.source, made.spaced, made.longest = source, spaced, longest
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
            assert isinstance(source, Side)
            assert isinstance(target, Side)
            return cls._joined(source, target, bool(read["spaced"]), int(read["longest"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
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

    def prepare(self, sentence: str) -> str:
        """A sentence of either side as it is compared."""
        return prepared(sentence, self.how.lowercase, self.spaced)

    def _ended(self, side: Side, sentence: str) -> Tokens:
        cut = side.encode(self.prepare(sentence))
        ids, labels = [*cut.ids, side.eos], [*cut.labels, EOS]
        return Tokens(np.array(ids[: self.longest], np.int64), tuple(labels[: self.longest]))


class Padded(NamedTuple):
    """Sentences as rows of one length. ids (N, T), filled up with <pad>; valid (N,): how many
    tokens of each row count."""

    ids: NDArray[np.int64]
    valid: NDArray[np.int64]


def padded(rows: Sequence[NDArray[np.int64]], pad: int) -> Padded:
    """Rows of ids, filled up to the longest."""
    valid = np.array([len(row) for row in rows], np.int64)
    ids = np.full((len(rows), int(valid.max(initial=1))), pad, np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    return Padded(ids, valid)


def encoded(sentences: Sentences, rows: Sequence[tuple[str, str]]) -> tuple[Padded, Padded]:
    """Pairs as the network reads and writes them: source and target, each with its <eos>."""
    return (padded([sentences.read(source).ids for source, _ in rows], sentences.source.pad),
            padded([sentences.written(target).ids for _, target in rows], sentences.pad))


def _marked(sentence: str, how: Tokenisation) -> str:
    """A blank before the first word, as before every other, so that both are the same token."""
    return sentence if how.kind == "character" else " " + sentence
