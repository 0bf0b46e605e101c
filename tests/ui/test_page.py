"""The template: what each part shows, and that nothing a visitor wrote becomes mark-up."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from explorer.text import CORPORA, corpus
from explorer.ui.block import SENTENCES
from explorer.ui.glossary import TERMS, term
from explorer.ui.text import opening, plain, prose

HOSTILE = '<script>alert(1)</script> ![x](http://x.org/y.png) $x$ :red[a] **b** `c` [d](e)\n# f'


def filled(wrong: bool) -> None:
    import streamlit as st

    from explorer import ui
    from explorer.errors import DataError
    from explorer.training.events import Progress

    ui.header("What is it?", f"Look at its {ui.term('gate')}.")
    picture, aside = ui.columns()
    with aside:
        ui.before_you_look("How many?", ["one", "two"], "It is **two**.", key="guess")
        ui.notice(["It says <b>x</b> and **y**."])
        ui.letters([r"h_t = x"])
        ui.code(Progress.row, "x = 1")
        ui.not_shown("All else.")
    with picture:
        with ui.guard():
            if wrong:
                raise DataError("The text “{name}” is empty: write one.", name="<i>a</i>")
            st.text("drawn")
        st.text("and on")


def opened(wrong: bool = False) -> AppTest:
    test = AppTest.from_function(filled, args=(wrong,), default_timeout=30).run()
    assert not test.exception
    return test


def test_the_parts_stand_in_their_order() -> None:
    test = opened()
    assert [title.value for title in test.title] == ["What is it?"]
    assert [head.value for head in test.subheader] == [
        "Before you look", "What to notice", "In its letters"]
    assert [label.label for label in test.expander] == [
        "The code that ran", "What this does not show"]


def test_the_answer_opens_when_one_has_chosen() -> None:
    test = opened()
    assert not test.info
    test.radio[0].set_value("one").run()
    assert test.info[0].value == "It is **two**\\."


def test_the_code_is_the_real_source() -> None:
    shown = [code.value for code in opened().code]
    assert shown[0].startswith("def row(self) -> dict[str, float]:\n")
    assert shown[1] == "x = 1"


def test_sentences_keep_bold_and_nothing_else() -> None:
    [said] = [each.value for each in opened().markdown if "It says" in each.value]
    assert said == "- It says \\<b\\>x\\</b\\> and **y**\\."


def test_an_error_is_said_in_its_place_and_the_page_goes_on() -> None:
    test = opened(wrong=True)
    assert test.error[0].value == "The text “\\<i\\>a\\</i\\>” is empty\\: write one\\."
    assert [text.value for text in test.text] == ["and on"]
    assert [text.value for text in opened().text] == ["drawn", "and on"]


def test_plain_text_has_no_mark_that_is_not_escaped() -> None:
    said = plain(HOSTILE)
    assert "\n" not in said
    for at, sign in enumerate(said):
        assert sign not in "<>[]()*`$:#!_" or said[at - 1] == "\\"


def test_prose_keeps_only_bold() -> None:
    assert prose("a **b** <c> *d*") == "a **b** \\<c\\> \\*d\\*"


@pytest.mark.parametrize("name", TERMS)
def test_a_term_has_its_meaning_on_hover(name: str) -> None:
    assert term(name).startswith('<abbr title="')
    assert term(name, "<b>").endswith(">&lt;b&gt;</abbr>")


@pytest.mark.parametrize("name", CORPORA)
def test_a_built_in_text_opens_on_the_sentence_of_its_language(name: str) -> None:
    language = {"story-en": "en", "story-zh": "zh"}.get(name, "python")
    assert opening(corpus(name).content, SENTENCES) == SENTENCES[language]


def test_a_foreign_sign_or_two_do_not_change_the_language() -> None:
    story = corpus("story-en").content
    assert opening(f"Chapter 你好. {story}", SENTENCES) == SENTENCES["en"]


@pytest.mark.parametrize(
    ("content", "opens"),
    [
        ("\n Жил старик со своею старухой у самого синего моря.", "Жил старик со своею старухой у"),
        ("水是冷的。" * 20, ("水是冷的。" * 20)[: len(SENTENCES["en"])]),
        ("Они жили", "Они жили"),
        ("щ" * 12 + " " + "щ" * 90, "щ" * 12 + " " + "щ" * (len(SENTENCES["en"]) - 13)),
    ],
)
def test_a_text_without_the_signs_of_a_sentence_opens_on_its_own_beginning(
    content: str, opens: str
) -> None:
    assert opening(content, SENTENCES) == opens
