"""Every gate and state of 1,000 tokens, over a plain fused forward of the same text."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.rows import Row, alternate
from explorer.experiment import Experiment
from explorer.probes.capture import trace
from explorer.probes.opened import Opened
from explorer.text import Tokenizer, corpus
from explorer.training.loop import build

TOKENS, HIDDEN, REPETITIONS = 1_000, 256, 40


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

        def plain(ids: torch.Tensor = ids, opened: Opened = opened) -> None:
            with torch.no_grad():
                opened.network(ids[:, None])

        def traced(read: str = read, opened: Opened = opened) -> None:
            trace(opened, read)

        alternate(traced, plain, 3)
        ours, theirs = alternate(traced, plain, REPETITIONS)
        yield Row(f"trace {kind} {HIDDEN}", ours / theirs, 3.0, False,
                  f"{ours * 1e3:.1f} ms", f"{theirs * 1e3:.1f} ms")
