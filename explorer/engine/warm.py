"""Warm processes for probes in the supervisor: started beforehand, replaced when they overrun or
break. No torch.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

from explorer.engine import entry
from explorer.errors import EngineError
from explorer.words import N_


@dataclass
class _Warm:
    process: BaseProcess
    pipe: Connection
    last: str = ""  # the run it opened last, which it still holds


class Warm:
    """`size` processes, each answering one probe at a time within `seconds`."""

    def __init__(
        self, context: BaseContext, size: int, seconds: float, store: str | None,
        modules: Sequence[str],
    ) -> None:
        self._context, self._store, self._modules = context, store, modules
        self._seconds = seconds
        self._free = threading.Condition()
        self._closed = False
        self._all = [self._new() for _ in range(size)]
        self._idle = list(self._all)

    def ask(self, probe: str, key: str, request: bytes) -> bytes:
        """A warm process's answer to a request. Raises EngineError: too slow, broken, all busy."""
        warm = self._take(key)
        if not warm.process.is_alive():  # ended from outside while it was idle
            warm = self._replace(warm)
        try:
            warm.pipe.send_bytes(request)
            if not warm.pipe.poll(self._seconds):
                raise EngineError(
                    N_("“{probe}” took longer than {seconds:g} s and was stopped: try a shorter "
                       "text or a smaller model."), probe=probe, seconds=self._seconds)
            answer = warm.pipe.recv_bytes()
        except (EOFError, OSError) as error:
            warm = self._replace(warm)
            raise EngineError(
                N_("The process that worked on “{probe}” broke off, perhaps because memory ran "
                   "out: try a shorter text or a smaller model."), probe=probe) from error
        except EngineError:
            warm = self._replace(warm)
            raise
        else:
            warm.last = key or warm.last  # what needs no run leaves the open one open
            return answer
        finally:
            with self._free:
                self._idle.append(warm)
                self._free.notify()

    def close(self) -> None:
        with self._free:
            self._closed = True
            for warm in self._all:
                warm.process.kill()

    def _take(self, key: str) -> _Warm:
        """An idle process, if possible one that has this run open; else the longest idle."""
        with self._free:
            if not self._free.wait_for(lambda: self._idle, self._seconds):
                raise EngineError(N_("Everything that draws pictures is busy now: ask again in a "
                                     "moment."))
            chosen = next((warm for warm in self._idle if warm.last == key), self._idle[0])
            self._idle.remove(chosen)
            return chosen

    def _replace(self, old: _Warm) -> _Warm:
        old.process.kill()
        old.process.join(5)
        old.pipe.close()
        with self._free:
            if self._closed:
                return old
            new = self._new()
            self._all[self._all.index(old)] = new
            return new

    def _new(self) -> _Warm:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(  # type: ignore[attr-defined]
            target=entry.probe, args=(theirs, self._store, self._modules), daemon=True)
        process.start()
        theirs.close()
        return _Warm(process, ours)
