"""How a supervisor is set up; crosses to it as JSON."""

import os
from dataclasses import dataclass

from explorer.engine.queue import CAP, LIMIT


@dataclass(frozen=True)
class Settings:
    """store: an fsspec URL, None = the default. slots: how many train at once, None = one per
    core. probe_seconds: the time limit of a probe. modules: imported in the engine's processes,
    e.g. to add probes. portable: use only what every system has (spawn, a loopback socket)."""

    store: str | None = None
    slots: int | None = None
    limit: int = LIMIT
    cap: int = CAP
    probes: int = 2
    probe_seconds: float = 20.0
    modules: tuple[str, ...] = ()
    portable: bool = os.name == "nt"
