"""A figure that is kept is never shown for another text, run, step or choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from explorer.ui.backend import draw


def trace(labels: str = "abc", run: str = "0" * 32, step: int = 7, seed: int = 0) -> xr.Dataset:
    """What an LSTM's forget gates might say: 1 layer, 4 units."""
    values = np.random.default_rng(seed).random((1, 1, len(labels), 4), np.float32)
    return xr.Dataset(
        {"forget": (("layer", "direction", "token", "unit"), values),
         "label": ("token", list(labels))},
        attrs={"run": run, "step": step, "model": "LSTM"})


def heights(drawn: Any) -> list[float]:
    return [float(value) for value in drawn.data["forget"]]


@pytest.mark.parametrize("other", [
    {"labels": "abd"}, {"labels": "ab"}, {"run": "1" * 32}, {"step": 8}])
def test_another_trace_is_another_picture(other: dict[str, Any]) -> None:
    for view, options in (("gates", {}), ("units", {"chosen": [1, 2]})):
        first = draw(view, trace(), **options)
        second = draw(view, trace(seed=1, **other), **options)
        assert heights(first) != heights(second)


def test_another_choice_is_another_picture() -> None:
    first, second = (draw("units", trace(), chosen=[unit]) for unit in (1, 2))
    assert heights(first) != heights(second)


def test_the_same_is_drawn_once() -> None:
    assert draw("units", trace(), chosen=[1]) is draw("units", trace(), chosen=[1])
