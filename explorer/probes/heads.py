"""All heads of a stack at a glance, each with what it was found to do; and one of them, exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import DataError
from explorer.models.heads import Sight
from explorer.models.tape import Tape, record
from explorer.probes.head_tests import EXCESS, QUERIES, SURE, TESTS, names, separates
from explorer.probes.opened import Opened
from explorer.probes.stacks import cropped, stack_of, trace_stack
from explorer.words import N_

SIDE = 64  # cells of a thumbnail, at most, along each side
SHADES = 255


def heads(opened: Opened, text: str) -> xr.Dataset:
    """Of the first tokens of a text: `thumbnail` over (layer, head, row, column), uint8, of each
    cell's largest weight α the level 255 √α, so that small ones are seen; `name` over (layer,
    head), the test that was passed or ""; over (layer, head, test) the `score`, `excess` and `sure`
    of each (`head_tests`), over test its `chance` and how many `queries` it asked; `spread` over
    (layer, head): over how many keys a query's weight is spread, as if evenly (e to its entropy,
    mean of all queries).

    attrs: `of`, how many tokens the text has; `cell`, how many tokens a thumbnail's cell spans.
    Raises DataError: an empty text, or one with further places than the network has learnt.
    """
    trace = _marked(trace_stack(opened, text, logits=False, only=["attention"]))
    attention = trace["attention"].values  # (layer, head, query, key)
    ids, separator = trace["id"].values.tolist(), trace["separator"].values
    found = {name: test(attention, ids, separator) for name, test in TESTS.items()}
    sizes, tests = ("layer", "head"), ("layer", "head", "test")
    small, cell = thumbnails(attention)
    each = list(found.values())
    return xr.Dataset(
        {"thumbnail": ((*sizes, "row", "column"), small), "name": (sizes, names(found)),
         "spread": (sizes, _spread(attention))}
        | {part: (tests, np.stack([getattr(one, part) for one in each], -1).astype(np.float32))
           for part in ("score", "excess", "sure")}
        | {part: ("test", [getattr(one, part) for one in each]) for part in ("chance", "queries")},
        {"test": list(found)} | {name: trace[name] for name in ("label", "id", "separator")},
        trace.attrs | {"cell": cell, "least_excess": EXCESS, "least_sure": SURE,
                       "least_queries": QUERIES})


def head(opened: Opened, text: str, layer: int, head: int) -> xr.Dataset:
    """One head (counted from 0), exactly: `scores` and `attention` over (query, key), `q` and `k`,
    as they are compared, over (token, number).

    Raises DataError: as `heads`; no such head.
    """
    _admit(opened, [(layer, head)])
    tokens, of = cropped(opened, text)
    tape = _block(opened, torch.from_numpy(tokens.ids), layer)
    axes = {"scores": ("query", "key"), "attention": ("query", "key"),
            "q": ("token", "number"), "k": ("token", "number")}
    labels = list(tokens.labels)
    return _marked(xr.Dataset(
        {name: (axes[name], next(iter(tape.kept[name].values()))[0, head].numpy())
         for name in axes},
        {"label": ("token", labels), "id": ("token", tokens.ids),
         "query_label": ("query", labels), "key_label": ("key", labels)},
        {"run": opened.key, "step": opened.step, "of": of, "layer": layer, "head": head}))


def _block(opened: Opened, ids: Tensor, layer: int) -> Tape:
    """What one block taps of a text (T,). Nobody looks at those below it: they run fused, and those
    above it not at all."""
    network, tape = stack_of(opened), Tape()
    places = torch.arange(len(ids))
    sight = Sight(places, places, network.causal)
    with torch.no_grad():
        x = network.read(ids[None])  # (1, T, width)
        for block in network.blocks[:layer]:
            x, _ = block(x, sight)
        with record(tape):
            network.blocks[layer](x, sight, layer=layer)
    return tape


def mean_of_heads(opened: Opened, text: str, chosen: Sequence[Sequence[int]]) -> xr.Dataset:
    """The mean `attention` over (query, key) of some heads, (layer, head) each.

    Raises DataError: as `heads`; none chosen; no such head.
    """
    _admit(opened, chosen)
    trace = _marked(trace_stack(opened, text, logits=False, only=["attention"]))
    layers, places = (list(part) for part in zip(*chosen, strict=True))
    mean = trace["attention"].values[layers, places].mean(0)  # (query, key)
    return trace.drop_vars(["loss", "attention"]).assign(attention=(("query", "key"), mean)) \
        .assign_attrs(chosen=[list(pair) for pair in chosen])


def thumbnails(attention: NDArray[np.floating]) -> tuple[NDArray[np.uint8], int]:
    """Of weights (…, T, T) the levels (…, rows, columns) of at most `SIDE` cells a side, each the
    largest of the weights under it, and how many tokens a cell spans."""
    T = attention.shape[-1]
    cell = -(-T // SIDE)
    edge = -T % cell
    padded = np.pad(attention, [(0, 0)] * (attention.ndim - 2) + [(0, edge), (0, edge)])
    side = (T + edge) // cell
    cells = padded.reshape(*attention.shape[:-2], side, cell, side, cell)
    largest = cells.max((-3, -1))  # (…, row, column)
    return np.rint(SHADES * np.sqrt(largest)).astype(np.uint8), cell


def _spread(attention: NDArray[np.floating]) -> NDArray[np.float32]:
    """e to the entropy of each query's weights, the mean of all queries: (layer, head)."""
    known = np.where(attention > 0, attention, 1)
    entropy = -(attention * np.log(known)).sum(-1)  # (layer, head, query)
    mean: NDArray[np.float32] = np.exp(entropy).mean(-1).astype(np.float32)
    return mean


def _marked(trace: xr.Dataset) -> xr.Dataset:
    """A trace that says which of its tokens are separators."""
    separator = [separates(str(label)) for label in trace["label"].values]
    return trace.assign_coords(separator=("token", np.array(separator, bool)))


def _admit(opened: Opened, chosen: Sequence[Sequence[int]]) -> None:
    spec = stack_of(opened).spec
    if not chosen:
        raise DataError(N_("No head is chosen: choose one at least."))
    for layer, place in chosen:
        if not (0 <= layer < spec.layers and 0 <= place < spec.heads):
            raise DataError(
                N_("There is no head {head} in layer {layer}: this network has {layers} layers of "
                   "{heads} heads."), layer=layer + 1, head=place + 1, layers=spec.layers,
                heads=spec.heads)
