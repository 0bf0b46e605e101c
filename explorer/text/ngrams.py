"""Counting what follows what: n-gram language models over token ids. No torch.

Two ways to leave a chance to what was never seen. c(h w): how often token w followed the n − 1
tokens h in the text that was counted; c(h): its sum over w; N₁₊(h): how many different tokens
followed h; h′: h without its first token; V: the size of the vocabulary.

Laplace (1814; with α ≠ 1 Lidstone 1920): p(w | h) = (c(h w) + α) / (c(h) + α V).
Witten & Bell (1991, method C), interpolated as in Chen & Goodman (1998, §2.4):
p(w | h) = (c(h w) + N₁₊(h) p(w | h′)) / (c(h) + N₁₊(h)), and p(w | h′) where h was never seen;
below the empty h stands the uniform 1/V.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]

DENSE = 4_000_000  # cells of a table that is counted and looked up by index; larger: by sorting


class Smoothing(Protocol):
    """What becomes of counts."""

    def chance(self, lower: Floats, count: Ids, total: Ids, types: Ids, V: int) -> Floats:
        """p(w | h), elementwise. lower: p(w | h′). count: c(h w). total: c(h). types: N₁₊(h)."""


@dataclass(frozen=True)
class Laplace:
    """Every token is counted `alpha` times more than it was seen."""

    alpha: float = 1.0

    def chance(self, lower: Floats, count: Ids, total: Ids, types: Ids, V: int) -> Floats:
        """p(w | h) = (c(h w) + α) / (c(h) + α V)"""
        return (count + self.alpha) / (total + self.alpha * V)


@dataclass(frozen=True)
class WittenBell:
    """The more different tokens followed a context, the more is asked of the shorter one."""

    def chance(self, lower: Floats, count: Ids, total: Ids, types: Ids, V: int) -> Floats:
        """p(w | h) = (c(h w) + N₁₊(h) p(w | h′)) / (c(h) + N₁₊(h))"""
        return np.where(total > 0, (count + types * lower) / np.maximum(total + types, 1), lower)


class Seen(NamedTuple):
    """Of each token of a text (T,): c(h w), c(h), N₁₊(h), and whether the text reaches back far
    enough for there to be an h."""

    hits: Ids
    total: Ids
    types: Ids
    reaches: NDArray[np.bool_]


@dataclass(frozen=True)
class Level:
    """The n-grams of one order. Each is a context, known by its number in the level below, and a
    token: key = context · V + token. keys: sorted (grams,). counts: how often each (grams,)."""

    keys: Ids
    counts: Ids
    contexts: int
    V: int

    @cached_property
    def starts(self) -> Ids:
        """Where the n-grams of each context begin in `keys`, and the end: (contexts + 1,)."""
        return np.searchsorted(self.keys, np.arange(self.contexts + 1) * self.V)

    @cached_property
    def types(self) -> Ids:
        """N₁₊(h) of each context, and 0 for one that is not known, at −1: (contexts + 1,)."""
        return np.append(np.diff(self.starts), 0)

    @cached_property
    def totals(self) -> Ids:
        """c(h) of each context, and 0 for one that is not known, at −1: (contexts + 1,)."""
        return np.append(np.diff(np.append(0, np.cumsum(self.counts))[self.starts]), 0)

    @cached_property
    def _places(self) -> NDArray[np.int32]:
        """The number of each key, −1 where there is none: (contexts · V,)."""
        places = np.full(self.contexts * self.V, -1, np.int32)
        places[self.keys] = np.arange(len(self.keys))
        return places

    def find(self, contexts: Ids, tokens: Ids) -> Ids:
        """The numbers of n-grams; −1 for one that was never seen, or whose context is −1."""
        if not len(self.keys):
            return np.full(len(tokens), -1)
        keys = np.maximum(contexts, 0) * self.V + tokens
        if self.contexts * self.V <= DENSE:
            found = self._places[keys].astype(np.int64)
        else:
            place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            found = np.where(self.keys[place] == keys, place, -1)
        return np.where(contexts < 0, -1, found)

    def after(self, context: int) -> tuple[Ids, Ids]:
        """The tokens that followed a context, and how often each did."""
        if context < 0:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        span = slice(self.starts[context], self.starts[context + 1])
        return self.keys[span] - context * self.V, self.counts[span]


@dataclass(frozen=True)
class Counts:
    """The n-grams of a text: levels[n − 1] has those of n tokens."""

    levels: tuple[Level, ...]
    V: int

    @classmethod
    def of(cls, ids: Ids, V: int, order: int) -> Counts:
        """Count all n-grams up to `order` in the ids (T,) of a text over V tokens. Levels of more
        tokens than the text has are empty."""
        levels: list[Level] = []
        grams, contexts = np.zeros(len(ids) + 1, np.int64), 1  # the empty context is everywhere
        for n in range(1, order + 1):
            count = max(0, len(ids) - n + 1)
            level, grams = _level(grams[:count] * V + ids[n - 1 :], contexts, V)
            levels.append(level)
            contexts = len(level.keys)
        return cls(tuple(levels), V)

    def look(self, ids: Ids) -> Iterator[Seen]:
        """Look a text (T,) up, token by token, in each level in turn."""
        contexts = np.zeros(len(ids), np.int64)
        for n, level in enumerate(self.levels, 1):
            grams = level.find(contexts, ids)
            hits = np.append(level.counts, 0)[grams]
            yield Seen(hits, level.totals[contexts], level.types[contexts],
                       np.arange(len(ids)) >= n - 1)
            contexts = np.append(-1, grams[:-1])[: len(ids)]

    def contexts(self, before: Sequence[int]) -> list[int]:
        """The numbers of what precedes a token: the last 0, 1, 2, … tokens of `before`, as contexts
        of each level; −1 for what was never seen or is not there."""
        found = []
        for n in range(len(self.levels)):
            number = 0 if n <= len(before) else -1
            for level, token in zip(self.levels, before[len(before) - n :], strict=False):
                number = int(level.find(np.array([number]), np.array([token]))[0])
            found.append(number)
        return found

    def gram(self, n: int, number: int) -> tuple[int, ...]:
        """The n tokens of an n-gram, by its number."""
        tokens: list[int] = []
        for level in reversed(self.levels[:n]):
            number, token = divmod(int(level.keys[number]), self.V)
            tokens.append(token)
        return tuple(reversed(tokens))


def chances(counts: Counts, smoothing: Smoothing, ids: Ids) -> Floats:
    """p of each token but the first of a text (T,), given those before it, by the models of order
    1, 2, …: (order, T − 1). Where the text begins the longest context there is is taken."""
    lower = np.full(len(ids), 1 / counts.V)
    rows = []
    for seen in counts.look(ids):
        made = smoothing.chance(lower, seen.hits, seen.total, seen.types, counts.V)
        lower = np.where(seen.reaches, made, lower)
        rows.append(lower[1:])
    return np.stack(rows)


def perplexity(p: Floats) -> Floats:
    """e to the mean of −ln p over the last axis: among how many tokens one hesitates."""
    with np.errstate(divide="ignore"):  # Laplace with α = 0 knows chances of 0
        return np.asarray(np.exp(-np.log(p).mean(-1)))


def distribution(
    counts: Counts, smoothing: Smoothing, before: Sequence[int], order: int
) -> Floats:
    """p of every token (V,) after the last order − 1 tokens of `before`."""
    p = np.full(counts.V, 1 / counts.V)
    reach = min(order, len(before) + 1)
    for level, context in zip(counts.levels[:reach], counts.contexts(before), strict=False):
        count = np.zeros(counts.V, np.int64)
        tokens, often = level.after(context)
        count[tokens] = often
        p = smoothing.chance(p, count, level.totals[context], level.types[context], counts.V)
    return p


def generate(
    counts: Counts,
    smoothing: Smoothing,
    order: int,
    tokens: int,
    seed: int = 0,
    prefix: Sequence[int] = (),
    temperature: float = 1.0,
) -> list[int]:
    """`tokens` new tokens after the prefix, each drawn from the model's own chances. temperature:
    0 always takes the likeliest."""
    draw = np.random.default_rng(seed)
    written = list(prefix)
    for _ in range(tokens):
        p = distribution(counts, smoothing, written[max(0, len(written) - order + 1) :], order)
        if temperature <= 0:
            written.append(int(p.argmax()))
            continue
        p = (p / p.max()) ** (1 / temperature)
        place = np.searchsorted(p.cumsum(), draw.random() * p.sum(), side="right")
        written.append(min(int(place), counts.V - 1))
    return written[len(prefix) :]


def _level(keys: Ids, contexts: int, V: int) -> tuple[Level, Ids]:
    """The level of n-grams that are given by their keys (T,), and the number of each (T,)."""
    if contexts * V <= DENSE:
        table = np.bincount(keys, minlength=contexts * V)
        known = np.flatnonzero(table)
        often = table[known]
        table[known] = np.arange(len(known))
        return Level(known, often, contexts, V), table[keys]
    known, numbers, often = np.unique(keys, return_inverse=True, return_counts=True)
    return Level(known, often, contexts, V), numbers
