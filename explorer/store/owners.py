"""Who calls which run their own. An owner is known by a hash only."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass

from explorer.store.files import Files

LOCAL = "local"  # whoever sits at this machine
LONGEST = 200  # characters of a name


@dataclass(frozen=True, slots=True)
class Owned:
    """A run on an owner's list. name: what they call it, "" if nothing yet. created: seconds since
    1970."""

    key: str
    name: str
    created: float


class Owners:
    """The lists of all owners; each can only be read by who knows the owner's secret."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def list(self, owner: str) -> list[Owned]:
        """The newest first."""
        names = self._files.list(_folder(owner))
        found = [self._read(owner, name.removesuffix(".json")) for name in names
                 if name.endswith(".json")]
        return sorted((owned for owned in found if owned is not None),
                      key=lambda owned: -owned.created)

    def has(self, owner: str, key: str) -> bool:
        return self._files.exists(f"{_folder(owner)}/{key}.json")

    def write(self, owner: str, key: str, name: str) -> None:
        """Put a run on the list, or call it differently."""
        known = self._read(owner, key)
        entry = {"name": name[:LONGEST], "created": known.created if known else time.time()}
        self._files.write(f"{_folder(owner)}/{key}.json",
                          json.dumps(entry, ensure_ascii=False).encode())

    def remove(self, owner: str, key: str) -> None:
        self._files.remove(f"{_folder(owner)}/{key}.json")

    def anyone(self, key: str) -> bool:
        """Whether a run is on anybody's list."""
        return any(self._files.exists(f"owners/{folder}/{key}.json")
                   for folder in self._files.list("owners"))

    def _read(self, owner: str, key: str) -> Owned | None:
        """An entry; None if it is not there or cannot be read."""
        try:
            entry = json.loads(self._files.read(f"{_folder(owner)}/{key}.json"))
            return Owned(key, str(entry["name"]), float(entry["created"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def _folder(owner: str) -> str:
    return f"owners/{hashlib.sha256(owner.encode()).hexdigest()[:32]}"
