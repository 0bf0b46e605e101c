"""The contract of every engine: where torch runs, seen from outside. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import xarray as xr

from explorer.experiment import Experiment
from explorer.training.events import Progress

JobStatus = Literal["queued", "running", "paused", "finished", "diverged", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class Job:
    """A place in the queue. key: of the run it trains. position: 0 = running, 1 = next, …
    eta: seconds until it starts (queued) or ends (running), from measured steps/s; None = unknown.
    message: why it ended, in words, when it did not finish (an ExplorerError as JSON)."""

    id: str
    key: str
    owner: str
    status: JobStatus
    position: int
    eta: float | None
    message: Mapping[str, Any] | None = None

    @property
    def over(self) -> bool:
        return self.status not in ("queued", "running")


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """running and queued jobs in order, how many train at once, and the queue's limit."""

    running: tuple[Job, ...]
    queued: tuple[Job, ...]
    slots: int
    limit: int
    steps_per_second: float | None


class Engine(Protocol):
    """Where torch runs."""

    def submit(self, experiment: Experiment, owner: str, *, until: int | None = None) -> Job:
        """Train, or join whoever trains the same; a finished run gives a finished job at once.
        until: pause after that many steps (for single steps). A paused, cancelled, failed or
        killed run goes on from its last snapshot. An experiment with `changes` starts from the
        last snapshot of the same experiment with fewer changes, when there is one that early.
        Raises QueueFull: too many jobs in all, or of this owner."""
        ...

    def job(self, id: str) -> Job:
        """How a job stands now. Raises EngineError when there is no such job."""
        ...

    def find(self, key: str) -> Job | None:
        """The job that trains (or trained last) this run, if any."""
        ...

    def progress(self, id: str, since: int = -1) -> list[Progress]:
        """What was reported after step `since`, at most 2,000 points, evenly thinned."""
        ...

    def watch(self, id: str, since: int = -1) -> Iterator[Progress]:
        """Progress as it comes, until the job is over (at most some 20 a second)."""
        ...

    def pause(self, id: str, owner: str) -> Job:
        """Stop with a snapshot of the very step; `submit` goes on from it. If others joined the
        job, only this owner leaves it. Waits some seconds for the step that is being taken. Raises
        EngineError when the job is not this owner's."""
        ...

    def cancel(self, id: str, owner: str) -> Job:
        """Stop now (under 200 ms); finished snapshots stay. Others who joined keep the job. Raises
        EngineError when the job is not this owner's."""
        ...

    def ask(self, probe: str, key: str, /, **parameters: Any) -> xr.Dataset:
        """Run a probe (see explorer.probes) on a run in a warm process, within a time limit.
        parameters: `step`, the snapshot that is opened (−1 the last, the default; −2 …, as in a
        list), and the probe's own. key: "" for a probe that needs no run (one of
        explorer.probes.BARE). Raises EngineError (time), RunError, DataError."""
        ...

    def status(self) -> EngineStatus: ...

    def close(self) -> None: ...
