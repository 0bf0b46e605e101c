"""Sentences below each other, in groups: what was read, what is right, what was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from explorer.text.agreement import agreeing, words
from explorer.ui.session import asset, theme
from explorer.views.palette import palette

Kind = Literal["", "wrong", "unknown"]

_sentences = st.components.v2.component(
    "explorer_sentences", css=asset("sentences.css"), js=asset("sentences.js"))


@dataclass(frozen=True)
class Line:
    """A sentence in its parts, which joined are the sentence, each with its kind. label: what
    stands before it. note: what stands below it. strong: whether it is what one looks for.
    short: whether it is cut after two lines, and whole on hover."""

    label: str
    words: Sequence[tuple[str, Kind]]
    note: str = ""
    strong: bool = False
    short: bool = False


def whole(label: str, sentence: str, note: str = "", strong: bool = False) -> Line:
    """A sentence without a mark."""
    return Line(label, [(sentence, "")], note, strong)


def marked(
    label: str, sentence: str, reference: str, by_sign: bool, note: str = "", short: bool = False
) -> Line:
    """A translation, its words marked that do not stand in the reference, or not in this order."""
    written = words(sentence, by_sign)
    right = agreeing(written, words(reference, by_sign))
    return Line(label, [(word, "" if agrees or not word.strip() else "wrong")
                        for word, agrees in zip(written, right, strict=True)], note, short=short)


def sentences(groups: Sequence[Sequence[Line]], label: str, key: str) -> None:
    """Draw groups of sentences, shown as they are, never as mark-up. label: all of it in words."""
    _sentences(
        data={"label": label, "wrong": palette(theme()).diverging[-1], "groups": [
            [{"label": line.label, "words": [list(word) for word in line.words],
              "note": line.note, "strong": line.strong, "short": line.short}
             for line in lines] for lines in groups]},
        key=key)
