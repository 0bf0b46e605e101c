"""One file per way of telling a token where it stands. Their tops import no torch.

A new one is one new file here: a `Position` with a `kind`.
"""

from importlib import import_module
from pkgutil import iter_modules

from explorer.models.positions.base import Position

for _module in iter_modules(__path__):
    if _module.name != "base":
        import_module(f"{__name__}.{_module.name}")

__all__ = ["Position"]
