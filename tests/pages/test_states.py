"""Page = figure = trace, for states."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.library import _ask
from explorer.store import Run, Store
from explorer.text import Text
from explorer.views.gates import plane
from tests.pages.conftest import Open, act, component, plotly, said, trained, well
from tests.training.small import small

TEXT = 'the "cat" sat'


def tokens(chart: dict[str, object], name: str = "the text") -> np.ndarray:
    """Where a path's tokens are drawn."""
    part = [part for part in chart["data"] if part["name"] == name][1]  # type: ignore[attr-defined]
    return np.column_stack([np.array(part[axis]) for axis in "xyz" if axis in part])


def words(page: object) -> str:
    parts = [*page.markdown, *page.caption, *page.info]  # type: ignore[attr-defined]
    return "\n".join(part.value for part in parts).replace("\\", "")


@pytest.mark.parametrize("method", ["pca", "units", "umap"])
@pytest.mark.parametrize("axes", [2, 3])
def test_the_path_is_the_projection(
    opened: Open, engine: LocalEngine, run: Run, method: str, axes: int
) -> None:
    page = opened("states", run=run.key, text=TEXT, method=method, axes=axes, second="a cat sat",
                  **({"chosen": "7,2,4"} if method == "units" else {}))
    assert not page.error
    units = [7, 2, 4][:axes] if method == "units" else [0, 1, 2][:axes]
    expected = engine.ask("projection", run.key, step=-1, text=TEXT, other="a cat sat",
                          method=method, dimensions=axes, units=units)
    chart = plotly(page, "trajectory")
    np.testing.assert_allclose(tokens(chart), expected["path"], atol=2e-3)
    np.testing.assert_allclose(tokens(chart, "the second text"), expected["second"], atol=2e-3)


def test_the_heatmap_is_the_trace(opened: Open, run: Run) -> None:
    page = opened("states", run=run.key, text=TEXT, state="cell")
    [heatmap] = plotly(page, "heatmap")["data"]
    values = plane(_ask("trace", run, -1, text=TEXT), "cell")
    rows = [int(str(name).split()[-1]) for name in heatmap["y"]]
    np.testing.assert_allclose(np.array(heatmap["z"]), values.T[rows], rtol=1e-4, atol=1e-6)


def test_units_and_places_are_those_of_the_probe(opened: Open, run: Run) -> None:
    page = opened("states", run=run.key, text=TEXT, span="4-4", threshold=0.05)
    expected = _ask("select_and_match", run, -1, text=TEXT, start=4, stop=5, threshold=0.05)
    assert expected.sizes["chosen"], "choose a span that some unit holds"
    for unit, sign in zip(expected["unit"].values, expected["sign"].values, strict=True):
        assert f"{unit}{'+' if sign > 0 else '−'}" in words(page)
    shown = component(page, "places")["places"]
    assert [place["hit"] for place in shown] == expected["hit"].values[:12].tolist()
    assert [place["before"] for place in shown] == expected["before"].values[:12].tolist()
    lines = plotly(page, "units")["data"]
    assert len(lines) == min(6, expected.sizes["chosen"])
    base, share = plotly(page, "found")["data"]
    np.testing.assert_allclose(np.array(share["x"]), expected["share"], atol=1e-9)
    np.testing.assert_allclose(np.array(base["x"]), expected["base"], atol=1e-9)


def test_nearest_states_are_those_of_the_probe(opened: Open, run: Run) -> None:
    page = opened("states", run=run.key, text=TEXT, token=6)
    expected = _ask("nearest_states", run, -1, text=TEXT, token=6)
    shown = component(page, "nearest")["places"]
    assert [place["note"] for place in shown] == [f"{d:.3f}" for d in expected["distance"].values]
    assert [place["hit"] for place in shown] == expected["hit"].values.tolist()


def test_a_click_on_a_token_moves_the_nearer_end_of_the_span(opened: Open, run: Run) -> None:
    page = opened("states", run=run.key, text=TEXT, span="5-7")
    assert page.slider(key="span").value == (5, 7)
    act(page, "strip", index=10)
    assert page.slider(key="span").value == (5, 10)
    act(page, "strip", index=2)
    assert page.slider(key="span").value == (2, 10)
    act(page, "strip", index=4)
    assert page.slider(key="span").value == (4, 10)
    assert page.query_params["span"] in ("4-10", ["4-10"])


def test_a_span_of_one_token(opened: Open, run: Run) -> None:
    page = opened("states", run=run.key, text=TEXT, span="4-4", threshold=0.05)
    assert not page.error
    assert page.slider(key="span").value == (4, 4)


def test_a_text_of_one_token(opened: Open, run: Run) -> None:
    page = opened("states", run=run.key, text="t")
    assert not page.error
    assert tokens(plotly(page, "trajectory")).shape == (1, 2)


def test_when_no_unit_matches_it_says_so_with_the_nearest(opened: Open, run: Run) -> None:
    message = said(opened("states", run=run.key, text=TEXT, span="0-12", threshold=1.0))
    assert "No unit is on throughout this span" in message
    assert "unit" in message.split("nearest")[-1]


def test_a_shorter_text_brings_the_span_along(opened: Open, run: Run) -> None:
    page = opened("states", run=run.key, text=TEXT, span="9-12", token=12)
    well(page.text_area[0].set_value("the").run())
    assert page.slider(key="span").value == (2, 2)
    assert page.slider(key="token").value == 2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("span", "x", "span = x, which cannot be read"), ("span", "99-200", ""),
     ("method", "tsne", "there is only pca, umap, units"), ("axes", "4", "there is only 2, 3"),
     ("chosen", "a,b", "chosen = a,b, which cannot be read"),
     ("chosen", "99,100", "Choose 2 units"),
     ("threshold", "7", "between 0.0 and 1.0"), ("token", "-3", "between 0 and 12"),
     ("colour", "<b>", "there is only class")],
)
def test_a_wrong_link_is_said_and_replaced(
    opened: Open, run: Run, name: str, value: str, message: str
) -> None:
    method = {"method": "units"} if name == "chosen" else {}
    page = opened("states", run=run.key, text=TEXT, **method | {name: value})
    assert message in said(page)


def test_an_empty_text_is_refused_in_words(opened: Open, run: Run) -> None:
    page = opened("states", run=run.key)
    well(page.text_area[0].set_value("").run())
    assert "nothing to read: type a sentence" in said(page)


@pytest.mark.parametrize("model", [{"kind": "rnn"}, {"kind": "gru", "layers": 2}])
def test_networks_without_a_cell(
    opened: Open, engine: LocalEngine, store: Store, model: dict[str, object]
) -> None:
    run = trained(engine, store, small(model))
    page = opened("states", run=run.key, text=TEXT, layer=model.get("layers", 1))
    assert not page.error
    assert page.selectbox(key="state").options == ["hidden state"]


def test_a_run_of_one_sentence(opened: Open, engine: LocalEngine, store: Store) -> None:
    experiment: Experiment = small("lstm", text=Text("tiny", "abcab."), window=2, batch=1,
                                   held_out=0)
    run = trained(engine, store, experiment)
    page = opened("states", run=run.key, text="cab")
    assert not page.error
    page = opened("states", run=run.key, text="cab", method="umap")
    assert "UMAP needs the states of 8 tokens; this run's text has 6: take PCA" in said(page)


def test_units_are_chosen_on_the_page(opened: Open, run: Run) -> None:
    page = opened("states", run=run.key, text=TEXT, span="4-4", threshold=0.05)
    well(page.get("button_group")[0].set_value("units").run())
    assert page.query_params["method"] in ("units", ["units"])
    expected = _ask("projection", run, -1, text=TEXT, method="units", units=[0, 1])
    np.testing.assert_allclose(tokens(plotly(page, "trajectory")), expected["path"], atol=1e-3)
    well(page.multiselect(key="chosen").set_value([3]).run())
    assert "Choose 2 units between 0 and 9" in said(page)
