"""Truncated backpropagation is biased, randomised is not (Tallec & Ollivier 2017)."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.experiment import Experiment
from explorer.probes import Opened
from explorer.probes.truncation import truncation
from explorer.text import Text, Tokenizer, corpus
from explorer.training.events import Snapshot
from explorer.training.loop import train
from tests.phenomena.book import time_machine
from tests.phenomena.seeds import SEEDS, held

CHARACTERS, READ, EVERY, DRAWS = 10_000, 129, 8, 128
ENOUGH = 8  # groups behind a point that the slope is fitted through


@pytest.fixture(scope="module")
def text() -> Text:
    """The book's beginning; without it a built-in story's, where the same bounds hold."""
    return Text("text", (time_machine() or corpus("story-en").content)[:CHARACTERS])


def trained(text: Text, seed: int, kind: str) -> Opened:
    experiment = Experiment.language_model(
        text, model={"kind": kind, "hidden": 48, "embedding": 24}, steps=120, seed=seed, held_out=0,
        batch=16, window=32)
    tokenizer = Tokenizer.learn(text, experiment.tokens)
    last = [each for each in train(experiment, tokenizer) if isinstance(each, Snapshot)][-1]
    return Opened.from_weights(experiment, tokenizer, last.step, last.weights)


@pytest.mark.phenomena
@pytest.mark.parametrize("kind", ["rnn", "gru"])
def test_the_mean_of_randomised_gradients_nears_the_full_one_as_one_over_root_n(
    text: Text, kind: str
) -> None:
    falls, meets, stays = [], [], []
    for seed in SEEDS:
        opened = trained(text, seed, kind)
        start = 1_000 + 500 * seed
        found = truncation(opened, text.content[start : start + READ], EVERY, DRAWS, seed)
        here = found.sel(weights="recurrent")
        counts, error = found["count"].values, here["error"].values
        fitted = counts * ENOUGH <= DRAWS
        slope = np.polyfit(np.log(counts[fitted]), np.log(error[fitted]), 1)[0]
        regular = here.sel(kind="regular")
        off = float(np.hypot(regular["along"] - 1, regular["across"]))
        falls.append(-0.6 < slope < -0.4)
        meets.append(error[-1] < 2 * float(here["spread"]) / np.sqrt(DRAWS))
        stays.append(off > 3 * error[-1])
    held(falls)
    held(meets)
    held(stays)
