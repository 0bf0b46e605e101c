"""Which cell of a heatmap was clicked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from explorer.ui.session import asset

_clicks = st.components.v2.component("explorer_clicks", js=asset("clicks.js"))


@dataclass(frozen=True)
class Cell:
    """A cell of the heatmap `figure`, counted from 0."""

    figure: str
    row: int
    column: int


def clicks(figures: Mapping[str, tuple[int, int]], key: str) -> Cell | None:
    """The cell that was just clicked, once. figures: the keys of the heatmaps that are listened
    to, with their rows and columns."""
    found: Any = _clicks(data={"figures": list(figures)}, key=key, on_event_change=lambda: None)
    return admit(found.event if found else None, figures)


def admit(event: Any, figures: Mapping[str, tuple[int, int]]) -> Cell | None:
    """What a browser says was clicked, if there is such a cell."""
    if not isinstance(event, Mapping) or event.get("figure") not in figures:
        return None
    place = event.get("row"), event.get("column")
    for given, count in zip(place, figures[event["figure"]], strict=True):
        if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < count:
            return None
    return Cell(str(event["figure"]), *place)  # type: ignore[arg-type]
