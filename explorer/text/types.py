"""The types that text flows through: Text -> Tokens, with the Tokenisation that was chosen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from explorer.spec import Spec
from explorer.words import N_

if TYPE_CHECKING:
    from os import PathLike

LIMIT = 5_000_000  # bytes of an upload


@dataclass(frozen=True)
class Text:
    """A text, decoded once at the door: NFC, line ends \\n, no null bytes, no lone surrogates.

    name: what its owner calls it (a file name, "pasted text", the title of a corpus).
    content: its characters.
    encoding: what was detected when it came as bytes, e.g. "utf-8".
    """

    name: str
    content: str
    encoding: str = "utf-8"

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Text:
        """The text of a file. Raises DataError with the file, the place and the cure."""
        from explorer.text.door import read

        return read(path)

    @classmethod
    def decode(cls, name: str, data: bytes) -> Text:
        """The text in `data`, an upload called `name`. Raises DataError."""
        from explorer.text.door import decode

        return decode(name, data)

    @classmethod
    def paste(cls, content: str, name: str = "pasted text") -> Text:
        """A text that was typed or pasted. Raises DataError."""
        from explorer.text.door import admit

        return admit(name, content)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the content in UTF-8, as hex."""
        return hashlib.sha256(self.content.encode()).hexdigest()


@dataclass(frozen=True)
class Tokens:
    """ids: int64 (T,). labels: the T strings that a figure writes along its axis."""

    ids: NDArray[np.int64]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


class Tokenisation(Spec):
    """How text is cut into tokens. The vocabulary is learnt from the text itself."""

    kind: Literal["character", "word", "bpe", "wordpiece"] = Field(
        "character", title=N_("Tokens"), description=N_("What one step of the network reads.")
    )
    vocabulary: int = Field(
        8000,
        ge=16,
        le=20_000,
        title=N_("Largest vocabulary"),
        description=N_("The most frequent tokens are kept; the rest become <unk>."),
    )
    min_frequency: int = Field(
        1,
        ge=1,
        le=1000,
        title=N_("Minimum frequency"),
        description=N_("Tokens seen fewer times than this become <unk>."),
    )
    lowercase: bool = Field(
        False, title=N_("Lower case"), description=N_("Read A and a as the same.")
    )
    byte_fallback: bool = Field(
        False,
        title=N_("Spell unknowns in bytes"),
        description=N_(
            "An unknown token is spelt in its UTF-8 bytes: nothing is out of vocabulary."
        ),
    )
