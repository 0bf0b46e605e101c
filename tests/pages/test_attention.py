"""Page = figure = what the engine computes, and everything in the link."""

from __future__ import annotations

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine
from explorer.text.vectors import read
from explorer.ui.alone import EXAMPLES
from tests.pages.conftest import Open, act, component, plotly, said, well

Q, K, V = "a: 1 0\nb: 0 2", "1 1\n0 1\n3 3", "1\n2\n4"


def cells(page: AppTest, key: str) -> np.ndarray:
    return np.array(plotly(page, key)["data"][0]["z"], dtype=float)


def latex(page: AppTest) -> str:
    return " ".join(each.value for each in page.latex)


def asked(engine: LocalEngine, **more: object) -> object:
    return engine.ask("attention_alone", "", queries=[[1, 0], [0, 2]],
                      keys=[[1, 1], [0, 1], [3, 3]], values=[[1], [2], [4]], **more)


@pytest.mark.parametrize("scorer", ["scaled-dot", "dot", "general", "additive", "concat"])
def test_the_heatmaps_are_what_the_engine_computes(
    opened: Open, engine: LocalEngine, scorer: str
) -> None:
    page = opened("attention", q=Q, k=K, v=V, scorer=scorer, mask="first", first=2, learnt=5)
    assert said(page) == ""
    found = asked(engine, scorer=scorer, mask="first", first=2, seed=5)
    np.testing.assert_allclose(cells(page, "weights-of"), found["attention"])
    np.testing.assert_allclose(cells(page, "got"), found["context"])
    scores = cells(page, "scores")
    np.testing.assert_allclose(scores[:, :2], found["scores"][:, :2])
    assert np.isnan(scores[:, 2]).all()
    most = int(found["attention"].values[0].argmax())
    assert f"= {float(found['scores'][0, most]):.3f}" in latex(page)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_stands_and_has_a_short_link(opened: Open, name: str) -> None:
    page = opened("attention")
    well(page.selectbox(key="example").set_value(name).run())
    assert said(page) == ""
    for box, text in EXAMPLES[name].texts().items():
        assert page.text_area(key=box).value == text
    assert set(page.query_params) <= {"example", "d", "width"}
    again = opened("attention", example=name)
    np.testing.assert_array_equal(cells(again, "weights-of"), cells(page, "weights-of"))


def test_what_is_typed_is_computed_and_stands_in_the_link(opened: Open) -> None:
    page = opened("attention")
    well(page.text_area(key="k").set_value("north: 0 2\nhere: 0 0").run())
    assert "There are 2 keys and 4 values" in said(page)
    well(page.text_area(key="v").set_value("1 0\n0 1").run())
    assert said(page) == ""
    assert cells(page, "weights-of").shape == (3, 2)
    link = {name: value[0] for name, value in page.query_params.items()
            } if isinstance(next(iter(page.query_params.values())), list) else dict(
                page.query_params)
    again = opened("attention", **link)
    np.testing.assert_array_equal(cells(again, "weights-of"), cells(page, "weights-of"))


def test_a_vector_that_is_dragged_is_written_into_its_box(opened: Open) -> None:
    page = opened("attention", q=Q, k=K, v=V)
    before = cells(page, "weights-of")
    act(page, "plane", kind="key", index=2, x=-2.5, y=0.1)
    assert read(page.text_area(key="k").value, "keys", "k").numbers[2] == (-2.5, 0.1)
    assert not np.allclose(cells(page, "weights-of"), before)
    assert [p["x"] for p in component(page, "plane")["points"] if p["kind"] == "key"][2] == -2.5
    act(page, "plane", kind="query", index=1, x=0, y=2)  # only clicked: it is followed
    assert page.query_params["query"] == ["1"] or page.query_params["query"] == "1"
    assert page.text_area(key="q").value == Q
    assert "s_{2," in latex(page)
    act(page, "plane", kind="key", index=99, x=0, y=2)
    assert said(page) == ""


def test_the_plane_is_only_for_two_numbers(opened: Open) -> None:
    page = opened("attention", example="unequal")
    assert "these have 2 and 3" in " ".join(each.value for each in page.caption)
    with pytest.raises(StopIteration):
        component(page, "plane")


TYPED = [
    ("k", "1 2\n3", "Line 2 of the keys has the length 1"),
    ("k", "1 nan", "“nan” is not a number"),
    ("k", "", "The keys are empty"),
    ("k", "1,,2", "A number is missing in line 1 of the keys"),
    ("k", "1 x", "“x” is no number"),
    ("k", "1 2 3\n1 2 3\n1 2 3", "a query has 2 and a key 3"),
    ("q", "1 2 3", "a query has 3 and a key 2"),
    ("v", "1 2", "There are 3 keys and 1 values"),
]


def test_nonsense_that_is_typed_is_said_in_its_place_and_the_rest_stands(opened: Open) -> None:
    page = opened("attention", q=Q, k=K, v=V)
    texts = {"q": Q, "k": K, "v": V}
    for name, text, words in TYPED:
        well(page.text_area(key=name).set_value(text).run())
        assert words in said(page)
        assert plotly(page, "left")["data"]
        well(page.text_area(key=name).set_value(texts[name]).run())
    assert said(page) == ""


NONSENSE = {"scorer": "cosine", "mask": "x", "example": "y", "query": "7", "d": "3", "keys": "1",
            "kernel": "z", "width": "nan", "examples": "4", "learn": "maybe", "noise": "inf",
            "learnt": "-1", "draw": "a", "points": "1000"}


def test_nonsense_in_the_link_is_said_and_replaced(opened: Open) -> None:
    page = opened("attention", **NONSENSE)
    for name, value in NONSENSE.items():
        assert f"{name} = {value}" in said(page)
    assert plotly(page, "weights-of")["data"]
    assert plotly(page, "regression")["data"]


def test_a_mask_that_hides_everything(opened: Open) -> None:
    page = opened("attention", mask="first", first=0)
    assert said(page) == ""
    assert not cells(page, "weights-of").any()
    assert "hides every key" in " ".join(each.value for each in page.markdown)
    assert r"c_{1} = 0" in latex(page)


def test_the_scale(opened: Open, engine: LocalEngine) -> None:
    page = opened("attention", d=512, keys=4, draw=3)
    found = engine.ask("softmax_left", "", keys=4, seed=3)
    np.testing.assert_allclose(plotly(page, "left")["data"][1]["y"],
                               found["left"].sel(scale="off"))
    np.testing.assert_allclose(plotly(page, "sorted")["data"][0]["y"],
                               found["sorted"].sel(scale="off", size=512))
    well(page.radio(key="guess left").set_value("a tenth to a half").run())
    assert "of the gradient" in page.info[0].value


def test_one_of_the_guesses_at_the_gradient_is_right(
    opened: Open, engine: LocalEngine
) -> None:
    """Of its default size too, whose answer lies in the middle."""
    page = opened("attention")
    assert page.radio(key="guess left").options == [
        "more than half", "a tenth to a half", "less than a tenth"]
    left = engine.ask("softmax_left", "", keys=8, seed=0)["left"].sel(size=64)
    assert 0.1 < float(left.sel(scale="off") / left.sel(scale="on")) < 0.5


def test_the_width_is_learnt_where_it_can_be(opened: Open, engine: LocalEngine) -> None:
    page = opened("attention", width=2, learn=1, points=1)
    found = engine.ask("kernel_regression", "", width=2.0, learnt=True, seed=1)
    np.testing.assert_allclose(plotly(page, "kernel-width")["data"][1]["y"], found["error"])
    np.testing.assert_allclose(plotly(page, "regression")["data"][2]["y"], found["estimate"])
    np.testing.assert_allclose(plotly(page, "kernel-weights")["data"][0]["z"], found["attention"])
    well(page.get("button_group")[-1].set_value("boxcar").run())
    assert page.toggle(key="learn").disabled
    assert len(plotly(page, "kernel-width")["data"]) == 1
    assert said(page) == ""


def test_without_an_engine_every_part_says_so(
    opened: Open, engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    st.cache_resource.clear()
    for name in engine.environment:
        monkeypatch.delenv(name)
    page = opened("attention")
    assert len(page.error) == 3
    st.cache_resource.clear()
