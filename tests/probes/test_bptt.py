"""Gradients = central differences = autograd through the cell, in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from explorer.errors import DataError, ExperimentError
from explorer.models import Model
from explorer.models.tape import Tape, record
from explorer.probes import Opened
from explorer.probes.bptt import CELLS, gradient_map, gradients, per_step, steps_until
from explorer.probes.capture import through_cell
from tests.probes.conftest import in_double, open_trained

SENTENCE = "the cat sat"


def loss_with_shift(opened: Opened, token: int, unit: int, by: float) -> float:
    """The loss of the last guess when one hidden number of the lowest layer is shifted."""
    ids = torch.from_numpy(opened.tokenizer.encode(SENTENCE).ids)
    push = torch.zeros(12, dtype=torch.float64)
    push[unit] = by

    def change(h: torch.Tensor, axes: dict[str, int]) -> torch.Tensor:
        here = axes["layer"] == 0 and axes["token"] == token and not axes.get("direction")
        return h + push if here else h

    with torch.no_grad(), record(Tape(changes={"hidden": change})):
        top = through_cell(opened, ids[:-1])
        return float(F.cross_entropy(opened.network.decoder(top[-1]), ids[-1]))


def test_against_central_differences(opened: Opened) -> None:
    precise = in_double(opened)
    found = gradients(precise, SENTENCE)["gradient"].values[0, 0]  # (token, unit)
    epsilon = 1e-5
    for token, unit in [(0, 0), (3, 5), (8, 11), (9, 2)]:
        by_hand = (
            loss_with_shift(precise, token, unit, epsilon)
            - loss_with_shift(precise, token, unit, -epsilon)
        ) / (2 * epsilon)
        assert found[token, unit] == pytest.approx(by_hand, rel=1e-6, abs=1e-10)


def test_nothing_after_the_guess_matters(lstm: Opened) -> None:
    found = gradients(lstm, SENTENCE, at=5)["gradient"].values[0, 0]
    assert np.abs(found[:5]).sum(1).min() > 0
    assert np.abs(found[5:]).max() == 0


def test_of_both_directions_only_what_the_guess_reads_matters() -> None:
    """The guess of token 5 is made of the states at token 4: there the backward direction has read
    token 4 alone."""
    spec = {"kind": "gru", "hidden": 12, "embedding": 6, "bidirectional": True}
    found = gradients(open_trained(Model.parse(spec)), SENTENCE, at=5)["gradient"].values[0]
    forward, backward = np.abs(found).sum(-1)  # (token,) each
    assert forward[:5].min() > 0
    assert np.flatnonzero(backward).tolist() == [4]


def test_gradients_leave_nothing_behind(lstm: Opened) -> None:
    gradients(lstm, SENTENCE)
    assert all(p.grad is None for p in lstm.network.parameters())


@pytest.mark.parametrize(
    ("text", "at"), [("a", -1), (SENTENCE, 0), (SENTENCE, 99), (SENTENCE, -12)]
)
def test_a_token_that_cannot_be_guessed_is_refused(lstm: Opened, text: str, at: int) -> None:
    with pytest.raises(DataError, match="cannot be guessed"):
        gradients(lstm, text, at=at)


def by_autograd(opened: Opened, text: str, at: int) -> list[np.ndarray]:
    """∂L(at)/∂h(t) through the cell loop; of a cell ∂L(at)/∂c(t) too, and that with h(t) held
    fixed: (layer, token, unit) each."""
    ids = torch.from_numpy(opened.tokenizer.encode(text).ids)
    tape = Tape(retain=True)
    with torch.enable_grad(), record(tape):
        top = through_cell(opened, ids[:at])
        F.cross_entropy(opened.network.decoder(top[-1]), ids[at]).backward()
    found = []
    for name in ("hidden", "cell"):
        if name not in tape.kept:
            return found
        values = np.zeros((opened.experiment.model.layers, len(ids), 12))
        for axes, value in tape.kept[name].items():
            values[dict(axes)["layer"], dict(axes)["token"]] = value.grad
        found.append(values)
    held = found[1].copy()
    for axes, c in tape.kept["cell"].items():
        place = dict(axes)["layer"], dict(axes)["token"]
        o = tape.kept["output"][axes]
        held[place] -= found[0][place] * (o * (1 - c.tanh() ** 2)).detach().numpy()
    return [*found, held]


@pytest.mark.parametrize("at", [10, 4, 1])
def test_against_autograd_through_the_cell(ahead: Opened, at: int) -> None:
    precise = in_double(ahead)
    found = gradients(precise, SENTENCE, at)
    hidden, *cell = by_autograd(precise, SENTENCE, at)
    np.testing.assert_allclose(found["gradient"][:, 0], hidden, rtol=1e-9, atol=1e-15)
    lengths = np.stack([(hidden**2).sum(-1), (hidden**2).sum(-1)])
    if cell:
        np.testing.assert_allclose(found["cell_gradient"][:, 0], cell[0], rtol=1e-9, atol=1e-15)
        lengths[1] += (cell[1] ** 2).sum(-1)
    assert ("cell_gradient" in found) == bool(cell)
    np.testing.assert_allclose(found["norm"], np.sqrt(lengths), rtol=1e-9, atol=1e-15)


def test_the_map_is_the_gradient_of_every_guess(ahead: Opened) -> None:
    opened = in_double(ahead)
    for layer in range(opened.experiment.model.layers):
        every = gradient_map(opened, SENTENCE, layer)
        assert every["guess"].values.tolist() == list(range(1, len(SENTENCE)))
        for row, at in enumerate(every["guess"].values):
            one = gradients(opened, SENTENCE, int(at)).isel(layer=layer)
            np.testing.assert_allclose(every["norm"][:, row], one["norm"], rtol=1e-9, atol=1e-15)
            np.testing.assert_allclose(every["reach"][:, row], one["reach"], rtol=1e-6)


def test_a_map_takes_guesses_evenly_when_there_are_too_many(lstm: Opened) -> None:
    some = gradient_map(lstm, SENTENCE * 10, most=7)
    ats = some["guess"].values
    assert len(ats) == 7
    assert (ats[0], ats[-1], some.attrs["guesses"]) == (1, 109, 109)
    assert np.ptp(np.diff(ats)) <= 1
    many = gradient_map(lstm, "the cat sat " * 160)
    assert many["norm"].isel(part=0).size <= CELLS < many.attrs["guesses"] * many.sizes["token"]


@pytest.mark.parametrize(
    ("norms", "steps"),
    [
        ([1.0, 0.1, 0.01, 0.001], 2.0),  # exactly 1 % is not under it
        ([1.0, 0.1, 0.001], 1.5),  # halfway on the logarithm
        ([5.0, 0.0, 0.0], 1.0),  # nothing left at once
        ([1.0, 0.5, 0.3], np.nan),  # never
        ([1.0, 0.001, 0.5, 0.001], 2 / 3),  # the first time counts
        ([0.0, 0.0], np.nan),  # no gradient at all
        ([], np.nan),
        ([2.0], np.nan),
    ],
)
def test_steps_until_by_hand(norms: list[float], steps: float) -> None:
    assert steps_until(np.array(norms)) == pytest.approx(steps, abs=1e-9, nan_ok=True)


@given(st.floats(0.05, 0.95), st.floats(1e-3, 1e3))
def test_a_gradient_that_falls_evenly_is_measured_exactly(factor: float, first: float) -> None:
    norms = first * factor ** np.arange(200.0)
    assert steps_until(norms) == pytest.approx(np.log(0.01) / np.log(factor), rel=1e-9)
    assert per_step(norms) == pytest.approx(factor, rel=1e-6)


def test_too_little_to_measure_has_no_slope() -> None:
    assert np.isnan(per_step(np.array([1.0])))
    assert np.isnan(per_step(np.array([1.0, 0.0, 0.0])))


def test_an_untrained_network_is_the_one_that_training_would_begin_with(lstm: Opened) -> None:
    changes = {"hidden": 12, "forget_bias": 1.0, "spectral_radius": 1.2}
    fresh = lstm.untrained(changes, seed=5)
    spec = lstm.experiment.model.model_copy(update=changes)
    same = open_trained(spec, steps=1, seed=5, last=False)
    assert fresh.step == same.step == 0
    assert fresh.key != lstm.key
    for name, value in same.network.state_dict().items():
        assert torch.equal(value, fresh.network.state_dict()[name])
    found = gradients(lstm, SENTENCE, model=changes, seed=5)
    np.testing.assert_array_equal(found["gradient"], gradients(same, SENTENCE)["gradient"])
    assert (found.attrs["run"], found.attrs["step"]) == (fresh.key, 0)
    assert lstm.untrained() is lstm


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"kind": "lstn"}, {"spectral_radius": -1},
                                   {"magic": 1}])
def test_a_network_that_cannot_be_is_refused(lstm: Opened, wrong: dict[str, object]) -> None:
    with pytest.raises(ExperimentError):
        gradients(lstm, SENTENCE, model=wrong)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_without_recurrent_weights_only_what_is_carried_past_them_is_left(
    lstm: Opened, kind: str
) -> None:
    cut = gradients(lstm, SENTENCE, model={"kind": kind, "hidden": 8, "spectral_radius": 0})
    hidden, state = cut["norm"].values[:, 0, : len(SENTENCE) - 1]
    assert hidden[-1] > 0
    assert (hidden[:-1] == 0).all() == (kind != "gru")  # a GRU's update gate still lets it pass
    assert (state[:-1] == 0).all() == (kind == "rnn")  # and so does the cell of an LSTM
    assert float(cut["reach"].sel(part="state")[0]) == (1 if kind == "rnn" else pytest.approx(
        steps_until(state[::-1]), nan_ok=True))


def test_a_long_gradient_is_not_lost_in_small_numbers(lstm: Opened) -> None:
    model = {"kind": "rnn", "hidden": 8, "spectral_radius": 0.6}
    far = gradients(lstm, "the cat sat " * 30, model=model)
    assert 0 < far["norm"].values[0, 0, 0] < 1e-46  # float32 ends at 1.4e-45


def test_one_token_has_nothing_before_it(lstm: Opened) -> None:
    for probe in (gradients, gradient_map):
        with pytest.raises(DataError, match="type at least two"):
            probe(lstm, "a")


@pytest.mark.parametrize("layer", [1, -2])
def test_a_layer_that_is_not_there_is_refused(lstm: Opened, layer: int) -> None:
    with pytest.raises(DataError, match=f"no layer {layer}"):
        gradient_map(lstm, SENTENCE, layer)
