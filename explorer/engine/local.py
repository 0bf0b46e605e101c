"""The local engine, seen from the web process: messages to a supervisor. No torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from multiprocessing.connection import Client, Connection
from multiprocessing.context import AuthenticationError
from pathlib import Path
from typing import Any

import xarray as xr

from explorer.engine.contract import EngineStatus, Job
from explorer.engine.settings import Settings
from explorer.engine.wire import (
    Header,
    pack,
    pack_experiment,
    status_from_json,
    unpack,
    unpack_dataset,
)
from explorer.errors import EngineError, ExplorerError
from explorer.experiment import Experiment
from explorer.training.events import Progress
from explorer.words import N_

VARIABLE = "EXPLORER_ENGINE"
ANSWER_WITHIN = 120.0  # seconds; far beyond the time limit of any probe
PACE = 0.05  # seconds between two looks of `watch`

Address = str | tuple[str, int]


class LocalEngine:
    """An `Engine` whose work is done by a supervisor on this machine. Safe to use from any number
    of threads: each call has a connection to itself."""

    def __init__(
        self, address: Address, authkey: bytes, process: subprocess.Popen[bytes] | None = None
    ) -> None:
        self._address, self._authkey, self._process = address, authkey, process
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        """What `connect` needs in the environment of another process."""
        return {VARIABLE: json.dumps({"address": self._address, "authkey": self._authkey.hex()})}

    def submit(self, experiment: Experiment, owner: str, *, until: int | None = None) -> Job:
        return self._ask_job(pack_experiment(experiment, op="submit", owner=owner, until=until))

    def job(self, id: str) -> Job:
        return self._ask_job(pack({"op": "job", "id": id}))

    def find(self, key: str) -> Job | None:
        job = self._exchange(pack({"op": "find", "key": key}))[0]["job"]
        return Job(**job) if job else None

    def progress(self, id: str, since: int = -1) -> list[Progress]:
        header, _ = self._exchange(pack({"op": "progress", "id": id, "since": since}))
        return [Progress.from_json(point) for point in header["progress"]]

    def watch(self, id: str, since: int = -1) -> Iterator[Progress]:
        while True:
            over = self.job(id).over  # asked first: what comes after the end is not missed
            points = self.progress(id, since)
            yield from points
            since = points[-1].step if points else since
            if over:
                return
            time.sleep(PACE)

    def pause(self, id: str, owner: str) -> Job:
        return self._ask_job(pack({"op": "pause", "id": id, "owner": owner}))

    def cancel(self, id: str, owner: str) -> Job:
        return self._ask_job(pack({"op": "cancel", "id": id, "owner": owner}))

    def ask(self, probe: str, key: str, /, **parameters: Any) -> xr.Dataset:
        request = {"op": "ask", "probe": probe, "key": key, "parameters": parameters}
        return unpack_dataset(*self._exchange(pack(request)))

    def status(self) -> EngineStatus:
        return status_from_json(self._exchange(pack({"op": "status"}))[0]["status"])

    def close(self) -> None:
        """Hang up; a supervisor that this object started ends, and what it trains with it."""
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()
        if self._process is not None:
            with self._process as process:
                if process.stdin:
                    process.stdin.close()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
            if isinstance(self._address, str):  # what a killed supervisor leaves behind
                shutil.rmtree(Path(self._address).parent, ignore_errors=True)

    def _ask_job(self, message: bytes) -> Job:
        return Job(**self._exchange(message)[0]["job"])

    def _exchange(self, message: bytes) -> tuple[Header, bytes]:
        """Send a message, wait for the answer. Raises what the other side raised, or EngineError
        when there is no other side."""
        try:
            connection = self._connection()
            try:
                connection.send_bytes(message)
                if not connection.poll(ANSWER_WITHIN):
                    raise TimeoutError
                header, payload = unpack(connection.recv_bytes())
            except BaseException:  # a later answer would be taken for the next one's
                connection.close()
                raise
        except (EOFError, OSError, AuthenticationError) as error:
            raise EngineError(
                N_("The engine, which trains and looks into networks, does not answer. Stop the "
                   "app and start it again with “python -m explorer”; finished snapshots are "
                   "kept.")) from error
        with self._lock:
            self._idle.append(connection)
        if "error" in header:
            raise ExplorerError.from_json(header["error"])
        return header, payload

    def _connection(self) -> Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return Client(self._address, authkey=self._authkey)


def start_local(
    store: str | None = None,
    slots: int | None = None,
    *,
    modules: Sequence[str] = (),
    **settings: Any,
) -> LocalEngine:
    """Start a supervisor that lives as long as this process, or until `close`.

    store: an fsspec URL (None: the default). slots: how many runs train at once (None: one per
    core). modules: imported in the engine's processes, e.g. to add probes. settings: any other
    field of `Settings`. Raises EngineError when it does not start, RunError when the store cannot
    be opened.
    """
    chosen = Settings(store=store, slots=slots, modules=tuple(modules), **settings)
    process = subprocess.Popen(
        [sys.executable, "-m", "explorer.engine.supervisor"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env=_environment(), start_new_session=True)
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(asdict(chosen)).encode() + b"\n")
    process.stdin.flush()
    said = process.stdout.readline()
    if not said:
        process.wait()
        raise EngineError(N_("The engine did not start (exit code {code}): its messages above say "
                             "why."), code=process.returncode)
    where = json.loads(said)
    if "error" in where:
        process.wait()
        raise ExplorerError.from_json(where["error"])
    return _reach(where, process)


def connect() -> LocalEngine:
    """The engine that EXPLORER_ENGINE names. Raises EngineError when nobody answers there."""
    said = os.environ.get(VARIABLE)
    if not said:
        raise EngineError(N_("No engine was started with this app: start it with "
                             "“python -m explorer”."))
    try:
        engine = _reach(json.loads(said))
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(N_("{variable} does not say where the engine is: start the app with "
                             "“python -m explorer”."), variable=VARIABLE) from error
    engine.status()
    return engine


def _reach(said: Header, process: subprocess.Popen[bytes] | None = None) -> LocalEngine:
    address = said["address"]
    return LocalEngine(address if isinstance(address, str) else (address[0], int(address[1])),
                       bytes.fromhex(said["authkey"]), process)


def _environment() -> dict[str, str]:
    """Ours, with this very package on the path, and one thread for each process."""
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return os.environ | threads | {"PYTHONPATH": path}
