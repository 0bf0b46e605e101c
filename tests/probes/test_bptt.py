"""Gradients = central differences, in float64."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.models import Model
from explorer.models.tape import Tape, record
from explorer.probes import Opened
from explorer.probes.bptt import gradients
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


@pytest.mark.parametrize(("text", "at"), [("a", -1), (SENTENCE, 0), (SENTENCE, 99)])
def test_a_token_that_cannot_be_guessed_is_refused(lstm: Opened, text: str, at: int) -> None:
    with pytest.raises(DataError, match="cannot be guessed"):
        gradients(lstm, text, at=at)
