"""A text that only memory can guess: a letter, some dots, a question mark, and the letter again."""

from __future__ import annotations

import random

from explorer.text.door import admit
from explorer.text.types import Text

LETTERS = "abcdefgh"


def recall(delay: int, episodes: int = 1_000, seed: int = 0) -> Text:
    """`episodes` times "x…?x", with `delay` dots between a letter drawn by chance and the question
    mark: whoever guesses the letter after it has remembered delay + 1 steps. All else can be
    guessed from the last token or two, but where the dots end and which letter comes first.

    Source: the temporal order and recall tasks of Hochreiter & Schmidhuber 1997.
    """
    draw = random.Random(seed)
    letters = draw.choices(LETTERS, k=episodes)
    content = "".join(f"{letter}{'.' * delay}?{letter}" for letter in letters)
    return admit(f"recall after {delay} dots", content)
