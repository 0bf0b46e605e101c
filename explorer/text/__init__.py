"""From bytes to ids: the door, the corpora, the tokenizers."""

from explorer.text.tokenizers import Tokenizer
from explorer.text.types import Text, Tokenisation, Tokens

__all__ = ["Text", "Tokenisation", "Tokenizer", "Tokens"]
