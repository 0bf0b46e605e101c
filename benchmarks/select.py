"""Select and match over 500,000 tokens and 200 units, over the half second that it may take; and a
picture by UMAP, over its five seconds."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.rows import Row, book
from explorer.experiment import Experiment
from explorer.probes import umap
from explorer.probes.corpus import Corpus
from explorer.probes.matching import select_and_match
from explorer.probes.opened import Opened
from explorer.text import Text, Tokenizer
from explorer.training.events import Snapshot
from explorer.training.loop import train

TOKENS, HIDDEN, STEPS, REPETITIONS = 500_000, 200, 100, 9
LIMIT, LIMIT_UMAP = 0.5, 5.0  # seconds
SENTENCE = 'He put down his glass, and walked towards the door. "I am sorry," he said.'


def measure() -> Iterator[Row]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EXPLORER_CACHE"] = folder
        opened = _trained()
        corpus = Corpus(opened)
        began = time.perf_counter()
        read = corpus.go_on()
        reading = time.perf_counter() - began
        for name, start, stop, threshold in (("one word", 3, 6, 0.3), ("one token", 0, 1, 0.0)):
            times, found = [], None
            for _ in range(REPETITIONS):
                began = time.thread_time()
                found = select_and_match(opened, SENTENCE, start, stop, threshold)
                times.append(time.thread_time() - began)
            seconds = float(np.median(times))
            yield Row(f"select and match, {name}", seconds / LIMIT, 1.0, False,
                      f"{seconds:.3f} s ({found.sizes['chosen'] if found else 0} units of {HIDDEN},"
                      f" {read:,} tokens, read once in {reading:.1f} s)", f"limit {LIMIT} s")
        points = corpus.at(np.linspace(0, read - 1, 5_000).astype(int))
        began = time.thread_time()
        umap.fit(points)
        seconds = time.thread_time() - began
        yield Row("UMAP of 5,000 states", seconds / LIMIT_UMAP, 1.0, False, f"{seconds:.2f} s",
                  f"limit {LIMIT_UMAP} s")


def _trained() -> Opened:
    """An LSTM that has learnt for a moment, so that its units switch as those of a real one."""
    content = book().content
    text = Text("book", (content * (TOKENS // len(content) + 1))[:TOKENS])
    experiment = Experiment.language_model(
        text, model={"kind": "lstm", "hidden": HIDDEN}, steps=STEPS, held_out=0)
    tokenizer = Tokenizer.learn(text, experiment.tokens)
    last = [event for event in train(experiment, tokenizer) if isinstance(event, Snapshot)][-1]
    return Opened.from_weights(experiment, tokenizer, last.step, last.weights)
