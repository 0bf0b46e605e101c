"""A training process: one experiment from its last snapshot to its end. Imports torch."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection

from explorer.engine.points import Point
from explorer.engine.wire import pack, unpack, unpack_experiment
from explorer.errors import Diverged, EngineError, ExplorerError
from explorer.store import Store
from explorer.training.events import Progress, Snapshot
from explorer.words import N_
from explorer.work import work

PACE = 0.05  # seconds between two messages to the supervisor

log = logging.getLogger(__name__)


def attend(pipe: Connection, url: str | None) -> None:
    """Train what the first message says; report progress, and how it ended."""
    header, payload = unpack(pipe.recv_bytes())
    stop = threading.Event()
    threading.Thread(target=_hear, args=(pipe, stop), daemon=True).start()
    report = Report(pipe)
    store = Store(url)
    try:
        experiment = unpack_experiment(header, payload)
        status = work(store, experiment, until=header["until"], stop=stop.is_set, report=report)
        report.end(status)
    except Diverged as error:
        report.end("diverged", error)
    except ExplorerError as error:
        report.end("failed", error)
    except Exception as broken:
        log.exception("training failed")
        said = EngineError(
            N_("Training failed ({reason}). The snapshots up to then are kept, and the engine's "
               "log says more."), reason=f"{type(broken).__name__}: {broken}"[:300])
        with suppress(ExplorerError):  # a full disk cannot even take this
            store.mark(experiment.key, "failed", said)
        report.end("failed", said)


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
