"""One file per thing that is learnt. Like an architecture, a task's file imports no torch at its
top: its spec is read by the web process.
"""

from importlib import import_module
from pkgutil import iter_modules

from explorer.tasks.base import Task

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["Task"]
