"""What the supervisor remembers of its jobs: all that wait or run, and the newest that are over."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from explorer.engine.contract import JobStatus
from explorer.engine.points import Points
from explorer.engine.wire import Header
from explorer.errors import EngineError
from explorer.words import N_

FORGET = 500  # jobs that are over are remembered, the newest
IN_FULL = 16  # of them with all their points; the others with `BRIEF`
BRIEF = 100


@dataclass
class Record:
    """A job and, while it runs, its process. target: the step at which it ends or pauses.
    order: the message its process begins with, kept until the job is over.
    given, told: the target its process knows, and whether that process was told to stop.
    stopping: whether that is still wanted, for somebody may have joined since."""

    key: str
    owner: str
    status: JobStatus
    target: int
    reached: int
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    order: tuple[Header, bytes] | None = None
    given: int = 0
    told: bool = False
    stopping: bool = False
    message: Header | None = None
    points: Points = field(default_factory=Points)
    process: BaseProcess | None = None
    pipe: Connection | None = None
    sending: threading.Lock = field(default_factory=threading.Lock)

    @property
    def over(self) -> bool:
        return self.status not in ("queued", "running")

    @property
    def wanted_on(self) -> bool:
        """Whether, now that its process has paused, somebody wants the run to go on."""
        return self.target > self.given or (self.told and not self.stopping)


class Records:
    """Jobs by id, and the latest of each run. Not for several threads at once."""

    def __init__(self) -> None:
        self._all: dict[str, Record] = {}
        self._latest: dict[str, str] = {}  # key -> id

    def add(self, record: Record) -> None:
        """Remember a job. If its run goes on from an earlier one, so does its curve."""
        earlier = self.latest(record.key)
        if earlier is not None:
            record.points.add(point for point in earlier.points.since(-1)
                              if point["step"] <= record.reached)
        self._all[record.id] = record
        self._latest[record.key] = record.id
        self.tidy()

    def get(self, id: str) -> Record:
        """Raises EngineError when there is no such job."""
        if id not in self._all:
            raise EngineError(
                N_("There is no job {id} (any more): open its run, and train it again to go on."),
                id=str(id)[:40])
        return self._all[id]

    def latest(self, key: str) -> Record | None:
        id = self._latest.get(key)
        return self._all[id] if id is not None else None

    def all(self) -> list[Record]:
        return list(self._all.values())

    def tidy(self) -> None:
        """Thin the curves of jobs that are over, and forget the oldest of them."""
        over = [record for record in self._all.values() if record.over]
        for old in over[:-IN_FULL]:
            old.points.thin(BRIEF)
        for old in over[:-FORGET]:
            del self._all[old.id]
            if self._latest.get(old.key) == old.id:
                del self._latest[old.key]
