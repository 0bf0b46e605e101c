"""Kernel regression against loops, and a width that goes downhill."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from explorer.errors import DataError
from explorer.models.kernels import KERNELS
from explorer.probes.kernel_regression import WIDTHS, kernel_regression, leave_one_out
from tests.models.test_kernels import VALUES


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_estimate_is_the_weighted_mean(kernel: str) -> None:
    found = kernel_regression(kernel, width=0.7, examples=12, seed=2)
    x, y = found["x"].values, found["y"].values
    for at, estimate, weights in zip(found["at"].values, found["estimate"].values,
                                     found["attention"].values, strict=True):
        counts = np.array([VALUES[kernel]((at - each) / 0.7) for each in x])
        if counts.any():
            assert estimate == pytest.approx(counts @ y / counts.sum())
            np.testing.assert_allclose(weights, counts / counts.sum(), atol=1e-12)
        else:
            assert math.isnan(estimate)
            assert not weights.any()
    truth = 2 * np.sin(found["at"]) + found["at"] ** 0.8
    np.testing.assert_allclose(found["truth"], truth)


def test_examples_are_the_truth_but_for_the_noise() -> None:
    clean = kernel_regression(noise=0.0)
    np.testing.assert_allclose(clean["y"], 2 * np.sin(clean["x"]) + clean["x"] ** 0.8)
    noisy = kernel_regression(noise=0.5)
    assert 0.3 < float((noisy["y"] - clean["y"]).std()) < 0.7


@pytest.mark.parametrize("kernel", KERNELS)
def test_leaving_one_out_is_leaving_one_out(kernel: str) -> None:
    x, y = [0.0, 0.4, 1.0, 4.0], [1.0, 2.0, 4.0, 9.0]
    errors = []
    for i in range(4):
        others = [j for j in range(4) if j != i]
        counts = [VALUES[kernel]((x[i] - x[j]) / 0.9) for j in others]
        if not any(counts):
            counts = [1.0] * 3  # the mean of the others
        guess = sum(c * y[j] for c, j in zip(counts, others, strict=True)) / sum(counts)
        errors.append((guess - y[i]) ** 2)
    found = leave_one_out(kernel, torch.tensor(x).double(), torch.tensor(y).double(),
                          torch.tensor(0.9).double())
    assert float(found) == pytest.approx(np.mean(errors))


@pytest.mark.parametrize("kernel", [name for name in KERNELS if KERNELS[name].learns])
@pytest.mark.parametrize("start", [1.0, 4.0])
def test_the_width_goes_downhill_to_where_the_error_is_least(kernel: str, start: float) -> None:
    found = kernel_regression(kernel, width=start, seed=1, learnt=True)
    errors = found["error"].values
    assert errors[-1] < 0.95 * errors[0]
    assert errors[-1] < 1.05 * found["left_out"].values.min()
    assert found["width"].values[0] == pytest.approx(start)
    assert found.attrs["used"] == found["width"].values[-1] != start


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("examples", [2, 100])
def test_the_ends_of_every_range_are_numbers(kernel: str, width: float, examples: int) -> None:
    found = kernel_regression(kernel, width=width, examples=examples, learnt=True)
    assert np.isfinite(found["error"]).all()
    assert np.isfinite(found["left_out"]).all()
    assert int(np.isnan(found["estimate"]).sum()) == found.attrs["unreached"]


@pytest.mark.parametrize(("change", "words"), [
    ({"kernel": "box"}, "no kernel called “box”"), ({"width": 0.0}, "width must lie between"),
    ({"width": math.nan}, "width must lie between"), ({"examples": 1}, "2 to 100 examples"),
    ({"noise": -1.0}, "noise of 0 to 10"),
    ({"kernel": "boxcar", "learnt": True}, "no slope to go down")])
def test_what_cannot_be_is_said(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        kernel_regression(**change)
