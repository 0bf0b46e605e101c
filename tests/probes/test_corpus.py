"""Kept states = computed states, however they were read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.errors import DataError
from explorer.models import Model
from explorer.probes import Opened
from explorer.probes import corpus as module
from explorer.probes.corpus import Corpus, cache
from tests.probes.conftest import open_trained


@pytest.fixture
def opened(ahead: Opened) -> Opened:
    """A text read from both ends has no states that depend on its past alone."""
    return ahead


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Chunks so small that a short text has many, in a cache of its own."""
    monkeypatch.setattr(module, "CHUNK", 100)
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))


def computed(opened: Opened, name: str, layer: int) -> np.ndarray:
    """By the whole network at once (hidden), by the cell's own lines (cell)."""
    ids = torch.from_numpy(opened.corpus.ids)
    network, spec = opened.network, opened.network.spec
    with torch.no_grad():
        x = network.read(ids)
        for number in range(layer):
            x, _ = network.layer(number)(x)
        if name == "hidden":
            return network.layer(layer)(x)[0].numpy()
        state, cells = network.start(), []
        for x_t in x:
            state = spec.step(x_t, state, network.weights(layer))
            cells.append(state[1])
    return torch.stack(cells).numpy()


def kinds(opened: Opened) -> list[tuple[str, int]]:
    spec = opened.network.spec
    names = [name for name in ("hidden", "cell") if name in spec.observes]
    return [(name, layer) for name in names for layer in range(spec.layers)]


def test_what_is_kept_is_what_is_computed_to_half_a_step(opened: Opened) -> None:
    for name, layer in kinds(opened):
        kept = Corpus(opened, layer, name)
        assert kept.go_on() == len(opened.corpus)
        expected = computed(opened, name, layer)
        reached = np.abs(expected).max()
        assert kept.error <= reached / 65_534 * 1.01
        everything = kept.at(np.arange(kept.read))
        np.testing.assert_allclose(everything, expected, atol=kept.error + 5e-6, rtol=1e-5)
        np.testing.assert_array_equal(kept.row(3), everything[:, 3])


def test_on_and_off_are_those_of_the_kept_values(opened: Opened) -> None:
    kept = Corpus(opened)
    kept.go_on()
    for unit in range(12):
        for threshold in (0.0, 0.1, 0.5):
            for sign in (1, -1):
                np.testing.assert_array_equal(
                    kept.above(unit, threshold, sign), sign * kept.row(unit) > threshold)


def test_reading_goes_on_where_another_left_off(lstm: Opened) -> None:
    whole = Corpus(lstm)
    whole.go_on()
    expected = np.array(whole.states)
    os.remove(cache() / whole.name / "carry.npz")
    (cache() / whole.name / "states").write_bytes(b"")
    first = Corpus(lstm)
    assert first.go_on(until=250) == 300  # whole chunks
    second = Corpus(lstm)
    assert second.read == 300
    second.go_on()
    np.testing.assert_array_equal(second.states, expected)
    assert Corpus(lstm).read == len(lstm.corpus)


def test_it_stops_when_its_time_is_over(lstm: Opened) -> None:
    kept = Corpus(lstm)
    assert kept.go_on(seconds=0) == 0
    assert 0 < kept.go_on(seconds=1e-9) <= 100 or kept.read == 0


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"PK\x03\x04nonsense"])
def test_a_damaged_entry_is_read_anew(lstm: Opened, damage: bytes) -> None:
    kept = Corpus(lstm)
    kept.go_on()
    expected = kept.at(np.arange(kept.read))
    (cache() / kept.name / "carry.npz").write_bytes(damage)
    again = Corpus(lstm)
    assert again.read == 0
    again.go_on()
    np.testing.assert_array_equal(again.at(np.arange(again.read)), expected)


def test_other_weights_are_another_entry(lstm: Opened) -> None:
    other = open_trained(Model.parse({"kind": "lstm", "hidden": 12, "embedding": 6}), steps=2)
    names = {Corpus(lstm).name, Corpus(other).name, Corpus(lstm, observation="cell").name}
    assert len(names) == 3


def test_a_long_text_is_read_in_part(lstm: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 150)
    kept = Corpus(lstm)
    assert (kept.go_on(), kept.size, kept.of) == (150, 150, len(lstm.corpus))
    assert kept.row(0).shape == (150,)


def test_entries_used_longest_ago_make_room(
    opened: Opened, lstm: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Corpus(opened)
    old.go_on()
    os.utime(cache() / old.name / "carry.npz", (1, 1))
    os.utime(cache() / old.name / "states", (1, 1))
    monkeypatch.setattr(module, "LIMIT", 0)
    new = Corpus(lstm, observation="cell")
    new.go_on()
    assert [folder.name for folder in cache().iterdir()] == [new.name]


def test_only_the_user_may_look_into_an_entry(lstm: Opened) -> None:
    folder = cache() / Corpus(lstm).name
    assert folder.stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_a_cache_that_cannot_be_written_is_said(
    lstm: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="another folder in EXPLORER_CACHE"):
        Corpus(lstm)


@pytest.mark.parametrize(
    ("layer", "name", "message"),
    [(0, "forget", "has no “forget”"), (1, "hidden", "no layer 2"), (-1, "hidden", "no layer 0")],
)
def test_what_is_not_there_is_said(lstm: Opened, layer: int, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Corpus(lstm, layer, name)


def test_a_state_beyond_all_numbers_is_said() -> None:
    opened = open_trained(
        Model.parse({"kind": "rnn", "activation": "relu", "hidden": 12, "embedding": 6}), steps=1)
    with torch.no_grad():
        opened.network.core.weight_hh_l0.fill_(9.0)
        opened.network.core.bias_ih_l0.fill_(1.0)
    with pytest.raises(DataError, match="grows beyond all numbers"):
        Corpus(opened).go_on()
