"""The training loop: a generator. No thread, no queue and no store in it; a test calls `next()`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from explorer.experiment import Experiment
from explorer.text import Tokenizer
from explorer.training.device import device
from explorer.training.events import Progress, Snapshot
from explorer.training.learner import Learner, build, load_weights, perplexity

__all__ = ["build", "load_weights", "split", "train"]


def split(experiment: Experiment, tokenizer: Tokenizer) -> tuple[Any, Any]:
    """What is trained on, and what is held out: for a language model the ids of the text, and those
    at its end. Raises DataError when the first is too little."""
    return experiment.task.split(experiment.text, experiment.data.held_out, experiment.training,
                                 tokenizer)


def train(
    experiment: Experiment,
    tokenizer: Tokenizer,
    *,
    resume: Snapshot | None = None,
    until: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Progress | Snapshot]:
    """Train, yielding a Snapshot before the first step and along the way, and Progress each step.

    resume: an earlier snapshot; training goes on from there as if never stopped.
    until: stop after this many steps, with a snapshot to go on from (default: all).
    stop: asked after each step; True ends there, likewise with a snapshot to go on from.
    On a CPU everything runs in one thread, and the same experiment gives the same weights, bit
    for bit. Raises Diverged when a loss, gradient or weight is no longer finite, DataError when
    the text is too short.
    """
    torch.set_num_threads(1)
    training = experiment.training
    held_in, held_out = (ids.to(device()) for ids in split(experiment, tokenizer))
    learner = Learner(experiment, tokenizer)
    if resume is None:
        yield learner.snapshot(held_out)
    else:
        learner.restore(resume)
    planned = set(training.snapshot_steps())
    last = training.steps if until is None else min(training.steps, until)
    began, first = time.perf_counter(), learner.step
    tokens = experiment.task.step_tokens(held_in, training)
    while learner.step < last:
        loss, norm = learner.learn(held_in)
        if stop():
            last = learner.step
        metrics = {"perplexity": perplexity(learner.loss),
                   "learning_rate": training.rate(learner.step - 1)}
        snapshot = None
        if learner.step in planned or learner.step == last:
            snapshot = learner.snapshot(held_out)
            metrics |= snapshot.metrics
        speed = (learner.step - first) * tokens / (time.perf_counter() - began)
        yield Progress(learner.step, training.steps, loss, metrics, norm, speed,
                       (training.steps - learner.step) * tokens / speed)
        if snapshot is not None:
            yield snapshot
