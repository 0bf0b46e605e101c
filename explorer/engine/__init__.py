"""Where torch runs: the contract, the local engine, the fair queue."""

from explorer.engine.contract import Engine, EngineStatus, Job
from explorer.engine.local import LocalEngine, connect, start_local

__all__ = ["Engine", "EngineStatus", "Job", "LocalEngine", "connect", "start_local"]
