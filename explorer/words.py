"""Every word on screen goes through here: gettext, with English as the source.

The language belongs to whoever asks: the app installs a resolver that reads the session's
choice; the command line and the library stay in English.
"""

import gettext as _gettext
from collections.abc import Callable
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "zh": "中文"}
_CATALOGUES = Path(__file__).parent / "locale"
_resolve: Callable[[], str] = lambda: "en"  # noqa: E731  (replaced by `speak_for`)


def speak_for(resolver: Callable[[], str]) -> None:
    """Let `resolver` say, at each call of `_`, which language is spoken."""
    global _resolve
    _resolve = resolver


def language() -> str:
    """The language spoken now: a key of `LANGUAGES`."""
    return _resolve()


@cache
def _catalogue(spoken: str) -> _gettext.NullTranslations:
    return _gettext.translation("explorer", _CATALOGUES, languages=[spoken], fallback=True)


def _(message: str, /, **values: object) -> str:
    """`message` in the language spoken now, its {fields} filled with `values`."""
    said = _catalogue(_resolve()).gettext(message) if message else ""
    return said.format(**values) if values else said


def N_(message: str) -> str:
    """Mark a text for translation where it is defined; `_` translates it where it is shown."""
    return message
