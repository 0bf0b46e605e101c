"""Runs on disk."""

from explorer.store.archive import admit, export
from explorer.store.owners import LOCAL, Owned
from explorer.store.recorder import Recorder
from explorer.store.store import Run, Status, Store

__all__ = ["LOCAL", "Owned", "Recorder", "Run", "Status", "Store", "admit", "export"]
