"""What one layer costs by its formula and as counted (Vaswani et al. 2017, Table 1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from explorer.errors import DataError
from explorer.probes.bare_layers import Layer, layer
from explorer.words import N_

LENGTHS = tuple(2**power for power in range(4, 13))  # n, from 16 to 4,096
WIDTHS = (1, 1024)
KERNELS = (2, 9)
LONGEST = 65_536


class Law(NamedTuple):
    """A row of Table 1, each without its constants. operations (n, d, k), steps (n) one after the
    other, path (n, k): layers or steps from the first token to the last, exactly."""

    operations: Callable[[int, int, int], int]
    steps: Callable[[int], int]
    path: Callable[[int, int], int]


class Counts(NamedTuple):
    """FLOPs of products between tokens, FLOPs of products apart, and the longest chain."""

    mixing: int
    apart: int
    chain: int


def powers(n: int, k: int) -> int:
    """⌈log_k n⌉, without a logarithm that may round."""
    layers, seen = 0, 1
    while seen < n:
        layers, seen = layers + 1, seen * k
    return layers


RECURRENT = Law(lambda n, d, k: n * d * d, lambda n: n, lambda n, k: n)
LAWS = {
    "rnn": RECURRENT,
    "gru": RECURRENT,
    "lstm": RECURRENT,
    "cnn": Law(lambda n, d, k: k * n * d * d, lambda n: 1,
               lambda n, k: ceil((n - 1) / (k - 1))),
    "dilated": Law(lambda n, d, k: k * n * d * d, lambda n: 1, powers),
    "attention": Law(lambda n, d, k: n * n * d, lambda n: 1, lambda n, k: 1),
}


def layer_costs(d: int = 64, k: int = 3, n: int = 256) -> xr.Dataset:
    """One layer of each kind over (layer, length), for 16 … 4,096 tokens and for n:

    `formula`: operations of Table 1, its constants left out. `mixing`: FLOPs of the matrix
    products between tokens, `apart`: of those that see one token each (projections, the input's
    part of a recurrence), as `torch.utils.flop_counter` counts them on the meta device, a
    multiplication and an addition as two; masks, softmax and gates are not counted, and of a
    masked score both halves are. `steps`: one after the other by Table 1; `chain`: the longest
    chain of matrix products that need each other's result. `path`: from the first token to the
    last, in layers or steps. k: kernel of both convolutions; the dilated one's layers reach k
    times as far each.

    Raises DataError: d, k or n out of range.
    """
    _admit(d, k, n)
    lengths = sorted({*LENGTHS, n})
    over = ("layer", "length")
    found = [[_measure(kind, length, d, k) for length in lengths] for kind in LAWS]
    return xr.Dataset(
        {name: (over, np.array([[each[name] for each in row] for row in found], dtype=np.int64))
         for name in found[0][0]},
        {"layer": list(LAWS), "length": lengths},
        {"d": d, "k": k, "n": n},
    )


def _measure(kind: str, n: int, d: int, k: int) -> dict[str, int]:
    law = LAWS[kind]
    return counted(kind, n, d, k)._asdict() | {
        "formula": law.operations(n, d, k), "steps": law.steps(n), "path": law.path(n, k)}


def counted(kind: str, n: int, d: int, k: int = 3) -> Counts:
    """What the products of a layer over n tokens come to. A recurrence is counted for two and for
    three tokens: each further one costs as much as the third."""
    if kind not in ("rnn", "gru", "lstm") or n < 3:
        return count(_on_meta(kind, d, k), n, d)
    two, three = _begun(kind, d)
    return Counts(*(a + (n - 2) * (b - a) for a, b in zip(two, three, strict=True)))


@lru_cache(256)
def _begun(kind: str, d: int) -> tuple[Counts, Counts]:
    net = _on_meta(kind, d)
    return count(net, 2, d), count(net, 3, d)


def _on_meta(kind: str, d: int, k: int = 3) -> Layer:
    """A layer without numbers: shapes are all that is computed."""
    with torch.device("meta"):
        return layer(kind, d, k, dilation=k if kind == "dilated" else 1)


def count(net: Layer, n: int, d: int) -> Counts:
    """As `counted`, of a layer on the meta device, every token of it."""
    x = torch.zeros(n, d, device="meta")
    with FlopCounterMode(display=False) as all_of_it:
        y, _kept = net.read(x)
    with FlopCounterMode(display=False) as one_each:
        net.apart(x)
    apart = one_each.get_total_flops()
    return Counts(all_of_it.get_total_flops() - apart, apart, chain(y))


PRODUCTS = ("Mm", "Addmm", "Bmm", "Baddbmm", "Convolution")  # as autograd's nodes are called


def chain(y: Tensor) -> int:
    """How many matrix products had to wait for each other until y stood: the longest way through
    the graph that autograd kept."""
    longest: dict[object, int] = {}
    waiting = [y.grad_fn]
    while waiting:
        node = waiting[-1]
        above = [other for other, _ in getattr(node, "next_functions", ()) if other is not None]
        open_ones = [other for other in above if other not in longest]
        if open_ones:
            waiting += open_ones
            continue
        waiting.pop()
        name = type(node).__name__.removesuffix("0").removesuffix("Backward")
        longest[node] = max((longest[other] for other in above), default=0) + (name in PRODUCTS)
    return longest[y.grad_fn]




def _admit(d: int, k: int, n: int) -> None:
    for name, value, (low, high) in (("d", d, WIDTHS), ("k", k, KERNELS), ("n", n, (1, LONGEST))):
        if not low <= value <= high:
            raise DataError(N_("A layer's cost is counted for {name} from {low} to {high} (given: "
                               "{given})."), name=name, low=low, high=high, given=value)
