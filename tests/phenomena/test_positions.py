"""Sinusoids are rotations (phenomenon 17); without positions, attention is a bag of words (18;
Vaswani et al. 2017)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.models.transformer import Transformer
from explorer.probes.positions import positions
from tests.phenomena.seeds import SEEDS

# PE(p) · PE(p + k) at d = 32, by k.
PRODUCTS = {1: 15.314, 2: 13.730, 3: 12.272, 10: 10.059, 50: 5.899}
V, T = 13, 20


@pytest.mark.phenomena
@pytest.mark.parametrize("k", PRODUCTS)
def test_products_depend_on_the_distance_alone(k: int) -> None:
    found = positions("sinusoidal", length=256, width=32)
    products = found["dot"].values[:, k]  # from each start
    np.testing.assert_allclose(products, PRODUCTS[k], atol=5e-4)
    every = found["encoding"].values
    np.testing.assert_allclose((every[:-k] * every[k:]).sum(1), products[0], atol=1e-12)


@pytest.mark.phenomena
@pytest.mark.parametrize("d", [8, 32, 128])
def test_places_further_on_are_a_rotation_away_and_all_as_long(d: int) -> None:
    for k in (1, 2, 7, 64):
        found = positions("sinusoidal", length=256, width=d, distance=k)
        further = positions("sinusoidal", length=256 + k, width=d)["encoding"].values[k:]
        assert np.abs(found["turned"].values - further).max() < 1e-12
        assert found.attrs["error"] < 1e-12
        np.testing.assert_allclose(found["squared"], d / 2, rtol=1e-12)


def encoder(kind: str, seed: int) -> torch.nn.Module:
    """One that sees the whole text, as it is before training: what holds, holds for any weights."""
    torch.manual_seed(seed)
    made = Transformer(hidden=16, layers=2, heads=2, positions=kind)
    return made.reader(V, causal=False).double().eval()


def moved(kind: str, seed: int) -> float:
    """By how much the outputs for a permuted text differ from the permuted outputs."""
    order = torch.Generator().manual_seed(seed)
    text = torch.randint(0, V, (T,), generator=order)
    permuted = torch.randperm(T, generator=order)
    network = encoder(kind, seed)
    with torch.no_grad():
        as_written, as_permuted = (network(ids[:, None])[0] for ids in (text, text[permuted]))
    return float((as_written[permuted] - as_permuted).abs().max())


@pytest.mark.phenomena
def test_without_positions_what_is_permuted_comes_out_permuted() -> None:
    for seed in SEEDS:
        assert moved("none", seed) < 1e-6


@pytest.mark.phenomena
@pytest.mark.parametrize("kind", ["sinusoidal", "learned", "rotary", "alibi"])
def test_with_positions_it_does_not(kind: str) -> None:
    for seed in SEEDS:
        assert moved(kind, seed) > 1e-3
