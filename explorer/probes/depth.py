"""What each layer, and each direction, carries: which tokens its state can be told from."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.models.tape import Tape, record
from explorer.probes.capture import DIRECTIONS, about, stacked, through_layers
from explorer.probes.opened import Opened

LAGS = 8
MOST = 4_000  # tokens of a run's text that are read
NUMBERS = 1_500_000  # of all layers and tokens together: fewer tokens of a wide network
SKIPPED = 32  # states at either end, before a direction has warmed up


def carried(opened: Opened, lags: int = LAGS, most: int = MOST) -> xr.Dataset:
    """`explained` over (layer, direction, lag): the share of the variance of the hidden states
    h(t) that the token x(t + lag) explains; lag 0 is the token just read, −3 the one three before
    it, +3 the one three after. It is ε² (Kelley 1935): 0 on average where there is no connexion,
    however many kinds of tokens there are; NaN where there is no variance to explain.
    `change` over (layer, direction): mean ‖h(t) − h(t−1)‖ over the root mean square ‖h(t)‖, how
    much of a state is another one step on.

    The end of the run's own text is read; attrs["tokens"] says how much of attrs["of"].
    """
    spec = opened.network.spec
    whole = torch.from_numpy(opened.tokenizer.encode(opened.experiment.text.content).ids)
    affordable = max(500, NUMBERS // (spec.layers * spec.width))
    ids = whole[-min(most, affordable) :]
    tape = Tape()
    with torch.no_grad(), record(tape):
        through_layers(opened, ids)
    hidden = torch.from_numpy(stacked(tape.kept["hidden"])).double()  # (layer, direction, T, unit)
    skipped = min(SKIPPED, len(ids) // 8)
    shifts = range(-lags, lags + 1)
    explained = np.array([[[_shifted(h, ids, shift, skipped) for shift in shifts]
                           for h in ways] for ways in hidden])
    moved = (hidden[:, :, 1:] - hidden[:, :, :-1]).norm(dim=-1).mean(-1)  # (layer, direction)
    size = hidden.square().sum(-1).mean(-1).sqrt()  # (layer, direction)
    return xr.Dataset(
        {"explained": (("layer", "direction", "lag"), explained),
         "change": (("layer", "direction"), (moved / size).numpy())},
        {"lag": list(shifts), "direction": list(DIRECTIONS[: spec.directions])},
        about(opened) | {"tokens": len(ids), "of": len(whole)},
    )


def _shifted(h: Tensor, ids: Tensor, shift: int, skipped: int) -> float:
    """ε² of h(t) (T, unit) by the tokens x(t + shift)."""
    T = len(ids)
    t = torch.arange(max(skipped, -shift), min(T - skipped, T - shift))
    return epsilon_squared(h[t], ids[t + shift])


def epsilon_squared(values: Tensor, groups: Tensor) -> float:
    """The share of the variance of values (N, n) between groups (N,), less what chance gives:
    1 − (1 − η²)(N − 1)/(N − G). NaN: no variance, or as many groups as values."""
    N = len(values)
    if N < 2:
        return float("nan")
    values = values - values.mean(0)
    _, group, count = groups.unique(return_inverse=True, return_counts=True)
    G = len(count)
    total = float(values.square().sum())
    if N <= G or total < 1e-9 * N:
        return float("nan")
    sums = values.new_zeros(G, values.shape[1]).index_add_(0, group, values)  # (G, n)
    between = float((sums.square().sum(1) / count).sum())
    return 1 - (1 - between / total) * (N - 1) / (N - G)
