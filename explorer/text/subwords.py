"""Parts of words, learnt and applied by the `tokenizers` library: byte-level BPE and WordPiece.

BPE: Sennrich et al. 2016, on bytes as in GPT-2 (Radford et al. 2019). WordPiece: Schuster &
Nakajima 2012, as in BERT.
"""

from __future__ import annotations

import json
import os
from collections import Counter

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # one order of merges, whatever the cores

from tokenizers import Tokenizer as Library
from tokenizers import models, pre_tokenizers, trainers

from explorer.text.types import Tokenisation

UNKNOWN = "<unk>"
CONTINUES = "##"  # marks a WordPiece part that goes on inside a word

Merges = list[tuple[str, str]]


def _byte_signs() -> dict[str, int]:
    """GPT-2's writing of the 256 bytes as visible signs."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [value for value in range(256) if value not in visible]
    return {chr(value): value for value in visible} | {
        chr(256 + place): value for place, value in enumerate(hidden)
    }


SIGNS = _byte_signs()


def bytes_of(written: str) -> bytes:
    """The bytes that a token of BPE stands for. KeyError when it holds another sign."""
    return bytes(SIGNS[sign] for sign in written)


def readable(data: bytes) -> str:
    """What a token of bytes says; half a character as its bytes."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "".join(f"<0x{value:02X}>" for value in data)


def learn_bpe(pieces: list[str], how: Tokenisation) -> tuple[list[str], Merges]:
    """Vocabulary (in GPT-2's writing of bytes) and merges. All 256 bytes are in it, so that
    nothing is ever out of vocabulary."""
    library = bpe([], [])
    trainer = trainers.BpeTrainer(
        vocab_size=max(how.vocabulary, 257),
        min_frequency=max(2, how.min_frequency),
        show_progress=False,
        initial_alphabet=sorted(SIGNS),
    )
    library.train_from_iterator(pieces, trainer)
    vocabulary = _in_order(library)

    # The library tells its merges only in its JSON.
    merges = json.loads(library.to_str())["model"]["merges"]
    return vocabulary, [(left, right) for left, right in merges]


def bpe(vocabulary: list[str], merges: Merges) -> Library:
    """The library's BPE. Each piece it is given is cut by itself."""
    ids = {token: index for index, token in enumerate(vocabulary)}
    library = Library(models.BPE(ids, merges))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return library


def learn_wordpiece(pieces: list[str], how: Tokenisation) -> list[str]:
    """The vocabulary: <unk>, letters at the beginning and inside of words, then longer parts."""
    counts = Counter(sign for piece in pieces for sign in piece)
    ranked = sorted(counts, key=lambda sign: (-counts[sign], sign))
    letters = set(ranked[: (how.vocabulary - 1) // 2])
    # The trainer numbers letters in the order of a hash table; given beforehand they are in ours.
    alphabet = [UNKNOWN, *sorted(letters), *(CONTINUES + sign for sign in sorted(letters))]
    trainer = trainers.WordPieceTrainer(
        vocab_size=how.vocabulary,
        min_frequency=max(2, how.min_frequency),
        show_progress=False,
        special_tokens=alphabet,
        limit_alphabet=0,
        continuing_subword_prefix=CONTINUES,
    )
    library = wordpiece([UNKNOWN])
    library.train_from_iterator((piece for piece in pieces if letters.issuperset(piece)), trainer)
    return _in_order(library)


def wordpiece(vocabulary: list[str]) -> Library:
    """The library's WordPiece. Each piece it is given is one word."""
    return Library(
        models.WordPiece(
            vocab={token: index for index, token in enumerate(vocabulary)},
            unk_token=UNKNOWN,
            max_input_chars_per_word=1000,
            continuing_subword_prefix=CONTINUES,
        )
    )


def _in_order(library: Library) -> list[str]:
    """Its tokens by their ids, without those kept beside the model."""
    ids = library.get_vocab()
    return sorted(ids, key=lambda token: ids[token])
