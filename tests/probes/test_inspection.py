"""The numbers of one step add up to what the trace shows."""

from importlib import import_module

import numpy as np
import pytest

from explorer.errors import DataError
from explorer.probes import Opened
from explorer.probes.capture import trace
from explorer.probes.inspection import inspect
from explorer.probes.saturation import saturation

SENTENCE = "the cat sat on the mat"


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def test_the_sums_give_the_gates_of_the_trace(lstm: Opened) -> None:
    seen = trace(lstm, SENTENCE).isel(layer=0, direction=0)
    for token, unit in ((0, 3), (7, 11)):
        step = inspect(lstm, SENTENCE, token=token, unit=unit)
        total = step["from_input"] + step["from_state"] + step["bias_input"] + step["bias_state"]
        for name in ("input", "forget", "output"):
            value = sigmoid(total.sel(block=name).values)
            assert value == pytest.approx(float(seen[name][token, unit]), abs=1e-6)
        np.testing.assert_allclose(step["input_terms"].sum("input"), step["from_input"], atol=1e-6)
        np.testing.assert_allclose(step["state_terms"].sum("unit"), step["from_state"], atol=1e-6)


def test_every_architecture_and_layer(opened: Opened) -> None:
    last = opened.experiment.model.layers - 1
    step = inspect(opened, SENTENCE, token=2, layer=last, unit=1)
    assert step["block"].values.tolist() == list(opened.experiment.model.blocks)
    if opened.experiment.model.kind == "rnn":
        total = float(
            step["from_input"][0]
            + step["from_state"][0]
            + step["bias_input"][0]
            + step["bias_state"][0]
        )
        bent = np.tanh(total) if opened.experiment.model.activation == "tanh" else max(0, total)
        shown = trace(opened, SENTENCE)["hidden"].values[last, 0, 2, 1]
        assert bent == pytest.approx(float(shown), abs=1e-6)


def test_the_backward_direction_adds_up_from_the_token_after(opened: Opened) -> None:
    spec = opened.experiment.model
    if not spec.bidirectional:
        with pytest.raises(DataError, match="There is no direction 1"):
            inspect(opened, SENTENCE, token=2, direction=1)
        return
    seen = trace(opened, SENTENCE).isel(layer=spec.layers - 1, direction=1)
    gate = "reset" if spec.kind == "gru" else "forget"
    for token in (0, 9, len(SENTENCE) - 1):
        step = inspect(opened, SENTENCE, token, spec.layers - 1, unit=4, direction=1)
        parts = ("from_input", "from_state", "bias_input", "bias_state")
        total = sum(step[part].sel(block=gate).values for part in parts)
        assert sigmoid(total) == pytest.approx(float(seen[gate][token, 4]), abs=1e-6)
    assert np.abs(step["state_terms"]).max() == 0, "nothing comes after the last token"


@pytest.mark.parametrize("wrong", [{"token": 99}, {"layer": 1}, {"unit": 12}, {"token": -1}])
def test_outside_the_network_is_refused(lstm: Opened, wrong: dict[str, int]) -> None:
    with pytest.raises(DataError, match="There is no"):
        inspect(lstm, SENTENCE, **({"token": 0} | wrong))


def test_saturation_is_counted_over_the_whole_text(opened: Opened) -> None:
    found = saturation(opened, most=300)
    whole = trace(opened, opened.experiment.text.content[:300])
    for name in found["observation"].values:
        values = whole[name].values  # (layer, direction, token, unit)
        low = -0.9 if name == "hidden" else 0.1
        np.testing.assert_allclose(
            found["left"].sel(observation=name), (values < low).mean(2), atol=2e-3
        )
        np.testing.assert_allclose(
            found["right"].sel(observation=name), (values > 0.9).mean(2), atol=2e-3
        )
    assert found.attrs["tokens"] == 300


def test_saturation_carries_the_state_over_chunks(
    lstm: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = saturation(lstm, most=500)
    monkeypatch.setattr(import_module("explorer.probes.saturation"), "CHUNK", 70)
    parts = saturation(lstm, most=500)
    np.testing.assert_allclose(whole["left"], parts["left"], atol=2.1e-3)
