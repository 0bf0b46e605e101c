"""Runs on disk, at any fsspec URL, beside the read-only runs of `pretrained/`.

    <url>/runs/<key>/experiment.json, text.json, tokenizer.json, status.json, history.parquet,
                     snapshots/<step>.safetensors, best.json, resume.safetensors
    <url>/owners/<hash of owner>/<key>.json      what an owner calls a run, and since when

A kill at any instant leaves a readable run: each file is written aside, then renamed; a snapshot
first, then the history that mentions it, then `resume`. A shipped run has a card.json as well.

Nobody can list the runs of others: only who knows a run's key can open it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from explorer.errors import ExplorerError, RunError
from explorer.experiment import Experiment
from explorer.store.files import Files
from explorer.store.folder import STATUSES, Folder, Status, is_key
from explorer.store.owners import Owned, Owners
from explorer.store.recorder import Recorder
from explorer.text import Tokenizer
from explorer.words import N_

SHIPPED = Path(__file__).parents[2] / "pretrained"
_REMEMBERED = 32  # experiments and tokenizers, which never change under their key

__all__ = ["Owned", "Recorder", "Run", "Status", "Store"]


@dataclass(frozen=True, eq=False)
class Run:
    """A run as it stands in the store. snapshots: the steps whose weights are kept."""

    key: str
    experiment: Experiment  # with its text attached
    status: Status
    history: pd.DataFrame  # columns: explorer.store.folder.COLUMNS
    snapshots: tuple[int, ...]
    best: int | None  # the step with the lowest validation loss
    message: str  # why it stopped, when it did not finish
    error: ExplorerError | None  # the same with its values, when it is one of ours
    seconds: float  # of training so far
    imported: bool  # from a zip: well-formed, but nobody here saw it trained
    card: Mapping[str, Any]  # name, title, about of a shipped run; empty for any other
    store: Store

    @property
    def trained(self) -> bool:
        """Whether it was trained here to its end, so that there is nothing left to do."""
        return self.status == "finished" and not self.imported

    @property
    def tokenizer(self) -> Tokenizer:
        """Learnt from the run's text. Raises RunError if it is damaged."""
        return self.store.tokenizer(self.key)

    def step(self, step: int = -1) -> int:
        """The snapshot that is meant: a step that was kept, or counted back from the last like a
        list index if negative. Raises RunError if there is none."""
        kept = self.snapshots
        if step < 0 and -step <= len(kept):
            return kept[step]
        if step in kept:
            return step
        raise RunError(N_("Run {key} has no snapshot of step {step}; it has: {known}."),
                       key=self.key, step=step, known=", ".join(map(str, kept)) or "–")

    def weights(self, step: int = -1) -> bytes:
        """safetensors of a snapshot; `step` as for `step()`."""
        return self.store.weights(self.key, self.step(step))


class Store:
    """Where runs are kept. May be shared by threads and by processes."""

    def __init__(self, url: str | None = None, pretrained: str | None = None) -> None:
        """url: None takes EXPLORER_STORE, else the user's data folder (platformdirs).
        pretrained: the shipped runs, laid out likewise; None takes the repository's own, "" none.
        Raises RunError when the URL cannot be opened."""
        self._files = Files(url or os.environ.get("EXPLORER_STORE") or _home())
        shipped = str(SHIPPED) if pretrained is None else pretrained
        self._shipped = Files(shipped) if shipped else None
        self._owners = Owners(self._files)
        self._experiment = lru_cache(_REMEMBERED)(lambda key: self.folder(key).experiment())
        self.tokenizer = lru_cache(_REMEMBERED)(lambda key: self.folder(key).tokenizer())

    @property
    def url(self) -> str:
        return self._files.url

    @property
    def files(self) -> Files:
        """Where its own runs lie."""
        return self._files

    def __contains__(self, key: object) -> bool:
        return is_key(key) and self._find(str(key)) is not None

    def run(self, key: str) -> Run:
        """Raises RunError: unknown key (or not 32 hex digits), damaged, another version."""
        folder = self.folder(key)
        status = folder.status()
        if status["status"] not in STATUSES:
            raise RunError(N_("Run {key} was written by another version of the explorer: train it "
                              "again."), key=key)
        bests = folder.bests()
        return Run(
            key=key, experiment=self._experiment(key), status=status["status"],
            history=folder.history(), snapshots=folder.snapshots(),
            best=bests[-1][0] if bests else None, message=_message(status), error=_error(status),
            seconds=float(status.get("seconds", 0.0)),
            imported=bool(status.get("imported", False)), card=folder.card(), store=self)

    def weights(self, key: str, step: int) -> bytes:
        """safetensors of a snapshot that is kept. Raises RunError."""
        return self.folder(key).weights(step)

    def recorder(self, experiment: Experiment) -> Recorder:
        """Open or create the run's folder for writing. Raises DataError, RunError."""
        return Recorder(self._files, experiment)

    def announce(self, experiment: Experiment, tokenizer: Tokenizer) -> None:
        """Keep an experiment that waits to be trained, so that its key finds it from now on. One
        that is here already is left as it is. Raises RunError: the disk is full."""
        if experiment.key not in self:
            Folder(self._files, experiment.key).create(experiment, tokenizer)

    def mark(self, key: str, status: Status, message: str | ExplorerError = "") -> None:
        """Say how a run stands when its writer died without a word. Raises RunError."""
        folder = self.folder(key)
        folder.write_status(status, message, float(folder.status().get("seconds", 0.0)))

    def pretrained(self, page: str = "") -> list[str]:
        """The keys of the shipped runs, in the order of their cards' names: those for all pages,
        or those that only one page shows."""
        if self._shipped is None:
            return []
        cards = {key: self.folder(key).card() for key in self._shipped.list("runs") if is_key(key)}
        return sorted((key for key, card in cards.items() if card.get("page", "") == page),
                      key=lambda key: str(cards[key].get("name", key)))

    def own(self, owner: str) -> list[str]:
        """The keys of an owner's runs, the newest first."""
        return [owned.key for owned in self.owned(owner)]

    def owned(self, owner: str) -> list[Owned]:
        """An owner's runs with the names they gave them, the newest first."""
        return self._owners.list(owner)

    def claim(self, owner: str, key: str, name: str = "") -> None:
        """Put a run on an owner's list, once. name: "" leaves it to the page to name it."""
        if is_key(key) and not self._owners.has(owner, key):
            self._owners.write(owner, key, name)

    def rename(self, owner: str, key: str, name: str) -> None:
        """Call an owner's run differently. Raises RunError when it is not on their list."""
        self._require(owner, key)
        self._owners.write(owner, key, name)

    def delete(self, owner: str, key: str) -> None:
        """Take a run off an owner's list; it is removed when it stands on nobody else's. Raises
        RunError when it is not on their list."""
        self._require(owner, key)
        self._owners.remove(owner, key)
        if not self._owners.anyone(key):
            Folder(self._files, key).remove()
            self._experiment.cache_clear()
            self.tokenizer.cache_clear()

    def _require(self, owner: str, key: str) -> None:
        if not is_key(key) or not self._owners.has(owner, key):
            raise RunError(N_("Run {key} is not on your list."), key=str(key)[:40])

    def folder(self, key: str) -> Folder:
        """The files of a run. Raises RunError: unknown key."""
        folder = self._find(key) if is_key(key) else None
        if folder is None:
            raise RunError(N_("There is no run {key} here: check the link, or train it again."),
                           key=str(key)[:40])
        return folder

    def _find(self, key: str) -> Folder | None:
        for files in (self._shipped, self._files):
            if files is not None and (folder := Folder(files, key)).exists():
                return folder
        return None


def _error(status: Mapping[str, Any]) -> ExplorerError | None:
    return ExplorerError.from_json(status["error"]) if "error" in status else None


def _message(status: Mapping[str, Any]) -> str:
    error = _error(status)
    return str(error) if error is not None else str(status.get("message", ""))


def _home() -> str:
    from platformdirs import user_data_path

    return str(user_data_path("sequence-explorer", appauthor=False))
