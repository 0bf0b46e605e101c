"""Page = figure = what the engine computes."""

from __future__ import annotations

import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.store import Run, Store
from explorer.ui.positions import on_text, together, with_each
from tests.pages.conftest import Open, plotly, said, trained, well
from tests.training.small import TEXT

SMALL = {"kind": "transformer", "hidden": 8, "layers": 1, "heads": 2, "context": 20}
HOW = {"steps": 8, "window": 8, "batch": 4, "snapshots": 1}
KINDS = ("sinusoidal", "learned", "rotary", "alibi", "none")


def told(kind: str = "rotary", **model: object) -> Experiment:
    return Experiment.language_model(TEXT, model=SMALL | {"positions": kind} | model, **HOW)


@pytest.fixture(scope="module")
def five(engine: LocalEngine, store: Store) -> dict[str, Run]:
    return {kind: trained(engine, store, each) for kind, each in with_each(told())[0].items()}


def noticed(page: AppTest) -> str:
    return " ".join(each.value for each in page.markdown).replace("\\", "")


def keys(page: AppTest) -> set[str]:
    return {chart.key.removesuffix("-chart") for chart in page.get("plotly_chart")}


@pytest.mark.parametrize("kind", ["sinusoidal", "rotary"])
def test_pictures_are_what_the_engine_computes(
    opened: Open, engine: LocalEngine, five: dict[str, Run], kind: str
) -> None:
    page = opened("positions", kind=kind, places=40, width=16, k=3, place=2, numbers="1-6",
                  run=five["rotary"].key)
    assert said(page) == ""
    found = engine.ask("positions", "", kind=kind, length=40, width=16, distance=3)
    np.testing.assert_allclose(plotly(page, "encoding")["data"][0]["z"], found["encoding"].T,
                               atol=1e-6)
    for line, number in zip(plotly(page, "waves")["data"], (1, 6), strict=True):
        np.testing.assert_allclose(line["y"], found["encoding"][:, number])
    for line, dot in zip(plotly(page, "products")["data"], found["dot"].values, strict=True):
        np.testing.assert_allclose(np.array(line["y"], float), dot)
    points = [line for line in plotly(page, "circles")["data"] if line["mode"] == "lines+markers"]
    np.testing.assert_allclose([points[1]["x"][1], points[1]["y"][1]],
                               found["encoding"][5, :2], atol=1e-12)
    assert "is the vector of place p + k" in noticed(page)


def test_learnt_places_are_those_of_the_run(
    opened: Open, engine: LocalEngine, five: dict[str, Run]
) -> None:
    page = opened("positions", kind="learned", run=five["alibi"].key)
    found = engine.ask("run_positions", five["learned"].key, step=8)
    np.testing.assert_allclose(plotly(page, "encoding")["data"][0]["z"], found["encoding"].T,
                               atol=1e-6)
    assert found.sizes["place"] == 20
    assert "circles" not in keys(page)
    assert "no gradient ever reached" in noticed(page)


def test_alibi_lowers_scores_and_none_tells_nothing(
    opened: Open, engine: LocalEngine, five: dict[str, Run]
) -> None:
    page = opened("positions", kind="alibi", heads=3, head=2, run=five["rotary"].key)
    found = engine.ask("positions", "", kind="alibi", heads=3)
    np.testing.assert_allclose(plotly(page, "bias")["data"][0]["z"], found["bias"][1])
    np.testing.assert_allclose(plotly(page, "slopes")["data"][2]["y"], found["lowered"][2])
    page = opened("positions", kind="none", run=five["rotary"].key)
    assert "there is nothing to draw" in said(page)
    assert keys(page) == {"by-place", "shuffled"}


def test_each_is_measured(opened: Open, engine: LocalEngine, five: dict[str, Run]) -> None:
    page = opened("positions", run=five["none"].key)
    answers = {kind: engine.ask("places", run.key, step=8) for kind, run in five.items()}
    found = together(answers)
    lines = [line for line in plotly(page, "by-place")["data"]
             if line.get("mode") == "lines+markers"]
    assert [line["name"] for line in lines] == [
        "sinusoidal", "learned, up to place 20", "rotary", "ALiBi", "none"]
    for line, kind in zip(lines, KINDS, strict=True):
        np.testing.assert_allclose(line["y"], answers[kind]["bits"])
    bars = plotly(page, "shuffled")["data"]
    for bar, order in zip(bars, ("written", "words", "tokens"), strict=True):
        np.testing.assert_allclose(bar["y"], found["shuffled"].sel(order=order).mean("draw"))
    assert "**none**: the order changes nothing at all" in noticed(page)
    well(page.radio(key="guess-far").set_value("none").run())
    assert page.info


def test_a_text_to_measure_on_must_be_long_enough(
    opened: Open, engine: LocalEngine, five: dict[str, Run]
) -> None:
    page = opened("positions", run=five["rotary"].key, text="t")
    assert "This text has 1 tokens, but the network read 8 at once" in said(page)
    assert "by-place" not in keys(page)
    assert "encoding" in keys(page)
    well(page.text_area(key="text").set_value("the <b>cat</b> sat on *the* mat").run())
    assert said(page) == ""
    assert "a text of 31 tokens" in " ".join(each.value for each in page.caption)
    assert page.query_params["text"] == ["the <b>cat</b> sat on *the* mat"] or (
        page.query_params["text"] == "the <b>cat</b> sat on *the* mat")


NONSENSE = {"kind": "clock", "places": "9999", "width": "33", "k": "0", "place": "-1",
            "numbers": "0-x"}


def test_nonsense_in_the_link_is_said_and_replaced(opened: Open, five: dict[str, Run]) -> None:
    page = opened("positions", run=five["rotary"].key, **NONSENSE)
    for name, value in NONSENSE.items():
        assert f"{name} = {value}" in said(page)
    assert {"encoding", "circles", "by-place"} <= keys(page)
    many = "-".join(map(str, range(9)))
    assert f"numbers = {many}" in said(opened("positions", run=five["rotary"].key, numbers=many))
    page = opened("positions", run=five["rotary"].key, kind="rotary", width=4, numbers="0-1-999")
    assert "draws the numbers 999 as waves, which a vector of 4 numbers (0 to 3) has not" in said(
        page)
    assert page.multiselect(key="numbers").value == [0, 1]
    page = opened("positions", run="0" * 32)
    assert said(page)
    assert "encoding" in keys(page)


def wait(engine: LocalEngine) -> None:
    end = time.monotonic() + 120
    while (status := engine.status()).running or status.queued:
        assert time.monotonic() < end
        time.sleep(0.1)


def press_until_all_are_trained(page: AppTest, engine: LocalEngine) -> None:
    """The queue of these tests takes three at once."""
    for _ in range(3):
        wait(engine)
        well(page.run())
        if "told-start" not in [button.key for button in page.button]:
            return
        well(page.button(key="told-start").click().run())
    raise AssertionError(said(page))


def test_all_are_trained_at_a_button(opened: Open, engine: LocalEngine, store: Store) -> None:
    run = trained(engine, store, told("alibi", hidden=12))
    page = opened("positions", run=run.key)
    assert "by-place" in keys(page)  # of the one that there is
    press_until_all_are_trained(page, engine)
    page = opened("positions", run=run.key)
    assert "told-start" not in [button.key for button in page.button]
    assert len(plotly(page, "shuffled")["data"][0]["x"]) == len(KINDS)


def test_and_on_a_text_of_one_s_own(
    opened: Open, engine: LocalEngine, five: dict[str, Run], store: Store
) -> None:
    page = opened("positions", run=five["rotary"].key)
    well(page.button_group(key="source").set_value("paste").run())
    well(page.text_area(key="pasted").set_value("over and under, " * 40).run())
    well(page.button(key="own-start").click().run())
    press_until_all_are_trained(page, engine)
    key = page.selectbox(key="run").value
    assert store.run(key).experiment.text.content.startswith("over and under, over")
    well(page.run())
    assert len(plotly(page, "shuffled")["data"][0]["x"]) == len(KINDS)


def test_what_cannot_be_had_is_said(opened: Open, engine: LocalEngine, store: Store) -> None:
    run = trained(engine, store, told("alibi", hidden=9, heads=3))
    page = opened("positions", run=run.key)
    captions = " ".join(each.value for each in page.caption).replace("\\", "")
    assert "rotary: rotary positions turn pairs of numbers" in captions
    assert "sinusoidal: sinusoidal positions come in pairs" in captions
    assert "3 times the same" in captions


def test_a_short_text_gets_short_windows() -> None:
    assert on_text(TEXT, told()).training.window == 8
    made = Experiment.language_model(TEXT, model=SMALL, **(HOW | {"window": 20}))
    short = type(TEXT).paste("never and ever " * 30, "short")
    assert on_text(short, made).training.window == 11
