"""Sums of two numbers of one to three digits, and what they come to."""

from __future__ import annotations

import random
from collections.abc import Iterator

SIZE = 20_000


def pairs() -> Iterator[tuple[str, str]]:
    """Pairs without end; the same ones each time."""
    draw = random.Random(25)
    while True:
        one, other = (draw.randrange(10 ** draw.choice((1, 2, 3, 3, 3))) for _ in range(2))
        yield f"{one}+{other}", str(one + other)
