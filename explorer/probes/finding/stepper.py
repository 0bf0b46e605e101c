"""What a search asks of a model: the probabilities of the next word, after each of some beginnings.

A table that somebody typed fulfils it, and so does any network that writes word by word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from explorer.errors import DataError
from explorer.words import N_

KNOWN = 40  # words that are named to whoever asks for another one


class Guess(NamedTuple):
    """What may come next after each of k beginnings. log_probabilities: (k, V), float64. state: of
    k rows, what its stepper needs to go on. attention: (k, S), where it looked, if it looks."""

    log_probabilities: Tensor
    state: Any
    attention: Tensor | None = None

    def row(self, k: int) -> Tensor:
        """The log-probabilities (V,) after one beginning."""
        return self.log_probabilities[k]


class Stepper(Protocol):
    """labels: V words. eos: the id of the word that ends a sentence; None if there is none."""

    @property
    def labels(self) -> Sequence[str]: ...

    @property
    def eos(self) -> int | None: ...

    def start(self) -> Guess:
        """Before the first word: of one row."""
        ...

    def step(self, state: Any, rows: Tensor, tokens: Tensor) -> Guess:
        """After one more word each: the beginnings that stand in `rows` (k,) of the state, which
        may repeat, followed by `tokens` (k,)."""
        ...


def no_word(word: object, known: Sequence[str]) -> DataError:
    """That something is none of the words."""
    return DataError(N_("“{word}” is not one of the words: {known}."), word=word,
                     known=" ".join(known[:KNOWN]) + (" …" if len(known) > KNOWN else ""))


def follow(stepper: Stepper, tokens: Sequence[int]) -> tuple[list[Tensor], list[Guess]]:
    """Read one sentence: the log-probabilities (V,) before each of its T words, and the T + 1
    guesses before, between and after them (T when the sentence has ended)."""
    guesses = [stepper.start()]
    first = torch.zeros(1, dtype=torch.long)
    for place, token in enumerate(tokens, 1):
        if place == len(tokens) and token == stepper.eos:
            break
        guesses.append(stepper.step(guesses[-1].state, first, torch.tensor([token])))
    return [guess.row(0) for guess in guesses[:len(tokens)]], guesses
