"""A link is the picture: run, step, text, view and settings live in the URL.

    link.seed("unit", 0, int, between=(0, 127))     before the control with key "unit"
    unit = st.number_input(…, key="unit")
    link.write(unit=unit)                           after it

What stands in the link is a value, not the words for it, so that a link works in every language
(Streamlit's own `bind="query-params"` would write the words).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import streamlit as st

from explorer.ui.session import CHOSEN, TONGUE
from explorer.ui.text import plain
from explorer.words import _

REFUSED = "link refused"  # in the session: what was said on a first look


def read(name: str, default: str = "") -> str:
    """What the link says of `name`."""
    return str(st.query_params.get(name, default))


def seed(
    name: str,
    default: Any,
    convert: Callable[[str], Any] = str,
    *,
    allowed: Collection[Any] | None = None,
    between: tuple[float, float] | None = None,
    key: str | None = None,
) -> None:
    """Let the control with key `name` say what the link says, whenever the link has changed (one
    was opened, the browser went back), else `default`.

    A value that cannot be read, is not `allowed` or not `between` two bounds is replaced, and the
    page says by what. A control that stands at a default goes along when the default changes.
    key: of the control, if not `name`. One whose default is of what is looked at has its own key
    for each: no late answer of the browser can fill the next one's with the value before.
    """
    state, said = st.session_state, st.query_params.get(name)
    key = key or name
    seen, base = _seen(name), _base(key)
    if key not in state or state.get(seen) != said:
        state[key] = default if said is None else _admit(
            name, said, default, convert, allowed, between)
    elif (state.get(base) != default and state[key] == state.get(base)) or (
            allowed is not None and state[key] not in allowed):
        state[key] = default
    elif between is not None:
        state[key] = min(max(state[key], between[0]), between[1])
    state[seen], state[base] = said, default


def write(**values: object | None) -> None:
    """Put what the controls say into the link; None takes one out."""
    for name, value in values.items():
        said = None if value is None else str(value)
        if said is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != said:
            st.query_params[name] = said
        st.session_state[_seen(name)] = said


def kept() -> dict[str, str]:
    """What goes along from page to page: the language, when it was chosen."""
    chosen = st.session_state.get(CHOSEN) or st.query_params.get(TONGUE)
    return {TONGUE: str(chosen)} if chosen else {}


def _admit(
    name: str,
    said: str,
    default: Any,
    convert: Callable[[str], Any],
    allowed: Collection[Any] | None,
    between: tuple[float, float] | None,
) -> Any:
    """The value of what a link says, or another one, with a message."""
    given = said if len(said) <= 40 else said[:40] + "…"
    try:
        value = convert(said)
        if value != value:
            raise ValueError("not a number")
    except ValueError:
        refuse(_("The link says {name} = {given}, which cannot be read: {used} is used.",
                  name=name, given=given, used=default))
        return default
    if allowed is not None and value not in allowed:
        refuse(_("The link says {name} = {given}, but there is only {known}: {used} is used.",
                  name=name, given=given, known=", ".join(map(str, allowed)), used=default))
        return default
    if between is not None and not between[0] <= value <= between[1]:
        inside = min(max(value, between[0]), between[1])
        refuse(_("The link says {name} = {given}, which must lie between {low} and {high}: {used} "
                  "is used.", name=name, given=given, low=between[0], high=between[1],
                  used=inside))
        return inside
    return value


def refuse(message: str) -> None:
    """Say that something in the link is not followed. It is said once: the link is put right."""
    st.warning(plain(message), icon=":material/link_off:")
    if REFUSED in st.session_state:
        st.session_state[REFUSED].append(message)


def repeat() -> None:
    """Say again what was said on a first look, which has ended."""
    for message in st.session_state.pop(REFUSED, ()):
        refuse(message)


def _seen(name: str) -> str:
    return f"{name} · link"


def _base(name: str) -> str:
    return f"{name} · default"
