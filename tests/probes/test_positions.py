"""Encodings by themselves and of a run; what they are worth, recomputed token by token."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from explorer.errors import DataError, ExperimentError, RunError
from explorer.experiment import Experiment
from explorer.models.positions import Position
from explorer.probes import BARE, Opened, suit
from explorer.probes.places import _begins, places
from explorer.probes.positions import positions, rotation, run_positions
from explorer.text import Tokenizer
from explorer.training.events import Snapshot
from explorer.training.loop import split, train
from tests.probes.conftest import TEXT

WINDOW = 8


def opened_with(kind: str, **more: Any) -> Opened:
    """A small writer with one kind of positions, after a few steps."""
    experiment = Experiment.language_model(TEXT, model={
        "kind": "transformer", "hidden": 8, "layers": 1, "heads": 2, "positions": kind,
        "context": 20}, batch=4, **({"steps": 20, "window": WINDOW, "snapshots": 1} | more))
    tokenizer = Tokenizer.learn(TEXT, experiment.tokens)
    last = [e for e in train(experiment, tokenizer) if isinstance(e, Snapshot)][-1]
    return Opened.from_weights(experiment, tokenizer, last.step, last.weights)


@pytest.fixture(scope="module")
def learned() -> Opened:
    return opened_with("learned")


@pytest.fixture(scope="module")
def bag() -> Opened:
    return opened_with("none")


def test_they_need_no_run() -> None:
    assert BARE["positions"] is positions


@pytest.mark.parametrize("kind", Position.family)
def test_what_each_tells(kind: str) -> None:
    found = positions(kind, length=20, width=6, heads=2, distance=3)
    assert ("encoding" in found) == (kind in ("sinusoidal", "learned", "rotary"))
    assert ("turned" in found) == (kind in ("sinusoidal", "rotary"))
    assert ("bias" in found) == (kind == "alibi")
    assert found.attrs["adds"] == (kind in ("sinusoidal", "learned"))
    assert found.attrs["random"] == (kind == "learned")


def test_products_by_hand() -> None:
    found = positions("rotary", length=10, width=4, distance=2)
    ω = [1.0, 0.01]
    assert found["frequency"].values.tolist() == pytest.approx(ω)
    for row, start in enumerate(found["start"].values):
        for away in range(10):
            value = found["dot"].values[row, away]
            if start + away < 10:
                assert value == pytest.approx(sum(math.cos(w * away) for w in ω))
            else:
                assert math.isnan(value)
    np.testing.assert_allclose(found["wavelength"], [2 * math.pi, 200 * math.pi])


def test_a_rotation_by_hand() -> None:
    turned = rotation(torch.tensor([math.pi / 2, math.pi], dtype=torch.float64))
    wanted = [[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, -1]]
    torch.testing.assert_close(turned, torch.tensor(wanted, dtype=torch.float64))


def test_slopes_and_bias() -> None:
    found = positions("alibi", length=100, heads=4)
    assert found["slope"].values.tolist() == [2.0**-2, 2.0**-4, 2.0**-6, 2.0**-8]
    assert found["lowered"].values[1, 7] == -7 / 16
    assert found["bias"].values[0, 3, 9] == -1.5


def test_the_seed_draws_a_learnt_one() -> None:
    one, same, other = (positions("learned", seed=seed) for seed in (1, 1, 2))
    assert one.identical(same)
    assert not one["encoding"].equals(other["encoding"])
    assert float(one["encoding"].std()) == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize(("change", "words"), [
    ({"length": 1}, "The places must be from 2 to 512"),
    ({"length": 100_000}, "The places must be from 2 to 512"),
    ({"width": 5}, "choose an even number instead of 5"),
    ({"width": 0}, "The numbers of a vector must be from 2"),
    ({"heads": 9}, "The heads must be from 1 to 8"),
    ({"distance": 0}, "The distance must be from 1"),
])
def test_sizes_out_of_range_are_refused_in_words(change: dict[str, int], words: str) -> None:
    with pytest.raises(DataError, match=words):
        positions("sinusoidal", **change)
    with pytest.raises(ExperimentError, match="no position called 'moon'"):
        positions("moon")


def test_those_of_a_run_are_its_weights(learned: Opened) -> None:
    found = run_positions(learned, length=64)
    weights = learned.network.state_dict()["placed.places"].double()
    np.testing.assert_array_equal(found["encoding"], weights)  # it knows no more than 20
    assert found.attrs["known"] == 20
    assert found.attrs["window"] == WINDOW
    np.testing.assert_allclose(found["squared"], (weights**2).sum(1))
    untouched = opened_with("learned", steps=1).network.state_dict()["placed.places"]
    torch.testing.assert_close(weights[WINDOW:], untouched[WINDOW:].double())


def test_bits_by_place_are_those_of_a_plain_reading(bag: Opened) -> None:
    found = places(bag, times=2)
    ids = torch.from_numpy(bag.tokenizer.encode(TEXT.content).ids)
    held = split(bag.experiment, bag.tokenizer)[1]
    assert torch.equal(ids[-len(held):], held)
    length, count = 2 * WINDOW, found.attrs["stretches"]
    starts = np.linspace(0, len(held) - 1 - length, count).round().astype(int)
    paid = []
    with torch.no_grad():
        for start in starts:
            logits = bag.network(held[start : start + length, None])[0][:, 0]
            guessed = logits.double().log_softmax(-1)
            after = held[start + 1 : start + length + 1]
            paid.append(-guessed[torch.arange(length), after] / math.log(2))
    each = torch.stack(paid).numpy()  # (stretch, place)
    np.testing.assert_allclose(found["bits"], each.mean(0), atol=1e-5)  # bins of one place
    assert found.attrs["independent"] == count  # a bin of each is one token of its own
    np.testing.assert_allclose(found["error"], each.std(0, ddof=1) / math.sqrt(count), atol=1e-5)
    assert found["first"].values.tolist() == found["last"].values.tolist() == list(range(length))


def test_one_layer_without_positions_is_a_bag(bag: Opened) -> None:
    written, words, tokens = places(bag)["shuffled"].values
    np.testing.assert_allclose(words, written, atol=1e-5)
    np.testing.assert_allclose(tokens, written, atol=1e-5)


def test_with_positions_it_is_none() -> None:
    written, _, tokens = places(opened_with("alibi"))["shuffled"].values
    assert np.abs(tokens - written).max() > 1e-3
    assert written.std() == 0


def test_a_curve_ends_where_no_further_place_is_known(learned: Opened) -> None:
    found = places(learned)
    assert found.attrs["known"] == 20
    assert found.attrs["asked"] == 4 * WINDOW
    assert int(found["last"][-1]) == 19
    assert places(learned, times=2).attrs["known"] == 0
    assert int(places(learned, times=2)["last"][-1]) == 2 * WINDOW - 1


def test_a_text_of_one_s_own(bag: Opened) -> None:
    found = places(bag, "the cat sat on the mat.")
    assert found.attrs["held_out"] == 0
    assert int(found["last"][-1]) == 21  # the whole text is shorter than four windows
    assert found.attrs["independent"] == 1
    assert np.isnan(found["error"]).all()
    for text in ("t", "the cat", "the cat "):
        with pytest.raises(DataError, match=f"has {len(text)} tokens.*at least 9"):
            places(bag, text)
    assert places(bag, "the cat s").attrs["stretches"] == 1


def test_words_begin_where_they_do() -> None:
    assert _begins(list("he cat, so")) == [0, 2, 6, 7]
    assert _begins(["the", " cat", " sat"]) == [0, 1, 2]
    assert _begins(["the", " ca", "t", " sat"]) == [0, 1, 3]


def test_a_recurrent_run_is_refused() -> None:
    with pytest.raises(RunError, match="Transformer"):
        suit("places", Experiment.language_model(TEXT, model="lstm", steps=2))
