"""Model + tokens → Trace. Each probe is a function (Opened, **parameters) -> xr.Dataset, found by
name in PROBES; torch is imported here, so only the engine's processes and the library import it.
"""

from explorer.probes.opened import Opened

__all__ = ["Opened"]
