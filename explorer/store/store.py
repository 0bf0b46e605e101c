"""Runs on disk, at any fsspec URL, beside the read-only runs of `pretrained/`.

    <url>/runs/<key>/experiment.json, text.json, tokenizer.json, status.json, history.parquet,
                     snapshots/<step>.safetensors, best.json, resume.safetensors
    <url>/owners/<hash of owner>/<key>.json      what an owner calls a run, and since when

A kill at any instant leaves a readable run: each file is written aside, then renamed; a snapshot
first, then the history that mentions it, then `resume`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from explorer.experiment import Experiment
from explorer.text import Tokenizer
from explorer.training.events import Progress, Snapshot

Status = Literal["new", "running", "paused", "finished", "diverged", "cancelled", "failed"]


@dataclass(frozen=True)
class Run:
    """A run as it stands in the store. snapshots: the steps whose weights are kept."""

    key: str
    experiment: Experiment  # with its text attached
    status: Status
    history: pd.DataFrame  # step, loss, perplexity, gradient_norm, tokens_per_second, learning_rate, validation_…
    snapshots: tuple[int, ...]
    best: int | None  # the step with the lowest validation loss
    message: str  # why it stopped, when it did not finish
    store: "Store"

    @property
    def tokenizer(self) -> Tokenizer: raise NotImplementedError

    def weights(self, step: int = -1) -> bytes:
        """safetensors of a snapshot; −1 the last, counted back like a list index if negative."""
        raise NotImplementedError


class Store:
    def __init__(self, url: str | None = None, pretrained: str | None = None) -> None:
        """url: None takes EXPLORER_STORE, else the user's data folder (platformdirs)."""

    def run(self, key: str) -> Run:
        """Raises RunError: unknown key (or not 32 hex digits), damaged, another version."""
        raise NotImplementedError

    def __contains__(self, key: str) -> bool: raise NotImplementedError

    def recorder(self, experiment: Experiment) -> "Recorder":
        """Open or create the run's folder for writing."""
        raise NotImplementedError

    def own(self, owner: str) -> list[str]: raise NotImplementedError
    def pretrained(self) -> list[str]: raise NotImplementedError


class Recorder:
    """Writes one run."""

    tokenizer: Tokenizer
    resume: bytes | None  # of the last finished snapshot, to go on from

    def record(self, event: Progress | Snapshot) -> None: raise NotImplementedError
    def close(self, status: Status, message: str = "") -> None: raise NotImplementedError
