"""Each habit is recognised where it is planted, and nothing is said of weights without one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.probes.head_tests import QUERIES, TESTS, Found, names, separates, toward

T = 40
Array = NDArray[np.float64]
# Words of two to four letters from six, with blanks and stops between them.
IDS = np.random.default_rng(3).integers(2, 8, T)
IDS[[4, 8, 11, 16, 20, 23, 28, 32, 36]] = 0
IDS[[12, 24, 37]] = 1
SEPARATOR = IDS < 2


def even(length: int = T) -> Array:
    return np.tril(np.ones((length, length))) / np.arange(1, length + 1)[:, None]


def planted(targets: NDArray[np.bool_], share: float = 1.0) -> Array:
    """A share of each query's weight on its targets, evenly, and the rest on all; of a query
    without targets all of it."""
    targets = np.tril(targets)
    count = targets.sum(-1, keepdims=True)
    on = np.divide(targets, count, out=np.zeros(targets.shape), where=count > 0)
    return np.where(count > 0, share * on + (1 - share) * even(len(targets)), even(len(targets)))


def first() -> NDArray[np.bool_]:
    targets = np.zeros((T, T), bool)
    targets[:, 0] = True
    return targets


def after() -> NDArray[np.bool_]:
    """j, where what stood at j − 1 stands at t: by loops, as a second way of saying it."""
    return np.array([[0 < j < t - 1 and IDS[j - 1] == IDS[t] != IDS[j] for j in range(T)]
                     for t in range(T)])


PLANTED = {
    "previous": np.eye(T, k=-1, dtype=bool),
    "first": first(),
    "same": np.array([[j < t - 1 and IDS[j] == IDS[t] for j in range(T)] for t in range(T)]),
    "induction": after(),
    "separator": np.array([[j < t and bool(SEPARATOR[j]) for j in range(T)] for t in range(T)]),
    "distance": np.array([[t - j in (0, 3, 5) for j in range(T)] for t in range(T)]),
}


def judged(attention: Array, ids: NDArray[np.int64] = IDS) -> dict[str, Found]:
    separator = ids < 2
    return {name: test(attention, ids.tolist(), separator) for name, test in TESTS.items()}


@pytest.mark.parametrize("share", [1.0, 0.6])
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_habit_is_named(name: str, share: float) -> None:
    found = judged(planted(PLANTED[name], share))
    assert found[name].passed
    assert str(names(found)) == name


def test_a_kernel_of_distance_is_found() -> None:
    t, j = np.indices((T, T))
    weights = np.tril(np.exp(-((t - j - 6) ** 2) / 8.0))
    found = judged(weights / weights.sum(-1, keepdims=True))
    assert str(names(found)) == "distance"
    assert float(found["distance"].score) > 0.7


def test_of_even_weights_nothing_is_said_and_they_are_just_chance() -> None:
    found = judged(even())
    assert str(names(found)) == ""
    for each in found.values():
        assert float(each.score) == pytest.approx(each.chance)
        assert float(each.excess) == pytest.approx(0, abs=1e-9)


def random(rng: np.random.Generator, heads: int, length: int, sharpness: float) -> Array:
    """Heads whose scores are normal numbers times a sharpness."""
    scores = np.where(np.tri(length, dtype=bool), rng.normal(size=(heads, length, length)), -np.inf)
    weights = np.exp(sharpness * (scores - scores.max(-1, keepdims=True)))
    found: Array = weights / weights.sum(-1, keepdims=True)
    return found


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 48),
       sharpness=st.sampled_from([0.1, 1.0, 3.0, 30.0]), letters=st.integers(2, 12))
def test_of_random_weights_nothing_is_said(
    seed: int, length: int, sharpness: float, letters: int
) -> None:
    """However sharp, however short: of 200 heads at most 4, where one in a thousand is expected to
    be called something by luck."""
    rng = np.random.default_rng(seed)
    found = judged(random(rng, 200, length, sharpness), rng.integers(0, letters, length))
    assert (names(found) != "").sum() <= 4


def test_hardly_one_in_a_thousand_random_heads_is_named() -> None:
    rng = np.random.default_rng(7)
    named = sum((names(judged(random(rng, 500, length, sharpness),
                              rng.integers(0, letters, length))) != "").sum()
                for length in (13, 20, 32) for sharpness in (1.0, 30.0) for letters in (3, 12))
    assert named <= 6  # of 6,000


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_score_is_a_share_and_does_not_exceed_what_is_possible(seed: int) -> None:
    rng = np.random.default_rng(seed)
    attention = np.stack([planted(rng.random((T, T)) < 0.1, share) for share in (0, 0.5, 1)])
    for found in judged(attention).values():
        assert ((found.score >= 0) & (found.score <= 1 + 1e-9)).all()
        assert (found.excess <= 1 + 1e-9).all()


def test_the_numbers_by_hand() -> None:
    """Three tokens; the token before gets 1 of 1/2 and 0.5 of 1/3."""
    attention = np.array([[1, 0, 0], [1, 0, 0], [0.25, 0.5, 0.25]])
    found = TESTS["previous"](attention, [0, 1, 2], np.zeros(3, bool))
    assert float(found.score) == pytest.approx(0.75)
    assert found.chance == pytest.approx(5 / 12)
    assert float(found.excess) == pytest.approx((0.75 - 5 / 12) / (7 / 12))
    # Var(1, 0) = 1/4; Var(1/4, 1/2, 1/4) = 1/72; one of n: m (n − m) / (n − 1) = 1
    assert float(found.sure) == pytest.approx((1.5 - 5 / 6) / np.sqrt(1 / 4 + 1 / 72))
    assert (found.queries, bool(found.passed)) == (2, False)


def test_how_sure_it_is_agrees_with_shuffling() -> None:
    """The closed form of the standard deviation, against shuffles of each query's weights."""
    rng = np.random.default_rng(0)
    attention = planted(rng.random((T, T)) < 0.2, 0.7)
    targets = np.tril(rng.random((T, T)) < 0.3, -1)
    found = toward(attention, targets)
    asks = targets.any(-1)
    sums = []
    for _ in range(2000):
        shuffled = np.zeros_like(attention)
        for t in range(T):
            shuffled[t, : t + 1] = rng.permutation(attention[t, : t + 1])
        sums.append((shuffled * targets)[asks].sum())
    observed = (attention * targets)[asks].sum()
    assert float(found.sure) == pytest.approx(
        (observed - np.mean(sums)) / np.std(sums), abs=0.15)


def test_a_run_of_one_token_is_the_token_before_and_no_induction() -> None:
    ids = np.full(T, 5)
    found = judged(planted(PLANTED["previous"]), ids)
    assert str(names(found)) == "previous"
    assert found["induction"].queries == 0
    assert np.isnan(found["induction"].score)


@pytest.mark.parametrize("length", range(1, QUERIES + 1))
def test_too_few_tokens_say_nothing(length: int) -> None:
    found = judged(np.eye(length, k=-1) + np.eye(length) * (np.arange(length) == 0),
                   np.arange(length) + 2)
    assert str(names(found)) == ""


def test_each_head_is_judged_by_itself() -> None:
    attention = np.stack([[planted(PLANTED["previous"]), even()],
                          [even(), planted(PLANTED["induction"])]])
    assert names(judged(attention)).tolist() == [["previous", ""], ["", "induction"]]


@pytest.mark.parametrize(("label", "apart"), [
    (" ", True), ("\n", True), ("”", True), ("。", True), (" the", False), ("你", False),
    ("7", False), ("<unk>", False), ("", True)])
def test_what_separates(label: str, apart: bool) -> None:
    assert separates(label) is apart
