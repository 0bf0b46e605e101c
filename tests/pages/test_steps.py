"""Page = figure = what the engine computes, every number of a cell, and everything in the link."""

from __future__ import annotations

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.store import Run, Store
from explorer.ui.steps import Place, filled
from explorer.views.steps import stages
from tests.pages.conftest import Open, act, component, plotly, said, trained, well
from tests.training.small import TEXT as RHYME

TEXT = "the cat sat"
SIZES = {"kind": "transformer", "hidden": 12, "heads": 3, "layers": 2}


@pytest.fixture(scope="module")
def runs(engine: LocalEngine, store: Store) -> dict[str, Run]:
    """A small Transformer with each of two kinds of positions."""
    return {positions: trained(engine, store, Experiment.language_model(
        RHYME, model=SIZES | {"positions": positions}, steps=12, window=16, batch=4, snapshots=2))
        for positions in ("rotary", "alibi")}


def cells(page: AppTest, key: str) -> np.ndarray:
    return np.array(plotly(page, key)["data"][0]["z"], dtype=float)


def latex(page: AppTest) -> str:
    return " ".join(each.value for each in page.latex)


@pytest.mark.parametrize("positions", ["rotary", "alibi"])
def test_every_step_shows_what_the_engine_computes(
    opened: Open, engine: LocalEngine, runs: dict[str, Run], positions: str
) -> None:
    run = runs[positions]
    found = engine.ask("attention_steps", run.key, step=run.snapshots[-1], text=TEXT, layer=1,
                       head=2)
    page = opened("steps", run=run.key, text=TEXT, layer=2, head=3)
    for name, stage in stages(found).items():
        act(page, "stages", box=name)
        assert said(page) == ""
        for place, each in enumerate(stage.shown):
            values = found[each.name].values.T if each.flipped else found[each.name].values
            seen = np.where(np.isfinite(values), values, np.nan)
            np.testing.assert_allclose(cells(page, f"matrix-{place}"), seen, atol=1e-6)
        boxes = component(page, "stages")["rows"][0]["boxes"]
        assert [box["id"] for box in boxes] == list(stages(found))
        shape = found[name].shape
        box = next(box for box in boxes if box["id"] == name)
        assert box["shape"] == f"{shape[0]}×{shape[1]}"
        assert np.array(box["cells"]).shape == shape


def test_the_steps_are_walked_and_stand_in_the_link(opened: Open, runs: dict[str, Run]) -> None:
    page = opened("steps", run=runs["rotary"].key, text=TEXT)
    for name in ("k", "v", "products", "scaled", "masked", "attention", "mixed"):
        button = next(each for each in page.button if each.label == "Next")
        assert not button.disabled
        well(button.click().run())
        assert page.query_params["stage"] in (name, [name])
    assert next(each for each in page.button if each.label == "Next").disabled
    well(next(each for each in page.button if each.label == "Previous").click().run())
    assert page.query_params["stage"] in ("attention", ["attention"])


def test_a_click_on_a_cell_opens_its_product(
    opened: Open, engine: LocalEngine, runs: dict[str, Run]
) -> None:
    run = runs["rotary"]
    found = engine.ask("attention_steps", run.key, step=run.snapshots[-1], text=TEXT)
    page = opened("steps", run=run.key, text=TEXT, stage="attention")
    act(page, "cell", figure="matrix-1", row=7, column=4)
    at = {name: float(found[name][7, 4]) for name in ("products", "scaled", "attention")}
    for name, value in at.items():
        assert f"= {value:.3f}" in latex(page), name
    assert page.selectbox(key="query").value == 7
    assert page.selectbox(key="key").value == 4
    [table] = page.table
    np.testing.assert_allclose(float(table.value["sum so far"].iloc[-1]), at["products"],
                               atol=1e-3)
    act(page, "stages", box="q")
    act(page, "cell", figure="matrix-1", row=5, column=2)  # of the weights: input × number
    assert page.number_input(key="number").value == 3
    made = float(found["straight_q"][7, 2])
    assert f"= {made:.3f}" in latex(page)
    assert f"= {float(found['q'][7, 2]):.3f}" in latex(page)
    act(page, "cell", figure="matrix-9", row=0, column=0)
    assert said(page) == ""


def test_a_hidden_pair_gets_nothing(opened: Open, runs: dict[str, Run]) -> None:
    page = opened("steps", run=runs["alibi"].key, text=TEXT, stage="masked", query=2, key=5)
    assert r"m_{3,6} = -\infty" in latex(page)
    assert r"e^{-\infty} = 0" in latex(page)


@pytest.mark.parametrize("positions", ["rotary", "alibi"])
def test_every_number_of_every_formula_is_right(
    engine: LocalEngine, runs: dict[str, Run], positions: str
) -> None:
    """What is written left of an equals sign comes to what stands right of it."""
    run = runs[positions]
    found = engine.ask("attention_steps", run.key, step=run.snapshots[-1], text=TEXT)
    for place in (Place(7, 4, 0), Place(10, 10, 3), Place(0, 0, 1)):
        for stage in stages(found):
            formulas, whole = filled(found, stage, place)
            assert whole is not None
            total = float((whole.left * whole.right).sum()) + whole.added
            assert abs(float(formulas[0].rsplit("= ", 1)[1]) - total) < 2e-3
        q_formulas, _ = filled(found, "q", place)
        last = float(q_formulas[-1].rsplit("= ", 1)[1])
        assert abs(last - float(found["q"][place.query, place.number])) < 1e-3
        softmax = filled(found, "attention", place)[0][-1]
        power, rest, most, answer = map(float, re.findall(r"-?\d+\.\d+", softmax))
        assert abs(np.exp(power) / (rest * np.exp(most)) - answer) < 2e-3


def test_a_long_text_is_cropped_and_the_caption_says_so(
    opened: Open, runs: dict[str, Run]
) -> None:
    page = opened("steps", run=runs["rotary"].key, text="abcdefghij" * 200 + "k")
    captions = " ".join(each.value for each in page.caption).replace("\\", "")
    assert "the first 24 of 2001 tokens" in captions
    assert said(page) == ""
    assert cells(page, "matrix-0").shape == (24, 12)


def test_one_token(opened: Open, runs: dict[str, Run]) -> None:
    for positions, run in runs.items():
        page = opened("steps", run=run.key, text="t", stage="attention")
        assert said(page) == "", positions
        assert cells(page, "matrix-1").tolist() == [[1.0]]


def test_nothing_to_read_is_said(opened: Open, runs: dict[str, Run]) -> None:
    page = opened("steps", run=runs["rotary"].key, text="a")
    well(page.text_area(key="text").set_value("").run())
    assert "nothing to read" in said(page)


def test_heads_that_do_not_divide_a_width_are_left_out_and_said(
    opened: Open, engine: LocalEngine, runs: dict[str, Run]
) -> None:
    page = opened("steps", run=runs["rotary"].key, text=TEXT, width=12, length=50)
    captions = " ".join(each.value for each in page.caption)
    assert "cannot be divided evenly among 8 heads" in captions
    cost = engine.ask("heads_cost", "", width=12, tokens=50, heads=[1, 2, 4])
    drawn = plotly(page, "cost")["data"]
    np.testing.assert_array_equal(drawn[1]["y"], cost["flops"].sel(way="projection"))
    np.testing.assert_array_equal(drawn[2]["y"], cost["parameters"].sel(way="split"))
    assert "heads are free" in " ".join(each.value for each in page.markdown)


NONSENSE = {"layer": "0", "head": "5", "stage": "sum", "query": "99", "key": "x", "number": "13",
            "width": "-3", "length": "1e9", "step": "7"}


def test_nonsense_in_the_link_is_said_and_replaced(opened: Open, runs: dict[str, Run]) -> None:
    page = opened("steps", run=runs["rotary"].key, text=TEXT, **NONSENSE)
    for name, value in NONSENSE.items():
        assert f"{name} = {value}" in said(page)
    assert plotly(page, "matrix-0")["data"]


def test_a_run_of_another_architecture_is_refused_in_words(
    opened: Open, run: Run, runs: dict[str, Run]
) -> None:
    message = said(opened("steps", run=run.key))
    assert "Transformer" in message
    assert "LSTM" in message


def test_guessing_opens_the_answer(opened: Open, runs: dict[str, Run]) -> None:
    page = opened("steps", run=runs["rotary"].key, text=TEXT)
    well(page.radio(key="guess").set_value("itself").run())
    assert "looks most at token" in page.info[0].value
