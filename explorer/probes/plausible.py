"""How plausible a text is by its trigrams, so that what two networks wrote can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log2

ORDER = 3


class NGrams:
    """Counts of 1-, 2-, 3-grams, interpolated by Witten and Bell (1991):

    p(w | h) = (c(h w) + n(h) · p(w | shorter h)) / (c(h) + n(h)),

    where n(h) is how many different tokens have followed h; below the unigram all of the
    `vocabulary` tokens are equally likely.
    """

    def __init__(self, ids: Sequence[int], vocabulary: int, order: int = ORDER) -> None:
        self._vocabulary, self._order = vocabulary, order
        self._grams: Counter[tuple[int, ...]] = Counter()  # h w -> c(h w)
        self._totals: Counter[tuple[int, ...]] = Counter()  # h -> c(h)
        for length in range(1, order + 1):
            self._grams.update(zip(*(ids[i:] for i in range(length)), strict=False))
        self._kinds = Counter(gram[:-1] for gram in self._grams)  # h -> n(h)
        for gram, count in self._grams.items():
            self._totals[gram[:-1]] += count

    def probability(self, token: int, before: Sequence[int] = ()) -> float:
        """p(token | the last tokens of `before`)."""
        history = tuple(before[-(self._order - 1) :]) if self._order > 1 else ()
        p = 1 / self._vocabulary
        for length in range(len(history) + 1):
            h = history[len(history) - length :]
            if self._totals[h]:
                kinds = self._kinds[h]
                p = (self._grams[(*h, token)] + kinds * p) / (self._totals[h] + kinds)
        return p

    def bits(self, ids: Sequence[int], first: int = 0) -> float:
        """Mean −log₂ p per token of ids[first:], each after what stands before it."""
        paid = [-log2(self.probability(ids[t], ids[max(0, t - self._order) : t]))
                for t in range(first, len(ids))]
        return sum(paid) / len(paid)
