"""The list of runs: what it says, what can be done with each, and that nothing of others shows."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine
from explorer.store import Run, Store, archive
from explorer.text import Text
from explorer.ui.listing import Standing, bits, findings
from explorer.work import work
from tests.pages.conftest import OWNER, Open, said, trained, well
from tests.training.small import small

OTHER = Text("numbers", "one two three four five six seven eight nine ten " * 30)


@pytest.fixture(scope="module")
def zips(engine: LocalEngine, store: Store) -> dict[str, bytes]:
    """Three runs, exported: two of one text, one of another."""
    made = {"gru": small("gru", steps=40), "lstm": small("lstm", steps=40, seed=1),
            "other": small("rnn", steps=10, text=OTHER)}
    return {name: archive.export(store, trained(engine, store, experiment).key)
            for name, experiment in made.items()}


@pytest.fixture
def shelf(tmp_path: Path, engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store of the test's own behind the page, empty."""
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path))
    st.cache_resource.clear()
    yield Store(str(tmp_path), pretrained="")
    st.cache_resource.clear()


@pytest.fixture
def two(shelf: Store, zips: dict[str, bytes]) -> list[Run]:
    """A GRU and an LSTM on one text, both the visitor's own."""
    return [shelf.run(archive.admit(shelf, zips[name], OWNER)) for name in ("gru", "lstm")]


def words(page: AppTest) -> str:
    """All prose of a page, without the marks that keep it plain."""
    parts = [*page.markdown, *page.caption, *page.checkbox]
    return "\n".join(getattr(part, "value", "") if part.type != "checkbox" else part.label
                     for part in parts).replace("\\", "")


def press(page: AppTest, key: str) -> AppTest:
    return well(page.button(key=key).click().run())


def curves(page: AppTest) -> set[str]:
    """The runs whose curves are drawn."""
    from pyarrow import ipc

    [chart] = page.get("arrow_vega_lite_chart") or page.get("vega_lite_chart")
    found: set[str] = set()
    for data in chart.proto.datasets:
        table = ipc.open_stream(data.data.data).read_all()
        if "run" in table.column_names:
            found |= set(table["run"].to_pylist())
    return found


def test_an_empty_list_is_friendly(opened: Open, shelf: Store) -> None:
    page = opened("runs")
    assert "You have no run yet" in said(page)
    assert not page.checkbox


def test_each_run_is_called_by_what_differs_and_says_how_it_stands(
    opened: Open, two: list[Run]
) -> None:
    page = opened("runs")
    text = words(page)
    assert {box.label.replace("\\", "") for box in page.checkbox} == {
        "GRU · seed 0", "LSTM · seed 1"}
    for run in two:
        best = run.history["validation_perplexity"].min()
        assert f"held-out perplexity **{best:.2f}**" in text
        assert f"blind guess {run.tokenizer.size}" in text
    assert "“rhyme”" in text
    assert "40 of 40 steps" in text


def test_a_run_that_stands_alone_is_called_by_its_size_and_its_text_too(
    opened: Open, shelf: Store, zips: dict[str, bytes]
) -> None:
    archive.admit(shelf, zips["gru"], OWNER)
    [box] = opened("runs").checkbox
    assert box.label.replace("\\", "") == "GRU · 10 units · “rhyme”"


def test_the_best_is_told_by_its_lead_in_bits(opened: Open, two: list[Run]) -> None:
    held = sorted(float(run.history["validation_perplexity"].min()) for run in two)
    assert f"{bits(held[1], held[0]):.2f} bits per token less" in words(opened("runs"))
    assert bits(8, 2) == 2


@pytest.mark.parametrize(("lead", "tie"), [(0.0, True), (0.004, True), (0.006, False)])
def test_a_lead_that_shows_as_none_is_a_tie(lead: float, tie: bool) -> None:
    run: Any = SimpleNamespace(experiment=small())
    [said] = findings([
        Standing(run, name, given=True, held_out=held_out, training=None, blind=32, parameters=1)
        for name, held_out in (("one", 8.0), ("two", 8 * 2**lead), ("three", 16.0))])
    if tie:
        assert "**one**, **two** come out level: held-out perplexity 8.00, and" in said
        assert "needs 2.00 bits more" in said
    else:
        assert "**one** learnt best" in said
        assert "0.01 bits per token less than **two**" in said


def test_ticks_draw_the_curves_and_stand_in_the_link(opened: Open, two: list[Run]) -> None:
    page = opened("runs")
    assert curves(page) == {"GRU · seed 0", "LSTM · seed 1"}
    assert "runs" not in page.query_params
    well(page.checkbox(key=f"tick-{two[0].key}").uncheck().run())
    assert curves(page) == {"LSTM · seed 1"}
    assert two[1].key == "".join(page.query_params["runs"])
    assert curves(opened("runs", runs=two[0].key)) == {"GRU · seed 0"}


def test_only_who_has_the_link_sees_the_run_of_another(
    opened: Open, shelf: Store, zips: dict[str, bytes]
) -> None:
    key = archive.admit(shelf, zips["gru"], "somebody else")
    assert not opened("runs").checkbox
    page = opened("runs", runs=key)
    assert [box.value for box in page.checkbox] == [True]
    press(page, f"hand-{key}")
    assert "delete" not in {button.key for button in page.button}


def test_perplexities_of_different_texts_are_said_not_to_compare(
    opened: Open, two: list[Run], shelf: Store, zips: dict[str, bytes]
) -> None:
    other = archive.admit(shelf, zips["other"], OWNER)
    assert "do not compare" not in said(opened("runs"))
    page = opened("runs", runs=f"{two[0].key}.{other}")
    assert "do not compare" in said(page)
    assert "learnt best" not in words(page)


def test_a_run_is_renamed_and_its_name_is_no_markup(opened: Open, two: list[Run]) -> None:
    page = press(opened("runs"), f"hand-{two[0].key}")
    name = "<img src=x onerror=alert(1)> [a](b) **c**"
    page.text_input(key=f"name-{two[0].key}").set_value(name)
    rename = next(button for button in page.button if button.label == "Rename")
    well(rename.click().run())
    label = page.checkbox(key=f"tick-{two[0].key}").label
    assert label.replace("\\", "") == name
    assert r"\<img" in label and r"\[a\]\(b\)" in label  # noqa: PT018
    assert not page.text_input  # the dialog is closed


def test_a_run_is_deleted_only_when_confirmed(
    opened: Open, two: list[Run], shelf: Store
) -> None:
    key = two[0].key
    page = press(opened("runs"), f"hand-{key}")
    press(page, "delete")
    assert key in shelf
    press(page, "keep")
    assert key in shelf
    press(press(page, f"hand-{key}"), "delete")
    press(page, "delete-sure")
    assert key not in shelf
    assert [box.key for box in page.checkbox] == [f"tick-{two[1].key}"]
    assert [done.value for done in page.success] == [r"The run was deleted\."]


def test_a_run_is_opened_in_every_page_that_looks_at_one(opened: Open, two: list[Run]) -> None:
    page = press(opened("runs"), f"hand-{two[0].key}")
    links = [link.proto for link in page.get("page_link")
             if f"run={two[0].key}" in link.proto.query_string]
    assert {link.page for link in links} >= {"train", "gates"}


def test_the_dialog_does_not_open_again_when_one_comes_back(
    opened: Open, two: list[Run]
) -> None:
    page = press(opened("runs"), f"hand-{two[0].key}")
    assert page.text_input
    assert not well(page.run()).text_input


def test_an_exported_run_is_taken_in_again(
    opened: Open, shelf: Store, zips: dict[str, bytes]
) -> None:
    page = opened("runs")
    page.file_uploader[0].set_value(("run.zip", zips["gru"], "application/zip"))
    well(page.run())
    assert [box.value for box in page.checkbox] == [True]
    assert "taken in" in page.success[0].value
    assert archive.export(shelf, shelf.own(OWNER)[0])


def test_a_zip_that_has_got_further_than_the_run_here_is_not_said_to_be_taken_in(
    opened: Open, shelf: Store, zips: dict[str, bytes]
) -> None:
    work(shelf, small("gru", steps=40), until=3)
    page = opened("runs")
    page.file_uploader[0].set_value(("run.zip", zips["gru"], "application/zip"))
    well(page.run())
    assert "to step 3; that of the zip, to step 40" in said(page)
    assert not page.success


@pytest.mark.parametrize("name", ["../evil", "experiment.json"])
def test_a_hostile_zip_is_refused_in_words(opened: Open, shelf: Store, name: str) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as packed:
        packed.writestr(name, "{}")
    page = opened("runs")
    page.file_uploader[0].set_value(("run.zip", sink.getvalue(), "application/zip"))
    well(page.run())
    assert "no part of a run" in said(page)
    assert not shelf.own(OWNER)


def test_a_damaged_run_is_listed_with_the_reason_and_can_be_deleted(
    opened: Open, two: list[Run], shelf: Store
) -> None:
    file = Path(shelf.url) / "runs" / two[0].key / "experiment.json"
    file.write_text(json.dumps({"format": 99}))
    page = opened("runs")
    assert "another version" in words(page)
    press(press(page, f"hand-{two[0].key}"), "delete")
    press(page, "delete-sure")
    assert shelf.own(OWNER) == [two[1].key]
