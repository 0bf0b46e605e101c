"""Nothing on screen is left in the wrong language: the catalogues hold every word of the source."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from explorer import words
from explorer.errors import ExplorerError
from tests import catalogues

MARKERS = {"_", "N_"}

languages = pytest.mark.parametrize("language", catalogues.TRANSLATED)


def fields(text: str) -> Counter[str]:
    """The {placeholders} of a template, with conversion and format: "kind!r"."""
    return Counter(
        f"{name}!{conversion}:{form}"
        for _, name, form, conversion in Formatter().parse(text)
        if name is not None
    )


@languages
def test_catalogue_has_what_the_source_says_and_nothing_else(language: str) -> None:
    source = {entry.id for entry in catalogues.extract() if entry.id}
    known = {entry.id for entry in catalogues.read(language) if entry.id}
    assert source, "no message was found in the source"
    assert known == source, "run `make words` and translate what it lists"


@languages
def test_every_entry_is_translated_and_settled(language: str) -> None:
    catalogue = catalogues.read(language)
    assert not catalogue.fuzzy
    assert catalogues.untranslated(catalogue) == []


@languages
def test_translations_fill_the_same_placeholders(language: str) -> None:
    wrong = []
    for entry in catalogues.read(language):
        wanted = [fields(text) for text in catalogues.strings(entry.id) if entry.id]
        for said in catalogues.strings(entry.string) if wanted else ():
            if fields(said) not in wanted:
                wrong.append((entry.id, said))
    assert wrong == []


@languages
def test_compiled_catalogue_is_the_written_one(language: str) -> None:
    compiled = catalogues.path(language, "mo").read_bytes()
    assert compiled == catalogues.compiled(catalogues.read(language)), "run `make words`"


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    for folder in catalogues.SOURCES:
        for file in sorted((catalogues.ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                    called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    if called == name:
                        yield file, node


@pytest.mark.parametrize("marker", sorted(MARKERS | set(catalogues.ERRORS)))
def test_no_message_is_put_together_before_it_is_translated(marker: str) -> None:
    """An f-string, a sum or a .format() inside `_(…)` would never be found in a catalogue."""
    built = ast.JoinedStr | ast.BinOp
    bad = [
        f"{file.relative_to(catalogues.ROOT)}:{node.lineno}"
        for file, node in calls(marker)
        if node.args and isinstance(node.args[0], built)
    ]
    assert bad == []


def test_words_follow_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    message = "Hidden units"
    assert words._(message) == message
    monkeypatch.setattr(words, "_resolve", lambda: "zh")
    assert words._(message) == "隐藏单元数"
    monkeypatch.setattr(words, "_resolve", lambda: "xx")
    assert words._(message) == message, "an unknown language falls back to the source"


def test_errors_are_said_in_the_language_of_who_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ExplorerError(
        "There is no view called “{name}”; there are: {known}.", name="x", known="gates"
    )
    assert str(error) == "There is no view called “x”; there are: gates."
    monkeypatch.setattr(words, "_resolve", lambda: "zh")
    assert "x" in str(error)
    assert "gates" in str(error)
    assert "There is" not in str(error)


def test_a_message_inside_another_one_is_found_too() -> None:
    source = 'def f(): return _("Each {what}.", what=term(_("unit"))) + f"**{_(\'Model\')}**"'
    assert sorted(catalogues.marked(source)) == ["Each {what}.", "Model", "unit"]
