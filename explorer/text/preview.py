"""What a tokenizer makes of a text, in numbers: for the preview beside an upload."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.text.tokenizers import Tokenizer

FREQUENT = 20  # tokens that are listed


@dataclass(frozen=True)
class Summary:
    """characters, tokens: how many of them the text has. vocabulary: how many ids there are.

    unknown: how many tokens are <unk>, as a share of all; left_out: how many different tokens
    these are, for want of room or because they are too rare. frequent: (label, count).
    """

    characters: int
    tokens: int
    vocabulary: int
    unknown: float
    left_out: int
    frequent: tuple[tuple[str, int], ...]


def summary(tokenizer: Tokenizer, content: str) -> Summary:
    """The numbers of `content`, usually the text that the tokenizer was learnt from."""
    tokens = tokenizer.encode(content)
    counts = np.bincount(tokens.ids, minlength=tokenizer.size)
    lost = tokens.ids == 0 if tokenizer.unknown(0) else np.zeros(len(tokens), bool)
    ranked = np.argsort(-counts, kind="stable")[:FREQUENT]
    return Summary(
        characters=len(content),
        tokens=len(tokens),
        vocabulary=tokenizer.size,
        unknown=float(lost.mean()) if len(tokens) else 0.0,
        left_out=len({tokens.labels[i] for i in np.flatnonzero(lost)}),
        frequent=tuple((tokenizer.labels[i], int(counts[i])) for i in ranked if counts[i]),
    )
