"""Six runs of a comparison through the engine's queue with two slots, from the first submission to
the last run's end, over the sum of their own times halved: what the queue, the start of a process
for each run and an idle slot at the end cost.

A run's own time is what it says itself: training with validation and snapshots, not the start of
its process. Both sides are of the same minutes, so that a neighbour on the machine slows both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import chain
from tempfile import TemporaryDirectory

from benchmarks.rows import Row, book
from explorer.comparison import Comparison, effort, vary
from explorer.engine import LocalEngine, start_local
from explorer.experiment import Experiment
from explorer.store import Store

SLOTS, REPETITIONS = 2, 3
OWNER = "benchmark"


def six(seed: int) -> list[Experiment]:
    """Two sizes of three architectures, in the order in which the page hands them over."""
    base = Experiment.language_model(book(), model="gru", steps=300, batch=32, window=32)
    chosen = Comparison(base, vary({"model.kind": ["rnn", "gru", "lstm"],
                                    "model.hidden": [96, 128]}), (seed,))
    return sorted(chain.from_iterable(chosen.experiments), key=effort, reverse=True)


def compare(
    engine: LocalEngine, store: Store, experiments: list[Experiment]
) -> tuple[float, float]:
    """Seconds until the last of them is finished, and what they took themselves, in all."""
    began = time.perf_counter()
    jobs = [engine.submit(experiment, OWNER) for experiment in experiments]
    for job in jobs:
        for _progress in engine.watch(job.id):
            pass
    taken = time.perf_counter() - began
    return taken, sum(store.run(experiment.key).seconds for experiment in experiments)


def measure() -> Iterator[Row]:
    with TemporaryDirectory() as folder:
        engine, store = start_local(folder, slots=SLOTS), Store(folder, pretrained="")
        engine.status()
        try:
            pairs = [compare(engine, store, six(seed)) for seed in range(REPETITIONS)]
        finally:
            engine.close()
    ratio = statistics.median(taken / (own / SLOTS) for taken, own in pairs)
    taken, own = (statistics.median(side) for side in zip(*pairs, strict=True))
    yield Row("side by side, six runs", ratio, 1.1, False, f"{taken:.1f} s",
              f"{own:.1f} s in all, halved")
