"""Model = oracle: the readable cells against PyTorch's own, in float64, with the same weights."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from explorer.errors import ExperimentError
from explorer.models import Model
from explorer.models.gru import GRU
from explorer.models.lstm import LSTM
from explorer.models.recurrent import Recurrent
from explorer.models.rnn import RNN
from explorer.models.tape import Tape, record, tap

SPECS = [
    RNN(hidden=5),
    RNN(hidden=5, activation="relu"),
    RNN(hidden=5, layers=2, activation="linear"),
    GRU(hidden=5),
    LSTM(hidden=5),
    LSTM(hidden=4, layers=3, dropout=0.3),
    GRU(hidden=6, layers=2, input="one-hot"),
    LSTM(hidden=4, embedding=4, tied=True),
    RNN(hidden=4, layers=2, bidirectional=True),
    GRU(hidden=4, layers=8),
    GRU(hidden=3, layers=2, input="one-hot", bidirectional=True),
    LSTM(hidden=4, bidirectional=True, forget_bias=1.0),
    LSTM(hidden=3, layers=3, dropout=0.3, bidirectional=True),
]
CELLS = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}


def names(spec: Recurrent) -> str:
    return f"{spec.kind}-{spec.layers}-{spec.input}" + "-both" * spec.bidirectional


@pytest.mark.parametrize("spec", [s for s in SPECS if s.layers == 1], ids=names)
def test_step_equals_pytorchs_cell(spec: Recurrent) -> None:
    torch.manual_seed(0)
    network = spec.build(7).double()
    extra = {"nonlinearity": spec.activation} if isinstance(spec, RNN) else {}
    cell = CELLS[spec.kind](spec.inputs(7), spec.hidden, **extra).double()
    w = network.weights(0)
    cell.load_state_dict(
        dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), w, strict=True))
    )
    state: Any = network.start()
    theirs: Any = None
    for x in torch.randn(6, spec.inputs(7), dtype=torch.float64):
        state = spec.step(x, state, w)
        theirs = cell(x, theirs)
        for one, other in zip(
            torch.atleast_2d(*_tuple(state)), torch.atleast_2d(*_tuple(theirs)), strict=True
        ):
            assert torch.allclose(one, other, atol=1e-12, rtol=0)


def _tuple(state: Any) -> tuple[torch.Tensor, ...]:
    return state if isinstance(state, tuple) else (state, state)


@pytest.mark.parametrize("spec", SPECS, ids=names)
def test_layers_cells_and_replay_agree_with_the_whole_network(spec: Recurrent) -> None:
    torch.manual_seed(1)
    network = spec.build(7).double().eval()
    ids = torch.randint(7, (9,))
    whole, _ = network.core(network.read(ids).double())  # (T, width)
    x = network.read(ids).double()
    for layer in range(spec.layers):
        shown = []
        for direction in range(spec.directions):
            read = x.flip(0) if direction else x
            w, state = network.weights(layer, direction), network.start()
            h, _ = network.layer(layer, direction)(read)
            once, stepwise = Tape(), Tape()
            with record(once):
                spec.replay(read, h, state, w, layer=layer)
            with record(stepwise):
                for t, row in enumerate(read):
                    state = spec.step(row, state, w, layer=layer, token=t)
            for name in spec.observes:
                (replayed,) = once.kept[name].values()
                steps = torch.stack(list(stepwise.kept[name].values()))
                assert torch.allclose(replayed, steps, atol=1e-12, rtol=0), name
            shown.append(h.flip(0) if direction else h)
        x = torch.cat(shown, -1)
    assert torch.allclose(x, whole, atol=1e-12, rtol=0)


@pytest.mark.parametrize("spec", SPECS, ids=names)
def test_parameters_are_counted_as_built(spec: Recurrent) -> None:
    network = spec.build(11)
    assert sum(p.numel() for p in network.parameters()) == spec.parameters(11)
    built = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert spec.shapes(11).items() <= built.items()


def test_forget_bias_is_added_once() -> None:
    torch.manual_seed(3)
    plain = LSTM(hidden=3, forget_bias=0.0).build(5)
    torch.manual_seed(3)
    biased = LSTM(hidden=3, forget_bias=2.0).build(5)
    difference = biased.core.bias_ih_l0 - plain.core.bias_ih_l0
    assert difference.tolist() == pytest.approx([0] * 3 + [2] * 3 + [0] * 6)
    assert torch.equal(biased.core.bias_hh_l0, plain.core.bias_hh_l0)


def test_forget_bias_is_added_in_both_directions_of_every_layer() -> None:
    def biases(added: float) -> list[torch.Tensor]:
        torch.manual_seed(3)
        spec = LSTM(hidden=3, layers=2, bidirectional=True, forget_bias=added)
        return [b for name, b in spec.build(5).core.named_parameters() if "bias_ih" in name]

    plain, biased = biases(0.0), biases(2.0)
    assert len(plain) == 4
    for one, other in zip(plain, biased, strict=True):
        assert (other - one).tolist() == pytest.approx([0] * 3 + [2] * 3 + [0] * 6)


def test_tied_weights_and_both_directions_are_refused_with_the_reason() -> None:
    with pytest.raises(ValidationError, match="reads twice as many numbers"):
        LSTM(hidden=4, embedding=4, tied=True, bidirectional=True)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_one_direction_is_what_runs_before_had(kind: str) -> None:
    spec = Model.parse({"kind": kind, "hidden": 4})
    assert "bidirectional" not in spec.model_dump()
    assert "bidirectional" in Model.parse({"kind": kind, "bidirectional": True}).model_dump()


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_a_carried_state_is_carried_forwards_only(kind: str) -> None:
    """What the backward direction left is of the past: it would read from there into the future."""
    torch.manual_seed(0)
    network = Model.parse(
        {"kind": kind, "hidden": 4, "layers": 2, "bidirectional": True}
    ).build(7).double()
    ids = torch.randint(7, (9, 2))
    _, state = network(ids)
    states = state if isinstance(state, tuple) else (state,)
    for part in states:
        part[1::2] = torch.nan  # layer 0 backward, layer 1 backward
    logits, _ = network(ids, state)
    assert torch.isfinite(logits).all()
    for part in states:
        part[0::2] += 1.0
    assert not torch.allclose(network(ids, state)[0], logits)


def test_the_lstm_by_hand() -> None:
    """One unit, all weights zero but the biases: every gate is a number one can check."""
    spec = LSTM(hidden=1, embedding=1, forget_bias=0.0)
    network = spec.build(2).double()
    with torch.no_grad():
        for name, value in network.core.named_parameters():
            value.zero_()
            if name == "bias_ih_l0":
                value[:] = torch.tensor([0.0, torch.inf, torch.inf, 0.0])  # i=½ f=1 g=1 o=½
    w, state = network.weights(0), network.start()
    cells = []
    for _ in range(3):
        state = spec.step(torch.ones(1, dtype=torch.float64), state, w)
        cells.append(float(state[1].detach()))
    assert cells == [0.5, 1.0, 1.5]
    assert float(state[0].detach()) == pytest.approx(0.5 * 0.9051482536448664)  # o · tanh 1.5


def test_a_tape_records_changes_and_closes() -> None:
    value = torch.ones(2)
    assert tap("hidden", value) is value
    tape = Tape(changes={"hidden": lambda h, axes: h * axes["token"]})
    with record(tape):
        assert tap("hidden", value, token=3).tolist() == [3, 3]
        with pytest.raises(ZeroDivisionError), record(Tape()):
            _ = 1 / 0
        assert tap("hidden", value, token=3).tolist() == [3, 3]  # the outer tape is open again
    assert tap("hidden", value) is value
    assert tape.kept["hidden"][(("token", 3),)].tolist() == [3, 3]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["rnn", "gru", "lstm"]), st.integers(1, 12), st.integers(1, 4))
def test_a_spec_survives_its_json(kind: str, hidden: int, layers: int) -> None:
    spec = Model.parse({"kind": kind, "hidden": hidden, "layers": layers})
    assert Model.parse(spec.model_dump(mode="json")) == spec


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(ExperimentError, match=r"no model called 'lstn'.*gru, lstm, rnn"):
        Model.parse("lstn")
