"""The best of all sentences that an exhaustive search meets."""

from __future__ import annotations

import numpy as np

from explorer.probes.finding.tree import Floats, Ints

NEAR = 1e-5  # of a score: a network that reads a sentence alone, and beside others, differs by less

class Leaders:
    """The `most` sentences of the highest score so far; never one of probability 0.

    paths: (n, longest), best first, −1 after a sentence's end. count: how many were met. ahead: how
    many of them have a higher score than `score`, a reference's.
    """

    def __init__(self, most: int, longest: int, score: float | None = None) -> None:
        self._most, self._longest, self._score = most, longest, score
        self.scores: Floats = np.zeros(0)
        self.paths: Ints = np.zeros((0, longest), np.int64)
        self.count = self.ahead = 0

    def offer(self, totals: Floats, paths: Ints, length: float) -> None:
        """Sentences (n, words) that end here, with their log P (n,). length: L^α."""
        self.count += len(totals)
        scores = totals / length
        if self._score is not None:
            self.ahead += int((scores > self._score + NEAR).sum())
        best = np.argsort(-scores, kind="stable")[: self._most]
        best = best[scores[best] > -np.inf]
        width = self._longest - paths.shape[1]
        found = np.pad(paths[best], ((0, 0), (0, width)), constant_values=-1)
        scores = np.concatenate([self.scores, scores[best]])
        order = np.argsort(-scores, kind="stable")[: self._most]
        self.scores = scores[order]
        self.paths = np.concatenate([self.paths, found])[order]
