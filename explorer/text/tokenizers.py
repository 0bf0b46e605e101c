"""Text ↔ tokens ↔ ids.

Characters and words are looked up in a vocabulary counted here; byte-level BPE and WordPiece are
learnt and applied by the `tokenizers` library.
"""

from __future__ import annotations

import codecs
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple, Self

import numpy as np
from pydantic import ValidationError

from explorer.errors import DataError
from explorer.text import subwords
from explorer.text.door import normal
from explorer.text.segment import chunks, graphemes, is_chinese, words
from explorer.text.subwords import CONTINUES, UNKNOWN, Merges
from explorer.text.types import Text, Tokenisation, Tokens
from explorer.words import N_

BYTES = tuple(f"<0x{value:02X}>" for value in range(256))
SIGNS = ("<pad>", "<bos>", "<eos>")  # of sentences: see `explorer.text.sentences`
MOST = 20_000 + len(BYTES) + len(SIGNS)  # tokens of any vocabulary


class Piece(NamedTuple):
    """A token as it stands in the text: all texts joined are the text that was cut. (A token that
    is a part of a character has no text, the last part has the character.)"""

    text: str
    id: int
    unknown: bool


class Tokenizer:
    """Learnt from one text. size: how many different ids. labels: what each id is called.

    For characters, words and WordPiece id 0 is <unk>; byte-level BPE has no unknowns.
    """

    def __init__(
        self,
        how: Tokenisation,
        vocabulary: Sequence[str],
        chinese: bool = False,
        merges: Merges | None = None,
    ) -> None:
        """chinese: words are found by a segmenter. merges: of BPE, whose vocabulary is in GPT-2's
        writing of bytes."""
        self.how = how
        self.chinese = chinese
        self.merges = merges or []
        self.vocabulary = tuple(vocabulary)
        self._ids = {token: index for index, token in enumerate(self.vocabulary)}
        self._byte = self._ids[BYTES[0]] if how.byte_fallback and how.kind != "bpe" else None
        self._raw = [self._bytes_of(index) for index in range(len(self.vocabulary))]
        self.labels = self.vocabulary
        if how.kind == "bpe":
            self.labels = tuple(subwords.readable(raw) for raw in self._raw)
            self._library = subwords.bpe(list(vocabulary), self.merges)
        elif how.kind == "wordpiece":
            self._library = subwords.wordpiece(list(vocabulary[: self._byte]))

    @property
    def size(self) -> int:
        return len(self.labels)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of all vocabularies that a network needs: of what it writes, then of what it reads, if
        that is another."""
        return (self.size,)

    @classmethod
    def learn(cls, text: Text, how: Tokenisation, chinese: bool | None = None) -> Tokenizer:
        """The tokenizer that `how` gives on `text`: deterministic. chinese: whether words are found
        by a segmenter; None: if they need one. Raises DataError when the text has fewer than two
        different tokens."""
        content = lowered(text.content) if how.lowercase else text.content
        chinese = segmented(content, how) if chinese is None else chinese
        pieces = _cut(content, how.kind, chinese)
        merges: Merges = []
        if how.kind == "bpe":
            vocabulary, merges = subwords.learn_bpe(pieces, how)
        elif how.kind == "wordpiece":
            vocabulary = subwords.learn_wordpiece(pieces, how)
        else:
            vocabulary = _most_frequent(pieces, how)
        if how.byte_fallback and how.kind != "bpe":
            vocabulary += BYTES
        made = cls(how, vocabulary, chinese, merges)
        if len({i for ids in made._spell(set(pieces)).values() for i in ids}) < 2:
            raise DataError(
                N_(
                    "“{name}” has fewer than two different tokens: there is nothing to guess. Take "
                    "a longer text, a lower minimum frequency, or cut it by character."
                ),
                name=text.name,
            )
        return made

    @classmethod
    def from_json(cls, data: str) -> Self:
        """Undo `to_json`. Raises DataError when it is no tokenizer's JSON."""
        try:
            read = json.loads(data)
            how = Tokenisation.model_validate(read["how"])
            vocabulary, merges = read["labels"], read.get("merges", [])
            _check(how, vocabulary, merges)
            return cls(how, vocabulary, bool(read["chinese"]), [(a, b) for a, b in merges])
        except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
            raise DataError(N_("This tokenizer cannot be read: its JSON is damaged.")) from error

    def to_json(self) -> str:
        return json.dumps(
            {
                "how": self.how.model_dump(),
                "labels": self.vocabulary,
                "chinese": self.chinese,
                "merges": self.merges,
            },
            ensure_ascii=False,
        )

    def encode(self, content: str) -> Tokens:
        """The tokens of a text. An unknown token keeps its own characters as its label."""
        pieces = _cut(self._normal(content), self.how.kind, self.chinese)
        spelt = self._spell(set(pieces))
        ids = np.fromiter(chain.from_iterable(map(spelt.__getitem__, pieces)), np.int64)
        labels = {piece: [self._label(i, piece) for i in found] for piece, found in spelt.items()}
        return Tokens(ids, tuple(chain.from_iterable(map(labels.__getitem__, pieces))))

    def encode_all(self, contents: Iterable[str]) -> list[list[int]]:
        """The ids of many short texts: as `encode` one after the other, but each different piece
        is spelt once."""
        cut = [_cut(self._normal(content), self.how.kind, self.chinese) for content in contents]
        spelt = self._spell(set(chain.from_iterable(cut)))
        return [[i for piece in pieces for i in spelt[piece]] for pieces in cut]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids; bytes that are no UTF-8 become U+FFFD."""
        return b"".join([self._raw[int(i)] for i in ids]).decode(errors="replace")

    def pieces(self, content: str) -> list[Piece]:
        """Token by token, for the preview."""
        content = self._normal(content)
        cut = _cut(content, self.how.kind, self.chinese)
        spelt = self._spell(set(cut))
        known = {piece: self._parts(piece, found) for piece, found in spelt.items()}
        return [part for piece in cut for part in known[piece]]

    def unknown(self, id: int) -> bool:
        """Whether this id is <unk>."""
        return id == 0 and self.how.kind != "bpe"

    def _normal(self, content: str) -> str:
        content = normal(content)
        return lowered(content) if self.how.lowercase else content

    def _spell(self, pieces: Iterable[str]) -> dict[str, list[int]]:
        """The ids of each piece: an unknown one is in bytes if wished, else <unk>."""
        given = sorted(pieces)
        if self.how.kind in ("character", "word"):
            found = [[self._ids.get(piece, 0)] for piece in given]
        else:
            found = [encoding.ids for encoding in self._library.encode_batch(given)]
        if self._byte is not None:
            found = [
                [self._byte + value for value in piece.encode()] if 0 in ids else ids
                for piece, ids in zip(given, found, strict=True)
            ]
        return dict(zip(given, found, strict=True))

    def _parts(self, piece: str, ids: list[int]) -> list[Piece]:
        if len(ids) == 1:
            return [Piece(piece, ids[0], self.unknown(ids[0]))]
        decoder = codecs.getincrementaldecoder("utf-8")()
        return [Piece(decoder.decode(self._raw[i]), i, False) for i in ids]

    def _label(self, id: int, piece: str) -> str:
        return piece if self.unknown(id) else self.labels[id]

    def _bytes_of(self, id: int) -> bytes:
        """The bytes of text that an id stands for."""
        token = self.vocabulary[id]
        if self.how.kind == "bpe":
            return subwords.bytes_of(token)
        if self._byte is not None and id >= self._byte:
            return bytes([id - self._byte])
        if self.how.kind == "wordpiece" and len(token) > len(CONTINUES):
            token = token.removeprefix(CONTINUES)
        return token.encode()


def segmented(content: str, how: Tokenisation) -> bool:
    """Whether the words of a text are found by a segmenter: those of Chinese have no blanks."""
    return how.kind in ("word", "wordpiece") and is_chinese(content)


def lowered(content: str) -> str:
    """In lower case, and NFC still."""
    return unicodedata.normalize("NFC", content.lower())


def _cut(content: str, kind: str, chinese: bool) -> list[str]:
    """Pieces that joined are the text: graphemes, chunks for BPE, words with the blank before."""
    if kind == "character":
        return graphemes(content)
    return chunks(content) if kind == "bpe" else words(content, chinese)


def _most_frequent(pieces: list[str], how: Tokenisation) -> list[str]:
    """<unk>, then the kept pieces: the most frequent, in the order of letters."""
    counts = Counter(pieces)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = [piece for piece, count in ranked[: how.vocabulary - 1] if count >= how.min_frequency]
    return [UNKNOWN, *sorted(kept)]


def _check(how: Tokenisation, vocabulary: object, merges: object) -> None:
    """A stored vocabulary may come from anyone: ValueError, KeyError or TypeError if the library
    could stumble over it."""
    if not isinstance(vocabulary, list) or not isinstance(merges, list):
        raise TypeError("not lists")
    tokens = set(vocabulary)
    if not 2 <= len(tokens) == len(vocabulary) <= MOST or not all(vocabulary):
        raise ValueError("not a vocabulary")
    "".join(vocabulary).encode()  # lone surrogates; TypeError if one is no string
    if how.kind == "bpe":
        if not tokens.issuperset(subwords.SIGNS):
            raise ValueError("not all bytes")
        for token in vocabulary:
            subwords.bytes_of(token)
        if not all(left in tokens and left + right in tokens and right in tokens
                   for left, right in merges):  # fmt: skip
            raise ValueError("a merge of unknown tokens")
    elif vocabulary[0] != UNKNOWN or merges:
        raise ValueError("without <unk>")
    if how.byte_fallback and how.kind != "bpe" and tuple(vocabulary[-256:]) != BYTES:
        raise ValueError("without bytes")
