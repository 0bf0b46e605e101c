"""One file per architecture. A file's top imports no torch: its spec is read by the web process;
its network is built, and torch imported, only where it runs.

A new architecture is one new file here: a `Model` with a `kind`, its taps and its `build`.
"""

from importlib import import_module
from pkgutil import iter_modules

from explorer.models.base import Model

_SHARED = {"attention", "base", "blocks", "convolutions", "heads", "network", "positions", "prefix",
           "recurrent", "rewriter", "scan", "scorers", "stack", "stacked", "straight", "tape",
           "translator"}
for _module in iter_modules(__path__):
    if _module.name not in _SHARED:
        import_module(f"{__name__}.{_module.name}")

__all__ = ["Model"]
