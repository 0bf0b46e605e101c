"""Training jobs in the supervisor: the queue in front, one process each behind. No torch."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

from explorer.engine import entry
from explorer.engine.contract import EngineStatus, Job, JobStatus
from explorer.engine.points import Point
from explorer.engine.queue import Queue
from explorer.engine.records import Record, Records
from explorer.engine.wire import Header, pack, unpack
from explorer.errors import EngineError, ExplorerError
from explorer.experiment import Experiment
from explorer.store import Status
from explorer.words import N_

PATIENCE = 10.0  # seconds that `pause` waits for the step that is being taken

log = logging.getLogger(__name__)

Mark = Callable[[str, Status, ExplorerError], None]


class Jobs:
    """Every method may be called from any thread.

    mark: writes into the store why a process ended without a word, by key.
    """

    def __init__(
        self, context: BaseContext, queue: Queue, store: str | None, modules: Sequence[str],
        mark: Mark,
    ) -> None:
        self._context, self._queue, self._store, self._modules = context, queue, store, modules
        self._mark = mark
        self._records = Records()
        self._changed = threading.Condition(threading.RLock())

    def submit(
        self, experiment: Experiment, owner: str, until: int | None, order: tuple[Header, bytes],
        reached: int,
    ) -> Job:
        """Queue a run that stands at step `reached`, or join it. Raises QueueFull."""
        steps = experiment.training.steps
        target = steps if until is None else min(until, steps)
        with self._changed:
            joined = self._queue.join(experiment.key, owner)
            if joined is not None:
                record = self._records.get(joined.id)
                record.target = max(record.target, target)
                record.stopping = False
                return self._job(record, owner)
            record = Record(experiment.key, owner, "queued", target, reached)
            weight = float(experiment.model.parameters(100))
            weight *= experiment.training.batch * experiment.training.window
            self._queue.admit(record.id, record.key, owner, max(1, target - reached), weight)
            record.order = order
            self._records.add(record)
            self._start()
            return self._job(record, owner)

    def finished(self, experiment: Experiment, owner: str) -> Job:
        """The job of a run that needs no more training."""
        with self._changed:
            steps = experiment.training.steps
            record = Record(experiment.key, owner, "finished", steps, steps)
            self._records.add(record)
            return self._job(record)

    def job(self, id: str) -> Job:
        with self._changed:
            return self._job(self._records.get(id))

    def find(self, key: str) -> Job | None:
        with self._changed:
            record = self._records.latest(key)
            return self._job(record) if record is not None else None

    def progress(self, id: str, since: int) -> list[Point]:
        with self._changed:
            return self._records.get(id).points.since(since)

    def pause(self, id: str, owner: str) -> Job:
        with self._changed:
            record = self._records.get(id)
            if not self._alone(record, owner):
                return self._job(record)
            if record.pipe is None:
                self._over(record, "paused")
                return self._job(record)
            record.told = record.stopping = True
            self._tell_to_stop(record.pipe, record.sending)
            self._changed.wait_for(lambda: record.status != "running" or not record.stopping,
                                   PATIENCE)
            return self._job(record)

    def cancel(self, id: str, owner: str) -> Job:
        with self._changed:
            record = self._records.get(id)
            if not self._alone(record, owner):
                return self._job(record)
            error = EngineError(N_("Run {key} was cancelled; its snapshots are kept, and training "
                                   "goes on from the last of them."), key=record.key)
            if record.process is not None:
                self._kill(record)
                self._note(record, "cancelled", error)
            self._over(record, "cancelled")
            return self._job(record)

    def status(self) -> EngineStatus:
        with self._changed:
            queue = self._queue
            running = [self._records.get(ticket.id) for ticket in queue.running.values()]
            queued = [self._records.get(ticket.id) for ticket in queue.order()]
            return EngineStatus(
                tuple(self._job(record) for record in running),
                tuple(self._job(record) for record in queued),
                queue.slots, queue.limit, queue.steps_per_second())

    def close(self) -> None:
        """Kill what trains. The store is left as any kill leaves it: readable."""
        with self._changed:
            for record in self._records.all():
                self._kill(record)

    def _tell_to_stop(self, pipe: Connection, sending: threading.Lock) -> None:
        with sending, suppress(OSError):  # it may just have ended
            pipe.send_bytes(pack({"stop": True}))

    def _alone(self, record: Record, owner: str) -> bool:
        """Whether the job stops when this owner leaves it; takes them off when it goes on."""
        ticket = self._queue.ticket(record.id)
        if ticket is None:
            return False
        if owner not in ticket.owners:
            raise EngineError(N_("Run {key} is being trained for someone else: only they can stop "
                                 "it."), key=record.key)
        alone = self._queue.leave(record.id, owner)
        if not alone:
            record.owner = ticket.owners[0]
        return alone

    def _job(self, record: Record, owner: str | None = None) -> Job:
        position, eta = 0, None
        if self._queue.ticket(record.id) is not None:
            position = self._queue.position(record.id)
            eta = self._queue.eta(record.id, time.monotonic())
        return Job(record.id, record.key, owner or record.owner, record.status, position, eta,
                   record.message)

    def _start(self) -> None:
        """Fill the free slots."""
        while (ticket := self._queue.start()) is not None:
            self._begin(self._records.get(ticket.id))
        self._changed.notify_all()

    def _begin(self, record: Record) -> None:
        assert record.order is not None
        ours, theirs = self._context.Pipe()
        process = self._context.Process(  # type: ignore[attr-defined]
            target=entry.train, args=(theirs, self._store, self._modules), daemon=True)
        try:
            process.start()
        except OSError as error:
            log.exception("no process could be started")
            record.message = EngineError(
                N_("No process could be started ({reason}): close other programs, or let other "
                   "runs finish, then train again."), reason=str(error)).to_json()
            self._over(record, "failed")
            return
        finally:
            theirs.close()
        record.process, record.pipe, record.status = process, ours, "running"
        record.given, record.told, record.stopping = record.target, False, False
        header, text = record.order
        order = pack(header | {"until": record.target}, text)
        threading.Thread(target=self._listen, args=(record, process, ours, order),
                         daemon=True).start()

    def _listen(
        self, record: Record, process: BaseProcess, pipe: Connection, order: bytes
    ) -> None:
        """Take what a process reports, until its end."""
        try:
            with record.sending:
                pipe.send_bytes(order)
            while "end" not in (end := unpack(pipe.recv_bytes())[0]):
                self._report(record, process, end["progress"])
        except (EOFError, OSError):
            end = {}
            process.join(5)
        with self._changed:
            if record.process is process:  # not cancelled in the meantime
                self._finish(record, end)

    def _report(self, record: Record, process: BaseProcess, points: list[Point]) -> None:
        with self._changed:
            if record.process is not process:
                return
            record.points.add(points)
            record.reached = points[-1]["step"]
            self._queue.measure(record.id, record.reached, record.target - record.reached,
                                time.monotonic())

    def _finish(self, record: Record, end: Header) -> None:
        assert record.process is not None
        code = record.process.exitcode
        self._kill(record)
        if end.get("end") == "paused" and record.wanted_on:
            self._again(record)
            return
        record.message = end.get("message")
        if not end:
            error = EngineError(
                N_("The process that trained run {key} was ended from outside (exit code {code}), "
                   "perhaps because memory ran out. Its snapshots are kept: train again to go on "
                   "from the last one."), key=record.key, code=code)
            log.warning("%s", error)
            record.message = error.to_json()
            self._note(record, "failed", error)
        self._over(record, end.get("end", "failed"))

    def _again(self, record: Record) -> None:
        """Somebody wants this run to go on while it was pausing: back into the queue."""
        record.status = "queued"
        self._queue.again(record.id, max(1, record.target - record.reached))
        self._start()

    def _note(self, record: Record, status: Status, error: ExplorerError) -> None:
        with suppress(ExplorerError):  # killed before its run was there, or the disk is full
            self._mark(record.key, status, error)

    def _over(self, record: Record, status: JobStatus) -> None:
        self._queue.remove(record.id)
        record.status, record.order = status, None
        self._records.tidy()
        self._start()

    def _kill(self, record: Record) -> None:
        process, pipe = record.process, record.pipe
        record.process = record.pipe = None
        if process is not None:
            process.kill()
            process.join(5)
        if pipe is not None:
            pipe.close()


