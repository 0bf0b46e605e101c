"""Phenomena 12 and 13: what greedy search misses, what a beam keeps, and what each costs. The
tables are those of the notes, so there are no seeds: every number is exact."""

from __future__ import annotations

import math

import pytest
import xarray as xr

from explorer.probes.finding.tree import sentence
from explorer.probes.search import search_table
from explorer.text.table import PRESETS

pytestmark = pytest.mark.phenomena


def words(trace: xr.Dataset, node: int) -> str:
    labels = {int(token): str(label) for token, label in zip(
        trace["token"].values, trace["label"].values, strict=True)}
    return " ".join(labels[token] for token in sentence(trace, node))


def sentences(trace: xr.Dataset) -> dict[str, tuple[float, float]]:
    """P and score of all that ended."""
    return {words(trace, node): (math.exp(trace["total"].values[node]),
                                 float(trace["score"].values[node]))
            for node in range(trace.sizes["node"])
            if trace["state"].values[node] in ("finished", "best")}


def best(trace: xr.Dataset) -> str:
    return words(trace, trace.attrs["best"])


def test_greedy_is_not_optimal() -> None:
    greedy = search_table(PRESETS["notes"], method="greedy", longest=4)
    assert best(greedy) == "A B C <eos>"
    assert math.exp(greedy.attrs["best_total"]) == pytest.approx(0.048, abs=1e-12)
    beam = search_table(PRESETS["notes"], method="beam", width=2, longest=4)
    assert best(beam) == "A C B <eos>"
    assert math.exp(beam.attrs["best_total"]) == pytest.approx(0.054, abs=1e-12)


def test_the_trap_the_short_sentence_wins_unless_length_is_corrected_for() -> None:
    trap = search_table(PRESETS["notes"], method="exhaustive", longest=4, length_penalty=0.0)
    assert best(trap) == "A <eos>"
    assert math.exp(trap.attrs["best_total"]) == pytest.approx(0.10, abs=1e-12)
    fair = search_table(PRESETS["notes"], method="exhaustive", longest=4, length_penalty=0.75)
    scores = {name: round(score, 3) for name, (_, score) in sentences(fair).items()}
    assert scores["A C B <eos>"] == -1.032
    assert scores["A B C <eos>"] == -1.074
    assert scores["A <eos>"] == -1.369
    assert best(fair) == "A C B <eos>"
    assert scores["A C B <eos>"] > scores["A B C <eos>"] > scores["A <eos>"]


def test_the_beam_s_six_candidates() -> None:
    trace = search_table(PRESETS["five"], method="beam", width=2, longest=3)
    kept = {words(trace, node).replace(" ", "") for node in range(1, trace.sizes["node"])
            if trace["state"].values[node] != "pruned"}
    assert kept == {"A", "C", "AB", "CE", "ABD", "CED"}


def test_what_each_costs_is_counted() -> None:
    asked = {"table": PRESETS["five"], "longest": 3}
    whole = search_table(method="exhaustive", **asked)
    leaves = (whole["depth"] == 3).sum()
    assert leaves == 5**3
    assert whole.attrs["scored"] == 5 + 5**2 + 5**3
    assert search_table(method="greedy", **asked).attrs["scored"] == 5 * 3
    beam = search_table(method="beam", width=2, **asked).attrs["scored"]
    assert beam == 5 + 2 * 5 + 2 * 5 <= 2 * 5 * 3
