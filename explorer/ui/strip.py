"""A strip of tokens: coloured text that one can point at, click and walk through by keyboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from explorer.ui.session import asset
from explorer.views.palette import contrast, palette
from explorer.words import _

READABLE = 4.5  # the contrast that WCAG 2 asks of text at level AA

_strip = st.components.v2.component(
    "explorer_strip", css=asset("strip.css"), js=asset("strip.js"))


@dataclass(frozen=True)
class StripEvent:
    """index: the token that was clicked. candidate: the id of the candidate that was chosen for
    it. key: the meaning of the key that was pressed."""

    index: int | None = None
    candidate: int | None = None
    key: str | None = None


def strip(
    tokens: Sequence[str],
    colours: Sequence[str | None],
    *,
    label: str,
    key: str,
    hover: Sequence[Sequence[str]] = (),
    candidates: Sequence[Sequence[tuple[str, str, int]]] = (),
    selected: int | None = None,
    keys: Mapping[str, str] | None = None,
    apart: bool = False,
) -> StripEvent | None:
    """Draw the tokens; gives what was just done, once.

    colours: a CSS background for each token, or None. label: the strip in words. hover: lines of
    text for each. candidates: for each, (label, probability as text, id) that can be put in its
    place. keys: key of the keyboard -> its meaning. apart: with a gap between tokens, which have no
    blanks of their own.
    """
    inks = [_ink(colour) for colour in colours]
    found: Any = _strip(
        data={"tokens": list(tokens), "colours": list(colours), "inks": inks, "label": label,
              "hover": [list(lines) for lines in hover], "selected": selected,
              "candidates": [list(map(list, row)) for row in candidates], "keys": dict(keys or {}),
              "apart": apart,
              "blanks": {" ": _("space"), "\n": _("new line"), "\t": _("tab")}},
        key=key, on_event_change=lambda: None)
    return _admit(found.event if found else None, len(tokens), candidates, keys or {})


def _admit(
    event: Any,
    count: int,
    candidates: Sequence[Sequence[tuple[str, str, int]]],
    keys: Mapping[str, str],
) -> StripEvent | None:
    """What a browser says was done, if that can be done."""
    if not isinstance(event, Mapping):
        return None
    index, candidate, key = (event.get(name) for name in ("index", "candidate", "key"))
    if key in keys.values():
        return StripEvent(key=key)
    if not isinstance(index, int) or not 0 <= index < count:
        return None
    offered = [each[2] for each in candidates[index]] if index < len(candidates) else []
    if candidate is not None and candidate not in offered:
        return None
    return StripEvent(index, candidate)


def _ink(colour: str | None) -> str | None:
    """A text colour that reads well on a background: a theme's own, else black or white, of which
    one reads well on any."""
    if not colour:
        return None
    ours = (palette("light").text, palette("dark").text)
    best = max(ours, key=lambda ink: contrast(ink, colour))
    if contrast(best, colour) >= READABLE:
        return best
    return max(("#000000", "#FFFFFF"), key=lambda ink: contrast(ink, colour))
