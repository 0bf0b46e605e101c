"""How the recurrent weights begin: drawn, scaled, and nothing else changed by it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.experiment import Experiment
from explorer.models import Model
from explorer.models.recurrent import Recurrent
from explorer.models.rnn import RNN
from tests.training.small import TEXT

KINDS = ("rnn", "gru", "lstm")


def blocks(spec: Recurrent, seed: int = 0, layer: int = 0) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    return [
        part.detach().double() for part in spec.build(7).weights(layer).U.split(spec.hidden)
    ]


def radius(matrix: torch.Tensor) -> float:
    return float(np.abs(np.linalg.eigvals(matrix.numpy())).max())


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.sampled_from(["uniform", "orthogonal", "gaussian"]),
    st.floats(0, 3),
    st.integers(1, 12),
    st.integers(0, 9),
)
def test_every_gate_has_the_radius_asked_for(
    kind: str, initial: str, asked: float, hidden: int, seed: int
) -> None:
    spec = Model.parse(
        {"kind": kind, "hidden": hidden, "layers": 2, "initial": initial, "spectral_radius": asked}
    )
    for layer in range(2):
        for block in blocks(spec, seed, layer):
            assert radius(block) == pytest.approx(asked, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_orthogonal_weights_keep_every_length(kind: str) -> None:
    for block in blocks(Model.parse({"kind": kind, "hidden": 9, "initial": "orthogonal"})):
        torch.testing.assert_close(block @ block.mT, torch.eye(9).double(), atol=1e-6, rtol=0)


def test_gaussian_weights_fill_the_unit_disc() -> None:
    [U] = blocks(RNN(hidden=200, initial="gaussian"))
    assert float(U.std()) == pytest.approx(200**-0.5, rel=0.02)
    assert radius(U) == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize("kind", KINDS)
def test_all_other_weights_stay_as_they_were(kind: str) -> None:
    built = []
    for changes in ({}, {"initial": "orthogonal", "spectral_radius": 1.5}):
        torch.manual_seed(4)
        built.append(Model.parse({"kind": kind, "hidden": 6} | changes).build(7).state_dict())
    for name, value in built[0].items():
        assert torch.equal(value, built[1][name]) == (name != "core.weight_hh_l0"), name


@pytest.mark.parametrize("kind", KINDS)
def test_untouched_knobs_leave_the_key_of_a_run_as_it_was(kind: str) -> None:
    def key(**changes: object) -> str:
        model = {"kind": kind, "hidden": 6} | changes
        return Experiment.language_model(TEXT, model=model, steps=2).key

    assert key() == key(initial="uniform", spectral_radius=None)
    changed = (key(initial="gaussian"), key(spectral_radius=0), key(spectral_radius=1))
    assert len({key(), *changed}) == 4


def test_a_straight_network_is_a_sum_of_powers() -> None:
    """h(t) = Σ Uᵏ (W x(t−k) + b), by hand."""
    torch.manual_seed(0)
    network = RNN(hidden=4, activation="linear").build(5).double()
    ids = torch.tensor([2, 0, 4, 1])
    with torch.no_grad():
        h, end = network.core(network.read(ids))
        W, U, b_W, b_U = network.weights(0)
        for t in range(4):
            by_hand = sum(
                torch.linalg.matrix_power(U, k) @ (W @ network.read(ids[t - k]) + b_W + b_U)
                for k in range(t + 1)
            )
            torch.testing.assert_close(h[t], by_hand)
    torch.testing.assert_close(end[0], h[-1])


def test_a_straight_network_reads_batches_layers_and_states_as_pytorch_s_do() -> None:
    """With small weights tanh is the identity, to its third power."""
    torch.manual_seed(0)
    straight = RNN(hidden=4, layers=2, activation="linear").fused(3, 2).double()
    bent = RNN(hidden=4, layers=2).fused(3, 2).double()
    with torch.no_grad():
        for value in straight.parameters():
            value.mul_(1e-3)
    bent.load_state_dict(straight.state_dict())
    x, state = torch.randn(5, 2, 3).double() * 1e-2, torch.randn(2, 2, 4).double() * 1e-2
    for ours, theirs in zip(straight(x, state), bent(x, state), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-10)
