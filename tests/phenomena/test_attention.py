"""Unscaled dot products saturate (phenomenon 16; Vaswani et al. 2017, §3.2.1)."""

from __future__ import annotations

import pytest

from explorer.probes.softmax_left import softmax_left
from tests.phenomena.seeds import SEEDS, held

D = 512


@pytest.mark.phenomena
@pytest.mark.parametrize("keys", [2, 4, 8])
def test_less_than_a_tenth_of_the_gradient_is_left_without_the_scale(keys: int) -> None:
    results = []
    for seed in SEEDS:
        left = softmax_left(keys, seed)["left"].sel(size=D)
        results.append(float(left.sel(scale="off")) < float(left.sel(scale="on")) / 10)
    held(results)


@pytest.mark.phenomena
def test_the_variance_of_a_product_is_its_length_and_the_scale_makes_it_one() -> None:
    for seed in SEEDS:
        variance = softmax_left(2, seed)["variance"]
        for d in (8, 64, D):
            assert float(variance.sel(scale="off", size=d)) == pytest.approx(d, rel=0.1)
            assert float(variance.sel(scale="on", size=d)) == pytest.approx(1, rel=0.1)
