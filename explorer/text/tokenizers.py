"""Text ↔ tokens ↔ ids.

Characters and words are looked up in a vocabulary counted here; byte-level BPE and WordPiece are
learnt and applied by the `tokenizers` library.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import regex

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # one order of merges, whatever the cores

from pydantic import ValidationError
from tokenizers import Tokenizer as Learnt
from tokenizers import decoders, models, pre_tokenizers, trainers

from explorer.errors import DataError
from explorer.text.segment import is_chinese, words
from explorer.text.types import Text, Tokenisation, Tokens
from explorer.words import N_

UNKNOWN = "<unk>"
BYTES = tuple(f"<0x{value:02X}>" for value in range(256))
CONTINUES = "##"  # marks a WordPiece piece inside a word
SAMPLE = 200_000  # characters in which two different tokens must be found


class Piece(NamedTuple):
    """A token as it stands in the text."""

    text: str
    id: int
    unknown: bool


class Tokenizer:
    """Learnt from one text. size: how many different ids. labels: what each id is called.

    For characters, words and WordPiece id 0 is <unk>; byte-level BPE has no unknowns.
    """

    def __init__(
        self, how: Tokenisation, labels: Sequence[str], chinese: bool = False, model: str = ""
    ) -> None:
        """chinese: words are found by a segmenter. model: the `tokenizers` library's own JSON, for
        BPE and WordPiece."""
        self.how = how
        self.chinese = chinese
        self.labels = tuple(labels)
        self._ids = {label: index for index, label in enumerate(self.labels)}
        self._model = Learnt.from_str(model) if model else None
        self._byte = self._ids.get(BYTES[0])  # where the byte tokens begin, if there are any

    @property
    def size(self) -> int:
        return len(self.labels)

    @classmethod
    def learn(cls, text: Text, how: Tokenisation) -> Tokenizer:
        """The tokenizer that `how` gives on `text`: deterministic. Raises DataError when the text
        has fewer than two different tokens."""
        content = text.content.lower() if how.lowercase else text.content
        if how.kind == "bpe":
            made = _learn_bpe(content, how)
        elif how.kind == "wordpiece":
            made = _learn_wordpiece(content, how)
        else:
            chinese = is_chinese(content)
            made = cls(how, _vocabulary(_cut(content, how.kind, chinese), how), chinese)
        if len(set(made.encode(text.content[:SAMPLE]).ids.tolist())) < 2:
            raise DataError(
                N_(
                    "“{name}” has fewer than two different tokens: there is nothing to guess. Take "
                    "a longer text, or cut it by character."
                ),
                name=text.name,
            )
        return made

    @classmethod
    def from_json(cls, data: str) -> Tokenizer:
        """Undo `to_json`. Raises DataError when it is no tokenizer's JSON."""
        try:
            read = json.loads(data)
            how = Tokenisation.model_validate(read["how"])
            labels = [str(label) for label in read["labels"]]
            return cls(how, labels, bool(read["chinese"]), str(read["model"]))
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise DataError(N_("This tokenizer cannot be read: its JSON is damaged.")) from error
        except Exception as error:  # the library raises bare Exception for a bad model
            raise DataError(N_("This tokenizer cannot be read: its model is damaged.")) from error

    def to_json(self) -> str:
        model = self._model.to_str() if self._model else ""
        return json.dumps(
            {
                "how": self.how.model_dump(),
                "labels": self.labels,
                "chinese": self.chinese,
                "model": model,
            },
            ensure_ascii=False,
        )

    def encode(self, content: str) -> Tokens:
        """The tokens of a text. An unknown token keeps its own characters as its label."""
        if self.how.lowercase:
            content = content.lower()
        if self._model is not None and self.how.kind == "bpe":
            found = self._model.encode(content).ids
            return Tokens(np.array(found, np.int64), tuple(self.labels[i] for i in found))
        pieces = _cut(content, self.how.kind, self.chinese)
        if self._model is not None:
            pieces = self._wordpieces(pieces)
        if self._byte is not None:
            pieces = self._spell(pieces)
        get = self._ids.get
        ids = np.fromiter((get(piece, 0) for piece in pieces), np.int64, len(pieces))
        return Tokens(ids, tuple(pieces))

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids."""
        if self._model is not None and self.how.kind == "bpe":
            return str(self._model.decode([int(i) for i in ids]))
        labels = [self.labels[int(i)] for i in ids]
        if self.how.kind == "wordpiece":
            labels = [label.removeprefix(CONTINUES) for label in labels]
        return _unspell(labels) if self._byte is not None else "".join(labels)

    def pieces(self, content: str) -> list[Piece]:
        """Token by token, for the preview."""
        tokens = self.encode(content)
        known = self.how.kind == "bpe"
        return [
            Piece(label, int(i), i == 0 and not known)
            for label, i in zip(tokens.labels, tokens.ids, strict=True)
        ]

    def _wordpieces(self, pieces: list[str]) -> list[str]:
        """Each word in its pieces; a word that cannot be pieced together stays whole: unknown."""
        assert self._model is not None
        kept: dict[str, list[str]] = {}
        for word in dict.fromkeys(pieces):
            cut = self._model.encode(word).tokens
            kept[word] = [word] if UNKNOWN in cut else cut
        return [part for word in pieces for part in kept[word]]

    def _spell(self, pieces: list[str]) -> list[str]:
        """Unknown pieces in their UTF-8 bytes."""
        return [
            part
            for piece in pieces
            for part in (
                [piece]
                if piece in self._ids
                else [BYTES[b] for b in piece.removeprefix(CONTINUES).encode()]
            )
        ]


def _cut(content: str, kind: str, chinese: bool) -> list[str]:
    """Characters as a reader sees them (graphemes), or words with the blank before them."""
    if kind == "character":
        return list(content) if content.isascii() else regex.findall(r"\X", content)
    return words(content, chinese)


def _vocabulary(pieces: list[str], how: Tokenisation) -> list[str]:
    """<unk>, bytes if wished, then the kept pieces: the most frequent, in the order of letters."""
    counts = Counter(pieces)
    room = how.vocabulary - 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = [piece for piece, count in ranked[:room] if count >= how.min_frequency]
    return [UNKNOWN, *(BYTES if how.byte_fallback else ()), *sorted(kept)]


def _unspell(labels: list[str]) -> str:
    """Join labels, runs of byte tokens read as UTF-8."""
    codes = {label: value for value, label in enumerate(BYTES)}
    out = bytearray()
    for label in labels:
        out += bytes([codes[label]]) if label in codes else label.encode()
    return out.decode(errors="replace")


def _learn_bpe(content: str, how: Tokenisation) -> Tokenizer:
    model = Learnt(models.BPE())
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=max(how.vocabulary, 257),
        min_frequency=max(2, how.min_frequency),
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    model.train_from_iterator(content.splitlines(keepends=True), trainer)
    labels = [_readable(model, index) for index in range(model.get_vocab_size())]
    return Tokenizer(how, labels, model=model.to_str())


def _readable(model: Learnt, index: int) -> str:
    """What a byte-level token stands for; half a character as its bytes."""
    said: str = model.decode([index])
    if "\ufffd" not in said:
        return said
    codes = _byte_codes()
    return "".join(f"<0x{codes[sign]:02X}>" for sign in model.id_to_token(index) or "")


def _byte_codes() -> dict[str, int]:
    """GPT-2's writing of bytes as visible signs, undone."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [value for value in range(256) if value not in visible]
    return {chr(value): value for value in visible} | {
        chr(256 + place): value for place, value in enumerate(hidden)
    }


def _learn_wordpiece(content: str, how: Tokenisation) -> Tokenizer:
    chinese = is_chinese(content)
    pieces = words(content, chinese)
    letters = sorted({sign for piece in pieces for sign in piece})
    # The trainer numbers letters in the order of a hash table; given beforehand they are in ours.
    alphabet = [UNKNOWN, *letters, *(CONTINUES + sign for sign in letters)]
    learner = Learnt(_wordpiece({UNKNOWN: 0}))
    trainer = trainers.WordPieceTrainer(
        vocab_size=max(how.vocabulary, len(alphabet)),
        min_frequency=max(2, how.min_frequency),
        show_progress=False,
        special_tokens=alphabet,
        continuing_subword_prefix=CONTINUES,
    )
    learner.train_from_iterator(pieces, trainer)
    ranked = sorted(learner.get_vocab().items(), key=lambda item: item[1])
    model = Learnt(_wordpiece(dict(ranked)))  # without the letters as tokens of a special kind
    labels = [*(label for label, _ in ranked), *(BYTES if how.byte_fallback else ())]
    return Tokenizer(how, labels, chinese, model.to_str())


def _wordpiece(vocabulary: dict[str, int]) -> models.WordPiece:
    return models.WordPiece(
        vocab=vocabulary,
        unk_token=UNKNOWN,
        max_input_chars_per_word=1000,
        continuing_subword_prefix=CONTINUES,
    )
