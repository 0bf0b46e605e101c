"""Page = figure = trace."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pyarrow import ipc

from explorer.engine import LocalEngine
from explorer.models.three_steps import three_steps
from explorer.store import Run
from explorer.ui.counting import baseline
from explorer.views.segments import NAMES
from explorer.views.truncation import placed
from tests.pages.conftest import Open, component, plotly, said, well

TEXT = "the cat (a fat cat) sat on the mat"


@pytest.fixture(scope="module")
def trace(engine: LocalEngine, run: Run) -> xr.Dataset:
    return engine.ask("truncation", run.key, step=run.snapshots[-1], text=TEXT, every=5)


def test_every_draw_and_their_mean_are_the_probe_s(
    opened: Open, run: Run, trace: xr.Dataset
) -> None:
    for weights in ("recurrent", "all"):
        page = opened("cutting", run=run.key, text=TEXT, every=5, weights=weights)
        draws, _, full, _, regular, _, mean = plotly(page, "gradients")["data"]
        data = placed(trace, weights).set_index("way")
        np.testing.assert_allclose(np.array(draws["x"]), data.loc["draw", "along"], rtol=1e-4)
        np.testing.assert_allclose(np.array(draws["y"]), data.loc["draw", "across"], rtol=1e-3)
        for point, way in ((full, "full"), (regular, "regular"), (mean, "randomised")):
            assert point["x"][0] == pytest.approx(data.loc[way, "along"], rel=1e-4)
            assert point["y"][0] == pytest.approx(data.loc[way, "across"], rel=1e-3, abs=1e-6)
        assert said(page) == ""


def test_the_boxes_are_the_segments_of_the_chosen_draw(
    opened: Open, run: Run, trace: xr.Dataset
) -> None:
    page = opened("cutting", run=run.key, text=TEXT, every=5, draw=3)
    spec = plotly(page, "segments")
    random, _, _ = spec["data"]
    assert "".join(random["text"]) == TEXT[:-1].replace(" ", "␣")
    cuts = int((trace["links"].values[2][1:] == 0).sum())
    hover = [line for line in random["hovertext"] if " 0 tokens" in line]
    assert len(hover) == cuts + 1


def test_other_cuts_give_other_pictures(opened: Open, run: Run) -> None:
    page = opened("cutting", run=run.key, text=TEXT, every=5)
    before = plotly(page, "errors")["data"][1]["y"]
    well(page.slider(key="every").set_value(3).run())
    assert page.query_params["every"] == "3"
    after = plotly(page, "errors")["data"][1]["y"]
    assert np.array(after)[0] != np.array(before)[0]


def test_the_graph_says_the_numbers_of_its_three_steps(opened: Open, run: Run) -> None:
    page = opened("cutting", run=run.key, text=TEXT, w_hx=0.5, w_hh=0.9, cut="3", numbers=4)
    steps = three_steps(0.5, 0.9, 1.0, 4, (3,))
    drawn = component(page, "graph")
    assert [edge["number"] for edge in drawn["edges"]] == [
        f"{value + 0.0:+.3f}" for value in steps["along"].values]
    values = dict(zip(steps["node"].values, steps["value"].values, strict=True))
    for node in drawn["nodes"]:
        assert node["value"] == f"{values[node['name']]:.3g}"
    assert [edge["cut"] for edge in drawn["edges"]].count(True) == 1
    [bars] = plotly(page, "paths")["data"]
    np.testing.assert_allclose(np.array(bars["y"])[:-1], steps["product"].values, rtol=1e-5)


def test_three_ways_are_trained_and_drawn(
    opened: Open, run: Run, engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.ui.several.STEPS", 12)
    page = opened("cutting", run=run.key, text=TEXT, every=4)
    assert not page.get("vega_lite_chart")
    well(page.button(key="race-start").click().run())
    end = time.monotonic() + 120
    while (status := engine.status()).running or status.queued:
        assert time.monotonic() < end
        time.sleep(0.1)
    page = opened("cutting", run=run.key, text=TEXT, every=4)
    assert "race-start" not in [button.key for button in page.button], "all three are there"
    [chart] = page.get("vega_lite_chart")
    best = baseline(run)
    assert best is not None
    drawn = pd.concat(ipc.open_stream(each.data.data).read_pandas()
                      for each in chart.proto.datasets)
    name = f"best n-gram (order {best.order}): {best.perplexity:.2f}"
    assert drawn.loc[drawn["curve"] == name, "perplexity"].unique().tolist() == [
        pytest.approx(best.perplexity)]
    noticed = " ".join(each.value for each in page.markdown).replace("\\", "")
    for name in NAMES:
        assert name in noticed
    assert "After the same steps" in noticed


@pytest.mark.parametrize(
    ("name", "value"),
    [("every", "1"), ("every", "x"), ("draw", "999"), ("weights", "soul"), ("w_hh", "9"),
     ("cut", "7"), ("numbers", "-1")],
)
def test_a_link_with_nonsense_says_what_is_used_instead(
    opened: Open, run: Run, name: str, value: str
) -> None:
    message = said(opened("cutting", run=run.key, text=TEXT, **{name: value}))
    assert f"{name} = {value}" in message
    assert "is used" in message


def test_a_text_that_cannot_be_cut_is_refused_in_words(opened: Open, run: Run) -> None:
    assert "type a longer text" in said(opened("cutting", run=run.key, text="th"))


def test_what_is_said_of_the_text_is_never_markup(opened: Open, run: Run) -> None:
    page = opened("cutting", run=run.key, text="<b>the</b> **cat** " * 3)
    assert "<b>" not in "".join(plotly(page, "segments")["data"][0]["text"])
    assert said(page) == ""


def test_guessing_opens_the_answer(opened: Open, run: Run) -> None:
    page = opened("cutting", run=run.key, text=TEXT)
    assert not page.info
    well(page.radio[0].set_value(page.radio[0].options[0]).run())
    assert "cosine" in page.info[0].value
