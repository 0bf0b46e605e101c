"""The header of a safetensors file, read without torch.

A file is: the header's length (8 bytes, little-endian), the header (JSON), the numbers.
"""

from __future__ import annotations

import json
from typing import Any

from explorer.errors import RunError
from explorer.words import N_


def header(data: bytes) -> dict[str, Any]:
    """The header as it stands, `__metadata__` included. Raises RunError: this is none."""
    length = int.from_bytes(data[:8], "little")
    try:
        if not 2 <= length <= len(data) - 8:
            raise ValueError
        found = json.loads(data[8 : 8 + length])
        if not isinstance(found, dict):
            raise ValueError
    except (ValueError, RecursionError) as error:
        raise RunError(N_("These weights are damaged: delete the run and train it again.")
                       ) from error
    return found


def position(resume: bytes) -> int:
    """After how many steps a `resume` was written. Raises RunError: damaged."""
    try:
        return int(json.loads(header(resume)["__metadata__"]["position"])["step"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(N_("These weights are damaged: delete the run and train it again.")
                       ) from error
