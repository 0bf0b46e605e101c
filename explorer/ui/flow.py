"""Boxes that follow one another on the page, each a matrix with its name, its shape and a small
picture; one of them is open.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.ui.session import asset, theme
from explorer.views.palette import palette

SHADES = 41  # of a small picture: an odd number, so that one of them is zero's

_flow = st.components.v2.component("explorer_flow", css=asset("flow.css"), js=asset("flow.js"))


@dataclass(frozen=True)
class Box:
    """id: what stands in the link. title: short, name: in words. sign: what stands before it.
    cells: its picture, rows of shades. says: more words, on hover. told: a number below it.
    look: "stream" for what lies on the residual stream."""

    id: str
    title: str
    name: str
    shape: str = ""
    sign: str = ""
    cells: list[list[int]] = field(default_factory=list)
    shades: str = "signed"
    says: str = ""
    told: str = ""
    look: str = ""


@dataclass(frozen=True)
class Row:
    """Boxes under a title."""

    title: str
    boxes: Sequence[Box]


def flow(rows: Sequence[Row], selected: str, label: str, key: str) -> str | None:
    """Draw the boxes; gives the one that was just opened, once. label: all of them in words."""
    found: Any = _flow(data=picture(rows, selected, label), key=key, on_event_change=lambda: None)
    return admit(found.event if found else None, [box.id for row in rows for box in row.boxes])


def picture(rows: Sequence[Row], selected: str, label: str) -> dict[str, Any]:
    """What the component draws."""
    colours = palette(theme())
    ends = {"signed": np.linspace(-1, 1, SHADES), "share": np.linspace(0, 1, SHADES)}
    return {
        "rows": [{"title": row.title, "boxes": [asdict(box) for box in row.boxes]}
                 for row in rows],
        "shades": {name: [colours.shade(float(value), name == "signed") for value in values]
                   for name, values in ends.items()},
        "selected": selected, "label": label}


def cells(values: NDArray[Any], reach: float, signed: bool = True) -> list[list[int]]:
    """The shades of a matrix (rows, columns) that runs from −reach, or from 0, to reach; what is
    hidden (−∞) has zero's."""
    finite = np.where(np.isfinite(values), values, 0.0) / max(reach, 1e-12)
    share = (finite + 1) / 2 if signed else finite
    found: list[list[int]] = np.rint(np.clip(share, 0, 1) * (SHADES - 1)).astype(int).tolist()
    return found


def admit(event: Any, known: Collection[str]) -> str | None:
    """What a browser says was opened, if there is such a box."""
    box = event.get("box") if isinstance(event, Mapping) else None
    return box if isinstance(box, str) and box in known else None
