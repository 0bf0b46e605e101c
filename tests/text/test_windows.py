"""Where windows begin: the batches of every stored run stay what they were, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from explorer.text.windows import cut, steps_of_epoch


def drawn_by_torch(
    N: int, T: int, B: int, sampling: str, seed: int, step: int
) -> tuple[list[int], bool]:
    """What `LanguageModel.batch` did when the first runs were stored, with torch's generator."""
    if sampling == "random":
        per_epoch = max(1, (N - 1) // (T * B))
        epoch, index = divmod(step, per_epoch)
        draw = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        offset = int(torch.randint(0, T, (1,), generator=draw))
        starts = torch.arange(min(offset, max(0, N - 1 - T)), N - T, T)
        order = starts[torch.randperm(len(starts), generator=draw)]
        picks = torch.arange(index * B, (index + 1) * B) % len(order)
        return order[picks].tolist(), True
    per_epoch = (N - 1) // B // T
    epoch, index = divmod(step, per_epoch)
    draw = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    slack = N - 1 - B * per_epoch * T
    offset = int(torch.randint(0, slack + 1, (1,), generator=draw))
    return (offset + torch.arange(B) * (per_epoch * T) + index * T).tolist(), index == 0


@given(
    window=some.integers(2, 300),
    batch=some.integers(1, 40),
    more=some.integers(0, 3000),
    seed=some.integers(0, 2**31 - 1),
    step=some.integers(0, 2000),
)
@pytest.mark.parametrize("sampling", ["random", "sequential"])
def test_it_draws_what_torch_drew(
    sampling: str, window: int, batch: int, more: int, seed: int, step: int
) -> None:
    N = window * batch + 1 + more
    found = cut(N, window, batch, sampling, seed, step)  # type: ignore[arg-type]
    starts, blank = drawn_by_torch(N, window, batch, sampling, seed, step)
    assert found.starts.tolist() == starts
    assert found.blank == blank


def test_it_draws_what_torch_drew_in_a_long_text() -> None:
    found = cut(5_000_000, 8, 32, "random", 2**31 - 1, 19_600)
    assert found.epoch == 1
    assert found.starts.tolist() == drawn_by_torch(
        5_000_000, 8, 32, "random", 2**31 - 1, 19_600)[0]


def test_random_windows_by_hand() -> None:
    """13 tokens in windows of 3: with an offset of 0, four windows in a drawn order."""
    steps = steps_of_epoch(13, 3, 2, "random")
    assert steps == 2
    epochs = [np.concatenate([cut(13, 3, 2, "random", 0, e * steps + i).starts for i in (0, 1)])
              for e in range(20)]
    by_offset = {int(starts.min()): sorted(starts.tolist()) for starts in epochs}
    assert by_offset[0] == [0, 3, 6, 9]
    assert len({tuple(starts) for starts in epochs}) > 3, "the order is drawn"


def test_sequential_lanes_by_hand() -> None:
    """14 tokens in 2 lanes of 2 windows of 3: 13 guesses, of which one is left out."""
    cuts = [cut(14, 3, 2, "sequential", 0, step) for step in range(6)]
    first = int(cuts[0].starts[0])
    assert first in (0, 1)
    assert cuts[0].starts.tolist() == [first, first + 6]
    assert cuts[1].starts.tolist() == [first + 3, first + 9]
    assert [each.blank for each in cuts] == [True, False] * 3
    assert [each.epoch for each in cuts] == [0, 0, 1, 1, 2, 2]
