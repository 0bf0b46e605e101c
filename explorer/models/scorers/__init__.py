"""One file per way to score a key for a query. A file's top imports no torch: its spec is read by
the web process; its weights are made, and torch imported, only where they are used.

A new scorer is one new file here: a `Scorer` with a `kind`, the shapes of its weights, its `score`.
"""

from importlib import import_module
from pkgutil import iter_modules

from explorer.models.scorers.base import Scorer

_SHARED = {"base", "filled", "scoring"}
for _module in iter_modules(__path__):
    if _module.name not in _SHARED:
        import_module(f"{__name__}.{_module.name}")

__all__ = ["Scorer"]
