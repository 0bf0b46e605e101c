"""Two rows of words, what was read and what was written, with a line for each weight between them:
pointed at or walked through, and linked with the heatmap of the same weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
import xarray as xr

from explorer.ui.session import asset
from explorer.views.alignment import weights
from explorer.words import _

FAINT = 0.02  # a weight below which there is no line
TOLD = 4  # of a word's weights are said in words

_lines = st.components.v2.component(
    "explorer_lines", css=asset("lines.css"), js=asset("lines.js"))


def lines(trace: xr.Dataset, selected: int, heatmap: str, key: str) -> int | None:
    """Draw the words and their lines; gives the written token that was just chosen.

    selected: the written token that is marked. heatmap: the key of the figure that is linked.
    """
    return between(picture(trace, selected, heatmap), key)


def between(drawn: dict[str, Any], key: str) -> int | None:
    """Draw two rows of words as `picture` describes them; likewise."""
    found: Any = _lines(data=drawn, key=key, on_event_change=lambda: None)
    return admit(found.event if found else None, len(drawn["written"]))


def picture(trace: xr.Dataset, selected: int, heatmap: str) -> dict[str, Any]:
    """What the component draws. offset: of the first word among the heatmap's rows and columns."""
    seen = weights(trace)
    read = [str(label) for label in trace["key_label"].values]
    written = [str(label) for label in trace["query_label"].values]
    return {
        "read": read, "written": written, "weights": np.round(seen, 4).tolist(),
        "unknown": np.flatnonzero(trace["key_unknown"].values).tolist(),
        "faint": FAINT, "selected": selected, "heatmap": heatmap, "offset": 0,
        "says": {
            "written": [_("“{word}” looks at: {others}", word=word, others=told(row, read))
                        for word, row in zip(written, seen, strict=True)],
            "read": [_("“{word}” is looked at by: {others}", word=word,
                       others=told(column, written))
                     for word, column in zip(read, seen.T, strict=True)]},
        "labels": {"read": _("Read"), "written": _("Written"),
                   "unknown": _("unknown to the network")},
        "hint": _("Point at a word, or walk there with Tab and the arrows: here its weights are "
                  "said. Enter or a click on a written word opens its step below; n and p go on "
                  "and back.")}


def told(values: Any, names: list[str]) -> str:
    """The largest weights with their words."""
    order = [int(i) for i in np.argsort(-values) if values[i] >= FAINT][:TOLD]
    return ", ".join(f"“{names[i]}” {values[i]:.2f}" for i in order) or _("nothing")


def admit(event: Any, count: int) -> int | None:
    """What a browser says was chosen, if there is such a word."""
    index = event.get("index") if isinstance(event, Mapping) else None
    return index if isinstance(index, int) and 0 <= index < count else None
