"""From bytes to ids: the door, the built-in texts and sentence pairs, the tokenizers."""

from explorer.text.library import CORPORA, corpus
from explorer.text.pair_corpora import PAIR_CORPORA, pair_corpus
from explorer.text.pairs import Pairs
from explorer.text.tokenizers import Piece, Tokenizer
from explorer.text.types import LIMIT, Text, Tokenisation, Tokens

__all__ = [
    "CORPORA",
    "LIMIT",
    "PAIR_CORPORA",
    "Pairs",
    "Piece",
    "Text",
    "Tokenisation",
    "Tokenizer",
    "Tokens",
    "corpus",
    "pair_corpus",
]
