"""The formulas of a decoding step, filled with its numbers, are true of them."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import xarray as xr

from explorer.models.seq2seq import Seq2Seq
from explorer.ui.alignment import formulas, power


@pytest.mark.parametrize(("number", "said"), [
    (1.0, "1"), (1234.4, "1234"), (0.0005, "0.0005"), (9999.96, r"1.000 \cdot 10^{4}"),
    (5.3634e12, r"5.363 \cdot 10^{12}"), (2.5e-22, r"2.500 \cdot 10^{-22}")])
def test_a_long_number_is_written_with_a_power_of_ten(number: float, said: str) -> None:
    assert power(math.log(number)) == said


@pytest.mark.parametrize("highest", [-60.0, 2.0, 29.3, 800.0])
def test_the_weight_of_local_attention_is_what_its_formula_says(highest: float) -> None:
    """Also where e^score has no place in a float."""
    score, centre = highest - np.array([2.0, 0.5, 0.0, 1.0, 900.0]), 1.8
    away = np.arange(5) - centre
    share = np.exp(score - highest) * (abs(away) <= 3)
    weights = share / share.sum() * np.exp(-2 * (away / 3) ** 2)
    over = ("layer", "head", "query", "key")
    trace = xr.Dataset(
        {"scores": (over, score[None, None, None]), "attention": (over, weights[None, None, None]),
         "centre": ("query", [centre])}, {"key_label": ("key", list("abcde"))})
    scored = xr.Dataset({"formula": ("key", ["f"] * 5)})
    said = formulas(Seq2Seq(attention="dot", reach="local"), trace, scored, 0)[2]
    assert "e+" not in said
    found = re.search(r"\\frac\{e\^\{(.*?)\}\}\{(.*?)(?: \\cdot 10\^\{(-?\d+)\})?\} \\cdot", said)
    assert found is not None
    tens = float(found[1]) / math.log(10) - int(found[3] or 0)  # e^score / 10^…
    bell = math.exp(-((2 - centre) ** 2) / (2 * 1.5**2))
    assert 10**tens / float(found[2]) * bell == pytest.approx(weights[2], rel=1e-3)
    assert said.endswith(f"= {weights[2]:.3f}")
