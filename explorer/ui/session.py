"""Who is looking, in which language and theme."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer.store import LOCAL
from explorer.views.palette import Theme
from explorer.words import LANGUAGES

COMPONENTS = Path(__file__).parent / "components"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
TONGUE = "lang"  # its name in the link
CHOSEN = "language chosen"  # its name in the session


def asset(name: str) -> str:
    """The source of one of our own components."""
    return (COMPONENTS / name).read_text(encoding="utf-8")


_owner = st.components.v2.component("explorer_owner", js=asset("owner.js"))


def language() -> str:
    """The session's language: chosen, else from the link, else the browser's; English outside of a
    session (the command line, a thread)."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return "en"
    chosen = st.session_state.get(CHOSEN)
    if chosen in LANGUAGES:
        return str(chosen)
    return tongue(st.query_params.get(TONGUE)) or tongue(st.context.locale) or "en"


def tongue(locale: str | None) -> str | None:
    """The language of a locale, "zh-Hans-CN" say, if it is spoken here."""
    spoken = (locale or "").replace("_", "-").split("-")[0].lower()
    return spoken if spoken in LANGUAGES else None


def theme() -> Theme:
    """Light or dark, as the page is shown now; light until the browser has said."""
    return "dark" if st.context.theme.type == "dark" else "light"


def owner() -> str:
    """Who runs belong to: on localhost everyone is one person; elsewhere a random token that this
    browser keeps. The first time it ends the run of the page: the browser answers in a moment, and
    the page is drawn again."""
    if _at_home():
        return LOCAL
    found: Any = _owner(key="owner", on_token_change=lambda: None)
    token = found.token if found else None
    if not isinstance(token, str) or not re.fullmatch("[0-9a-f]{32}", token):
        st.stop()
    return token


def _at_home() -> bool:
    """Whether the page is served and asked for on this machine. What the browser calls the host is
    not enough: who comes from elsewhere could call it localhost."""
    host = urlsplit(st.context.url or "http://localhost").hostname or "localhost"
    return host in LOOPBACK and (st.get_option("server.address") or "localhost") in LOOPBACK
