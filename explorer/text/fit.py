"""Whether a text is long enough for what an experiment wants to do with it."""

from __future__ import annotations

from explorer.errors import DataError
from explorer.words import N_

SHORTEST = 2  # tokens of a window


def kept(tokens: int, held_out: float) -> int:
    """How many tokens of a text are trained on, when a share of its end is held out."""
    return tokens - round(tokens * held_out)


def check_length(tokens: int, held_out: float, window: int, batch: int, sequential: bool) -> None:
    """Raises DataError when the part that is trained on is shorter than one window (random), or
    than one window for each lane of a batch (sequential): with the numbers and the cure."""
    trained = kept(tokens, held_out)
    needed = (batch if sequential else 1) * window + 1
    if trained >= needed:
        return
    if sequential and trained > window:
        raise DataError(
            N_(
                "The text has {kept} tokens to train on, but {batch} lanes of {window} tokens need "
                "{needed}: take a smaller batch, a shorter window, random sampling or a longer "
                "text."
            ),
            kept=trained,
            batch=batch,
            window=window,
            needed=needed,
        )
    if trained <= SHORTEST:
        raise DataError(
            N_(
                "The text has {kept} tokens to train on, but even the shortest window, of "
                "{window}, needs {needed}: take a longer text."
            ),
            kept=trained,
            window=SHORTEST,
            needed=SHORTEST + 1,
        )
    raise DataError(
        N_(
            "The text has {kept} tokens to train on, but a window of {window} needs {needed}: take "
            "a shorter window or a longer text."
        ),
        kept=trained,
        window=window,
        needed=needed,
    )
