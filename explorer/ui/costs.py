"""The sentence of the page of costs, as tokens, and the two of them that are followed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from explorer.text.segment import is_chinese, words
from explorer.ui import link
from explorer.ui.plane import cut
from explorer.words import _

DRAWN = 20  # tokens that fit beside each other
READ = 4096  # tokens that are read at all


class Sentence(NamedTuple):
    """tokens: those that are read. all: how many there are."""

    tokens: tuple[str, ...]
    all: int

    @property
    def drawn(self) -> tuple[str, ...]:
        """The tokens that are followed one by one."""
        return self.tokens[:DRAWN]


def opening() -> str:
    """What is read at first."""
    return _("The keeper who lit the lamp each evening had never once seen the ships.")


def sentence() -> Sentence:
    """The box for a sentence, its words as tokens; ends the page where there is none."""
    link.seed("text", opening())
    text = st.text_area(_("Your sentence"), key="text", height=68)
    link.write(text=text)  # what is read at first too: it is another in another language
    found = [word.strip() for word in words(text, is_chinese(text)) if word.strip()]
    if not found:
        st.info(_("Write a sentence: a word is enough."), icon=":material/edit:")
        st.stop()
    return Sentence(tuple(found[:READ]), len(found))


def two_tokens(labels: Sequence[str]) -> tuple[int, int]:
    """The controls for the token whose way is followed, and the answer that it is to reach."""
    last = len(labels) - 1
    names = [f"{place + 1} · {cut(label)}" for place, label in enumerate(labels)]
    one, other = st.columns(2)
    link.seed("start", 0, int, between=(0, last))
    start = int(one.selectbox(_("From the token"), range(last + 1), key="start",
                              format_func=names.__getitem__))
    link.seed("end", last, int, between=(start, last))
    end = int(other.selectbox(
        _("To the answer at"), range(start, last + 1), key="end", format_func=names.__getitem__,
        help=_("Each network reads from left to right here: an answer knows its own token and "
               "those before it.")))
    link.write(start=start or None, end=end if end != last else None)
    return start, end


def number(name: str, label: str, usual: int, low: int, high: int, help: str = "") -> int:
    """A whole number that stands in the link where it is not the usual one."""
    link.seed(name, usual, int, between=(low, high))
    value = int(st.number_input(label, low, high, key=name, help=help or None))
    link.write(**{name: value if value != usual else None})
    return value


def one_of(name: str, label: str, usual: int, known: Sequence[int], help: str = "") -> int:
    """One of several numbers, on a slider, likewise."""
    link.seed(name, usual, int, allowed=known)
    value = int(st.select_slider(label, known, key=name, help=help or None,
                                 format_func=lambda given: f"{given:,}"))
    link.write(**{name: value if value != usual else None})
    return value
