"""What a network guesses after each token of a text, however long the text is."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.probes.opened import Opened


def guesses(opened: Opened, ids: Tensor) -> Tensor:
    """The logits (T, vocabulary) after each of the ids (T,). A network that carries no state reads
    windows as long as those of its training, which begin half a window apart: each guess is made
    from at least half a window, if there is as much before it."""
    window = opened.experiment.training.window
    if opened.experiment.model.carries or len(ids) <= window:
        logits: Tensor = opened.network(ids[:, None])[0]  # (T, 1, V)
        return logits[:, 0]
    half = window // 2
    starts = [*range(0, len(ids) - window, window - half), len(ids) - window]
    read = opened.network(torch.stack([ids[s : s + window] for s in starts], 1))[0]  # (w, n, V)
    found: Tensor = read.new_empty(len(ids), read.shape[-1])
    done = 0
    for lane, start in enumerate(starts):
        found[done : start + window] = read[done - start :, lane]
        done = start + window
    return found
