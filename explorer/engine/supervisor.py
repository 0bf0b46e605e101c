"""The supervisor: a process beside Streamlit that owns every process in which torch runs.

`python -m explorer.engine.supervisor` reads its settings, one line of JSON, from stdin, says on
stdout where it listens, and ends when stdin closes: with whoever started it, however that ends.
Its children end with it. It imports no torch itself.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import (
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from multiprocessing.context import AuthenticationError, BaseContext
from pathlib import Path

from explorer.engine import entry
from explorer.engine.jobs import Jobs
from explorer.engine.queue import Queue
from explorer.engine.settings import Settings
from explorer.engine.warm import Warm
from explorer.engine.wire import (
    Header,
    job_to_json,
    pack,
    pack_error,
    status_to_json,
    unpack,
    unpack_experiment,
)
from explorer.errors import EngineError, ExplorerError
from explorer.experiment import Experiment
from explorer.store import Store
from explorer.words import N_

LARGEST = 64 * 2**20  # bytes of a message

log = logging.getLogger(__name__)


class Supervisor:
    """Answers messages: one method per operation of `Engine`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        context = _context(settings)
        slots = settings.slots or cores()
        self._store = store
        self._warm = Warm(context, settings.probes, settings.probe_seconds, settings.store,
                          settings.modules)
        self._jobs = Jobs(context, Queue(slots, settings.limit, settings.cap), settings.store,
                          settings.modules, self._store.mark)
        self._operations: dict[str, Callable[[Header, bytes], bytes]] = {
            "submit": self._submit, "job": self._job, "find": self._find,
            "progress": self._progress, "pause": self._pause, "cancel": self._cancel,
            "ask": self._ask, "status": self._status}

    def answer(self, message: bytes) -> bytes:
        """The answer to a message; what went wrong, in words, is an answer too."""
        try:
            header, payload = unpack(message)
            return self._operations[str(header.get("op"))](header, payload)
        except ExplorerError as error:
            return pack_error(error)
        except Exception as error:
            log.exception("an operation failed")
            return pack_error(EngineError(
                N_("The engine stumbled over this request ({reason}): its log says more."),
                reason=f"{type(error).__name__}: {error}"))

    def close(self) -> None:
        self._warm.close()
        self._jobs.close()

    def _submit(self, header: Header, payload: bytes) -> bytes:
        experiment = unpack_experiment(header, payload)
        owner, until = str(header["owner"]), header["until"]
        status, reached = self._standing(experiment)
        if status == "finished":
            job = self._jobs.finished(experiment, owner)
        else:
            job = self._jobs.submit(experiment, owner, until, (header, payload), reached)
        return pack({"job": job_to_json(job)})

    def _standing(self, experiment: Experiment) -> tuple[str, int]:
        """Status and last snapshot of a run in the store."""
        if experiment.key not in self._store:
            return "new", 0
        run = self._store.run(experiment.key)
        if run.imported:  # nobody here saw it trained: it is trained anew
            return "new", 0
        return run.status, max(run.snapshots, default=0)

    def _job(self, header: Header, payload: bytes) -> bytes:
        return pack({"job": job_to_json(self._jobs.job(header["id"]))})

    def _find(self, header: Header, payload: bytes) -> bytes:
        job = self._jobs.find(header["key"])
        return pack({"job": job and job_to_json(job)})

    def _progress(self, header: Header, payload: bytes) -> bytes:
        return pack({"progress": self._jobs.progress(header["id"], header["since"])})

    def _pause(self, header: Header, payload: bytes) -> bytes:
        return pack({"job": job_to_json(self._jobs.pause(header["id"], header["owner"]))})

    def _cancel(self, header: Header, payload: bytes) -> bytes:
        return pack({"job": job_to_json(self._jobs.cancel(header["id"], header["owner"]))})

    def _ask(self, header: Header, payload: bytes) -> bytes:
        return self._warm.ask(header["probe"], header["key"], pack(header))

    def _status(self, header: Header, payload: bytes) -> bytes:
        return pack({"status": status_to_json(self._jobs.status())})


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _context(settings: Settings) -> BaseContext:
    """A forkserver that has imported torch; spawn where there is none."""
    if settings.portable or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*entry.PRELOAD, *settings.modules])
    return context


def serve(connection: Connection, authkey: bytes, answer: Callable[[bytes], bytes]) -> None:
    """Talk with one client, in a thread of its own, until it hangs up."""
    with connection, suppress(EOFError, OSError, AuthenticationError):
        deliver_challenge(connection, authkey)
        answer_challenge(connection, authkey)
        while True:
            connection.send_bytes(answer(connection.recv_bytes(LARGEST)))


def listen(listener: Listener, authkey: bytes, answer: Callable[[bytes], bytes]) -> None:
    """Take in clients, for ever."""
    while True:
        try:
            connection = listener.accept()
        except OSError:
            continue
        threading.Thread(target=serve, args=(connection, authkey, answer), daemon=True).start()


def _announce(settings: Settings, where: Header) -> Store:
    """Say on stdout where the first call may wait until torch is here, or why there will be no
    engine; from then on stdout goes where the messages go."""
    try:
        store = Store(settings.store)
    except ExplorerError as error:
        os.write(1, json.dumps({"error": error.to_json()}).encode() + b"\n")
        raise SystemExit(2) from error
    os.write(1, json.dumps(where).encode() + b"\n")
    os.dup2(2, 1)
    return store


def main() -> None:
    logging.basicConfig(format="engine: %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this
    given = json.loads(sys.stdin.buffer.readline())
    settings = Settings(**given | {"modules": tuple(given["modules"])})
    folder = Path(tempfile.mkdtemp(prefix="explorer-"))  # 0700
    authkey = secrets.token_bytes(32)
    try:
        address = ("127.0.0.1", 0) if settings.portable else str(folder / "engine")
        listener = Listener(address, backlog=64)
        store = _announce(settings, {"address": listener.address, "authkey": authkey.hex()})
        supervisor = Supervisor(settings, store)
        threading.Thread(target=listen, args=(listener, authkey, supervisor.answer),
                         daemon=True).start()
        while sys.stdin.buffer.read(4096):
            pass
        supervisor.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # threads may still wait for a client; nobody is left to answer to


if __name__ == "__main__":
    main()
