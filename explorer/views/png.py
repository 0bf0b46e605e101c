"""Small pictures of levels, as PNG with a palette: what a browser draws without a script."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from explorer.views.palette import Palette

HEAD = b"\x89PNG\r\n\x1a\n"


def png(levels: NDArray[np.uint8], colours: Palette) -> bytes:
    """Levels (row, column), 0…255, on the scale of values in 0…1 (W3C, PNG, third edition: colour
    type 3, a palette index a pixel, each row after a filter byte of 0)."""
    rows, columns = levels.shape
    shades = bytes.fromhex("".join(colours.shade(i / 255, False)[1:] for i in range(256)))
    lines = np.pad(levels, ((0, 0), (1, 0)))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
             (b"PLTE", shades), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b"")]
    return HEAD + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts)


def address(picture: bytes) -> str:
    """A picture as what an <img> can show."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()
