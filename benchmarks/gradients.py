"""The gradient with respect to every state of 1,000 tokens, over one fused forward and backward."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import torch
from torch.nn import functional as F

from benchmarks.rows import Row
from explorer.experiment import Experiment
from explorer.probes.bptt import gradients
from explorer.probes.opened import Opened
from explorer.text import Tokenizer, corpus
from explorer.training.loop import build

TOKENS, HIDDEN, REPETITIONS = 1_000, 256, 20


def measure() -> Iterator[Row]:
    torch.set_num_threads(1)
    text = corpus("story-en")
    for kind in ("rnn", "gru", "lstm"):
        experiment = Experiment.language_model(text, model={"kind": kind, "hidden": HIDDEN})
        tokenizer = Tokenizer.learn(text, experiment.tokens)
        network = build(experiment, tokenizer.size).eval()
        opened = Opened(experiment.key, 0, experiment, tokenizer, network)
        read = text.content[:TOKENS]
        ids = torch.from_numpy(tokenizer.encode(read).ids)

        def fused(ids: torch.Tensor = ids, opened: Opened = opened) -> None:
            h, _ = opened.network.core(opened.network.read(ids[:-1, None]))  # (T − 1, 1, hidden)
            F.cross_entropy(opened.network.decoder(h[-1]), ids[-1:]).backward()

        def every_step(read: str = read, opened: Opened = opened) -> None:
            gradients(opened, read)

        pairs(every_step, fused, 2)
        ours, theirs, ratio = pairs(every_step, fused, REPETITIONS)
        yield Row(f"gradients {kind} {HIDDEN}", ratio, 3.0, False,
                  f"{ours * 1e3:.1f} ms", f"{theirs * 1e3:.1f} ms")


def pairs(
    ours: Callable[[], object], theirs: Callable[[], object], repetitions: int
) -> tuple[float, float, float]:
    """Median seconds of this thread for each, called in turn, and the median of their ratios."""
    times = []
    for _ in range(repetitions):
        pair = []
        for call in (ours, theirs):
            began = time.thread_time()
            call()
            pair.append(time.thread_time() - began)
        times.append(pair)
    return (statistics.median(t[0] for t in times), statistics.median(t[1] for t in times),
            statistics.median(t[0] / t[1] for t in times))
