"""What a head does, if one of six tests finds that it does it: each states what it measures, what
chance would give, and from where on it is believed; of the others nothing is said.

Five of them ask where the weight goes. A query t has n = t + 1 keys that it may see, of which m are
its targets (never its own place):

    score  = mean over t of Σ_j α_tj [j is a target]
    chance = mean over t of m / n               what even weights would give
    excess = (score − chance) / (1 − chance)    1: all of the weight; 0: no more than even
    sure   = Σ (score_t − m/n) / √Σ Var_t       by how many standard deviations it is above what a
                                                shuffle of each query's weights would give, where
    Var_t  = m (n − m) / (n − 1) · Var(α_t)     the variance of a sum of m of n numbers drawn
                                                without putting back

The sixth asks how far the distance t − j alone says how heavy a weight is. A test is passed with an
excess of at least `EXCESS`, `SURE` standard deviations and `QUERIES` queries: of heads with random
weights, however sharp, fewer than one in a thousand then gets a name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Targets = NDArray[np.bool_]

EXCESS = 0.25
SURE = 5.0
QUERIES = 12


class Found(NamedTuple):
    """What a test found of each head: score, excess and sure (…,); chance and queries are of the
    text alone. NaN where it had nothing to ask."""

    score: Array
    chance: float
    excess: Array
    sure: Array
    queries: int

    @property
    def passed(self) -> NDArray[np.bool_]:
        """Whether each head passes."""
        if self.queries < QUERIES:
            return np.zeros(self.score.shape, bool)
        return (self.excess >= EXCESS) & (self.sure >= SURE)


def toward(attention: Array, targets: Targets) -> Found:
    """How much of the weight (…, query, key) goes to the targets (query, key), over all queries
    that have one. Causal: a query sees the keys up to itself."""
    targets = np.tril(targets, -1)
    n = np.arange(1, len(targets) + 1)  # (query,)
    m = targets.sum(-1)  # (query,)
    asks = m > 0  # its own place is no target: there is always something else
    if not asks.any():
        return _nothing(attention)
    n, m, weights = n[asks], m[asks], attention[..., asks, :]
    got = np.einsum("...qk,qk->...q", weights, targets[asks].astype(weights.dtype))
    even = m / n
    square = np.einsum("...qk,...qk->...q", weights, weights)
    spread = np.maximum(square / n - 1 / n**2, 0)  # Var(α_t), as they sum to 1
    deviation = np.sqrt((m * (n - m) / (n - 1) * spread).sum(-1))  # (…)
    score, chance = got.mean(-1), float(even.mean())
    return Found(score, chance, (score - chance) / (1 - chance),
                 _sure((got - even).sum(-1), deviation), int(asks.sum()))


def _sure(more: Array, deviation: Array) -> Array:
    """Standard deviations; none where nothing varies: even weights are even when shuffled."""
    return np.divide(more, deviation, out=np.zeros_like(more), where=deviation > 1e-9)


def _nothing(attention: Array) -> Found:
    blank = np.full(attention.shape[:-2], np.nan)
    return Found(blank, float("nan"), blank, blank, 0)


def previous(attention: Array, ids: Sequence[int], separator: Targets) -> Found:
    """The token before."""
    return toward(attention, np.eye(len(ids), k=-1, dtype=bool))


def first(attention: Array, ids: Sequence[int], separator: Targets) -> Found:
    """The first token of all. Asked from the third on: of the second it is the token before."""
    targets = np.zeros((len(ids), len(ids)), bool)
    targets[2:, :1] = True
    return toward(attention, targets)


def same(attention: Array, ids: Sequence[int], separator: Targets) -> Found:
    """Earlier places of the same token, but for the token before: that has a test of its own."""
    return toward(attention, np.tril(np.equal.outer(ids, ids), -2))


def induction(attention: Array, ids: Sequence[int], separator: Targets) -> Found:
    """What came after earlier places of the same token (Olsson et al. 2022), where it is neither
    the same token again nor the token before: in "zzzz" these are not to be told apart."""
    alike = np.equal.outer(ids, ids)
    targets = np.zeros_like(alike)
    targets[:, 1:] = alike[:, :-1] & ~alike[:, 1:]
    return toward(attention, np.tril(targets, -2))


def separators(attention: Array, ids: Sequence[int], separator: Targets) -> Found:
    """Blanks and signs: tokens without a letter or a digit. separator: (token,)."""
    return toward(attention, np.broadcast_to(separator, (len(ids), len(ids))))


def distance(attention: Array, ids: Sequence[int], separator: Targets) -> Found:
    """Whether the distance alone says how heavy a weight is: of the variance of α_tj − 1/n, by how
    much it departs from even, the share between the distances t − j. score: η². chance: what any
    G groups of N numbers would explain, (G − 1) / (N − 1). excess: ε² (Kelley 1935), η² less that.
    sure: in standard deviations of η² where the groups mean nothing, as of normal numbers."""
    T = len(ids)
    query, key = np.tril_indices(T)
    query, key = query[1:], key[1:]  # the first has no choice
    N, G = len(query), T
    if N <= G:
        return _nothing(attention)
    apart = attention[..., query, key] - 1 / (query + 1)  # (…, N)
    apart = apart - apart.mean(-1, keepdims=True)
    total = (apart**2).sum(-1)
    order = np.argsort(query - key, kind="stable")
    begins = np.searchsorted((query - key)[order], np.arange(T))
    sums = np.add.reduceat(apart[..., order], begins, axis=-1)  # (…, distance)
    sizes = np.bincount(query - key, minlength=T)
    between = (sums**2 / sizes).sum(-1)
    chance = (G - 1) / (N - 1)
    score = np.divide(between, total, out=np.full_like(total, chance), where=total > 1e-9 * N)
    p, n = G - 1, N - 1  # η² is then Beta(p / 2, (n − p) / 2)
    deviation = np.sqrt(2 * p * (n - p) / (n**2 * (n + 2)))
    return Found(score, chance, (score - chance) / (1 - chance), (score - chance) / deviation,
                 T - 1)


Test = Callable[[Array, Sequence[int], Targets], Found]
TESTS: dict[str, Test] = {
    "previous": previous, "first": first, "same": same, "induction": induction,
    "separator": separators, "distance": distance}


def separates(label: str) -> bool:
    """Whether a token is a separator: no letter and no digit in it."""
    return not any(map(str.isalnum, label))


def names(found: dict[str, Found]) -> NDArray[np.str_]:
    """What each head is called: the test of most excess among those that it passes, "" where it
    passes none. `distance` is said only where no other is: a head that looks at the token before
    also goes by distance."""
    tests = list(found)
    excess = np.stack([np.where(each.passed, each.excess, -np.inf) for each in found.values()], -1)
    special = excess.copy()
    special[..., tests.index("distance")] = -np.inf
    chosen = np.where(np.isfinite(special).any(-1), special.argmax(-1), excess.argmax(-1))
    return np.where(np.isfinite(excess).any(-1), np.array(tests)[chosen], "")
