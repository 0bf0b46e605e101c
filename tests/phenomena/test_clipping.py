"""Clipping saves the exploding run (Pascanu, Mikolov & Bengio 2013)."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from explorer.errors import Diverged
from explorer.experiment import Experiment
from explorer.text import Text, Tokenizer, corpus
from explorer.training.events import Progress
from explorer.training.loop import train
from tests.phenomena.book import time_machine
from tests.phenomena.seeds import SEEDS, held

pytestmark = pytest.mark.phenomena


STEPS = 80
FALLS = 0.4  # nats below a blind guess, at least, with the book and with the built-in story

# The median of the last steps is taken: clipped or not, such a network meets a window now and then
# that it reads very badly, and one such loss outweighs all others in a mean.


def losses(clip: float, seed: int) -> tuple[list[float], float]:
    """Loss of each step, and that of a blind guess: of a ReLU network whose recurrent weights
    begin with a spectral radius of 1.5, on windows of 128 tokens; it ends where the run breaks."""
    book = time_machine()
    text = Text("The Time Machine", book[:60_000]) if book else corpus("story-en")
    experiment = Experiment.language_model(
        text, steps=STEPS, seed=seed, window=128, batch=16, optimizer="sgd", learning_rate=0.1,
        schedule="constant", clip=clip, snapshots=1,
        model={"kind": "rnn", "activation": "relu", "hidden": 96, "embedding": 16,
               "spectral_radius": 1.5})
    found, tokenizer = [], Tokenizer.learn(text, experiment.tokens)
    try:
        for event in train(experiment, tokenizer):
            if isinstance(event, Progress):
                found.append(event.loss)
    except Diverged:
        found.append(float("nan"))
    return found, log(tokenizer.size)


def test_without_clipping_it_breaks_or_rises_and_with_clipping_it_falls() -> None:
    seen = []
    for seed in SEEDS:
        (wild, _), (tame, blind) = losses(0.0, seed), losses(1.0, seed)
        explodes = not np.isfinite(wild[-1]) or np.mean(wild[-10:]) > wild[0]
        falls = len(tame) == STEPS and np.median(tame[-20:]) < min(tame[0], blind) - FALLS
        print(f"seed {seed}: {len(wild)} steps without, last {wild[-2:]}; with {tame[0]:.2f} → "
              f"{np.median(tame[-20:]):.2f}, blind {blind:.2f}")
        seen.append(bool(explodes and falls))
    held(seen)
