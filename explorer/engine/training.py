"""A training process: one experiment from its last snapshot to its end. Imports torch."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from multiprocessing.connection import Connection

from explorer.engine.points import Point
from explorer.engine.wire import pack, unpack, unpack_experiment
from explorer.errors import Diverged, EngineError, ExplorerError
from explorer.experiment import Experiment
from explorer.store import Store
from explorer.store.store import Status
from explorer.training.events import Progress, Snapshot
from explorer.training.loop import train
from explorer.words import N_

PACE = 0.05  # seconds between two messages to the supervisor

log = logging.getLogger(__name__)


def work(pipe: Connection, url: str | None) -> None:
    """Train what the first message says; report progress, and how it ended."""
    header, payload = unpack(pipe.recv_bytes())
    stop = threading.Event()
    threading.Thread(target=_hear, args=(pipe, stop), daemon=True).start()
    report = Report(pipe)
    try:
        experiment = unpack_experiment(header, payload)
        status = drive(Store(url), experiment, header["until"], stop, report)
        report.end(status)
    except Diverged as error:
        report.end("diverged", error)
    except Exception as error:
        report.end("failed", in_words(error, header["experiment"]))


def drive(
    store: Store, experiment: Experiment, until: int, stop: threading.Event, report: Report
) -> Status:
    """Train into the store, from its last snapshot on. Raises what training raises."""
    recorder = store.recorder(experiment)
    resume = recorder.resume
    reached = 0
    for event in train(experiment, recorder.tokenizer, resume=resume, until=until,
                       stop=stop.is_set):
        recorder.record(event)
        report(event)
        reached = event.step
    status: Status = "finished" if reached >= experiment.training.steps else "paused"
    recorder.close(status)
    return status


def in_words(error: Exception, experiment: Point) -> ExplorerError:
    """Why training broke off, for people."""
    if isinstance(error, ExplorerError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return EngineError(N_("The disk is full: training stopped, and the snapshots up to then "
                              "are kept. Free some space or delete some runs, then train again "
                              "to go on."))
    log.exception("training failed", exc_info=error)
    reason = f"{type(error).__name__}: {error}"[:300]
    return EngineError(N_("Training failed ({reason}): the snapshots up to then are kept, and the "
                          "engine's log says more."), reason=reason)


class Report:
    """Sends progress in batches, at most some twenty a second."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._waiting: list[Point] = []
        self._sent = 0.0

    def __call__(self, event: Progress | Snapshot) -> None:
        if isinstance(event, Snapshot):
            return
        self._waiting.append(event.to_json())
        if time.monotonic() - self._sent >= PACE:
            self._flush()

    def end(self, status: str, error: ExplorerError | None = None) -> None:
        self._flush()
        self._pipe.send_bytes(pack({"end": status, "message": error and error.to_json()}))

    def _flush(self) -> None:
        if self._waiting:
            self._pipe.send_bytes(pack({"progress": self._waiting}))
            self._waiting = []
        self._sent = time.monotonic()


def _hear(pipe: Connection, stop: threading.Event) -> None:
    """Listen for the word to stop; without a supervisor there is nobody to train for."""
    try:
        while True:
            if unpack(pipe.recv_bytes())[0].get("stop"):
                stop.set()
    except (EOFError, OSError):
        os._exit(1)
