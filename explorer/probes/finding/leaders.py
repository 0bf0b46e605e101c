"""The best of all sentences that an exhaustive search meets."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


class Leaders:
    """The `most` sentences of the highest score so far; never one of probability 0.

    paths: (n, longest), best first, −1 after a sentence's end. count: how many were met. ahead: how
    many of them have a higher score than `score`, a reference's.
    """

    def __init__(self, most: int, longest: int, score: float | None = None) -> None:
        self._most, self._longest, self._score = most, longest, score
        self.scores = torch.zeros(0, dtype=torch.float64)
        self.paths = torch.zeros(0, longest, dtype=torch.long)
        self.count = self.ahead = 0

    def offer(self, totals: Tensor, paths: Tensor, length: float) -> None:
        """Sentences (n, words) that end here, with their log P (n,). length: L^α."""
        self.count += len(totals)
        scores = totals / length
        if self._score is not None:
            self.ahead += int((scores > self._score).sum())
        scores, best = scores.topk(min(self._most, len(scores)))
        paths = pad(paths[best], (0, self._longest - paths.shape[1]), value=-1)
        scores = torch.cat([self.scores, scores])
        order = scores.sort(descending=True, stable=True).indices[: self._most]
        order = order[scores[order] > -torch.inf]
        self.scores, self.paths = scores[order], torch.cat([self.paths, paths])[order]
