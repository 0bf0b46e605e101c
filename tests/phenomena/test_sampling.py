"""Sequential partitioning beats random sampling for a stateful network: perplexity on the training
text after equally many updates (Zhang et al., Dive into Deep Learning, ch. 9: 1.0 against 1.4).

As there: the first 10,000 characters of the book, 32 windows of 35 tokens a step, one RNN layer of
256 units, one-hot input. Our optimiser needs 80 readings of the text where theirs takes 500.

Where a window begins among 10,000 places is worth ln 10,000 nats, so that whoever begins each
window from a blank state cannot come below e^(ln 10,000 / 35) = 1.30.
"""

from __future__ import annotations

import math
import statistics

import pytest

from explorer.experiment import Experiment
from explorer.text import Text, Tokenizer, corpus
from explorer.training.events import Progress
from explorer.training.loop import train
from tests.phenomena.book import time_machine
from tests.phenomena.seeds import SEEDS, held

CHARACTERS, BATCH, WINDOW, EPOCHS = 10_000, 32, 35, 80
UPDATES = (CHARACTERS - 1) // (BATCH * WINDOW)  # of an epoch
FLOOR = CHARACTERS ** (1 / WINDOW)


def perplexity(text: Text, sampling: str, seed: int) -> float:
    """exp of the mean loss of the last epoch."""
    experiment = Experiment.language_model(
        text, model={"kind": "rnn", "hidden": 256, "input": "one-hot"}, steps=EPOCHS * UPDATES,
        seed=seed, held_out=0, batch=BATCH, window=WINDOW, sampling=sampling, learning_rate=0.01,
        snapshots=1)
    tokenizer = Tokenizer.learn(text, experiment.tokens)
    losses = [each.loss for each in train(experiment, tokenizer) if isinstance(each, Progress)]
    return math.exp(statistics.mean(losses[-UPDATES:]))


@pytest.mark.phenomena
@pytest.mark.slow
def test_sequential_partitioning_beats_random_sampling() -> None:
    # Measured with seeds 0 and 1: 1.16 and 1.15 against 1.66 and 1.68 on the book; 1.14 and 1.14
    # against 1.53 and 1.55 on the built-in story.
    text = Text("text", (time_machine() or corpus("story-en").content)[:CHARACTERS])
    wins, knows_the_place, cannot = [], [], []
    for seed in SEEDS:
        carried, blank = (perplexity(text, how, seed) for how in ("sequential", "random"))
        wins.append(carried < 0.85 * blank)
        knows_the_place.append(carried < FLOOR)
        cannot.append(blank > FLOOR)
    held(wins)
    held(knows_the_place)
    held(cannot)
