"""Places in a text, each in its context, one below the other (a concordance)."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
import xarray as xr

from explorer.ui.session import asset

_concordance = st.components.v2.component(
    "explorer_concordance", css=asset("concordance.css"), js=asset("concordance.js"))


def concordance(
    places: xr.Dataset, notes: Sequence[str], label: str, key: str, most: int = 12
) -> None:
    """Show the first places of a probe's answer: `before`, `hit`, `after` over place; a note
    beside each. Texts are shown as they are, never as mark-up. label: the list in words."""
    rows = [
        {"before": str(before), "hit": str(hit), "after": str(after), "note": note}
        for before, hit, after, note in zip(
            places["before"].values, places["hit"].values, places["after"].values, notes,
            strict=True)
    ]
    _concordance(data={"places": rows[:most], "label": label}, key=key)
