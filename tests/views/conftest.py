"""A trace made by hand: the views stand on the trace alone."""

import numpy as np
import pytest
import xarray as xr

LABELS = list('a "cat" <b>&\n')


def make_trace(T: int = len(LABELS), H: int = 5, layers: int = 2, seed: int = 0) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    shape = (layers, 1, T, H)
    dims = ("layer", "direction", "token", "unit")
    labels = (LABELS * (T // len(LABELS) + 1))[:T]
    return xr.Dataset(
        {
            "forget": (dims, rng.random(shape, np.float32)),
            "cell": (dims, rng.normal(size=shape).astype(np.float32) * 2),
        },
        {"label": ("token", labels)},
        {"run": "0" * 32, "step": 7, "model": "LSTM", "kind": "lstm"},
    )


@pytest.fixture
def trace() -> xr.Dataset:
    return make_trace()
