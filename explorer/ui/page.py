"""The template that every page fills: question, controls, picture, what to notice, formula, code,
what this does not show.
"""

from __future__ import annotations

import inspect
import logging
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.errors import ExplorerError
from explorer.ui import link, places
from explorer.ui.session import asset
from explorer.ui.text import plain, prose
from explorer.words import _

SEEN = "pages seen"  # its name in the session
DRAWN = " drawn"
_drawn = st.components.v2.component("explorer_drawn", js=asset("drawn.js"))
_log = logging.getLogger(__name__)


def header(question: str, sentence: str) -> None:
    """The question as the title, and the one sentence that a newcomer needs to look.

    sentence: our own words, as Markdown; it may hold a `term(…)`, never a visitor's text.
    """
    st.title(question, anchor=False)
    with st.container(key="sentence"):
        st.markdown(sentence, unsafe_allow_html="<" in sentence)  # what reads HTML is not small


def columns() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Where the picture goes, three quarters of the width, and where the words go."""
    picture, aside = st.columns([3.2, 1], gap="medium")
    return picture, aside


def first_look() -> bool:
    """Whether this is a visitor's first look at a page: then its picture alone is drawn, up to
    `picture_first`, and the page whole as soon as that stands. What was said of the link meanwhile
    is said again: it is said once, and would be gone."""
    first = _place() not in st.session_state.setdefault(SEEN, set())
    if first:
        st.session_state[link.REFUSED] = []
    else:
        link.repeat()
    return first


def picture_first(key: str) -> None:
    """On a first look, stop here until the browser says that the figure `key` stands: it is not
    kept waiting by the controls above it, nor by all that is below. Then the page is run again."""
    with st.container(key="half-drawn"):
        st.caption(_("The rest follows …"))
        _stands(key, said=_look_again, place=_place())
    st.stop()


def _look_again(place: str) -> None:
    st.session_state[SEEN].add(place)


def _place() -> str:
    """Which page this is."""
    return str(st.context.url).split("?")[0]


def rest_follows(key: str, now: object, below: object) -> None:
    """In a fragment, after the figure `key`: when it was drawn for other choices than those that
    the rest of the page shows, draw the page whole as soon as the browser has drawn the figure."""
    if now != below:
        with st.container(key="half-drawn"):
            if _stands(key, str(now)):
                st.rerun()


def _stands(
    key: str, choices: str = "", said: Callable[..., None] = lambda: None, **given: Any
) -> bool:
    """Whether the browser has just said that a figure stands, drawn for these choices; `said` is
    called then, with what is `given`."""
    found: Any = _drawn(data={"key": key, "choices": choices}, key=f"{key}-drawn",
                        on_drawn_change=partial(said, **given))
    return bool(found and found.drawn == choices + DRAWN)


def before_you_look(question: str, options: Sequence[str], answer: str, key: str) -> None:
    """A prediction to make; the answer, computed from the data, opens when one has chosen."""
    st.subheader(_("Before you look"), anchor=False)
    if st.radio(question, options, index=None, key=key) is not None:
        st.info(prose(answer), icon=":material/lightbulb:")


def notice(sentences: Sequence[str]) -> None:
    """What to notice: computed, true for this run and this text. **Bold** is kept, all else is
    shown as it is."""
    if sentences:
        st.subheader(_("What to notice"), anchor=False)
        st.markdown("\n".join(f"- {prose(sentence)}" for sentence in sentences))


def letters(formulas: Sequence[str]) -> None:
    """The formulas, in LaTeX, in their paper's letters."""
    st.subheader(_("In its letters"), anchor=False)
    with st.container(gap="xsmall"):
        for formula in formulas:
            st.latex(formula)


def code(*sources: Callable[..., object] | str) -> None:
    """The code that ran: functions and classes show their real source."""
    with st.expander(_("The code that ran"), icon=":material/code:"):
        for source in sources:
            text = source if isinstance(source, str) else inspect.getsource(source)
            st.code(textwrap.dedent(text).strip(), language="python", wrap_lines=True)


def not_shown(text: str) -> None:
    """What this does not show."""
    with st.expander(_("What this does not show"), icon=":material/visibility_off:"):
        st.markdown(text)


def onward(page: str, question: str, **values: object) -> None:
    """The link to another page, as a question; `page` is its file, "pages/gates.py" say.

    values: what the page is to start from, as its own links say it: run, text, …
    """
    if not places.is_open(page):
        return
    said = {name: str(value) for name, value in values.items()}
    st.page_link(places.page(page), label=question, icon=":material/arrow_forward:",
                 query_params=said | link.kept())


@contextmanager
def guard() -> Iterator[None]:
    """Say an error of the block in words, in its place; what follows the block goes on."""
    try:
        yield
    except ExplorerError as error:
        complain(error)


def complain(error: BaseException) -> None:
    """An error on the page: ours in its own words, any other as an apology (it is logged)."""
    if isinstance(error, ExplorerError):
        st.error(plain(str(error)), icon=":material/error:")
        return
    _log.error("a page failed", exc_info=error)
    st.error(_("Something went wrong on this page. Nothing of yours is lost: reload it, or go to "
               "another page. What happened stands in the server's log."),
             icon=":material/error:")


def apologise(error: Exception) -> bool:
    """What Streamlit calls on an error that nobody caught, in a page, a fragment or a callback."""
    complain(error)
    return True
