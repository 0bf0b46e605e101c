"""A bidirectional language model is a misuse (phenomenon 10; Zhang et al., Dive into Deep Learning,
9.4: perplexity 1.1, “travellererererer”)."""

from __future__ import annotations

from typing import Any

import pytest
import xarray as xr

from explorer.experiment import Experiment
from explorer.probes import Opened
from explorer.probes.misuse import misuse
from explorer.text import Text, Tokenizer, corpus
from explorer.training.events import Progress, Snapshot
from explorer.training.loop import train
from tests.phenomena.book import time_machine
from tests.phenomena.seeds import SEEDS, held

READ = 60_000  # characters: a run of 400 steps sees each of them some ten times


def learnt(seed: int, **model: Any) -> tuple[float, xr.Dataset]:
    """The training perplexity of a small network, and what it writes."""
    book = time_machine()
    text = Text("The Time Machine", book[:READ]) if book else corpus("story-en")
    experiment = Experiment.language_model(
        text, model={"kind": "lstm", "hidden": 48, "embedding": 32} | model, steps=400, batch=32,
        window=35, learning_rate=0.01, snapshots=1, seed=seed)
    tokenizer = Tokenizer.learn(text, experiment.tokens)
    perplexity, last = float("nan"), b""
    for event in train(experiment, tokenizer):
        if isinstance(event, Progress):
            perplexity = event.metrics["perplexity"]
        elif isinstance(event, Snapshot):
            last = event.weights
    opened = Opened.from_weights(experiment, tokenizer, 400, last)
    return perplexity, misuse(opened, seed=seed)


def share(found: xr.Dataset, source: str) -> float:
    return float(found["known"].sel(source=source))


@pytest.mark.phenomena
@pytest.mark.slow
def test_it_guesses_perfectly_and_cannot_write() -> None:
    results = []
    for seed in SEEDS:
        perplexity, found = learnt(seed, bidirectional=True)
        results.append(perplexity < 1.5
                       and share(found, "written") <= share(found, "unigram"))
        assert found.attrs["echo"] > 0.5  # “erererer”: it writes what stood two before
        assert found.attrs["honest"] > 3 * found.attrs["scored"]
    held(results)


@pytest.mark.phenomena
@pytest.mark.slow
def test_the_same_network_one_way_guesses_worse_and_writes_better() -> None:
    results = []
    for seed in SEEDS:
        perplexity, found = learnt(seed)
        results.append(perplexity > 3 and share(found, "written") > 2 * share(found, "unigram"))
    held(results)
