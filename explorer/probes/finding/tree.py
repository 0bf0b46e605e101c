"""The tree of a search: every beginning that was kept, and beside it the best that were not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from explorer.probes.finding.stepper import Guess, Stepper
from explorer.searching import Search

KEPT, PRUNED, FINISHED, BEST = range(4)
STATES = ("kept", "pruned", "finished", "best")
BESIDE = 6  # continuations of a beginning that are listed though they were pruned, at most

COLUMNS: dict[str, Any] = {
    "parent": np.int64, "token": np.int64, "log_probability": np.float64, "total": np.float64,
    "depth": np.int64, "state": np.int64, "rank": np.int64, "margin": np.float64,
    "drawn": np.int64, "forced": np.bool_, "expanded": np.bool_,
}
ROOT: dict[str, Any] = {
    "parent": -1, "token": -1, "log_probability": 0.0, "total": 0.0, "depth": 0, "state": KEPT,
    "rank": 0, "margin": np.nan, "drawn": 0, "forced": True, "expanded": False,
}


@dataclass
class Front:
    """k beginnings from which a search goes on. node, total (log P): (k,). guess: of k rows."""

    node: Tensor
    total: Tensor
    guess: Guess
    depth: int

    @property
    def totals(self) -> Tensor:
        """log P of every continuation: (k, V)."""
        return self.total[:, None] + self.guess.log_probabilities


class Tree:
    """Nodes in the order in which they are added; 0 is the root, before the first word.

    scored, steps: how many continuations the search scored, and how many beginnings it read on
    from; without the words that were forced, which nobody searched.
    """

    def __init__(self, stepper: Stepper, asked: Search) -> None:
        self.labels, self.eos, self.asked = stepper.labels, stepper.eos, asked
        self.scored = self.expanded = 0
        self._parts = {name: [np.array([value], COLUMNS[name])] for name, value in ROOT.items()}
        self._open: list[NDArray[np.int64]] = []
        self._attention: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        self._size = 1

    def add(self, front: Front, rows: Tensor, tokens: Tensor, **more: Any) -> Tensor:
        """Nodes (n,) for n continuations, each of a row of the front by a token. more: the other
        columns, one value for all or one for each."""
        own = front.guess.log_probabilities[rows, tokens]
        values = {
            "parent": front.node[rows].numpy(), "token": tokens.numpy(),
            "log_probability": own.numpy(), "total": (front.total[rows] + own).numpy(),
            "depth": front.depth + 1, "state": KEPT, "rank": 0, "margin": np.nan, "drawn": 0,
            "forced": False, "expanded": False} | more
        for name, value in values.items():
            self._parts[name].append(np.full(len(rows), value, COLUMNS[name]))
        first, self._size = self._size, self._size + len(rows)
        return torch.arange(first, self._size)

    def expand(self, front: Front, searched: bool = True) -> None:
        """Say that the front's beginnings were read on from."""
        self._open.append(front.node.numpy())
        if front.guess.attention is not None:
            self._attention.append((front.node.numpy(), front.guess.attention.float().numpy()))
        if searched:
            self.expanded += len(front.node)
            self.scored += front.guess.log_probabilities.numel()

    def beside(self, front: Front, chosen: Tensor, bar: Tensor | None = None) -> None:
        """Add the likeliest continuations that were not chosen (flat places), a few of each row.
        bar: (k, V), the log P that each had to reach."""
        k, words = front.guess.log_probabilities.shape
        few = min(words, BESIDE, max(2, 10 * BESIDE // k))
        best = front.guess.log_probabilities.topk(few, 1).indices + words * torch.arange(k)[:, None]
        totals = front.totals.flatten()
        places = best.flatten()[~torch.isin(best.flatten(), chosen)]
        places = places[totals[places] > -torch.inf]
        margin = np.nan if bar is None else (bar.flatten() - totals)[places].numpy()
        self.add(front, places // words, places % words, state=PRUNED, margin=margin,
                 rank=ranks(totals, places))

    def columns(self) -> dict[str, NDArray[Any]]:
        """All nodes, a column a name."""
        found = {name: np.concatenate(self._parts[name]) for name in COLUMNS}
        found["expanded"][np.concatenate(self._open or [np.zeros(0, np.int64)])] = True
        listed = np.bincount(found["parent"][1:], minlength=self._size)
        found["more"] = np.where(found["expanded"], len(self.labels) - listed, 0)
        found["score"] = found["total"] / np.maximum(
            found["depth"], 1) ** self.asked.length_penalty
        return found

    def trace(self, **attrs: Any) -> xr.Dataset:
        """The search as a Trace over `node`; the best sentence is marked. attrs: any more."""
        nodes = self.columns()
        whole = (nodes["state"] == FINISHED) | (
            (nodes["depth"] == self.asked.longest) & (nodes["state"] != PRUNED))
        best = _first(np.where(whole, nodes["score"], -np.inf), nodes["depth"])
        nodes["state"][best] = BEST
        labels = ["", *(self.labels[token] for token in nodes["token"][1:])]
        found = xr.Dataset(
            {name: ("node", values) for name, values in nodes.items() if name != "state"},
            {"label": ("node", labels),
             "state": ("node", [STATES[state] for state in nodes["state"]])},
            {name: int(value) if isinstance(value, bool) else value
             for name, value in self.asked.model_dump().items()} | {
                "scored": self.scored, "expanded": self.expanded,
                "left_out": self.scored - int((nodes["depth"] >= nodes["forced"].sum()).sum()),
                "words": len(self.labels),
                "eos": -1 if self.eos is None else self.eos, "best": best,
                "best_total": float(nodes["total"][best]),
                "best_score": float(nodes["score"][best])} | attrs)
        return self._with_attention(found) if self._attention else found

    def _with_attention(self, found: xr.Dataset) -> xr.Dataset:
        """`attention` over (node, source): where the model looked as it chose the node's word."""
        places = np.concatenate([nodes for nodes, _ in self._attention])
        weights = np.concatenate([weights for _, weights in self._attention])  # (expanded, S)
        looked = np.zeros((self._size, weights.shape[1]), np.float32)
        looked[places] = weights
        own = looked[np.maximum(found["parent"].values, 0)]  # of the step before the word
        own[0] = np.nan
        return found.assign(attention=(("node", "source"), own))


def _first(scores: NDArray[np.float64], depths: NDArray[np.int64]) -> int:
    """The highest score; of equal ones that of the longest sentence, which says more."""
    equal = np.flatnonzero(scores >= scores.max() - 1e-12)
    return int(equal[np.argmax(depths[equal])])


def sentence(trace: xr.Dataset, node: int) -> list[int]:
    """The tokens from the root to a node."""
    parents, tokens = trace["parent"].values, trace["token"].values
    found: list[int] = []
    while node > 0:
        found.append(int(tokens[node]))
        node = int(parents[node])
    return found[::-1]


def highest(values: Tensor, count: int) -> Tensor:
    """Places of the `count` highest of values (n,), highest first, the first of equals first; those
    of −∞ never."""
    count = min(count, len(values))
    least = values.topk(count).values[-1]
    places = ((values >= least) & (values > -torch.inf)).nonzero()[:, 0]
    order = values[places].sort(descending=True, stable=True).indices
    return places[order[:count]]


def ranks(values: Tensor, places: Tensor) -> NDArray[np.int64]:
    """The rank, from 1 on, that each of some places has among values (n,); as in `highest`."""
    own = values[places, None]  # (m, 1)
    before = (values == own) & (torch.arange(len(values)) < places[:, None])
    found: NDArray[np.int64] = ((values > own) | before).sum(1).numpy() + 1
    return found
