"""Trace = computation, and the laws hold from the trace alone."""

import numpy as np
import pytest
import torch

from explorer.errors import DataError
from explorer.models import Model
from explorer.probes import Opened
from explorer.probes.capture import LONGEST, trace
from tests.probes.conftest import in_double, open_trained

SENTENCE = 'a cat sat on "the mat" (flat).'


def test_names_axes_and_attributes(opened: Opened) -> None:
    seen = trace(opened, SENTENCE)
    spec = opened.experiment.model
    for name in spec.observes:
        assert seen[name].dims == ("layer", "direction", "token", "unit")
        assert seen[name].shape == (spec.layers, spec.directions, len(SENTENCE), 12)
    assert seen["direction"].values.tolist() == ["forward", "backward"][: spec.directions]
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
    whole = trace(opened, SENTENCE)
    for direction in range(whole.sizes["direction"]):
        t = whole.isel(direction=direction, token=slice(None, None, -1 if direction else 1))
        h = t["hidden"].values  # (layer, token in the order of reading, unit)
        before = np.concatenate([np.zeros((len(h), 1, 12)), h[:, :-1]], axis=1)
        z = t["update"].values
        np.testing.assert_allclose(h, z * before + (1 - z) * t["candidate"], atol=1e-6)


@pytest.mark.parametrize("by_cell", [False, True])
@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize(("layers", "both"), [(4, False), (1, True), (3, True)])
def test_the_trace_of_deep_and_of_both_directions_is_pytorchs(
    kind: str, layers: int, both: bool, by_cell: bool
) -> None:
    """Layer by layer, each direction, in float64, against nn.RNN, nn.GRU, nn.LSTM with its weights
    copied into them."""
    opened = in_double(
        open_trained(Model.parse({"kind": kind, "hidden": 8, "embedding": 5, "layers": layers,
                                  "bidirectional": both}), steps=3))
    core = opened.network.core
    seen = trace(opened, SENTENCE, by_cell=by_cell)
    x = opened.network.read(torch.from_numpy(seen["id"].values))  # (T, inputs)
    for layer in range(layers):
        theirs = type(core)(x.shape[1], 8, bidirectional=both).double()
        theirs.load_state_dict({
            name.replace(f"_l{layer}", "_l0"): value
            for name, value in core.state_dict().items() if f"_l{layer}" in name})
        with torch.no_grad():
            x, _ = theirs(x)  # (T, directions · 8)
        ours = seen["hidden"].values[layer].transpose(1, 0, 2).reshape(len(SENTENCE), -1)
        np.testing.assert_allclose(ours, x, atol=1e-12, rtol=0)
    with torch.no_grad():
        np.testing.assert_allclose(seen["logits"], opened.network.decoder(x), atol=1e-12, rtol=0)


def test_nothing_and_too_much_are_refused(lstm: Opened) -> None:
    with pytest.raises(DataError, match="nothing to read"):
        trace(lstm, "")
    with pytest.raises(DataError, match=f"{LONGEST + 1} tokens"):
        trace(lstm, "a" * (LONGEST + 1))
    assert trace(lstm, "a").sizes["token"] == 1
