"""Jacobians = torch.func.jacrev of the cell's own step, in float64."""

from typing import Any

import numpy as np
import pytest
import torch

from explorer.errors import DataError
from explorer.models.tape import Tape, record
from explorer.probes import Opened
from explorer.probes.bptt import gradients
from explorer.probes.capture import through_layers
from explorer.probes.jacobians import at_tokens, jacobians, recurrent_eigenvalues
from tests.probes.test_bptt import SENTENCE, in_double

T = len(SENTENCE)


def by_jacrev(opened: Opened, layer: int, token: int, whole: bool) -> torch.Tensor:
    """The Jacobian of one step of the readable cell at the state before it."""
    network, spec = opened.network, opened.network.spec
    ids = torch.from_numpy(opened.tokenizer.encode(SENTENCE).ids)
    tape = Tape()
    with torch.no_grad(), record(tape):
        through_layers(opened, ids)
    seen = {name: tape.kept[name][(("layer", layer),)] for name in ("hidden",)}
    cell = tape.kept["cell"][(("layer", layer),)] if spec.has_cell else None
    below = (
        network.read(ids) if layer == 0 else tape.kept["hidden"][(("layer", layer - 1),)]
    )
    x, h, w = below[token].detach(), seen["hidden"][token - 1], network.weights(layer)
    if cell is None:
        return torch.func.jacrev(lambda h: spec.step(x, h, w))(h)
    c = cell[token - 1]
    if not whole:
        return torch.func.jacrev(lambda h: spec.step(x, (h, c), w)[0])(h)

    def step(state: torch.Tensor) -> torch.Tensor:
        after: Any = spec.step(x, tuple(state.chunk(2)), w)
        return torch.cat(after)

    return torch.func.jacrev(step)(torch.cat((h, c)))


@pytest.mark.parametrize("of", ["hidden", "state"])
def test_against_jacrev(ahead: Opened, of: str) -> None:
    precise = in_double(ahead)
    whole = of == "state" and precise.network.spec.has_cell
    ids = torch.from_numpy(precise.tokenizer.encode(SENTENCE).ids)
    for layer in range(ahead.experiment.model.layers):
        ours = at_tokens(precise, ids, layer, [1, 5, T - 1], whole)
        found = jacobians(precise, SENTENCE, layer, of)
        for token, mine in zip((1, 5, T - 1), ours, strict=True):
            theirs = by_jacrev(precise, layer, token, whole).detach()
            torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-14)
            one = found.isel(token=int(np.flatnonzero(found["position"] == token)[0]))
            s = np.linalg.svd(theirs.numpy(), compute_uv=False)
            np.testing.assert_allclose(one["singular"], s, rtol=1e-6, atol=1e-12)
            assert float(one["frobenius"]) == pytest.approx(np.sqrt((s**2).sum()))


@pytest.mark.parametrize("of", ["hidden", "state"])
def test_the_gradient_of_a_state_is_a_product_of_jacobians(ahead: Opened, of: str) -> None:
    """Of all that is carried on, from the state that the guess is made from; h alone is all of it
    but in an LSTM."""
    precise = in_double(ahead)
    whole, top = precise.network.spec.has_cell, ahead.experiment.model.layers - 1
    found = gradients(precise, SENTENCE)
    norm = found["norm"].sel(part=of).values[top]
    d = torch.from_numpy(found["gradient"].values[top, 0, T - 2])
    d = torch.cat((d, torch.zeros_like(d))) if whole else d
    for token in reversed(range(T - 1)):
        size = len(d) if of == "state" else precise.network.spec.hidden
        assert norm[token] == pytest.approx(float(d[:size].norm()), rel=1e-9)
        if token:
            d = d @ by_jacrev(precise, top, token, whole).detach()


def test_every_step_or_a_few_evenly(lstm: Opened) -> None:
    every, some = jacobians(lstm, SENTENCE), jacobians(lstm, SENTENCE, most=3)
    assert every["position"].values.tolist() == list(range(1, T))
    assert every.attrs["of"] == "state"
    assert every.sizes["rank"] == 24
    assert some["position"].values.tolist() == [1, 6, 10]
    np.testing.assert_array_equal(some["singular"][-1], every["singular"][-1])
    assert some.attrs["tokens"] == T


def test_eigenvalues_are_numpys_own(ahead: Opened) -> None:
    spec = ahead.network.spec
    for layer in range(spec.layers):
        found = recurrent_eigenvalues(ahead, layer)
        assert found["block"].values.tolist() == list(spec.blocks)
        U = ahead.network.weights(layer).U.detach().double().numpy()
        for block, part in enumerate(np.split(U, spec.gates)):
            theirs = np.linalg.eigvals(part)
            ours = found["real"][block].values + 1j * found["imaginary"][block].values
            np.testing.assert_allclose(
                np.sort_complex(np.round(ours, 9)), np.sort_complex(np.round(theirs, 9)), atol=1e-8
            )
            assert float(found["radius"][block]) == pytest.approx(np.abs(theirs).max())


def test_a_radius_of_zero_is_a_matrix_of_zeros(lstm: Opened) -> None:
    model = {"kind": "rnn", "hidden": 8, "spectral_radius": 0}
    assert float(recurrent_eigenvalues(lstm, model=model)["radius"][0]) == 0
    assert not jacobians(lstm, SENTENCE, model=model)["singular"].values.any()


def test_what_cannot_be_is_refused(lstm: Opened) -> None:
    with pytest.raises(DataError, match="type at least two"):
        jacobians(lstm, "a")
    with pytest.raises(DataError, match="no layer 1"):
        jacobians(lstm, SENTENCE, layer=1)
    with pytest.raises(DataError, match="whole “state”"):
        jacobians(lstm, SENTENCE, of="soul")  # type: ignore[arg-type]
