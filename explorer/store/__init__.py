"""Runs on disk."""

from explorer.store.store import Run, Store

__all__ = ["Run", "Store"]
