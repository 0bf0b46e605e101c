"""Every search against brute force, on random tables; counts are counted."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from explorer.errors import DataError, ExperimentError
from explorer.probes.finding.stepper import Guess, follow
from explorer.probes.finding.table import TableStepper
from explorer.probes.finding.tree import sentence
from explorer.probes.search import find, search_table
from explorer.searching import LISTED, reachable, sentences
from explorer.text.table import END, PRESETS, Table

NOTES = PRESETS["notes"]
Path = tuple[int, ...]


@st.composite
def tables(draw: st.DrawFn, ends: bool | None = None) -> Table:
    """A table of 2 to 4 words and up to 3 steps, with rows of its own after some beginnings; a word
    in ten has the probability 0, and many have the same."""
    count = draw(st.integers(2, 4))
    last = draw(st.booleans()) if ends is None else ends
    words = (*"ABCD"[: count - last], *([END] if last else []))
    dice = np.random.default_rng(draw(st.integers(0, 10**6)))

    def row() -> tuple[float, ...]:
        weights = dice.integers(0, 10, count)
        weights[dice.integers(count)] += 1
        return tuple((weights / weights.sum()).tolist())

    going = words[: count - last]
    after = {beginning: row() for length in (1, 2)
             for beginning in itertools.product(going, repeat=length) if dice.random() < 0.5}
    return Table(words, tuple(row() for _ in range(draw(st.integers(1, 3)))), after)


def every(table: Table, longest: int) -> Iterator[tuple[Path, float]]:
    """Every sentence and its probability, by the table alone."""

    def grow(path: Path, p: float) -> Iterator[tuple[Path, float]]:
        for token, share in enumerate(table.row([table.words[t] for t in path])):
            longer = (*path, token)
            if table.words[token] == END or len(longer) == longest:
                yield longer, p * share
            else:
                yield from grow(longer, p * share)

    return grow((), 1.0)


def score(path: Path, p: float, alpha: float) -> float:
    return math.log(p) / len(path) ** alpha if p else -math.inf


def by_hand(table: Table, longest: int, width: int, alpha: float, early: bool) -> dict[str, Any]:
    """Beam search as the book tells it, one beginning after the other."""
    live, ended, scored = [((), 1.0)], [], 0
    kept: set[Path] = set()
    for depth in range(1, longest + 1):
        competing = []
        for path, p in live:
            shares = table.row([table.words[t] for t in path])
            scored += len(shares)
            competing += [((*path, t), p * share) for t, share in enumerate(shares) if share and p]
        competing.sort(key=lambda each: -each[1])
        if len(competing) > width:  # which of two equals stays, the book does not say
            assume(not math.isclose(competing[width - 1][1], competing[width][1], rel_tol=1e-9))
        competing = competing[:width]
        kept |= {path for path, _ in competing}
        over = [each for each in competing
                if depth == longest or table.words[each[0][-1]] == END]
        ended += over
        live = [each for each in competing if each not in over]
        if not live or (early and len(ended) >= width):
            break
    best = max(ended, key=lambda each: score(*each, alpha))
    return {"best": score(*best, alpha), "scored": scored, "kept": kept}


def run(table: Table, **asked: Any) -> xr.Dataset:
    return find(TableStepper(table), [], [], asked)


def kept(trace: xr.Dataset) -> set[Path]:
    return {tuple(sentence(trace, node)) for node in range(1, trace.sizes["node"])
            if trace["state"].values[node] != "pruned"}


@settings(max_examples=100, deadline=None)
@given(tables(), st.integers(1, 4), st.floats(0, 2))
def test_exhaustive_search_is_brute_force(table: Table, longest: int, alpha: float) -> None:
    trace = run(table, method="exhaustive", longest=longest, length_penalty=alpha)
    brute = dict(every(table, longest))
    best = max(score(path, p, alpha) for path, p in brute.items())
    assert trace.attrs["best_score"] == pytest.approx(best, abs=1e-9)
    assert brute[tuple(sentence(trace, trace.attrs["best"]))] == pytest.approx(
        math.exp(trace.attrs["best_total"]))
    ends = END in table.words
    assert (trace.attrs["scored"], len(brute)) == sentences(len(table.words), ends, longest)
    whole = (~trace["expanded"] & (trace["depth"] > 0)).values
    assert whole.sum() == sum(p > 0 for p in brute.values())


@settings(max_examples=100, deadline=None)
@given(tables(), st.integers(1, 4), st.floats(0, 2))
def test_a_beam_wide_enough_is_exhaustive(table: Table, longest: int, alpha: float) -> None:
    wide = sum(1 for _ in every(table, longest))
    asked: dict[str, Any] = {"longest": longest, "length_penalty": alpha}
    whole = run(table, method="exhaustive", **asked)
    if wide > 50:  # more than a beam may have: stop at the longest for which it does
        return
    for refill in (False, True):
        trace = run(table, method="beam", width=wide, refill=refill, **asked)
        assert trace.attrs["best_score"] == pytest.approx(whole.attrs["best_score"], abs=1e-9)
        assert kept(trace) == kept(whole)


@settings(max_examples=150, deadline=None)
@given(tables(), st.integers(1, 5), st.integers(1, 4), st.floats(0, 2), st.booleans())
def test_beam_search_is_the_book_s(
    table: Table, longest: int, width: int, alpha: float, early: bool
) -> None:
    hand = by_hand(table, longest, width, alpha, early)
    trace = run(table, width=width, longest=longest, length_penalty=alpha, early=early)
    assert trace.attrs["scored"] == hand["scored"]
    assert trace.attrs["best_score"] == pytest.approx(hand["best"], abs=1e-9)
    levels = trace["depth"].values[trace["state"].values != "pruned"]
    assert np.bincount(levels)[1:].max() <= width
    totals = np.sort([trace["total"].values[n] for n in range(1, trace.sizes["node"])
                      if trace["state"].values[n] != "pruned"])
    by = {path: math.log(p) for path, p in every_beginning(table, longest)}
    np.testing.assert_allclose(totals, np.sort([by[path] for path in hand["kept"]]), atol=1e-9)


def every_beginning(table: Table, longest: int) -> Iterator[tuple[Path, float]]:
    for length in range(1, longest + 1):
        for path in itertools.product(range(len(table.words)), repeat=length):
            words = [table.words[t] for t in path]
            if END in words[:-1]:
                continue
            p = math.prod(table.row(words[:n])[t] for n, t in enumerate(path))
            if p:
                yield path, p


@settings(max_examples=100, deadline=None)
@given(tables(), st.integers(1, 6))
def test_greedy_takes_the_likeliest_word_and_is_a_beam_of_one(table: Table, longest: int) -> None:
    path: list[int] = []
    while len(path) < longest and END not in [table.words[t] for t in path]:
        row = np.array(table.row([table.words[t] for t in path]))
        path.append(int(row.argmax()))
    for asked in ({"method": "greedy"}, {"method": "beam", "width": 1}):
        trace = run(table, longest=longest, **asked)
        assert sentence(trace, trace.attrs["best"]) == path
        assert trace.attrs["scored"] == len(table.words) * len(path)


@settings(max_examples=40, deadline=None)
@given(tables(ends=False), st.integers(2, 5), st.integers(1, 4))
def test_costs_are_counted(table: Table, longest: int, width: int) -> None:
    size = len(table.words)
    positive = all(all(row) for row in (*table.steps, *table.after.values()))
    trace = run(table, method="exhaustive", longest=longest)
    assert trace.attrs["scored"] == sum(size**t for t in range(1, longest + 1))
    assert sentences(size, False, longest)[1] == size**longest
    assert run(table, method="greedy", longest=longest).attrs["scored"] == size * longest
    beam = run(table, width=width, longest=longest).attrs["scored"]
    assert beam <= width * size * longest
    if positive:
        widths = [min(width, size**t) for t in range(longest)]
        read = [1]
        for _ in range(1, longest):
            read.append(min(width, read[-1] * size))
        assert widths == read
        assert beam == size * sum(read)


@settings(max_examples=100, deadline=None)
@given(tables(), st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_what_was_pruned_missed_the_last_place_by_its_margin(
    table: Table, longest: int, width: int, refill: bool
) -> None:
    trace = run(table, width=width, longest=longest, refill=refill, early=False)
    nodes = trace.to_dataframe().reset_index(drop=False)
    ends = nodes["token"] == trace.attrs["eos"]
    for depth, level in nodes[nodes["depth"] > 0].groupby("depth"):
        chosen, over = level["state"] != "pruned", ends[level.index]
        refilled = refill and depth < longest
        for node in level[~chosen].index:
            rivals = level[chosen & ~over] if refilled and not ends[node] else level[chosen]
            if refilled and ends[node]:
                assert nodes["rank"][node] > width
                assert nodes["margin"][node] > -1e-12
            else:
                missed = rivals["total"].min() - nodes["total"][node]
                assert nodes["margin"][node] == pytest.approx(missed, abs=1e-9)
                assert missed > -1e-9
        assert (level["rank"][chosen].is_unique)
        if not refilled:
            assert set(level["rank"][chosen]) == set(range(1, chosen.sum() + 1))


def test_the_tree_adds_up() -> None:
    trace = search_table(NOTES, width=3, longest=4)
    total, parent = trace["total"].values, trace["parent"].values
    np.testing.assert_allclose(total[1:], total[parent[1:]] + trace["log_probability"].values[1:])
    np.testing.assert_allclose(
        trace["score"].values[1:], total[1:] / trace["depth"].values[1:] ** 0.75)
    listed = np.bincount(parent[1:], minlength=len(parent))
    opened = trace["expanded"].values
    assert (listed[opened] + trace["more"].values[opened] == 4).all()
    assert (listed[~opened] == 0).all()
    assert trace["more"].sum() == trace.attrs["left_out"]
    assert trace.attrs["expanded"] * 4 == trace.attrs["scored"]


class OneByOne:
    """The same stepper, asked for one beginning at a time."""

    def __init__(self, table: Table) -> None:
        self._inner = TableStepper(table)
        self.labels, self.eos = self._inner.labels, self._inner.eos

    def start(self) -> Guess:
        found = self._inner.start()
        return Guess(found.log_probabilities, [found.state])

    def step(self, state: list[Any], rows: Tensor, tokens: Tensor) -> Guess:
        zero = torch.zeros(1, dtype=torch.long)
        found = [self._inner.step(state[row], zero, token[None])
                 for row, token in zip(rows.tolist(), tokens, strict=True)]
        return Guess(torch.cat([each.log_probabilities for each in found]),
                     [each.state for each in found])


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from(["beam", "exhaustive", "sampling"]), st.integers(1, 4))
def test_many_at_once_are_as_one_by_one(table: Table, method: str, width: int) -> None:
    asked = {"method": method, "width": width, "longest": 4}
    xr.testing.assert_identical(
        find(TableStepper(table), [], [], asked), find(OneByOne(table), [], [], asked))


def test_a_forced_beginning_is_gone_on_from() -> None:
    trace = search_table(NOTES, ["A", "C"], width=2, longest=4)
    assert sentence(trace, trace.attrs["best"]) == [0, 2, 1, 3]
    assert trace.attrs["best_total"] == pytest.approx(math.log(0.054))
    assert trace["forced"].values.sum() == 3  # the root too
    assert trace.attrs["scored"] == 4 + 2 * 4
    assert (trace["depth"] > 2).sum() + trace.attrs["left_out"] == trace.attrs["scored"]
    ids = search_table(NOTES, [0, 2], width=2, longest=4)
    xr.testing.assert_identical(trace, ids)


@pytest.mark.parametrize(("asked", "message"), [
    ({"prefix": ["D"]}, "“D” is not one of the words: A B C <eos>"),
    ({"prefix": [4]}, "“4” is not one of the words"),
    ({"prefix": ["A", END]}, "Nothing can follow <eos>"),
    ({"prefix": [END, "A"]}, "Nothing can follow <eos>"),
    ({"prefix": ["A", "B", "C"], "longest": 3}, "3 words are forced, and the maximum length is 3"),
    ({"prefix": ["A", "B", "C", "A"]}, "“A B C A” cannot be forced: .*probability 0"),
    ({"table": "A B\n#1 .5 .4"}, "sums to 0.9"),
    ({"method": "exhaustive", "longest": 40}, r"score .*e\+\d+ continuations \(4 words, 40 steps\)"
                                              r".*Shorten the maximum length to 11"),
])
def test_what_cannot_be_searched_is_said(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        search_table(**{"table": NOTES} | asked)


@pytest.mark.parametrize("wrong", [
    {"width": 0}, {"width": 1000}, {"longest": 0}, {"method": "oracle"}, {"temperature": 0},
    {"loudly": True}])
def test_settings_stay_in_their_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ExperimentError):
        search_table(NOTES, **wrong)


def test_the_longest_that_is_searched_exhaustively() -> None:
    for words, ends in ((2, True), (5, False), (30, True), (8000, True)):
        fits = reachable(words, ends)
        assert sentences(words, ends, fits)[0] <= 1_000_000 or fits == 0
        assert sentences(words, ends, fits + 1)[0] > 1_000_000 or fits == 100


def test_a_large_exhaustive_search_lists_its_best() -> None:
    draw = np.random.default_rng(0)
    rows = draw.dirichlet(np.ones(6), size=5)
    table = Table((*"ABCDE", END), tuple(map(tuple, rows)), {})
    trace = run(table, method="exhaustive", longest=5, length_penalty=0.75)
    scored, count = sentences(6, True, 5)
    assert trace.attrs["scored"] == scored > LISTED
    best = sorted((score(path, p, 0.75) for path, p in every(table, 5)), reverse=True)
    assert len(best) == count
    whole = ~trace["expanded"].values & (trace["depth"].values > 0)
    np.testing.assert_allclose(np.sort(trace["score"].values[whole])[::-1], best[:50], atol=1e-9)
    assert trace.attrs["left_out"] == scored - (trace.sizes["node"] - 1)


def in_the_beam(table: Table, reference: list[int], width: int) -> xr.Dataset:
    return find(TableStepper(table), [], reference, {"width": width, "longest": 5, "early": False})


@settings(max_examples=100, deadline=None)
@given(tables(ends=True), st.data(), st.integers(1, 3))
def test_where_the_reference_fell(table: Table, data: st.DataObject, width: int) -> None:
    going = len(table.words) - 1
    words = data.draw(st.lists(st.integers(0, going - 1), max_size=4))
    reference = [*words, going]
    trace = in_the_beam(table, reference, width)
    fell, paths = trace.attrs["reference_fell"], kept(trace)
    own = [table.row([table.words[t] for t in reference[:n]])[t] for n, t in enumerate(reference)]
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(trace["reference_log_probability"], np.log(own), atol=1e-9)
    for length in range(1, len(reference) + 1):
        inside = tuple(reference[:length]) in paths
        assert inside == (not fell or length < fell)
        if not fell or length <= fell:
            rank = int(trace["reference_rank"].values[length - 1])
            margin = trace["reference_margin"].values[length - 1]
            assert (margin <= 1e-9) if inside else (margin >= -1e-9)
            assert inside == (rank <= width and margin < math.inf)
        else:
            assert trace["reference_rank"].values[length - 1] == 0


def test_a_reference_that_was_not_forced_was_forced_off() -> None:
    trace = search_table(NOTES, ["A", "B"], reference="A C B", width=2, longest=4)
    assert (trace.attrs["reference_fell"], trace.attrs["reference_forced_off"]) == (2, 1)
    trace = search_table(NOTES, ["A", "C"], reference="A C B", width=2, longest=4)
    assert (trace.attrs["reference_fell"], trace.attrs["reference_forced_off"]) == (0, 0)
    assert trace["reference_rank"].values.tolist() == [0, 0, 1, 1]


def test_the_reference_s_place_among_all_sentences() -> None:
    trace = search_table(NOTES, reference="A C B", method="exhaustive", longest=4,
                         length_penalty=0.0)
    table = Table.parse(NOTES)
    better = sum(p > 0.054 + 1e-12 for _, p in every(table, 4))
    assert trace.attrs["reference_place"] == better + 1


def test_samples_follow_the_table() -> None:
    table = Table.parse(NOTES)
    trace = run(table, method="sampling", samples=500, longest=4, seed=3)
    assert int(trace["drawn"].values[trace["depth"].values == 1].sum()) == 500
    first = {label: int(count) for label, count, depth in zip(
        trace["label"].values, trace["drawn"].values, trace["depth"].values, strict=True)
        if depth == 1}
    for label, share in zip(table.words, table.row([]), strict=True):
        assert first[label] / 500 == pytest.approx(share, abs=0.07)
    parent, drawn = trace["parent"].values, trace["drawn"].values
    for node in np.flatnonzero(trace["expanded"].values)[1:]:
        assert drawn[parent == node].sum() == drawn[node]
    again = run(table, method="sampling", samples=500, longest=4, seed=3)
    xr.testing.assert_identical(trace, again)


@pytest.mark.parametrize("asked", [{"top_k": 1}, {"top_p": 0.01}, {"temperature": 0.05}])
def test_samples_may_be_cold(asked: dict[str, Any]) -> None:
    trace = run(Table.parse(NOTES), method="sampling", longest=4, samples=20, **asked)
    paths = {tuple(sentence(trace, n)) for n in range(1, trace.sizes["node"])
             if trace["drawn"].values[n]}
    assert paths == {(0,), (0, 1), (0, 1, 2), (0, 1, 2, 3)}


def test_reading_a_sentence_gives_a_guess_for_each_word() -> None:
    stepper = TableStepper(Table.parse(NOTES))
    before, guesses = follow(stepper, [0, 2, 1, 3])
    assert [round(float(p[t].exp()), 3) for p, t in zip(before, [0, 2, 1, 3], strict=True)] == [
        0.5, 0.3, 0.6, 0.6]
    assert len(guesses) == 4
