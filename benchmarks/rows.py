"""What a benchmark says, and how two sides are timed fairly."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from explorer.text import Text, corpus


@dataclass(frozen=True)
class Row:
    """One ratio. asked: its limit, at least or at most. ours, theirs: what was divided, in words.
    bound: how to read the ratio: "=" measured, "≥" the peer was stopped before it was done."""

    name: str
    ratio: float
    asked: float
    at_least: bool
    ours: str
    theirs: str
    bound: str = "="

    @property
    def kept(self) -> bool:
        return self.ratio >= self.asked if self.at_least else self.ratio <= self.asked

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        ratio = f"{'≥ ' if self.bound == '≥' else ''}{self.ratio:.2f}"
        return (f"{self.name:<34}{ratio:>9}   asked {sign} {self.asked:<5g}"
                f" {'yes' if self.kept else 'NO':<4} ours {self.ours}; peer {self.theirs}")


def alternate(
    ours: Callable[[], object], theirs: Callable[[], object], repetitions: int
) -> tuple[float, float]:
    """Median seconds of each, called in turn, so that a slow moment of the machine hits both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repetitions):
        for call, taken in zip((ours, theirs), times, strict=True):
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)
    return statistics.median(times[0]), statistics.median(times[1])


def book() -> Text:
    """A book: timemachine.txt in the folder EXPLORER_TEST_DATA, or else the built-in story."""
    folder = os.environ.get("EXPLORER_TEST_DATA")
    if folder:
        return Text.read(Path(folder) / "timemachine.txt")
    return corpus("story-en")
