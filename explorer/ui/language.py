"""The language's control: in the corner of the navigation, on every page."""

from __future__ import annotations

import streamlit as st

from explorer.ui import link
from explorer.ui.session import CHOSEN, TONGUE, language, tongue
from explorer.words import LANGUAGES


def control() -> None:
    """A button that switches to the next language. What was chosen stays in every page's link."""
    asked, chosen = tongue(st.query_params.get(TONGUE)), st.session_state.get(CHOSEN)
    if asked and asked != chosen:
        st.session_state[CHOSEN] = asked
    elif chosen and not asked:
        link.write(**{TONGUE: chosen})
    tongues = list(LANGUAGES)
    other = tongues[(tongues.index(language()) + 1) % len(tongues)]
    with st.container(key="language"):
        st.button(LANGUAGES[other], key="switch language", type="tertiary",
                  icon=":material/translate:", on_click=_choose, args=(other,))


def _choose(other: str) -> None:
    st.session_state[CHOSEN] = other
    link.write(**{TONGUE: other})
