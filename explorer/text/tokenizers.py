"""Text ↔ tokens ↔ ids, through the `tokenizers` library."""

from __future__ import annotations

from explorer.text.types import Text, Tokenisation, Tokens


class Tokenizer:
    """Learnt from one text. size: how many different ids. labels: what each id is called."""

    size: int
    labels: tuple[str, ...]

    @classmethod
    def learn(cls, text: Text, how: Tokenisation) -> Tokenizer:
        """The tokenizer that `how` gives on `text`: deterministic. Raises DataError (fewer than
        two different tokens, …)."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, data: str) -> Tokenizer:
        raise NotImplementedError

    def to_json(self) -> str:
        raise NotImplementedError

    def encode(self, content: str) -> Tokens:
        raise NotImplementedError

    def decode(self, ids: object) -> str:
        raise NotImplementedError
