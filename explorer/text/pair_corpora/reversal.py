"""Made-up words that can be pronounced, and the same letters from the last to the first."""

from __future__ import annotations

import random
from collections.abc import Iterator

SIZE = 10_000
LENGTHS = (3, 9)  # letters, at least and at most
_BEGINNINGS = "b d f g h j k l m n p r s t v w z br ch cl dr fl gr kr pl pr sh sk st tr".split()
_MIDDLES = "a e i o u ai ea oo ou".split()
_ENDS = ["", "", "", *"l m n r s t k nd rk st".split()]


def pairs() -> Iterator[tuple[str, str]]:
    """Pairs without end; the same ones each time."""
    draw = random.Random(24)
    while True:
        syllables = draw.randint(1, 3)
        word = "".join(draw.choice(_BEGINNINGS) + draw.choice(_MIDDLES) + draw.choice(_ENDS)
                       for _ in range(syllables))  # fmt: skip
        if LENGTHS[0] <= len(word) <= LENGTHS[1]:
            yield word, word[::-1]
