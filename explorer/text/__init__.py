"""From bytes to ids: the door, the built-in texts, the tokenizers."""

from explorer.text.library import CORPORA, corpus
from explorer.text.tokenizers import Piece, Tokenizer
from explorer.text.types import LIMIT, Text, Tokenisation, Tokens

__all__ = ["CORPORA", "LIMIT", "Piece", "Text", "Tokenisation", "Tokenizer", "Tokens", "corpus"]
