"""Filling gaps: which tokens are asked for, what they cost, and that nothing else counts."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from explorer.errors import ExperimentError, RunError
from explorer.experiment import Experiment, Training
from explorer.library import blanks, generate, train
from explorer.models import Model
from explorer.store import Store
from explorer.tasks.masked import MASK, Gaps, Masked
from explorer.text import Text
from explorer.training.loop import build

TASK = Masked()
TEXT = Text("rhyme", "the cat sat on the mat and that was that; the rat sat on the hat. " * 40)
SMALL = {"kind": "transformer", "hidden": 16, "layers": 1, "heads": 2}
HOW = Training(window=24, batch=8, steps=100)


def masked(**more: Any) -> Experiment:
    return Experiment.masked(TEXT, model=SMALL, **{"steps": 60, "window": 24, "batch": 16} | more)


def test_a_batch_asks_as_the_paper_says() -> None:
    ids = torch.arange(5000) % 7
    gaps, true, blank = TASK.batch(ids, Training(window=100, batch=200), 3, 0)
    assert blank
    assert true.shape == (100, 200)
    share = gaps.asked.double().mean()
    assert share == pytest.approx(0.15, abs=0.01)
    assert torch.equal(gaps.ids[~gaps.asked], true[~gaps.asked])
    hidden = gaps.ids == MASK
    assert (hidden[gaps.asked]).double().mean() == pytest.approx(0.8, abs=0.02)
    kept = gaps.asked & (gaps.ids == true)
    assert kept.sum() / gaps.asked.sum() == pytest.approx(0.1 + 0.1 / 7, abs=0.02)


def test_a_batch_is_a_function_of_its_arguments() -> None:
    ids = torch.arange(500) % 7
    one, again, other = (TASK.batch(ids, HOW, 3, step)[0].ids for step in (4, 4, 5))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_only_what_is_asked_for_costs() -> None:
    logits = torch.randn(3, 2, 5, dtype=torch.float64)
    true = torch.tensor([[0, 1], [2, 3], [4, 0]])
    asked = torch.tensor([[True, False], [False, True], [False, False]])

    class Fixed(torch.nn.Module):
        def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, None]:
            return logits, None

    loss, _ = TASK.loss(Fixed(), Gaps(true, asked), true)
    by_hand = -(logits[0, 0].log_softmax(0)[0] + logits[1, 1].log_softmax(0)[3]) / 2
    assert float(loss) == pytest.approx(float(by_hand), abs=1e-12)


def test_a_hidden_token_cannot_be_read() -> None:
    network = build(masked(), 9).double().eval()
    ids = torch.randint(9, (12, 1))
    ids[5] = MASK
    with torch.no_grad():
        whole = network(ids)[0]
        changed = ids.clone()
        changed[9] = (changed[9] + 1) % 9
        assert (network(changed)[0][5] != whole[5]).any()  # it sees what comes after
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    shapes.pop("decoder.weight")
    assert shapes == TASK.shapes(Model.parse(SMALL), 9)


def test_it_learns_and_is_asked_for_blanks(tmp_path: Any) -> None:
    store = Store(str(tmp_path), pretrained="")
    run = train(masked(steps=150, learning_rate=0.01), store, progress=False)
    history = run.history["validation_perplexity"].dropna()
    assert history.iloc[-1] < history.iloc[0] / 3
    found = blanks(run, "the cat sat")
    assert found["loss"].sizes == {"token": 11}
    assert found["candidate_probability"].values.sum(1).max() <= 1 + 1e-6
    with pytest.raises(RunError, match="guess the next token"):
        generate(run, "the")


def test_too_little_to_score() -> None:
    loss, count = TASK.evaluate(torch.nn.Identity(), torch.arange(1))
    assert math.isnan(loss)
    assert not count


def test_a_recurrent_network_cannot() -> None:
    with pytest.raises(ExperimentError, match="gaps are filled by a Transformer"):
        Experiment.masked(TEXT, model="lstm")
