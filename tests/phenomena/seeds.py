"""How often a phenomenon is looked for: with two seeds every day, with ten when asked
(`EXPLORER_SEEDS=10`)."""

from __future__ import annotations

import os
from collections.abc import Sequence

SEEDS = range(int(os.environ.get("EXPLORER_SEEDS", "2")))


def held(results: Sequence[bool]) -> None:
    """It was seen with at least nine of ten seeds; with fewer than ten, with each."""
    assert sum(results) >= 0.9 * len(results), results
