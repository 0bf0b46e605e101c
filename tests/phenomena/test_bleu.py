"""BLEU as in the notes: their worked example, ABCDEF against ABBCD and AB (d2l ch. 10.7)."""

from __future__ import annotations

from math import exp

import pytest

from explorer.text.bleu import brevity, notes_bleu, precisions

pytestmark = pytest.mark.phenomena


def test_the_shares_of_the_notes_example() -> None:
    assert precisions("ABBCD", "ABCDEF", 4) == [4 / 5, 3 / 4, 1 / 3, 0]


def test_the_penalty_of_a_prediction_that_is_too_short() -> None:
    assert precisions("AB", "ABCDEF", 2) == [1, 1]
    assert brevity(2, 6) == pytest.approx(exp(1 - 6 / 2))
    assert notes_bleu("AB", "ABCDEF", 2) == pytest.approx(0.1353, abs=1e-4)


def test_the_score_is_their_weighted_product_and_one_that_is_missed_is_fatal() -> None:
    by_hand = exp(1 - 6 / 5) * (4 / 5) ** 0.5 * (3 / 4) ** 0.25 * (1 / 3) ** 0.125
    assert notes_bleu("ABBCD", "ABCDEF", 3) == pytest.approx(by_hand)
    assert notes_bleu("ABBCD", "ABCDEF", 4) == 0
