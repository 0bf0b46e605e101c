"""Where the windows of a minibatch begin: two ways to cut a long text (Zhang et al., Dive into Deep
Learning, ch. 9). No torch: the trainer and the picture of it use the same function.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Sampling = Literal["random", "sequential"]
Places = NDArray[np.int64]


class Cut(NamedTuple):
    """starts: of each window of the batch (batch,). blank: whether each begins with a blank state;
    else it goes on with the state that the window before it in the same row left. epoch: how
    often the text has been read before."""

    starts: Places
    blank: bool
    epoch: int


def cut(N: int, window: int, batch: int, sampling: Sampling, seed: int, step: int) -> Cut:
    """The windows of a step (from 0) in a text of N tokens: a pure function of its arguments. Each
    window reads `window` tokens and guesses the one after each.

    random: the text is cut into windows from a drawn offset on, which are read in a drawn order,
    each from a blank state. sequential: it is cut into `batch` long lanes from a drawn offset on,
    which are read side by side from left to right, the state carried on.
    """
    if sampling == "random":
        steps = steps_of_epoch(N, window, batch, sampling)
        epoch, index = divmod(step, steps)
        starts = _shuffled(N, window, seed * 1_000_003 + epoch)
        picks = np.arange(index * batch, (index + 1) * batch) % len(starts)
        return Cut(starts[picks], True, epoch)
    steps = steps_of_epoch(N, window, batch, sampling)
    epoch, index = divmod(step, steps)
    slack = N - 1 - batch * steps * window  # tokens that no lane reads this time
    offset = _drawn(seed * 1_000_003 + epoch) % (slack + 1)
    lanes = offset + np.arange(batch) * (steps * window)
    return Cut(lanes + index * window, index == 0, epoch)


def steps_of_epoch(N: int, window: int, batch: int, sampling: Sampling) -> int:
    """How many steps one reading of the text takes."""
    if sampling == "random":
        return max(1, (N - 1) // (window * batch))
    return (N - 1) // batch // window


@lru_cache(maxsize=4)
def _shuffled(N: int, window: int, seed: int) -> Places:
    """All windows of an epoch in the order in which they are read: kept for its later steps."""
    first = max(0, N - 1 - window)  # the last place where one can begin
    offset = min(_drawn(seed) % window, first)
    starts = np.arange(offset, N - window, window)
    drawn = _random(seed, len(starts))[1:]
    order = list(range(len(starts)))
    for here, skip in enumerate((drawn % np.arange(len(starts), 1, -1)).tolist()):
        there = here + skip  # Fisher & Yates
        order[here], order[there] = order[there], order[here]
    shuffled = starts[order]
    shuffled.flags.writeable = False
    return shuffled


@lru_cache(maxsize=16)
def _drawn(seed: int) -> int:
    """The first draw of an epoch, kept for its later steps."""
    return int(_random(seed, 1)[0])


def _random(seed: int, count: int) -> Places:
    """The first draws of a Mersenne twister, 32 bits each: those of a `torch.Generator` with this
    seed, which drew the batches of the runs that are stored."""
    twister = np.random.RandomState(seed & 0xFFFFFFFF)
    return twister.randint(0, 2**32, count, np.uint32).astype(np.int64)
