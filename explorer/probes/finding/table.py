"""A typed table as something to search."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from explorer.probes.finding.stepper import Guess
from explorer.text.table import END, Table


class Beginnings(NamedTuple):
    """Of k beginnings, (k,) each: how many words were written, and where in the tree of those that
    the table knows; −1 in none."""

    depth: Tensor
    node: Tensor


class TableStepper:
    """`log P(word | beginning)` looked up, for any number of beginnings at once."""

    def __init__(self, table: Table) -> None:
        self.labels = table.words
        self.eos = table.words.index(END) if END in table.words else None
        self._steps = torch.tensor(table.steps, dtype=torch.float64).log()  # (steps, V)
        known = {words[:n] for words in table.after for n in range(len(words) + 1)} | {()}
        order = {words: node for node, words in enumerate(sorted(known, key=len))}
        self._child = torch.full((len(order) + 1, len(table.words)), -1)  # the last row: of none
        self._own = torch.full((len(order) + 1, len(table.words)), torch.nan, dtype=torch.float64)
        for words, node in order.items():
            if words:
                self._child[order[words[:-1]], table.words.index(words[-1])] = node
            if words in table.after:
                self._own[node] = torch.tensor(table.after[words], dtype=torch.float64).log()

    def start(self) -> Guess:
        first = torch.zeros(1, dtype=torch.long)
        return self._guess(Beginnings(first, first))

    def step(self, state: Beginnings, rows: Tensor, tokens: Tensor) -> Guess:
        return self._guess(
            Beginnings(state.depth[rows] + 1, self._child[state.node[rows], tokens]))

    def _guess(self, state: Beginnings) -> Guess:
        at_step = self._steps[state.depth.clamp(max=len(self._steps) - 1)]  # (k, V)
        own = self._own[state.node]  # (k, V)
        return Guess(torch.where(own.isnan(), at_step, own), state)
