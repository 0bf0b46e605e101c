"""What the length of queries and keys does to the softmax of their product (Vaswani et al. 2017,
§3.2.1): for numbers of mean 0 and variance 1, q·k has variance d.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.attention import masked_softmax
from explorer.models.scorers import Scorer
from explorer.words import N_

SIZES = tuple(2**power for power in range(11))  # d, from 1 to 1,024
DRAWN = 8192  # scores of each size
BINS = 81
SCALES = {"off": "dot", "on": "scaled-dot"}


def softmax_left(keys: int = 8, seed: int = 0) -> xr.Dataset:
    """Queries and keys of standard normal numbers, each query with `keys` of its own; all sizes are
    the first d numbers of the same vectors. Over (scale, size), scale off or on:

    `variance` of the scores; `entropy` of the weights ÷ ln keys (1: even, 0: one has all), mean;
    `left`, Σ|∂α_i/∂s_j| ÷ what even weights leave (2(1 − Σα²) ÷ 2(1 − 1/keys)), mean, and `median`.
    Over place too: `sorted`, the largest, second largest, … weight, mean. Over bin: `density` of
    the scores between `edge` and the next. Raises DataError: keys outside 2…64.
    """
    if not 2 <= keys <= 64:
        raise DataError(N_("The softmax needs 2 to 64 keys here (given: {keys})."), keys=keys)
    draw = torch.Generator().manual_seed(seed)
    count = DRAWN // keys
    q = torch.randn(count, 1, SIZES[-1], generator=draw, dtype=torch.float64)
    k = torch.randn(count, keys, SIZES[-1], generator=draw, dtype=torch.float64)
    over = ("scale", "size")
    found = [[_measure(_scores(kind, q[..., :d], k[..., :d]), d if kind == "dot" else 1)
              for d in SIZES] for kind in SCALES.values()]
    names = {"variance": over, "entropy": over, "left": over, "median": over,
             "sorted": (*over, "place"), "density": (*over, "bin"), "edge": (*over, "border")}
    return xr.Dataset(
        {name: (dims, np.array([[each[name] for each in row] for row in found]))
         for name, dims in names.items()},
        {"scale": list(SCALES), "size": list(SIZES), "place": np.arange(1, keys + 1)},
        {"keys": keys, "seed": seed, "queries": count},
    )


def _scores(kind: str, q: Tensor, k: Tensor) -> Tensor:
    """(queries, keys)"""
    d = q.shape[-1]
    scores: Tensor = Scorer.parse(kind).build(d, d, 1)(q, k)
    return scores.squeeze(-2)


def _measure(scores: Tensor, variance: float) -> dict[str, object]:
    """What a softmax makes of scores (queries, keys); variance: what theirs ought to be."""
    keys = scores.shape[-1]
    weights = masked_softmax(scores)
    entropy = torch.special.entr(weights).sum(-1) / math.log(keys)
    left = (1 - weights.square().sum(-1)) / (1 - 1 / keys)
    reach = 4 * math.sqrt(variance)
    density, edge = np.histogram(scores.numpy(), BINS, (-reach, reach))
    return {
        "variance": float(scores.var()), "entropy": float(entropy.mean()),
        "left": float(left.mean()), "median": float(left.median()),
        "sorted": weights.sort(-1, descending=True).values.mean(0).numpy(),
        "density": density / (scores.numel() * (edge[1] - edge[0])), "edge": edge}
