"""What is left of the softmax: every number against a second way to get it."""

import math

import numpy as np
import pytest
import torch

from explorer.errors import DataError
from explorer.probes.softmax_left import SIZES, _measure, softmax_left


def test_the_gradient_that_is_left_is_that_of_autograd() -> None:
    scores = 3 * torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    measured = _measure(scores, 9.0)

    def left(row: torch.Tensor) -> float:
        jacobian = torch.autograd.functional.jacobian(lambda s: s.softmax(-1), row)
        even = torch.autograd.functional.jacobian(lambda s: s.softmax(-1), 0 * row)
        return float(jacobian.abs().sum() / even.abs().sum())

    assert measured["left"] == pytest.approx(np.mean([left(row) for row in scores]))
    assert measured["median"] == pytest.approx(np.median([left(row) for row in scores]))
    weights = scores.softmax(-1)
    entropy = torch.distributions.Categorical(weights).entropy().mean() / math.log(4)
    assert measured["entropy"] == pytest.approx(float(entropy))
    np.testing.assert_allclose(np.sum(measured["sorted"]), 1)  # type: ignore[arg-type]


def test_even_scores_leave_everything_and_a_sure_choice_nothing() -> None:
    assert _measure(torch.zeros(3, 4, dtype=torch.float64), 1.0)["left"] == pytest.approx(1)
    sure = torch.tensor([[900.0, 0, 0, 0]], dtype=torch.float64)
    assert _measure(sure, 1.0)["left"] == pytest.approx(0)
    assert _measure(sure, 1.0)["entropy"] == pytest.approx(0)


def test_every_size_has_its_numbers() -> None:
    found = softmax_left(keys=8, seed=1)
    assert found.sizes == {"scale": 2, "size": len(SIZES), "place": 8, "bin": 81, "border": 82}
    inside = (found["density"] * found["edge"].diff("border").values).sum("bin")
    assert (inside > 0.98).all()
    assert (inside < 1 + 1e-12).all()
    one = found.sel(size=1)
    assert one["left"].sel(scale="off") == one["left"].sel(scale="on"), "√1 changes nothing"


@pytest.mark.parametrize("keys", [1, 65])
def test_out_of_range(keys: int) -> None:
    with pytest.raises(DataError, match="2 to 64 keys"):
        softmax_left(keys=keys)
