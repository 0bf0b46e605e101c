"""How logits become the probabilities that a token is drawn by, step by step.

    scaled = logits / temperature
    chance = softmax(scaled)
    top-k: only the k likeliest stay                                      (Fan et al. 2018)
    top-p: of these, the likeliest until they together reach p stay       (Holtzman et al. 2020)
    drawn = what is left, divided by its sum

Without torch: the engine's processes draw by it, and the page shows it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Stages(NamedTuple):
    """order: the ids, the likeliest first; all else likewise: (vocabulary,) in that order."""

    order: Array
    logits: Array
    scaled: Array
    chance: Array
    in_top_k: Array
    in_top_p: Array
    drawn: Array


def stages(
    logits: Array, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> Stages:
    """From logits (vocabulary,) to what is drawn by.

    temperature: 0 is the limit: the likeliest has all. top_k: 0 = all stay. top_p: 1 = all stay.
    The likeliest always stays.
    """
    if temperature > 0:
        with np.errstate(over="ignore"):  # near 0 all but the likeliest are infinitely far below
            scaled = logits / logits.dtype.type(temperature)
            share = np.exp((logits - logits.max()) / logits.dtype.type(temperature))
    else:
        scaled = np.where(np.arange(len(logits)) == logits.argmax(), 0, -np.inf)
        share = np.exp(scaled)
    share = share / share.sum()
    order = np.argsort(-share, kind="stable")
    chance = share[order]
    in_top_k = chance.copy()
    if top_k:
        in_top_k[top_k:] = 0
    in_top_p = in_top_k
    if top_p < 1:  # at 1 nothing is cut off, though a rounded sum may reach it too early
        in_top_p = np.where(np.cumsum(in_top_k) - in_top_k >= top_p, 0, in_top_k)
    return Stages(order, logits[order], scaled[order], chance, in_top_k, in_top_p,
                  in_top_p / in_top_p.sum())
