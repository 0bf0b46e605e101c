"""Where a sentence that one had hoped for fell off the beam."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from explorer.probes.finding.stepper import Stepper, follow
from explorer.probes.finding.tree import Bar, Floats, Ints, Ranking


class Reference:
    """A sentence that is looked for while a search goes on.

    log_probabilities: of its words, by the model alone. ranks, margins: of its beginning of each
    length, for as long as it was in the beam, among all that competed there, and by how much log P
    it missed being kept (negative: by so much it was). fell: at which length it was dropped; 0 if
    it never was. place: among all sentences, by an exhaustive search, if it is one of them.
    """

    def __init__(self, stepper: Stepper, tokens: Sequence[int]) -> None:
        self.tokens, self.labels = list(tokens), [stepper.labels[token] for token in tokens]
        self.log_probabilities = [
            float(before[token]) for before, token in
            zip(follow(stepper, tokens)[0] if tokens else [], tokens, strict=True)]
        self.ranks: list[int] = []
        self.margins: list[float] = []
        self.fell, self.forced_off = 0, False
        self.place: int | None = None
        self._row: int | None = 0 if tokens else None  # where in the front its beginning stands
        self._flat = -1  # where among the continuations its next beginning stood

    @property
    def total(self) -> float:
        """log P of the whole sentence, added up as a search adds it up."""
        return float(np.cumsum([0.0, *self.log_probabilities])[-1])

    def score(self, length_penalty: float) -> float | None:
        """log P / L^α; None if there is no sentence."""
        return self.total / len(self.tokens) ** length_penalty if self.tokens else None

    def force(self, token: int) -> None:
        """A word was forced upon the search: the reference's own, or another one."""
        if self._row is None or self._ended:
            return
        self.forced_off = self.tokens[len(self.ranks)] != token
        self.ranks.append(0)
        self.margins.append(math.nan)
        if self.forced_off:
            self._drop()

    def watch(self, totals: Floats, ranking: Ranking, bar: Bar, kept: Ints) -> None:
        """Look at one step of a beam: all that competed (k, V), in which order, what they had to
        reach, and the flat places that were kept."""
        if self._row is None or self._ended:
            self._row = None
            return
        token = self.tokens[len(self.ranks)]
        self._flat = self._row * totals.shape[1] + token
        self.ranks.append(int(ranking.of(np.array([self._flat]))[0]))
        self.margins.append(float(bar.missed(
            totals[[self._row], [token]], np.array([token]))[0]))
        if not (kept == self._flat).any():
            self._drop()

    def go_on(self, going: Ints) -> None:
        """The flat places that are read on from, in the order of the next front."""
        if self._row is not None:
            where = np.flatnonzero(going == self._flat)
            self._row = int(where[0]) if len(where) else None

    def kind(self, longest: int, eos: int | None) -> str:
        """What it is to a search: a "sentence" that could be found; "longer" than all that can; or
        the "beginning" of some, since it does not end."""
        length = len(self.tokens)
        if length > longest:
            return "longer"
        return "sentence" if length == longest or self.tokens[-1] == eos else "beginning"

    def onto(self, trace: xr.Dataset, eos: int | None) -> xr.Dataset:
        """The trace with the sentence over `place`, and what became of it in attrs."""
        if not self.tokens:
            return trace
        kind = self.kind(trace.attrs["longest"], eos)
        missing = len(self.tokens) - len(self.ranks)
        score = self.score(trace.attrs["length_penalty"])
        attrs: dict[str, Any] = {
            "reference_total": self.total, "reference_score": score, "reference_fell": self.fell,
            "reference_forced_off": int(self.forced_off), "reference_kind": kind}
        if self.place is not None and kind == "sentence" and not self.forced_off:
            attrs["reference_place"] = self.place
        return trace.assign(
            reference_log_probability=("place", np.array(self.log_probabilities)),
            reference_rank=("place", np.array(self.ranks + [0] * missing)),
            reference_margin=("place", np.array(self.margins + [math.nan] * missing)),
        ).assign_coords(
            reference_label=("place", self.labels), reference_token=("place", self.tokens),
        ).assign_attrs(attrs)

    @property
    def _ended(self) -> bool:
        return len(self.ranks) == len(self.tokens)

    def _drop(self) -> None:
        self.fell, self._row = len(self.ranks), None
