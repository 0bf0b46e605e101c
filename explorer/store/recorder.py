"""Writes one run, so that a kill at any instant leaves it readable and able to go on."""

from __future__ import annotations

import time

import pandas as pd

from explorer.errors import ExplorerError
from explorer.experiment import Experiment
from explorer.store.files import Files
from explorer.store.folder import Folder, Status, frame
from explorer.text import Tokenizer
from explorer.training.events import Progress, Snapshot

ROWS = 2_000  # of a history, about


class Recorder:
    """Opens a run's folder, or creates it, and writes what training yields.

    tokenizer: learnt from the experiment's text. resume: the last finished snapshot, to go on
    from; whatever was written after it is dropped. step: of that snapshot, 0 for a new run. A new
    experiment with `changes` starts from where the same experiment with fewer of them stopped, if
    that was not after the change. A run that was imported is replaced: nobody saw it trained.
    """

    tokenizer: Tokenizer
    resume: Snapshot | None
    step: int

    def __init__(self, files: Files, experiment: Experiment) -> None:
        """Raises DataError (text that cannot be used), RunError (damaged, disk full)."""
        self._experiment = experiment
        self._folder = Folder(files, experiment.key)
        if self._folder.exists() and not self._folder.status().get("imported"):
            self.tokenizer = self._folder.tokenizer()
            self._folder.sweep()
        else:
            self.tokenizer = experiment.task.tokenizer(experiment.text, experiment.tokens)
            self._folder.remove()
            self._folder.create(experiment, self.tokenizer)
        self.resume = self._folder.resume() or self._inherit(files)
        self.step = self.resume.step if self.resume else 0
        self._every = max(1, experiment.training.steps // ROWS)
        self._planned = set(experiment.training.snapshot_steps())
        self._spent = float(self._folder.status().get("seconds", 0.0))
        self._began = time.monotonic()
        self._started = False
        self._keep_until(-1 if self.resume is None else self.step)

    def record(self, event: Progress | Snapshot) -> None:
        """Take in what training yields. Raises RunError when the disk is full."""
        if not self._started:
            self._folder.write_status("running", seconds=self._seconds())
            self._started = True
        if isinstance(event, Progress):
            if self._rows and not self._lasts(self._rows[-1]):
                self._rows.pop()
            self._rows.append(event.row())
        else:
            self._write(event)

    def close(self, status: Status, message: str | ExplorerError = "") -> None:
        """Write down how it ended, and why when it did not finish."""
        if self._rows:
            self._folder.write_history(self._history())
        self._folder.write_status(status, message, self._seconds())

    def _write(self, snapshot: Snapshot) -> None:
        """The snapshot, then what mentions it, then `resume`: in this order each file that names
        another finds it there."""
        self._folder.write_weights(snapshot.step, snapshot.weights)
        if snapshot.best:
            self._bests.append((snapshot.step, snapshot.metrics.get("validation_loss", 0.0)))
            self._folder.write_bests(self._bests)
        self._folder.write_history(self._history())
        self._folder.write("resume.safetensors", snapshot.resume)
        self._folder.write_status("running", seconds=self._seconds())
        self._prune(snapshot.step)

    def _prune(self, newest: int) -> None:
        """Drop the snapshots of earlier pauses; planned ones, the best and the newest stay."""
        keep = self._planned | {newest} | {step for step, _ in self._bests[-1:]}
        for step in self._folder.snapshots():
            if step not in keep:
                self._folder.drop_weights(step)

    def _keep_until(self, step: int) -> None:
        """Take over what was written up to a step, and drop the rest."""
        history = self._folder.history()
        bests = self._folder.bests()
        self._kept = history[history["step"] <= step]
        self._rows: list[dict[str, float]] = []
        self._bests = [best for best in bests if best[0] <= step]
        if len(self._kept) < len(history):
            self._folder.write_history(self._kept)
        if len(self._bests) < len(bests):
            self._folder.write_bests(self._bests)
        for later in self._folder.snapshots():
            if later > step:
                self._folder.drop_weights(later)

    def _history(self) -> pd.DataFrame:
        parts = [part for part in (self._kept, frame(self._rows)) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else self._kept

    def _lasts(self, row: dict[str, float]) -> bool:
        """Whether a row stays when a later one comes: thinned evenly, validated steps all kept."""
        return row["step"] % self._every == 0 or "validation_loss" in row

    def _seconds(self) -> float:
        return self._spent + time.monotonic() - self._began

    def _inherit(self, files: Files) -> Snapshot | None:
        """Copy the beginning of the run that this one changes by hand, if it stopped in time."""
        changes = self._experiment.training.changes
        for count in reversed(range(len(changes))):
            parent = Folder(files, _with_fewer_changes(self._experiment, count).key)
            found = parent.resume() if parent.exists() else None
            if found is not None and found.step <= changes[count].step:
                self._copy(parent, found.step)
                self._folder.write("resume.safetensors", found.resume)
                return found
        return None

    def _copy(self, parent: Folder, until: int) -> None:
        for step in parent.snapshots():
            if step <= until:
                self._folder.write_weights(step, parent.weights(step))
        history = parent.history()
        self._folder.write_history(history[history["step"] <= until])
        self._folder.write_bests([best for best in parent.bests() if best[0] <= until])
        self._folder.write_status("running", seconds=float(parent.status().get("seconds", 0.0)))


def _with_fewer_changes(experiment: Experiment, count: int) -> Experiment:
    data = experiment.model_dump(mode="json")
    data["training"]["changes"] = data["training"]["changes"][:count]
    return Experiment.parse(data)
