"""A warm process: opens networks, answers probes. Imports torch."""

from __future__ import annotations

import inspect
import logging
from collections import OrderedDict
from multiprocessing.connection import Connection
from typing import Any

import torch

from explorer.engine.wire import Header, pack_dataset, pack_error, unpack
from explorer.errors import EngineError, ExplorerError
from explorer.probes import BARE, PROBES, Opened, Probe, suit
from explorer.store import Store
from explorer.words import N_

KEPT = 4  # opened networks

log = logging.getLogger(__name__)


def answer(pipe: Connection, url: str | None) -> None:
    """Answer requests until the pipe closes."""
    torch.set_num_threads(1)
    desk = Desk(Store(url))
    while True:
        try:
            request = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        pipe.send_bytes(desk.answer(unpack(request)[0]))


class Desk:
    """Runs probes on the runs of a store, and keeps the networks used last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._opened: OrderedDict[tuple[str, int], Opened] = OrderedDict()

    def answer(self, request: Header) -> bytes:
        """The message for a request: a dataset, or what went wrong in words."""
        try:
            parameters, key = dict(request["parameters"]), request["key"]
            step = parameters.pop("step", -1)
            probe = find(request["probe"], parameters, bare=not key)
            if not key:
                return pack_dataset(probe(**parameters))
            opened = self.open(key, step)
            suit(request["probe"], opened.experiment)
            return pack_dataset(probe(opened, **parameters))
        except ExplorerError as error:
            return pack_error(error)
        except Exception as error:
            log.exception("the probe %s failed", request.get("probe"))
            return pack_error(EngineError(
                N_("“{probe}” failed on run {key} ({reason}): the engine's log says more.")
                if request.get("key") else
                N_("“{probe}” failed ({reason}): the engine's log says more."),
                probe=str(request.get("probe")), key=str(request.get("key")),
                reason=f"{type(error).__name__}: {error}"[:300]))

    def open(self, key: str, step: int) -> Opened:
        """The network of a run at a step; −1 the last snapshot. Raises RunError."""
        if step >= 0 and (key, step) in self._opened:
            self._opened.move_to_end((key, step))
            return self._opened[key, step]
        run = self._store.run(key)
        step = run.step(step)
        if (key, step) not in self._opened:
            self._opened[key, step] = Opened.from_weights(
                run.experiment, run.tokenizer, step, run.weights(step))
        self._opened.move_to_end((key, step))
        while len(self._opened) > KEPT:
            self._opened.popitem(last=False)
        return self._opened[key, step]


def find(name: str, parameters: dict[str, Any], bare: bool = False) -> Probe:
    """The probe of this name, among those of a run or, `bare`, those that need none. Raises
    EngineError: unknown, or not with such parameters."""
    known = BARE if bare else PROBES
    if name not in known:
        raise EngineError(N_("There is no probe called {probe!r}; there are: {known}."),
                          probe=name, known=", ".join(sorted(known)))
    try:
        inspect.signature(known[name]).bind(*(() if bare else (None,)), **parameters)
    except TypeError as error:
        raise EngineError(N_("“{probe}” cannot be asked like this: {reason}."),
                          probe=name, reason=str(error)) from error
    return known[name]
