"""The adding problem is what it says, and a constant guess costs what it must."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.experiment import Experiment, Training
from explorer.models.lstm import LSTM
from explorer.tasks.adding import Adding
from explorer.training.learner import build
from tests.training.small import small


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(1, 9), st.integers(0, 99))
def test_two_numbers_are_marked_one_in_each_half(lag: int, rows: int, seed: int) -> None:
    x, sums = Adding(lag=lag).draw(rows, seed)
    numbers, marks = x.unbind(-1)
    assert x.shape == (lag, rows, 2)
    assert (marks[: lag // 2].sum(0) == 1).all()
    assert (marks[lag // 2 :].sum(0) == 1).all()
    torch.testing.assert_close(sums, numbers[marks.mT.bool().mT].new_tensor(
        [float(numbers[marks[:, row] == 1, row].sum()) for row in range(rows)]))


def test_a_constant_guess_costs_a_sixth() -> None:
    _, sums = Adding().draw(200_000, 1)
    assert float(((sums - 1) ** 2).mean()) == pytest.approx(1 / 6, rel=0.01)


def test_batches_differ_by_step_and_seed_and_by_nothing_else() -> None:
    task, training = Adding(lag=8), Training(batch=4)

    def batch(seed: int, step: int) -> torch.Tensor:
        return task.batch(torch.zeros(1), training, seed, step)[0]

    assert torch.equal(batch(0, 1), batch(0, 1))
    assert not torch.equal(batch(0, 1), batch(0, 2))
    assert not torch.equal(batch(0, 1), batch(1, 1))


def test_its_network_is_the_model_s_core_with_a_sum_read_off_its_end() -> None:
    usual: Experiment = small("lstm")
    experiment = usual.model_copy(update={"task": Adding(lag=6), "model": LSTM(hidden=5)})
    network = build(experiment, 1)
    x, sums = Adding(lag=6).draw(3, 0)
    guess, _ = network(x)
    h, _ = network.core(x)
    torch.testing.assert_close(guess, (h[-1] @ network.decoder.weight.mT)[:, 0]
                               + network.decoder.bias)
    loss, _ = Adding.loss(network, x, sums, None)
    torch.testing.assert_close(loss, ((guess - sums) ** 2).mean())
    assert Adding(lag=6).evaluate(network, x, limit=50)[1] == 50
