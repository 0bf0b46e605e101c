"""Trace = computation, and the laws hold from the trace alone."""

import numpy as np
import pytest
import torch

from explorer.errors import DataError
from explorer.probes import Opened
from explorer.probes.capture import LONGEST, trace

SENTENCE = 'a cat sat on "the mat" (flat).'


def test_names_axes_and_attributes(opened: Opened) -> None:
    seen = trace(opened, SENTENCE)
    spec = opened.experiment.model
    for name in spec.observes:
        assert seen[name].dims == ("layer", "direction", "token", "unit")
        assert seen[name].shape == (spec.layers, 1, len(SENTENCE), 12)
    assert seen["logits"].dims == ("token", "vocabulary")
    assert "".join(seen["label"].values) == SENTENCE
    assert seen.attrs["run"] == opened.key
    assert seen.attrs["step"] == opened.step


def test_trace_equals_the_unrecorded_forward_pass(opened: Opened) -> None:
    seen = trace(opened, SENTENCE)
    ids = torch.from_numpy(seen["id"].values)
    with torch.no_grad():
        logits, _ = opened.network(ids[:, None])  # (T, 1, vocabulary)
    np.testing.assert_allclose(seen["logits"], logits[:, 0], atol=2e-6)


def test_reading_by_cell_gives_the_same(opened: Opened) -> None:
    one, other = trace(opened, SENTENCE), trace(opened, SENTENCE, by_cell=True)
    assert set(one) == set(other)
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5, atol=5e-6, err_msg=str(name))


def test_what_each_token_costs(opened: Opened) -> None:
    seen = trace(opened, SENTENCE)
    logits = seen["logits"].values.astype(float)
    by_hand = [
        np.log(np.exp(row).sum()) - row[i]
        for row, i in zip(logits[:-1], seen["id"].values[1:], strict=True)
    ]
    assert np.isnan(seen["loss"].values[0])
    np.testing.assert_allclose(seen["loss"].values[1:], by_hand, rtol=1e-5)


def test_the_laws_of_the_lstm_hold_from_the_trace_alone(lstm: Opened) -> None:
    t = trace(lstm, SENTENCE).isel(layer=0, direction=0)
    before = np.vstack([np.zeros((1, 12)), t["cell"].values[:-1]])
    np.testing.assert_allclose(
        t["cell"], t["forget"] * before + t["input"] * t["candidate"], atol=1e-6
    )
    np.testing.assert_allclose(t["hidden"], t["output"] * np.tanh(t["cell"]), atol=1e-6)


def test_the_law_of_the_gru_holds_from_the_trace_alone(opened: Opened) -> None:
    if opened.experiment.model.kind != "gru":
        return
    t = trace(opened, SENTENCE).isel(direction=0)
    before = np.concatenate([np.zeros((2, 1, 12)), t["hidden"].values[:, :-1]], axis=1)
    z = t["update"].values
    np.testing.assert_allclose(t["hidden"], z * before + (1 - z) * t["candidate"], atol=1e-6)


def test_nothing_and_too_much_are_refused(lstm: Opened) -> None:
    with pytest.raises(DataError, match="nothing to read"):
        trace(lstm, "")
    with pytest.raises(DataError, match=f"{LONGEST + 1} tokens"):
        trace(lstm, "a" * (LONGEST + 1))
    assert trace(lstm, "a").sizes["token"] == 1
