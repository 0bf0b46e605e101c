"""A link is the picture: run, step, text, view and settings live in the URL.

    link.seed("unit", 0, int, between=(0, 127))     before the control with key "unit"
    unit = st.number_input(…, key="unit")
    link.write(unit=unit)                           after it

What stands in the link is a value, not the words for it, so that a link works in every language
(Streamlit's own `bind="query-params"` would write the words).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer.ui.session import CHOSEN, TONGUE, language
from explorer.ui.text import plain
from explorer.words import _

REFUSED = "link refused"  # in the session: what was said on a first look
LATELY = "link lately"  # in the session: a `Lately`
LATE = 20.0  # seconds that a browser may take to hear of a link
TOLD, AGAIN, DRAWN = "controls told", "controls to tell again", "page drawn"  # in the session


@dataclass
class Lately:
    """What a page's link was and is, and since when it is no longer what it was."""

    page: str
    now: dict[str, str]
    left: list[tuple[float, dict[str, str]]] = field(default_factory=list)

    def leave(self, now: dict[str, str]) -> None:
        self.left = [(when, link) for when, link in self.left if self.fresh(when)]
        self.left.append((time.monotonic(), self.now))
        self.now = now

    def was(self, link: dict[str, str]) -> bool:
        return any(link == before and self.fresh(when) for when, before in self.left)

    @staticmethod
    def fresh(when: float) -> bool:
        return time.monotonic() - when < LATE


def begin() -> None:
    """At the start of a page: follow its link. What was told to a page that was then not drawn to
    its end has perhaps never reached the browser, and is told again."""
    settle()
    state = st.session_state
    state[AGAIN] = {} if state.get(DRAWN) else state.get(TOLD, {})
    state[TOLD], state[DRAWN] = {}, False


def drawn() -> None:
    """The page has been drawn to its end, and was not broken off for another run."""
    st.session_state[DRAWN] = True


def settle() -> None:
    """Put the link right when the browser has asked with one that the page has just left behind.

    Who moves two controls at once asks for the second before the browser has heard what the first
    has made of the link. To follow that link would turn the first one back. Who goes back with the
    browser is followed: the browser says so.
    """
    now, state = st.query_params.to_dict(), st.session_state
    page, back = _asked()
    lately: Lately | None = state.get(LATELY)
    if lately is None or lately.page != page:
        state[LATELY] = Lately(page, now)
    elif now != lately.now:
        if lately.was(now) and not back:
            st.query_params.from_dict(lately.now)
        else:
            state[LATELY] = Lately(page, now)


def _asked() -> tuple[str, bool]:
    """The page that is asked for, and whether by going back or forth in the browser."""
    context = get_script_run_ctx()
    return (context.page_script_hash, context.is_history_navigation) if context else ("", False)


def read(name: str, default: str = "") -> str:
    """What the link says of `name`."""
    settle()
    return str(st.query_params.get(name, default))


def seed(
    name: str,
    default: Any,
    convert: Callable[[str], Any] = str,
    *,
    allowed: Collection[Any] | None = None,
    between: tuple[float, float] | None = None,
    key: str | None = None,
    labels: Sequence[str] = (),
) -> None:
    """Let the control with key `name` say what the link says, whenever the link has changed (one
    was opened, the browser went back), else `default`.

    A value that cannot be read, is not `allowed` or not `between` two bounds is replaced, and the
    page says by what. A control that stands at a default goes along when the default changes.
    key: of the control, if not `name`. One whose default is of what is looked at has its own key
    for each: no late answer of the browser can fill the next one's with the value before.
    labels: of its options, if they change: the browser knows an option by its label, and may still
    say one that is no more; then what stands in the link is meant.
    """
    settle()
    state, said = st.session_state, st.query_params.get(name)
    key = key or name
    seen, base = _seen(name), _base(key)
    if key not in state or state.get(seen) != said:
        value = default if said is None else _admit(name, said, default, convert, allowed, between)
    elif state.get(base) != default and state[key] == state.get(base):
        value = default
    elif not _can_be(state[key], allowed, between):
        value = default if said is None else _admit(
            name, said, default, convert, allowed, between, say=False)
    elif between is not None:
        value = min(max(state[key], between[0]), between[1])
    else:
        value = state[key]
    put(key, value, (between, tuple(labels)) if between or labels else None)
    state[seen], state[base] = said, default


def put(key: str, value: Any, made_for: object = None) -> None:
    """Let a control say `value`, unless it does.

    What is assigned to a control's key is sent to the browser even if nothing is new about it, and
    there takes the place of what the visitor has moved in the meantime: what only may have to be
    corrected is put, not assigned.
    made_for: the bounds, of a control that Streamlit makes anew when they change, and which then
    has to be told; the labels of its options; or whether it is shown, of one that is not always.
    """
    state, name = st.session_state, f"{key} · made for"
    before = state.get(name, (None, None))
    made = before[0] if made_for is None else made_for, language()
    again = state.get(AGAIN, {})
    lost = key in again and again[key] == value
    if made != before or lost or key not in state or state[key] != value:
        state[key] = value
        state.setdefault(TOLD, {})[key] = value
    state[name] = made


def write(**values: object | None) -> None:
    """Put what the controls say into the link; None takes one out."""
    turn(**values)
    for name, value in values.items():
        st.session_state[_seen(name)] = None if value is None else str(value)


def turn(**values: object | None) -> None:
    """Put values into the link as if one had been opened that says them: the controls follow."""
    settle()
    for name, value in values.items():
        said = None if value is None else str(value)
        if said == st.query_params.get(name):
            continue
        if said is None:
            del st.query_params[name]
        else:
            st.query_params[name] = said
        st.session_state[LATELY].leave(st.query_params.to_dict())


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
    say: bool = True,
) -> Any:
    """The value of what a link says, or another one, with a message if there is one to `say`."""
    tell: Callable[[str], None] = refuse if say else lambda message: None
    given = said if len(said) <= 40 else said[:40] + "…"
    try:
        value = convert(said)
        if value != value:
            raise ValueError("not a number")
    except ValueError:
        tell(_("The link says {name} = {given}, which cannot be read: {used} is used.",
                name=name, given=given, used=default))
        return default
    if allowed is not None and value not in allowed:
        tell(_("The link says {name} = {given}, but there is only {known}: {used} is used.",
                name=name, given=given, known=", ".join(map(str, allowed)), used=default))
        return default
    if between is not None and not between[0] <= value <= between[1]:
        inside = min(max(value, between[0]), between[1])
        tell(_("The link says {name} = {given}, which must lie between {low} and {high}: {used} "
                "is used.", name=name, given=given, low=between[0], high=between[1],
                used=inside))
        return inside
    return value


def _can_be(
    value: Any, allowed: Collection[Any] | None, between: tuple[float, float] | None
) -> bool:
    """Whether a control with these options or bounds can say `value`, which may still be moved
    inside."""
    if allowed is not None:
        return value in allowed
    return between is None or isinstance(value, int | float)


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
