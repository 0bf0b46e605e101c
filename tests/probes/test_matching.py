"""Select and match, by hand and against a search that looks at every run of tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.errors import DataError
from explorer.probes import Opened
from explorer.probes.capture import trace
from explorer.probes.corpus import Corpus
from explorer.probes.matching import LISTED, margins, rank, select_and_match

SENTENCE = 'a cat sat on "the mat" (flat).'


@pytest.fixture
def opened(ahead: Opened) -> Opened:
    """A text read from both ends has no states that depend on its past alone."""
    return ahead


def test_on_throughout_and_off_around_by_hand() -> None:
    values = np.array([
        # span: tokens 1 and 2
        [0.1, 0.9, -0.2, 0.0, 0.25],
        [0.5, 0.9, -0.6, 0.0, 0.50],
        [0.6, 0.9, -0.7, 0.9, 0.60],
        [0.2, 0.9, 0.9, 0.0, 0.10],
    ], np.float32)  # (token, unit)
    found = margins(values, 1, 3)
    # 0: on and off; 1: on around too; 2: on below zero, above it after; 3: not on at token 1
    np.testing.assert_array_equal(found.chosen(0.3), [True, False, True, False, True])
    np.testing.assert_array_equal(found.sign[[0, 2, 4]], [1, -1, 1])
    np.testing.assert_array_equal(found.chosen(0.2), [True, False, True, False, False])
    np.testing.assert_allclose([found.most[0], found.least[0]], [0.2, 0.5])


def test_the_ends_of_the_text_are_off_before_and_unknown_after() -> None:
    values = np.array([[0.9, -0.9], [0.9, 0.9]], np.float32)
    assert margins(values, 0, 2).chosen(0.5).tolist() == [True, False]
    assert margins(values, 0, 1).chosen(0.5).tolist() == [False, True]
    assert margins(values, 1, 2).chosen(0.5).tolist() == [False, True]


def test_places_by_hand() -> None:
    on = np.array([
        [0, 1, 1, 0, 0, 1, 0, 1, 1, 1],
        [0, 1, 1, 0, 1, 1, 0, 0, 1, 0],
    ], bool)  # (chosen, token)
    places = rank(on, length=2)
    assert list(zip(*(part.tolist() for part in places), strict=True)) == [
        (1, 3, 2, 2),  # both on, both off around, as long as the span
        (5, 6, 2, 1),  # both on; one of them was on right before
        (8, 9, 2, 1),  # both on; one of them was on right before and after
    ]


def test_with_fewer_together_a_place_that_holds_a_better_one_is_not_listed_again() -> None:
    on = np.array([
        [1, 1, 1, 0, 0, 1],
        [0, 1, 0, 0, 0, 0],
        [0, 1, 0, 0, 1, 1],
    ], bool)
    places = rank(on, length=1)
    assert list(zip(places.start.tolist(), places.stop.tolist(), places.together.tolist(),
                    strict=True)) == [(1, 2, 3), (5, 6, 2)]


def by_looking_everywhere(on: np.ndarray, length: int) -> list[tuple[int, int, int, int]]:
    """Every run of tokens of every level down to half, tested one by one."""
    m, T = on.shape
    count, found = on.sum(0), []
    for level in range(m, (m - 1) // 2, -1):
        for a in range(T):
            for b in range(a + 1, T + 1):
                whole = (count[a:b] >= level).all() and count[a:b].max() == level
                if whole and (a == 0 or count[a - 1] < level) and (b == T or count[b] < level):
                    before = on[:, a - 1] if a else np.zeros(m, bool)
                    after = on[:, b] if b < T else np.zeros(m, bool)
                    found.append((a, b, level, int((~before & ~after).sum())))
        if len(found) >= LISTED:
            break
    return sorted(found, key=lambda p: (-p[2], -p[3], abs(p[1] - p[0] - length), p[0]))


@settings(max_examples=150, deadline=None)
@given(
    on=st.integers(1, 6).flatmap(
        lambda m: st.integers(1, 24).flatmap(lambda T: arrays(bool, (m, T)))),
    length=st.integers(1, 5),
)
def test_places_are_those_of_a_search_that_looks_everywhere(on: np.ndarray, length: int) -> None:
    places = rank(on, length)
    ours = list(zip(*(part.tolist() for part in places), strict=True))
    assert ours == by_looking_everywhere(on, length)


def test_more_units_than_a_byte_can_count() -> None:
    places = rank(np.ones((300, 4), bool), 1)
    assert places.together.tolist() == [300]


def test_it_is_what_the_trace_says(opened: Opened) -> None:
    start, stop, threshold = 2, 5, 0.05
    seen = select_and_match(opened, SENTENCE, start, stop, threshold)
    values = trace(opened, SENTENCE)["hidden"].values[0, 0]
    expected = {}
    for unit in range(12):
        for sign in (1, -1):
            line = sign * values[:, unit]
            around = max(line[start - 1], line[stop])
            if (line[start:stop] > threshold).all() and around <= threshold:
                expected[unit] = sign
    assert dict(zip(seen["unit"].values.tolist(), seen["sign"].values.tolist(), strict=True)) == (
        expected)
    assert seen.sizes["place"] == min(LISTED, seen.attrs["found"])
    if not expected:
        return
    corpus = Corpus(opened)
    corpus.go_on()
    on = np.stack([sign * corpus.row(unit) > threshold for unit, sign in expected.items()])
    content = "".join(corpus.labels)
    for i in range(seen.sizes["place"]):
        a, b = int(seen["start"][i]), int(seen["stop"][i])
        assert (on[:, a:b].sum(0) >= int(seen["together"][i])).all()
        assert str(seen["hit"].values[i]) == content[a:b]
        assert str(seen["before"].values[i]) == content[max(0, a - 32) : a]
        assert str(seen["after"].values[i]) == content[b : b + 32]


def test_shares_are_of_the_tokens_found(lstm: Opened) -> None:
    seen = select_and_match(lstm, SENTENCE, 2, 3, 0.0)
    assert seen.sizes["chosen"]
    assert seen.attrs["found"] <= LISTED or seen.attrs["found"] == seen.attrs["all"]
    content = "".join(lstm.corpus.labels)
    base = dict(zip(seen["kind"].values, seen["base"].values, strict=True))
    assert base["spaces"] == pytest.approx(content.count(" ") / len(content))
    assert base["vowels"] == pytest.approx(sum(map(content.count, "aeiou")) / len(content))


def test_one_token_is_a_span(lstm: Opened) -> None:
    seen = select_and_match(lstm, SENTENCE, 4, 5, 0.01)
    assert (seen.attrs["first"], seen.attrs["last"]) == (4, 4)
    assert select_and_match(lstm, "a", 0, 1, 0.01).sizes["token"] == 1


def test_when_no_unit_holds_the_span_the_nearest_is_told(lstm: Opened) -> None:
    seen = select_and_match(lstm, SENTENCE, 0, len(SENTENCE), 0.99)
    assert seen.sizes["chosen"] == 0
    assert seen.sizes["place"] == 0
    unit, sign = seen.attrs["nearest"], seen.attrs["nearest_sign"]
    line = sign * trace(lstm, SENTENCE)["hidden"].values[0, 0, :, unit]
    assert seen.attrs["nearest_least"] == pytest.approx(float(line.min()), abs=1e-6)
    every = trace(lstm, SENTENCE)["hidden"].values[0, 0]
    best = max((sign * every).min(0).max() for sign in (1, -1))
    assert seen.attrs["nearest_least"] == pytest.approx(float(best), abs=1e-6)


def test_the_nearest_would_be_chosen_at_the_threshold_that_is_told(lstm: Opened) -> None:
    told = select_and_match(lstm, SENTENCE, 6, 7, 0.999).attrs
    assert told["nearest_least"] > told["nearest_most"]
    between = (told["nearest_least"] + told["nearest_most"]) / 2
    found = select_and_match(lstm, SENTENCE, 6, 7, between)
    assert told["nearest"] in found["unit"].values


@pytest.mark.parametrize(
    ("start", "stop", "threshold", "message"),
    [
        (-1, 2, 0.3, "Tokens -1 to 1 are no span"), (3, 3, 0.3, "no span of this text"),
        (0, 31, 0.3, "which has 30"), (0, 2, -0.1, "must be 0 or more"),
        (0, 2, float("nan"), "must be 0 or more"),
    ],
)
def test_what_is_no_span_is_said(
    lstm: Opened, start: int, stop: int, threshold: float, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        select_and_match(lstm, SENTENCE, start, stop, threshold)
