"""Where the engine's processes begin. No torch at the top: the supervisor names these functions
without importing it; in a forkserver's child everything is imported already.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from multiprocessing.connection import Connection

# Any optimiser's first step imports torch._dynamo, which takes longer than torch itself.
PRELOAD = ("explorer.engine.training", "explorer.engine.probing", "torch._dynamo")
_PR_SET_PDEATHSIG = 1


def train(pipe: Connection, store: str | None, modules: Sequence[str]) -> None:
    """Train one run, whose experiment is the first message, then end."""
    _belong()
    if hasattr(os, "nice"):
        os.nice(10)  # pages and probes come first
    _enter(modules)
    from explorer.engine.training import attend

    attend(pipe, store)


def probe(pipe: Connection, store: str | None, modules: Sequence[str]) -> None:
    """Answer probes, one after the other, until the pipe closes."""
    _belong()
    _enter(modules)
    from explorer.engine.probing import answer

    answer(pipe, store)


def _enter(modules: Sequence[str]) -> None:
    for name in modules:
        import_module(name)


def _belong() -> None:
    """Die with the forkserver, which dies with the supervisor; leave Ctrl-C to them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    supervisor = multiprocessing.parent_process()
    forked = supervisor is not None and os.getppid() != supervisor.pid
    if sys.platform == "linux" and forked:  # else it would be bound to a mere thread's life
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
