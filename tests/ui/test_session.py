"""Who is looking: language, theme, owner."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from explorer.ui import session
from explorer.words import _, language, speak_for


@pytest.mark.parametrize(
    ("locale", "spoken"),
    [("zh-Hans-CN", "zh"), ("zh_TW", "zh"), ("ZH", "zh"), ("en-GB", "en"), ("fr", None), ("", None),
     (None, None), ("../etc", None)],
)
def test_a_locale_gives_a_language_that_is_spoken(locale: str | None, spoken: str | None) -> None:
    assert session.tongue(locale) == spoken


def test_outside_of_a_session_english_is_spoken() -> None:
    assert session.language() == "en"


def visitor(
    monkeypatch: pytest.MonkeyPatch, url: str | None = None, address: str | None = "localhost",
    answer: Any = None, **context: Any,
) -> list[str]:
    """Pretend that somebody looks; gives what they were asked by the owner component."""
    asked: list[str] = []

    def component(**_: Any) -> Any:
        asked.append("token")
        return SimpleNamespace(token=answer)

    fake = SimpleNamespace(
        context=SimpleNamespace(url=url, **context), get_option=lambda name: address,
        session_state={}, query_params={}, stop=lambda: (_ for _ in ()).throw(StopIteration))
    monkeypatch.setattr(session, "st", fake)
    monkeypatch.setattr(session, "_owner", component)
    monkeypatch.setattr(session, "get_script_run_ctx", lambda suppress_warning: object())
    return asked


@pytest.mark.parametrize("url", ["http://localhost:8501/gates", "http://127.0.0.1:1/", None])
def test_at_home_everyone_is_one_person(monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    asked = visitor(monkeypatch, url)
    assert session.owner() == session.LOCAL
    assert not asked


def test_who_comes_from_elsewhere_is_not_at_home_whatever_they_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visitor(monkeypatch, "http://localhost/", address="0.0.0.0", answer="a" * 32)
    assert session.owner() == "a" * 32
    visitor(monkeypatch, "http://example.org/", answer="b" * 32)
    assert session.owner() == "b" * 32


@pytest.mark.parametrize("answer", [None, "", "local", "a" * 31, "A" * 32, "a" * 33, 7, ["a"]])
def test_a_token_that_is_none_ends_the_run_of_the_page(
    monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    visitor(monkeypatch, "http://example.org/", answer=answer)
    with pytest.raises((StopIteration, RuntimeError)):
        session.owner()


def test_the_choice_speaks_before_the_link_and_the_link_before_the_browser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visitor(monkeypatch, locale="zh-CN")
    assert session.language() == "zh"
    session.st.query_params["lang"] = "en"
    assert session.language() == "en"
    session.st.query_params["lang"] = "xx"
    assert session.language() == "zh"
    session.st.session_state[session.CHOSEN] = "en"
    assert session.language() == "en"


def test_words_follow_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    visitor(monkeypatch, locale="zh-CN")
    speak_for(session.language)
    try:
        assert language() == "zh"
        assert _("forget gate") != "forget gate"
    finally:
        speak_for(lambda: "en")


@pytest.mark.parametrize(("said", "shown"), [("dark", "dark"), ("light", "light"), (None, "light")])
def test_the_theme_is_light_until_the_browser_has_said(
    monkeypatch: pytest.MonkeyPatch, said: str | None, shown: str
) -> None:
    visitor(monkeypatch, theme=SimpleNamespace(type=said))
    assert session.theme() == shown
