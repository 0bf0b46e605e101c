"""A figure that is kept is never shown for another text, run, step or choice; nor a run that was
trained again as the one that it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
import xarray as xr

from explorer.store import Store
from explorer.ui.backend import draw, open_run
from explorer.work import work
from tests.training.small import small


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


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store of the test's own behind the pages, empty."""
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path))
    st.cache_resource.clear()
    yield Store(str(tmp_path), pretrained="")
    st.cache_resource.clear()


def test_a_finished_run_is_read_once_and_anew_when_it_was_trained_again(shelf: Store) -> None:
    key = small().key
    work(shelf, small())
    shelf.claim("me", key)
    run = open_run(key)
    assert run.status == "finished"
    assert open_run(key) is run
    shelf.delete("me", key)
    work(shelf, small(), until=3)
    run = open_run(key)
    assert (run.status, run.snapshots[-1], run.history["step"].max()) == ("paused", 3, 3)
