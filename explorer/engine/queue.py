"""The fair queue: who trains next, who waits how long, who is turned away.

Plain data. No process, no thread and no clock in it: time is passed in. Owners take turns (round
robin), each with the oldest run they wait for; a run that several ask for is trained once, and is
served with whichever of them has the next turn.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from explorer.errors import QueueFull
from explorer.words import N_

LIMIT = 64  # runs waiting or training, of everyone together
CAP = 8  # of one owner
MEMORY = 0.8  # of the measured speed, per report


@dataclass
class Ticket:
    """A run that waits or trains. weight: what one step of it costs, in any unit that is the same
    for all. speed: steps per second, once measured."""

    id: str
    key: str
    owners: list[str]
    left: int  # steps
    weight: float = 1.0
    speed: float | None = None
    reported: tuple[int, float] | None = field(default=None, repr=False)  # step, when


class Queue:
    """At most `slots` tickets run; the others wait their turn."""

    def __init__(self, slots: int, limit: int = LIMIT, cap: int = CAP) -> None:
        self.slots, self.limit, self.cap = slots, limit, cap
        self.running: dict[str, Ticket] = {}
        self._waiting: dict[str, Ticket] = {}
        self._lines: dict[str, deque[str]] = {}  # owner -> ids, oldest first
        self._ring: deque[str] = deque()  # owners with a line; the first has the next turn
        self._rate: float | None = None  # weight per second and slot, measured

    def join(self, key: str, owner: str) -> Ticket | None:
        """Let `owner` join the ticket of the same run, if there is one. It costs nothing."""
        for ticket in (*self.running.values(), *self._waiting.values()):
            if ticket.key == key:
                if owner not in ticket.owners:
                    ticket.owners.append(owner)
                    if ticket.id in self._waiting:
                        self._stand(owner, ticket.id)
                return ticket
        return None

    def admit(self, id: str, key: str, owner: str, steps: int, weight: float = 1.0) -> Ticket:
        """A new ticket at the end of its owner's line. Raises QueueFull: of all, or of the owner.
        steps: how many are left to train."""
        if len(self.running) + len(self._waiting) >= self.limit:
            raise QueueFull(
                N_("The queue is full: {limit} runs are waiting or training, and no more are "
                   "taken. Try again when some have finished."), limit=self.limit)
        if sum(owner in ticket.owners for ticket in self.tickets()) >= self.cap:
            raise QueueFull(
                N_("You already have {cap} runs waiting or training, which is the most for one "
                   "person: cancel one, or wait until one has finished."), cap=self.cap)
        ticket = Ticket(id, key, [owner], steps, weight)
        self._wait(ticket)
        return ticket

    def again(self, id: str, steps: int) -> None:
        """A running ticket gives its slot back and waits once more, its owners as before."""
        ticket = self.running.pop(id)
        ticket.left, ticket.reported = steps, None
        self._wait(ticket)

    def start(self) -> Ticket | None:
        """Give a free slot to whoever has the next turn; None: no slot is free, or nobody waits."""
        if len(self.running) >= self.slots or not self._ring:
            return None
        owner = self._ring[0]
        ticket = self._waiting.pop(self._lines[owner][0])
        self._ring.rotate(-1)
        for other in ticket.owners:
            self._step_out(other, ticket.id)
        self.running[ticket.id] = ticket
        return ticket

    def leave(self, id: str, owner: str) -> bool:
        """Take one owner off a ticket. True if nobody is left on it; it then stays in place until
        `remove`."""
        ticket = self.ticket(id)
        if ticket is None or owner not in ticket.owners:
            return False
        if len(ticket.owners) == 1:
            return True
        ticket.owners.remove(owner)
        self._step_out(owner, id)
        return False

    def remove(self, id: str) -> None:
        """The ticket is over: its slot, or its place in the lines, is free."""
        self.running.pop(id, None)
        ticket = self._waiting.pop(id, None)
        for owner in ticket.owners if ticket else ():
            self._step_out(owner, id)

    def ticket(self, id: str) -> Ticket | None:
        return self.running.get(id) or self._waiting.get(id)

    def tickets(self) -> list[Ticket]:
        """All of them: the running, then the waiting in the order of their turns."""
        return [*self.running.values(), *self.order()]

    def order(self) -> list[Ticket]:
        """The waiting, in the order in which they will be served if nobody else comes or goes."""
        ring = deque(self._ring)
        lines = {owner: deque(line) for owner, line in self._lines.items()}
        served: dict[str, Ticket] = {}
        while ring:
            owner = ring.popleft()
            line = lines[owner]
            while line and line[0] in served:
                line.popleft()
            if line:
                id = line.popleft()
                served[id] = self._waiting[id]
                ring.append(owner)
        return list(served.values())

    def position(self, id: str) -> int:
        """0 = running, 1 = next, …"""
        if id in self.running:
            return 0
        return next(n for n, ticket in enumerate(self.order(), 1) if ticket.id == id)

    def measure(self, id: str, step: int, left: int, now: float) -> None:
        """A running ticket has reached `step`, with `left` to go, at `now` seconds."""
        ticket = self.running.get(id)
        if ticket is None:
            return
        ticket.left = left
        before = ticket.reported
        ticket.reported = (step, now)
        if before is None or now <= before[1] or step <= before[0]:
            return
        speed = (step - before[0]) / (now - before[1])
        ticket.speed = _blend(ticket.speed, speed)
        self._rate = _blend(self._rate, ticket.speed * ticket.weight)

    def eta(self, id: str, now: float) -> float | None:
        """Seconds until a running ticket ends, or a waiting one starts; None while unmeasured."""
        if id in self.running:
            return self._remaining(self.running[id], now)
        remaining = [self._remaining(ticket, now) for ticket in self.running.values()]
        known = [seconds for seconds in remaining if seconds is not None]
        if self._rate is None or len(known) < len(remaining):
            return None
        free = known + [0.0] * (self.slots - len(known))
        heapify(free)
        for ticket in self.order():
            start = heappop(free)
            if ticket.id == id:
                return start
            heappush(free, start + ticket.left * ticket.weight / self._rate)
        return None

    def steps_per_second(self) -> float | None:
        """Of all that run now, together."""
        speeds = [t.speed for t in self.running.values() if t.speed is not None]
        return sum(speeds) if speeds else None

    def _remaining(self, ticket: Ticket, now: float) -> float | None:
        if ticket.speed is None or ticket.reported is None:
            if self._rate is None:
                return None
            return ticket.left * ticket.weight / self._rate
        return max(0.0, ticket.left / ticket.speed - (now - ticket.reported[1]))

    def _wait(self, ticket: Ticket) -> None:
        self._waiting[ticket.id] = ticket
        for owner in ticket.owners:
            self._stand(owner, ticket.id)

    def _stand(self, owner: str, id: str) -> None:
        if owner not in self._lines:
            self._lines[owner] = deque()
            self._ring.append(owner)
        self._lines[owner].append(id)

    def _step_out(self, owner: str, id: str) -> None:
        line = self._lines.get(owner)
        if line is None or id not in line:
            return
        line.remove(id)
        if not line:
            del self._lines[owner]
            self._ring.remove(owner)


def _blend(before: float | None, now: float) -> float:
    return now if before is None else MEMORY * before + (1 - MEMORY) * now
