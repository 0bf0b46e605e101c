"""Where torch runs: the contract, the local engine, the fair queue."""

from explorer.engine.contract import Engine, EngineStatus, Job

__all__ = ["Engine", "EngineStatus", "Job"]
