"""The real server in a process of its own, on a free port, with a store of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0  # seconds until the server must answer: torch is imported first


@dataclass(frozen=True)
class Server:
    """url: without a slash at its end. store: the folder of its runs. output: its log file."""

    url: str
    store: Path
    output: Path
    process: subprocess.Popen[bytes]

    def log(self) -> str:
        return self.output.read_text("utf-8", errors="replace")


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Server]:
    """Serve from `folder` until the block ends. Raises RuntimeError if it does not come up."""
    port = free_port()
    store, output = folder / "store", folder / "server.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "explorer",
                "serve",
                "--port",
                str(port),
                "--address",
                "localhost",
                "--no-browser",
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"EXPLORER_STORE": str(store), "PYTHONUNBUFFERED": "1"} | environment,
        )
    server = Server(f"http://localhost:{port}", store, output, process)
    try:
        _wait(server)
        yield server
    finally:
        _stop(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port: int = probe.getsockname()[1]
        return port


def healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait(server: Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while not healthy(server.url):
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not come up:\n{server.log()[-3000:]}")
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if os.name == "posix":  # whoever it left behind
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
