"""Vectors of two numbers in a plane: queries and keys that are drawn with the mouse or the keys."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, Literal

import streamlit as st

from explorer.text.vectors import Vectors
from explorer.ui.session import asset
from explorer.views.figure import shown
from explorer.views.palette import Palette
from explorer.words import _

LINES = 4  # of the grid, on each side of the middle

_plane = st.components.v2.component(
    "explorer_plane", css=asset("plane.css"), js=asset("plane.js"))


@dataclass(frozen=True)
class Moved:
    """A query or a key, and where it was put. Put where it was: it was only clicked."""

    kind: Literal["query", "key"]
    index: int
    numbers: tuple[float, float]


def plane(
    queries: Vectors, keys: Vectors, weights: Sequence[float], query: int, colours: Palette,
    key: str, on_move: Callable[[Moved], None],
) -> None:
    """Draw queries and keys of two numbers. What is moved or clicked is told to `on_move`, before
    the page is drawn anew.

    weights: of the keys, for the chosen query: they fill its discs.
    """

    def told() -> None:
        found: Any = st.session_state.get(key)
        moved = admit(found.event if found else None, queries, keys)
        if moved is not None:
            on_move(moved)

    _plane(data=picture(queries, keys, weights, query, colours), key=key, on_event_change=told)


def picture(
    queries: Vectors, keys: Vectors, weights: Sequence[float], query: int, colours: Palette
) -> dict[str, Any]:
    """What the component draws."""
    reach = _reach([*queries.numbers, *keys.numbers])
    points = [
        {"kind": "key", "index": i, "name": cut(name), "x": x, "y": y, "chosen": False,
         "fill": colours.shade(weight, signed=False),
         "says": _("key {name} at {x}, {y}: weight {weight}", name=name, x=f"{x:g}", y=f"{y:g}",
                   weight=f"{weight:.2f}")}
        for i, (name, (x, y), weight) in enumerate(
            zip(keys.names, keys.numbers, weights, strict=True))
    ] + [
        {"kind": "query", "index": i, "name": cut(name), "x": x, "y": y, "chosen": i == query,
         "says": _("query {name} at {x}, {y}", name=name, x=f"{x:g}", y=f"{y:g}")}
        for i, (name, (x, y)) in enumerate(zip(queries.names, queries.numbers, strict=True))
    ]
    return {"points": points, "reach": reach, "lines": LINES, "step": reach / 40,
            "label": _("Queries and keys in the plane; drag them, or move them with the arrow "
                       "keys")}


def admit(event: Any, queries: Vectors, keys: Vectors) -> Moved | None:
    """What a browser says was moved, if that can be."""
    if not isinstance(event, Mapping):
        return None
    kind, index, x, y = (event.get(name) for name in ("kind", "index", "x", "y"))
    numbers = [float(value) for value in (x, y)
               if isinstance(value, int | float) and math.isfinite(value)]
    if kind not in ("query", "key") or not isinstance(index, int) or len(numbers) != 2:
        return None
    there = queries if kind == "query" else keys
    reach = _reach([*queries.numbers, *keys.numbers])
    if not 0 <= index < len(there.names) or max(map(abs, numbers)) > reach:
        return None
    return Moved(kind, index, (numbers[0], numbers[1]))


def _reach(rows: Sequence[Sequence[float]]) -> float:
    """1, 2, 4, 10, 20, 40, …: the first with room beyond the farthest number."""
    most = max((abs(value) for row in rows for value in row), default=1.0) * 1.15
    power = 10.0 ** math.floor(math.log10(max(most, 1.0)))
    return next(digit * power for digit in (1, 2, 4, 10) if digit * power >= most)


def cut(name: str) -> str:
    """A name as it is drawn: not too long, blanks visible."""
    return unescape(shown(name, 10))
