"""The router: one page per file of `pages/`, grouped in sections; the language in the corner."""

from __future__ import annotations

import gc
import sys

import streamlit as st

from explorer import words
from explorer.ui import link, places
from explorer.ui.language import control
from explorer.ui.session import COMPONENTS, asset, language, theme
from explorer.views.palette import Theme, contrast, mix, palette
from explorer.words import _


def look(shown: Theme) -> str:
    """The theme's colours that the pages' own CSS needs: each reads well on what it stands on."""
    colours = palette(shown)
    on_primary = max((colours.background, colours.text),
                     key=lambda ink: contrast(ink, colours.primary))
    muted = mix(colours.text, colours.background, 0.25)
    return (f":root{{--muted:{muted};--ink:{colours.text};--on-primary:{on_primary};"
            f"--primary:{colours.primary}}}")


@st.cache_resource(show_spinner=False)
def _settle() -> None:
    """Once per process: speak each session's language. Threads take shorter turns: each message to
    a browser gives up the interpreter, and of twenty sessions each would wait 5 ms to have it back,
    some fifty times a picture. What is here to stay, the libraries above all, is left out of full
    garbage collections (130 ms with them in it)."""
    words.speak_for(language)
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.freeze()


_settle()
st.set_page_config(page_title=_("Sequence Explorer"), page_icon=str(COMPONENTS / "icon.svg"),
                   layout="wide")
st.html(f"<style>{look(theme())}{asset('page.css')}</style>")
chosen = st.navigation(places.sections(), position="top")
link.begin()
control()
chosen.run()
link.drawn()
