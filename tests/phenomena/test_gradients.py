"""Phenomena 4, 5 and 7: gated networks forget more slowly, the spectral radius decides, and an LSTM
bridges a lag that an RNN does not.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.experiment import Experiment, Training
from explorer.probes import Opened
from explorer.probes.bptt import gradients
from explorer.tasks import Task
from explorer.text import Text, Tokenizer
from explorer.text.recall import recall
from explorer.training.events import Snapshot
from explorer.training.learner import Learner
from explorer.training.loop import train
from tests.phenomena.seeds import SEEDS, held

pytestmark = pytest.mark.phenomena
DELAY = 12
NETWORKS = {
    "rnn": {"kind": "rnn"},
    "gru": {"kind": "gru"},
    "lstm": {"kind": "lstm", "forget_bias": 1.0},
}


def slopes(kind: str, seed: int) -> list[float]:
    """By how much log‖∂L(T)/∂h(t)‖ changes per step back, before and after training on recall."""
    text = recall(DELAY)
    experiment = Experiment.language_model(
        text, model=NETWORKS[kind] | {"hidden": 64}, steps=300, seed=seed, window=4 * DELAY,
        batch=16, learning_rate=0.01, snapshots=1,
    )
    tokenizer = Tokenizer.learn(text, experiment.tokens)
    read = text.content[: 4 * (DELAY + 3)]  # its last token is a letter that was to be recalled
    found = []
    for event in train(experiment, tokenizer):
        if isinstance(event, Snapshot):
            opened = Opened.from_weights(experiment, tokenizer, event.step, event.weights)
            [factor] = gradients(opened, read)["factor"].sel(part="hidden").values
            found.append(float(np.log(factor)))
    return found


@pytest.mark.slow
def test_gated_networks_forget_more_slowly() -> None:
    before, after = [], []
    for seed in SEEDS:
        of = {kind: slopes(kind, seed) for kind in NETWORKS}
        for when, results in enumerate((before, after)):
            results.append(of["rnn"][when] < min(of["gru"][when], of["lstm"][when]))
    held(before)
    held(after)


@pytest.mark.parametrize("radius", [0.9, 1.0, 1.1])
def test_the_spectral_radius_decides(radius: float) -> None:
    """The gradient of a linear RNN is a power of U: once the largest eigenvalue has outgrown the
    others, its norm changes by ρ from step to step. An orthogonal U has them all of one size, so
    that it is so from the first step."""
    text = Text("letters", "abcdefgh" * 60)
    experiment = Experiment.language_model(text, model="rnn", steps=1)
    tokenizer = Tokenizer.learn(text, experiment.tokens)
    results = []
    for seed in SEEDS:
        model = {"kind": "rnn", "hidden": 32, "activation": "linear", "initial": "orthogonal",
                 "spectral_radius": radius}
        start = Learner(experiment, tokenizer).snapshot(torch.zeros(0, dtype=torch.int64))
        opened = Opened.from_weights(experiment, tokenizer, 0, start.weights)
        norms = gradients(opened, "abcdefgh" * 12, model=model, seed=seed)["norm"].values[0, 0]
        back = norms[:-1][::-1]  # (steps,)
        results.append(np.allclose(back, back[0] * radius ** np.arange(len(back)), rtol=0.01))
    held(results)


def adding(model: dict[str, object], seed: int, steps: int = 3_000) -> float:
    """Mean squared error on the adding problem, lag 100, after training."""
    nominal = Text("the adding problem", "no text is read")
    usual = Experiment.language_model(nominal, model={"hidden": 32} | model, steps=steps)
    experiment = usual.model_copy(
        update={
            "task": Task.parse({"kind": "adding", "lag": 100}),
            "training": Training(steps=steps, batch=32, learning_rate=0.01, clip=1.0),
            "seed": seed,
        }
    )
    torch.set_num_threads(1)
    tokenizer = Tokenizer.learn(nominal, usual.tokens)  # not looked at either
    learner, nothing = Learner(experiment, tokenizer), torch.zeros(1)
    for _ in range(steps):
        learner.learn(nothing)
    return float(learner.snapshot(nothing).metrics["validation_loss"])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_an_lstm_bridges_a_lag_that_an_rnn_does_not() -> None:
    """A constant guess of 1 has 1/6; the published 0.1767 is that of one drawn set."""
    held([adding({"kind": "lstm", "forget_bias": 1.0}, seed) < 0.02 for seed in SEEDS])
    held([adding({"kind": "rnn"}, seed, 2_000) >= 0.15 for seed in SEEDS])
