"""Pairs are chosen, what was skipped is said, and how they are read is shown."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from explorer.text import PAIR_CORPORA, Pairs, pair_corpus
from explorer.text.sentences import Sentences


def page(longest: int = 10) -> None:
    import streamlit as st

    from explorer.defaults import usual_cut
    from explorer.tasks.translation import Translation
    from explorer.ui.pair_source import choose_pairs, preview_pairs

    pairs = choose_pairs()
    st.session_state["pairs"] = pairs
    if pairs is not None:
        task = Translation(longest=longest)
        st.session_state["made"] = preview_pairs(pairs, task, usual_cut(pairs))


GOOD = "".join(f"one sentence {n} .\tune phrase {n} .\n" for n in range(60))


@pytest.fixture
def test() -> AppTest:
    return well(AppTest.from_function(page, default_timeout=60).run())


def well(test: AppTest) -> AppTest:
    assert not test.exception, [each.value for each in test.exception]
    return test


def choose(test: AppTest, way: str) -> AppTest:
    return well(test.get("button_group")[0].set_value(way).run())


def upload(test: AppTest, *files: tuple[str, bytes]) -> AppTest:
    choose(test, "file" if len(files) == 1 else "two")
    for place, (name, data) in enumerate(files):
        test.file_uploader[place].set_value((name, data, "text/plain"))
    return well(test.run())


def rows(test: AppTest) -> Any:
    pairs = test.session_state["pairs"]
    return pairs.rows if pairs is not None else None


def said(test: AppTest) -> str:
    return " ".join(each.value for each in test.caption).replace("\\", "")


def test_the_first_built_in_pairs_are_there_at_once(test: AppTest) -> None:
    assert test.session_state["pairs"] == pair_corpus("english-french")
    assert isinstance(test.session_state["made"], Sentences)
    assert {each.label: each.value for each in test.metric}["pairs"] == "15,000"
    assert "15,000 pairs, made by a grammar" in said(test)


@pytest.mark.parametrize("name", [name for name in PAIR_CORPORA if name != "english-french"])
def test_all_other_built_in_pairs_are_previewed(test: AppTest, name: str) -> None:
    well(test.selectbox(key="pair_corpus").set_value(name).run())
    assert test.session_state["pairs"] == pair_corpus(name)
    assert test.session_state["made"].size < 3_000


def test_a_file_is_read_and_what_was_skipped_is_said(test: AppTest) -> None:
    upload(test, ("mine.tsv", (GOOD + "broken <b>line</b>\n\tno source\n" + GOOD[:64]).encode()))
    assert len(rows(test)) == 62
    assert "mine.tsv, read as utf-8: 62 pairs." in said(test)
    assert "more than once: 2" in said(test)
    warned = test.warning[0].value.replace("\\", "")
    assert warned == "Broken lines that were skipped: 2 (line 61: no tab; line 62: no source " \
                     "sentence)."
    choose(test, "built-in")
    choose(test, "file")
    assert len(rows(test)) == 62, "it is still there when one comes back"


def test_a_csv_names_its_header(test: AppTest) -> None:
    upload(test, ("a.csv", b"English,French\nGo.,Va !\nRun.,Cours !\nStop.,Stop !\n"))
    assert rows(test)[0] == ("Go.", "Va !")
    assert "Read as the header: English, French." in said(test)


def test_two_files(test: AppTest) -> None:
    upload(test, ("a.en", b"Go.\nRun.\nGo on.\n"), ("a.fr", b"Va !\nCours !\nContinue !\n"))
    assert rows(test) == (("Go.", "Va !"), ("Run.", "Cours !"), ("Go on.", "Continue !"))
    upload(test, ("a.en", b"Go.\nRun.\n"), ("a.fr", b"Va !\n"))
    assert "has 2 lines" in test.error[0].value
    assert rows(test) is None


@pytest.mark.parametrize(("data", "reason"), [
    (b"no tab\nhere\n", "line 1 of"), (b"a\tb\n", "a single pair"), (b"", "no pairs"),
    (b"\x89PNG\r\n\x1a\n", "PNG")])
def test_a_bad_file_is_refused_in_words(test: AppTest, data: bytes, reason: str) -> None:
    upload(test, ("bad.tsv", data))
    assert rows(test) is None
    assert reason in test.error[0].value.replace("\\", "")


def test_a_paste_with_mark_up_is_only_text(test: AppTest) -> None:
    hostile = "<script>alert(1)</script> **b**\tאֵיפֹה <img src=x>\n"
    choose(test, "paste")
    assert rows(test) is None
    well(test.text_area(key="pasted_pairs").set_value(hostile + GOOD).run())
    assert rows(test)[0] == Pairs.paste(hostile + GOOD).rows[0]
    well(test.get("button_group")[1].set_value("target").run())
    assert isinstance(test.session_state["made"], Sentences)


def test_pairs_that_cannot_be_cut_so_are_refused(test: AppTest) -> None:
    choose(test, "paste")
    well(test.text_area(key="pasted_pairs").set_value("a b\tc d\ne f\tg h\n").run())
    assert test.session_state["made"] is None
    assert "different tokens" in test.error[0].value.replace("\\", "")
