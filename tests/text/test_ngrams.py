"""n-gram models: by hand, against NLTK's, and by the laws that every distribution keeps."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import nltk.lm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from nltk.lm.smoothing import WittenBell as NltkWittenBell
from nltk.util import everygrams

from explorer.text import ngrams
from explorer.text.ngrams import (
    Counts,
    Laplace,
    Smoothing,
    WittenBell,
    chances,
    distribution,
    generate,
    perplexity,
)

A, B, C = 0, 1, 2
TEXT = np.array([A, B, A, A, B, C])  # pairs: AB BA AA AB BC
texts = some.lists(some.integers(0, 4), min_size=1, max_size=60)


def test_counts_by_hand() -> None:
    ones, twos, threes = Counts.of(TEXT, 4, 3).levels
    assert ones.counts.tolist() == [3, 2, 1]
    assert dict(zip(map(tuple, pairs(twos)), twos.counts.tolist(), strict=True)) == {
        (A, A): 1, (A, B): 2, (B, A): 1, (B, C): 1}
    assert twos.totals.tolist() == [3, 2, 0, 0], "after A, B, C, and what is not known"
    assert twos.types.tolist() == [2, 2, 0, 0]
    assert threes.counts.sum() == 4


def pairs(level: ngrams.Level) -> list[tuple[int, int]]:
    return [divmod(int(key), level.V) for key in level.keys]  # contexts are the tokens 0, 1, 2


def test_laplace_by_hand() -> None:
    """After A came A once and B twice: with α = ½ and four tokens, (1 + ½) / (3 + 2)."""
    p = distribution(Counts.of(TEXT, 4, 2), Laplace(0.5), [A], 2)
    assert p.tolist() == pytest.approx([1.5 / 5, 2.5 / 5, 0.5 / 5, 0.5 / 5])
    unseen = distribution(Counts.of(TEXT, 4, 2), Laplace(0.5), [3], 2)
    assert unseen.tolist() == [0.25] * 4


def test_witten_bell_by_hand() -> None:
    """p(B) = (2 + 3/4) / (6 + 3); p(B | A) = (2 + 2 p(B)) / (3 + 2); D was never seen."""
    counts = Counts.of(TEXT, 4, 2)
    p_b, p_d = 2.75 / 9, 0.75 / 9
    assert distribution(counts, WittenBell(), [], 1)[B] == pytest.approx(p_b)
    after_a = distribution(counts, WittenBell(), [A], 2)
    assert after_a[B] == pytest.approx((2 + 2 * p_b) / 5)
    assert after_a[3] == pytest.approx(2 * p_d / 5)
    assert distribution(counts, WittenBell(), [3], 2)[B] == pytest.approx(p_b), "never seen: h′"


@given(ids=texts, held=texts, order=some.integers(1, 4))
def test_laplace_is_nltk_s(ids: list[int], held: list[int], order: int) -> None:
    for alpha in (1.0, 0.1):
        model = nltk.lm.Lidstone(alpha, order)
        fit(model, ids, order)
        assert_same(Laplace(alpha), model, ids, held, order)


class ToUniform(NltkWittenBell):
    """NLTK ends the recursion at the relative frequency, Chen & Goodman at the uniform 1/V."""

    def unigram_score(self, word: str) -> float:
        counts = self.counts.unigrams
        return float((counts[word] + len(counts) / len(self.vocab)) / (counts.N() + len(counts)))


@given(ids=texts, held=texts, order=some.integers(1, 4))
def test_witten_bell_is_nltk_s(ids: list[int], held: list[int], order: int) -> None:
    model = nltk.lm.WittenBellInterpolated(order)
    model.estimator = ToUniform(model.vocab, model.counts)
    fit(model, ids, order)
    assert_same(WittenBell(), model, ids, held, order)


def fit(model: Any, ids: list[int], order: int) -> None:
    """Five tokens, of which NLTK calls one <UNK>."""
    model.fit([list(everygrams([str(i) for i in ids], max_len=order))], ["0", "1", "2", "3", "4"])


def assert_same(
    smoothing: Smoothing, model: Any, ids: list[int], held: list[int], order: int
) -> None:
    V = len(model.vocab)
    found = chances(Counts.of(np.array(ids), V, order), smoothing, np.array(held))[-1]
    for t, p in enumerate(found.tolist(), 1):
        before = [str(i) for i in held[max(0, t - order + 1) : t]]
        assert p == pytest.approx(model.unmasked_score(str(held[t]), tuple(before)), rel=1e-12)


@pytest.mark.parametrize("smoothing", [Laplace(0.3), WittenBell()])
@given(ids=texts, held=texts)
def test_chances_are_a_distribution_s(
    smoothing: Smoothing, ids: list[int], held: list[int]
) -> None:
    counts = Counts.of(np.array(ids), 6, 3)
    found = chances(counts, smoothing, np.array(held))
    for order in (1, 2, 3):
        for t in range(1, len(held)):
            p = distribution(counts, smoothing, held[:t], order)
            assert p.sum() == pytest.approx(1)
            assert (p > 0).all()
            assert p[held[t]] == pytest.approx(found[order - 1, t - 1], rel=1e-12)


@given(ids=some.lists(some.integers(0, 8), max_size=80), held=texts)
def test_sorting_counts_what_tables_count(ids: list[int], held: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        by_table = Counts.of(np.array(ids, np.int64), 9, 4)
        seen = [[part.tolist() for part in level] for level in by_table.look(np.array(held))]
        patch.setattr(ngrams, "DENSE", 0)
        by_sorting = Counts.of(np.array(ids, np.int64), 9, 4)
        assert seen == [[part.tolist() for part in level]
                        for level in by_sorting.look(np.array(held))]
    for n, (one, other) in enumerate(zip(by_table.levels, by_sorting.levels, strict=True), 1):
        expected = Counter(tuple(ids[i : i + n]) for i in range(len(ids) - n + 1))
        for counts, level in ((by_table, one), (by_sorting, other)):
            grams = [counts.gram(n, number) for number in range(len(level.keys))]
            assert dict(zip(grams, level.counts.tolist(), strict=True)) == expected


def test_nothing_counted_is_a_blind_guess() -> None:
    counts = Counts.of(np.zeros(0, np.int64), 7, 3)
    for smoothing in (Laplace(1.0), WittenBell()):
        assert perplexity(chances(counts, smoothing, TEXT)).tolist() == pytest.approx([7] * 3)


def test_perplexity_by_hand() -> None:
    assert perplexity(np.array([0.5, 0.125])).item() == pytest.approx(4)
    assert perplexity(np.array([0.5, 0.0])).item() == math.inf


def test_writing_draws_from_the_model_s_own_chances() -> None:
    counts = Counts.of(TEXT, 4, 2)
    p = distribution(counts, WittenBell(), [A], 2)
    drawn = [generate(counts, WittenBell(), 2, 1, seed, [A])[0] for seed in range(4000)]
    share = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(share, p, atol=4 * 0.5 / math.sqrt(len(drawn)))


def test_writing_is_seeded_and_temperature_sharpens() -> None:
    counts = Counts.of(np.array([A, B, C] * 9 + [A, C]), 3, 3)
    one, again, other = (generate(counts, WittenBell(), 3, 60, seed) for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert len(one) == 60
    surest = generate(counts, WittenBell(), 3, 9, 0, [A, B], temperature=0)
    assert surest == [C, A, B] * 3
    p = distribution(counts, WittenBell(), [A], 2)
    cold = [generate(counts, WittenBell(), 2, 1, seed, [A], 0.5)[0] for seed in range(2000)]
    expected = p**2 / (p**2).sum()
    np.testing.assert_allclose(np.bincount(cold, minlength=3) / 2000, expected, atol=0.04)
