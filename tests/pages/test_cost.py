"""Page = figure = what the engine computes, and everything in the link."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import streamlit as st
import xarray as xr
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine
from explorer.ui import backend
from explorer.ui.costs import DRAWN, READ
from explorer.views import cost, measured
from tests.pages.conftest import Open, plotly, said, well

SHORT = "the lamp is lit and the sea is dark"  # nine words


def words(page: AppTest) -> str:
    return " ".join(each.value for each in [*page.markdown, *page.caption]).replace("\\", "")


def test_the_ways_are_what_the_engine_follows(opened: Open, engine: LocalEngine) -> None:
    page = opened("cost", text=SHORT, start=1, end=7, kernel=2, growth=2, layers=4)
    assert said(page) == ""
    found = engine.ask("reach", "", tokens=9, source=1, target=7, k=2, growth=2, layers=4)
    drawn = plotly(page, "reach")["data"]
    for row, kind in enumerate(found["network"].values):
        for role in range(3):
            wanted = found["from_token"].values[
                (found["kind"].values == kind) & (found["role"].values == role)]
            x = np.array(drawn[4 * row + role]["x"], dtype=float)
            np.testing.assert_array_equal(x[::3], wanted)
    assert cost.reached(found, SHORT.split())[0].replace("“", "") in words(page).replace("“", "")
    assert page.query_params["layers"] in ("4", ["4"])


def test_operations_follow_the_sliders(opened: Open, engine: LocalEngine) -> None:
    page = opened("cost", text=SHORT, n=1024, d=128, k=5)
    found = engine.ask("layer_costs", "", d=128, k=5, n=1024)
    drawn = plotly(page, "operations")["data"]
    for i, kind in enumerate(found["layer"].values):
        for j, name in enumerate(("formula", "mixing")):
            np.testing.assert_array_equal(drawn[3 * i + j]["y"], found[name].sel(layer=kind))
    assert page.table[0].value.iloc[-1].tolist()[2] == f"{1024 * 1024 * 128:,}"
    well(page.select_slider(key="d").set_value(16).run())
    found = engine.ask("layer_costs", "", d=16, k=5, n=1024)
    np.testing.assert_array_equal(plotly(page, "operations")["data"][-1]["y"],
                                  (found["mixing"] + found["apart"]).sel(layer="attention"))
    assert page.query_params["d"] in ("16", ["16"])


def test_the_three_forms_are_drawn_of_the_sentence(opened: Open, engine: LocalEngine) -> None:
    page = opened("cost", text=SHORT)
    found = engine.ask("recurrent_attention", "", words=SHORT.split())
    drawn = {line["name"]: line["y"] for line in plotly(page, "recurrent")["data"]}
    for name, title in measured.FORMS.items():
        np.testing.assert_array_equal(drawn[title], found[name][:, 0])
    np.testing.assert_array_equal(drawn["state m, u, w"], found["state"])
    assert f"at most **{found.attrs['apart']:.1e}**" in words(page)


def test_seconds_are_measured_once_and_again_when_asked(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    real = backend.ask

    def ask(probe: str, key: str, step: int, **parameters: Any) -> xr.Dataset:
        asked.append((probe, parameters))
        return real(probe, key, step, **parameters | {"again": 0} if "again" in parameters
                    else parameters)

    monkeypatch.setattr(backend, "ask", ask)
    page = opened("cost", text=SHORT, width=16)
    measuring = [parameters for probe, parameters in asked if probe == "layer_seconds"]
    assert measuring == [{"d": 16, "again": 0}]
    found = real("layer_seconds", "", 0, d=16, again=0)
    for line, kind in zip(plotly(page, "seconds")["data"], found["layer"].values, strict=True):
        np.testing.assert_array_equal(line["y"], found["seconds"].sel(layer=kind))
    np.testing.assert_array_equal(plotly(page, "memory")["data"][2]["y"],
                                  found["peak"].sel(layer="attention"))
    assert measured.timed(found)[-1] in words(page)
    well(next(each for each in page.button if each.label == "Measure again").click().run())
    assert [each for probe, each in asked if probe == "layer_seconds"][-1]["again"] == 1


def test_a_sentence_is_typed_and_stands_in_the_link(opened: Open) -> None:
    page = opened("cost")
    assert page.query_params["text"] == page.text_area(key="text").value, (
        "left out it would be another sentence in another language")
    well(page.text_area(key="text").set_value("灯塔的看守人每天晚上点灯").run())
    assert said(page) == ""
    assert "灯塔" in plotly(page, "reach")["layout"]["xaxis4"]["ticktext"][0]
    well(page.text_area(key="text").set_value("   ").run())
    assert "Write a sentence" in said(page)
    assert not page.get("plotly_chart")


def test_one_token(opened: Open) -> None:
    page = opened("cost", text="lamp")
    assert said(page) == ""
    assert "One token has nobody to be told by" in words(page)
    assert len(plotly(page, "recurrent")["data"][0]["y"]) == 1


def test_a_long_sentence_is_cropped_and_the_caption_says_so(opened: Open) -> None:
    page = opened("cost", text="and on " * 1000 + "end")
    assert said(page) == ""
    assert f"The first {DRAWN} of 2,001 tokens." in words(page)
    assert len(plotly(page, "reach")["layout"]["xaxis4"]["ticktext"]) == DRAWN
    assert len(plotly(page, "recurrent")["data"][0]["y"]) == 2001
    page = opened("cost", text="on " * (READ + 4))
    assert f"The first {READ:,} of {READ + 4:,} tokens." in words(page)


def test_no_text_becomes_markup(opened: Open) -> None:
    page = opened("cost", text="<b>bold</b> `x` $y$ [a](b) *c*")
    assert said(page) == ""
    shown = plotly(page, "reach")["layout"]["xaxis4"]["ticktext"]
    assert not any("<" in label for label in shown)
    assert "[a](b)" not in "".join(each.value for each in page.caption)


NONSENSE = {"start": "99", "end": "-3", "kernel": "1", "growth": "9", "layers": "0", "n": "17",
            "d": "0", "k": "ten", "width": "1000000"}


def test_nonsense_in_the_link_is_said_and_replaced(opened: Open) -> None:
    page = opened("cost", text=SHORT, **NONSENSE)
    for name, value in NONSENSE.items():
        assert f"{name} = {value}" in said(page), name
    for key in ("reach", "operations", "recurrent", "seconds", "memory"):
        assert plotly(page, key)["data"]


def test_the_answer_never_lies_before_the_token(opened: Open) -> None:
    page = opened("cost", text=SHORT, end=3)
    well(page.selectbox(key="start").set_value(6).run())
    assert page.selectbox(key="end").value == 6
    assert said(page) == ""
    well(page.text_area(key="text").set_value("the lamp").run())
    assert (page.selectbox(key="start").value, page.selectbox(key="end").value) == (1, 1)
    assert said(page) == ""


def test_predictions_open_computed_answers(opened: Open) -> None:
    page = opened("cost", text=SHORT)
    for key in ("guess layers", "guess operations", "guess forms", "guess seconds"):
        guess = page.radio(key=key)
        well(guess.set_value(guess.options[0]).run())
    answers = [each.value.replace("\\", "") for each in page.info]
    assert len(answers) == 4
    assert "beyond 64 tokens" in answers[1]


def test_without_an_engine_every_part_says_so(
    opened: Open, engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    st.cache_resource.clear()
    for name in engine.environment:
        monkeypatch.delenv(name)
    page = opened("cost")
    assert len(page.error) == 4
    st.cache_resource.clear()
