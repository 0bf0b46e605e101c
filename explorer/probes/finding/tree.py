"""The tree of a search: every beginning that was kept, and beside it the best that were not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from explorer.probes.finding.stepper import Guess, Stepper
from explorer.searching import Search

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

KEPT, PRUNED, FINISHED, BEST = range(4)
STATES = ("kept", "pruned", "finished", "best")
BESIDE = 6  # continuations of a beginning that are listed though they were pruned, at most

USUAL: dict[str, Any] = {  # the columns, and what stands in each unless something else is said
    "parent": -1, "token": -1, "log_probability": 0.0, "total": 0.0, "depth": 0, "state": KEPT,
    "rank": 0, "margin": np.nan, "drawn": 0, "forced": False, "expanded": False,
}
ROOT: dict[str, Any] = {"forced": True}


@dataclass
class Front:
    """k beginnings from which a search goes on. node, total (log P): (k,). guess: of k rows. Only
    the guesses are tensors: what is counted here is too little for torch to be quick."""

    node: Ints
    total: Floats
    guess: Guess
    depth: int

    @cached_property
    def own(self) -> Floats:
        """log P of each word alone: (k, V)."""
        found: Floats = self.guess.log_probabilities.numpy()
        return found

    @cached_property
    def totals(self) -> Floats:
        """log P of every continuation: (k, V)."""
        return self.total[:, None] + self.own


class Tree:
    """Nodes in the order in which they are added; 0 is the root, before the first word.

    scored, steps: how many continuations the search scored, and how many beginnings it read on
    from; without the words that were forced, which nobody searched.
    """

    def __init__(self, stepper: Stepper, asked: Search) -> None:
        self.labels, self.eos, self.asked = stepper.labels, stepper.eos, asked
        self.scored = self.expanded = 0
        self._parts: list[tuple[int, dict[str, Any]]] = [(1, ROOT)]  # nodes, and their columns
        self._open: list[Ints] = []
        self._attention: list[tuple[Ints, NDArray[np.float32]]] = []
        self._size = 1

    def add(self, front: Front, rows: Ints, tokens: Ints, **more: Any) -> Ints:
        """Nodes (n,) for n continuations, each of a row of the front by a token. more: the other
        columns, one value for all or one for each."""
        self._parts.append((len(rows), {
            "parent": front.node[rows], "token": tokens, "log_probability": front.own[rows, tokens],
            "total": front.totals[rows, tokens], "depth": front.depth + 1} | more))
        first, self._size = self._size, self._size + len(rows)
        return np.arange(first, self._size)

    def expand(self, front: Front, searched: bool = True) -> None:
        """Say that the front's beginnings were read on from."""
        self._open.append(front.node)
        if front.guess.attention is not None:
            self._attention.append((front.node, front.guess.attention.float().numpy()))
        if searched:
            self.expanded += len(front.node)
            self.scored += front.own.size

    def beside(self, front: Front, chosen: Ints, ranking: Ranking, bar: Bar | None = None) -> None:
        """Add the likeliest continuations that were not chosen (flat places), a few of each row."""
        k, words = front.own.shape
        few = min(words, BESIDE, max(2, 10 * BESIDE // k))
        likely = front.guess.log_probabilities.topk(few, 1).indices.numpy()
        places = (likely + words * np.arange(k)[:, None]).ravel()
        places = places[~(places[:, None] == chosen).any(1)]
        places = places[front.totals.ravel()[places] > -np.inf]
        rows, tokens = places // words, places % words
        margin = np.nan if bar is None else bar.missed(front.totals[rows, tokens], tokens)
        self.add(front, rows, tokens, state=PRUNED, margin=margin, rank=ranking.of(places))

    def columns(self) -> dict[str, NDArray[Any]]:
        """All nodes, a column a name."""
        found = {name: np.full(self._size, value) for name, value in USUAL.items()}
        first = 0
        for count, columns in self._parts:
            for name, value in columns.items():
                found[name][first : first + count] = value
            first += count
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
        variables: dict[str, Any] = {
            name: ("node", values) for name, values in nodes.items() if name != "state"}
        if self._attention:
            variables["attention"] = (("node", "source"), self._looks(nodes["parent"]))
        return xr.Dataset(
            variables,
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

    def _looks(self, parents: Ints) -> NDArray[np.float32]:
        """(node, source): where the model looked as it chose the node's word."""
        places = np.concatenate([nodes for nodes, _ in self._attention])
        weights = np.concatenate([weights for _, weights in self._attention])  # (expanded, S)
        looked = np.zeros((self._size, weights.shape[1]), np.float32)
        looked[places] = weights
        own = looked[np.maximum(parents, 0)]  # of the step before the word
        own[0] = np.nan
        return own


def _first(scores: Floats, depths: Ints) -> int:
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


def highest(values: Floats, count: int) -> Ints:
    """Places of the `count` highest of values (n,), highest first, the first of equals first; those
    of −∞ never."""
    count = min(count, len(values))
    least = float(torch.from_numpy(values).topk(count).values[-1])
    places = np.flatnonzero(values >= least)
    places = places[values[places] > -np.inf]
    return places[np.argsort(-values[places], kind="stable")[:count]]


class Ranking:
    """Who comes where among values (n,)."""

    def __init__(self, values: Floats) -> None:
        self._values = values

    def of(self, places: Ints) -> Ints:
        """The rank, from 1 on, of the values at some places; of equal ones the first place's is the
        lower, as in `highest`."""
        own = self._values[places]
        if not len(own):
            return np.zeros(0, np.int64)
        ordered = np.sort(self._values[self._values >= own.min()])  # few: the rest ranks below
        up_to = np.searchsorted(ordered, own, "right")
        found: Ints = len(ordered) - up_to + 1
        for i in np.flatnonzero(up_to - np.searchsorted(ordered, own, "left") > 1):
            found[i] += np.count_nonzero(self._values[: places[i]] == own[i])
        return found


class Bar(NamedTuple):
    """The log P that a continuation had to reach in order to be kept: one that goes on, and one
    that ends its sentence, with `eos`."""

    going: float
    ending: float
    eos: int | None

    def missed(self, totals: Floats, tokens: Ints) -> Floats:
        """By how much some continuations missed it; negative: they did not."""
        found: Floats = np.where(tokens == self.eos, self.ending, self.going) - totals
        return found
