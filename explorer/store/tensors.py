"""What stands in a safetensors file, read without torch.

A file is: the header's length (8 bytes, little-endian), the header (JSON), the numbers.
"""

from __future__ import annotations

import json
from math import prod
from typing import Any

from explorer.words import N_

SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1,
         "BOOL": 1}  # bytes of a number


class Damaged(ValueError):
    """This is no safetensors file, or not all of one."""


def header(data: bytes) -> dict[str, Any]:
    """The header as it stands, `__metadata__` included. Raises Damaged."""
    length = int.from_bytes(data[:8], "little")
    if not 2 <= length <= len(data) - 8:
        raise Damaged(N_("it is cut short"))
    try:
        found = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise Damaged(N_("its header is no JSON")) from error
    if not isinstance(found, dict):
        raise Damaged(N_("its header is no list of tensors"))
    return found


def shapes(data: bytes) -> dict[str, tuple[int, ...]]:
    """The tensors and their shapes. Each must lie where the last one ended, and the last one must
    end with the file. Raises Damaged."""
    tensors = {name: entry for name, entry in header(data).items() if name != "__metadata__"}
    found: dict[str, tuple[int, ...]] = {}
    at = 0
    try:
        for name, entry in sorted(tensors.items(), key=lambda item: item[1]["data_offsets"]):
            shape = tuple(entry["shape"])
            start, end = entry["data_offsets"]
            if not all(type(n) is int and n >= 0 for n in (*shape, start, end)):
                raise Damaged(N_("a tensor has no possible shape"))
            if start != at or end - start != prod(shape) * SIZES[entry["dtype"]]:
                raise Damaged(N_("a tensor does not lie where it should"))
            found[name], at = shape, end
    except Damaged:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(N_("its header is damaged")) from error
    if at != len(data) - 8 - int.from_bytes(data[:8], "little"):
        raise Damaged(N_("it is cut short"))
    return found


def dtypes(data: bytes) -> set[str]:
    """The kinds of numbers in it. Raises Damaged."""
    return {entry["dtype"] for name, entry in header(data).items() if name != "__metadata__"}


def position(resume: bytes) -> int:
    """After how many steps a `resume` was written. Raises Damaged."""
    shapes(resume)
    try:
        return int(json.loads(header(resume)["__metadata__"]["position"])["step"])
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(N_("it does not say its step")) from error
