"""Tokens per second of our loop, with its progress, validation and snapshots, recorded in a store
as every run is, over a bare loop.

The peer is what one writes in ten lines of PyTorch: the same layers, AdamW (fused), clipping,
batch and window, and nothing else: no validation, no snapshot, no progress, no schedule. Both take
as many steps as a default run does (about 15 s), in one thread, in turns of a few steps, in the
same process; seconds are that process's own, so that a neighbour on the machine counts for neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from tempfile import TemporaryDirectory

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.rows import Row
from explorer.experiment import Experiment
from explorer.store import Store
from explorer.text import Text, Tokenizer, corpus
from explorer.training.events import Progress
from explorer.training.loop import train

TURN = 5  # steps that one side takes before the other has its turn
LAYERS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


Peer = Callable[[Experiment, Tokenizer], Iterator[None]]


def bare(experiment: Experiment, tokenizer: Tokenizer) -> Iterator[None]:
    """The ten lines: one step at each `next`."""
    spec, training = experiment.model.model_dump(), experiment.training
    ids = torch.from_numpy(tokenizer.encode(experiment.text.content).ids)
    embed = nn.Embedding(tokenizer.size, spec["embedding"])
    core = LAYERS[spec["kind"]](spec["embedding"], spec["hidden"], spec["layers"])
    decode = nn.Linear(spec["hidden"], tokenizer.size)
    parameters = [*embed.parameters(), *core.parameters(), *decode.parameters()]
    optimizer = torch.optim.AdamW(parameters, training.learning_rate, fused=True)
    steps = torch.arange(training.window + 1)[:, None]
    while True:
        start = torch.randint(len(ids) - training.window, (training.batch,))
        window = ids[start + steps]  # (T + 1, B)
        h, _ = core(embed(window[:-1]))  # (T, B, hidden)
        loss = F.cross_entropy(decode(h).flatten(0, 1), window[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, training.clip)
        optimizer.step()
        yield


def compare(
    experiment: Experiment, tokenizer: Tokenizer, peer: Peer = bare
) -> tuple[float, float]:
    """Seconds of all steps of ours, with everything between them, and of as many bare ones."""
    next(peer(experiment, tokenizer))  # the first step of a process pays for the kernels' choice
    theirs = peer(experiment, tokenizer)
    seconds, steps = [0.0, 0.0], experiment.training.steps
    with TemporaryDirectory() as folder:
        recorder = Store(folder).recorder(experiment)
        ours = train(experiment, tokenizer)
        done = 0
        while done < steps:
            began = time.process_time()
            turn = 0
            for event in ours:
                recorder.record(event)
                turn += isinstance(event, Progress)
                if turn == TURN and done + turn < steps:  # the last turn ends with a snapshot
                    break
            between = time.process_time()
            list(islice(theirs, turn))
            seconds[0] += between - began
            seconds[1] += time.process_time() - between
            done += turn
    return seconds[0], seconds[1]


def measure(text: Text | None = None) -> Iterator[Row]:
    torch.set_num_threads(1)
    text = text or corpus("story-en")
    for kind in LAYERS:
        for hidden in (128, 256, 512):
            experiment = Experiment.language_model(text, model={"kind": kind, "hidden": hidden})
            tokenizer = Tokenizer.learn(text, experiment.tokens)
            training = experiment.training
            ours, theirs = compare(experiment, tokenizer)
            tokens = training.steps * training.batch * training.window
            yield Row(f"training {kind} {hidden}", theirs / ours, 0.95, True,
                      f"{tokens / ours:,.0f} tokens/s", f"{tokens / theirs:,.0f}")
