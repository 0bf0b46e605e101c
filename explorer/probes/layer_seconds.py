"""What one layer really takes: seconds and bytes as the text grows, on this machine."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from explorer.errors import DataError
from explorer.probes.bare_layers import Layer, layer, size
from explorer.probes.layer_costs import LENGTHS
from explorer.words import N_

KINDS = ("rnn", "cnn", "attention", "fused", "aaren")
LOOPS = ("rnn", "aaren")
SHORT = 256  # tokens
WIDTHS = (8, 256)
MOST, PATIENCE = 5, 0.15  # repetitions of one length, and the seconds after which no more begins


class Bytes(TorchDispatchMode):
    """Counts the bytes of what operations give, for as long as it lives: `now`, and `most` at any
    time. What was there before (`given`) is not counted, nor what a kernel uses within itself."""

    def __init__(self, given: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now: int = 0
        self.most: int = 0
        self._known = {tensor.untyped_storage()._cdata for tensor in given}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        for each in tree_leaves(found):
            if isinstance(each, Tensor):
                self._see(each.untyped_storage())
        return found

    def _see(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata in self._known:
            return  # a view, or written in place
        self._known.add(storage._cdata)
        self.now += storage.nbytes()
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, storage._cdata, storage.nbytes())

    def _gone(self, name: int, nbytes: int) -> None:
        self._known.discard(name)
        self.now -= nbytes


def layer_seconds(d: int = 64, k: int = 3, again: int = 0) -> xr.Dataset:
    """A layer of width d reads n tokens, n = 16 … 4,096, in one thread, single precision, without
    gradients. Over (layer, length):

    `seconds`: the median of `repeats` readings, after one that is not counted unless it is long;
    `lowest` and `highest` of them. `peak`: bytes of the results of operations that live at one
    time, at most (weights and input are not counted, nor what a kernel uses within itself).
    `kept`: bytes of what must be kept to read one more token: a state, the last k − 1 tokens, or
    the keys and values of all. again: any number; another one measures anew where answers are kept.

    Raises DataError: d or k out of range.
    """
    _admit(d, k)
    with _one_thread(), torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        text = torch.randn(LENGTHS[-1], d)
        found = [[_measure(net, text[:length].clone()) | {"peak": peak} for length, peak in
                  zip(LENGTHS, peaks(net, kind in LOOPS, text), strict=True)]
                 for kind, net in ((kind, layer(kind, d, k)) for kind in KINDS)]
    return xr.Dataset(
        {name: (("layer", "length"), np.array([[each[name] for each in row] for row in found]))
         for name in found[0][0]},
        {"layer": list(KINDS), "length": list(LENGTHS)},
        {"d": d, "k": k, "again": again},
    )


def peaks(net: Layer, loops: bool, text: Tensor) -> list[int]:
    """The most bytes at one time for each length. loops: it reads token by token; then each token
    takes as much as the one before it, and what is longer than SHORT is not counted in full, which
    takes long, but extended."""
    counted = {n: peak(net, text[:n].clone()) for n in LENGTHS if n <= SHORT or not loops}
    each = (counted[SHORT] - counted[SHORT // 2]) // (SHORT // 2)
    return [counted[n] if n in counted else counted[SHORT] + (n - SHORT) * each for n in LENGTHS]


def peak(net: Layer, x: Tensor) -> int:
    """Bytes of the results of operations that live at one time, at most."""
    with Bytes([x, *net.parameters()]) as counted:
        net.read(x)
    most: int = counted.most
    return most


def _measure(net: Layer, x: Tensor) -> dict[str, float]:
    first, kept = _timed(net, x)
    taken = [first] if first > PATIENCE else []  # a long one has no need of a rehearsal
    while len(taken) < MOST and sum(taken) < PATIENCE:
        taken.append(_timed(net, x)[0])
    return {"seconds": float(np.median(taken)), "lowest": min(taken), "highest": max(taken),
            "repeats": len(taken), "kept": kept}


def _timed(net: Layer, x: Tensor) -> tuple[float, int]:
    """Seconds of one reading, and the bytes that must be kept after it."""
    begun = time.perf_counter()
    _y, kept = net.read(x)
    return time.perf_counter() - begun, size(kept)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _admit(d: int, k: int) -> None:
    if not WIDTHS[0] <= d <= WIDTHS[1] or not 2 <= k <= 9:
        raise DataError(N_("Layers of {low} to {high} numbers are measured, with a kernel of 2 to "
                           "9 (given: {d} and {k})."), low=WIDTHS[0], high=WIDTHS[1], d=d, k=k)
