"""What several heads cost: by formula, and counted on the code that runs (phenomenon 19)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
import xarray as xr
from torch.utils.flop_counter import FlopCounterMode

from explorer.errors import DataError
from explorer.models.heads import Attention, Sight
from explorer.models.positions import Position
from explorer.models.tape import Tape, record
from explorer.words import N_

WAYS = ("projection", "split")
WIDEST, LONGEST = 1024, 4096


def heads_cost(
    width: int = 96, tokens: int = 24, heads: Sequence[int] = (1, 2, 4, 8)
) -> xr.Dataset:
    """Over (way, heads), where a way is that each head has its own projection of the whole vector,
    or reads its own part of it only: `parameters` and `flops` as counted on one layer of attention
    over so many tokens, on the meta device, which computes shapes only; `parameters_formula` and
    `flops_formula`, by the formulas

        projection:  4 W² + 4 W              8 T W² + 4 T² W
        split:       (3/H + 1) W² + 4 W      2 T (3/H + 1) W² + 4 T² W

    A multiplication and an addition count as two; only matrix products count, as usual:
    by split into parts of a single number the projections are none any more, and are not counted.
    Raises DataError: heads that do not divide the width; sizes beyond 1…1024, 1…4096.
    """
    for name, value, most in ((N_("width"), width, WIDEST), (N_("tokens"), tokens, LONGEST)):
        if not 1 <= value <= most:
            raise DataError(N_("{name} must lie between 1 and {most} (given: {given})."),
                            name=name, most=most, given=value)
    uneven = [count for count in heads if count < 1 or width % count]
    if uneven:
        raise DataError(
            N_("{heads} heads do not divide a width of {width}: each must get as many numbers as "
               "the others. Choose a width that is a multiple of the number of heads."),
            heads=", ".join(map(str, uneven)), width=width)
    shape = len(WAYS), len(heads)
    found = {name: np.zeros(shape, np.int64) for name in
             ("parameters", "flops", "parameters_formula", "flops_formula")}
    for (i, way), (j, count) in product(enumerate(WAYS), enumerate(heads)):
        split = way == "split"
        found["parameters"][i, j], found["flops"][i, j] = counted(width, tokens, count, split)
        W, T = width, tokens
        projections = W * W + 3 * W * W // (count if split else 1)
        found["parameters_formula"][i, j] = projections + 4 * W
        found["flops_formula"][i, j] = 2 * T * projections + 4 * T * T * W
    return xr.Dataset(
        {name: (("way", "heads"), values) for name, values in found.items()},
        {"way": list(WAYS), "heads": list(heads)}, {"width": width, "tokens": tokens})


def counted(width: int, tokens: int, heads: int, split: bool) -> tuple[int, int]:
    """Parameters of a layer of attention, and FLOPs of its forward pass over so many tokens."""
    with torch.device("meta"):
        attention = Attention(width, heads, Position.parse("none"), split)
        x, places = torch.zeros(1, tokens, width), torch.arange(tokens)
    with FlopCounterMode(display=False) as flops, torch.no_grad(), record(Tape()):
        attention(x, Sight(places, places, causal=True))
    return sum(weight.numel() for weight in attention.parameters()), flops.get_total_flops()
