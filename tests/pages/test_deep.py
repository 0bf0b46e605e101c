"""Page = figure = trace: depth and direction."""

from __future__ import annotations

import time

import numpy as np
import pytest

import explorer as ex
from explorer.engine import LocalEngine
from explorer.library import _ask
from explorer.store import Run, Store
from explorer.ui.counting import baseline
from explorer.views.deep import planes
from tests.pages.conftest import Open, plotly, said, trained, well
from tests.training.small import small

TEXT = 'the "cat" sat on that mat'
UGLY = "<script>alert(1)</script> 爷爷说 🦜 " + "x" * 60


@pytest.fixture(scope="module")
def deep(engine: LocalEngine, store: Store) -> Run:
    return trained(engine, store, small({"kind": "gru", "layers": 2}, window=16))


@pytest.fixture(scope="module")
def both(engine: LocalEngine, store: Store) -> Run:
    return trained(engine, store, small({"kind": "lstm", "bidirectional": True}, window=16))


@pytest.fixture(scope="module")
def one(engine: LocalEngine, store: Store) -> Run:
    return trained(engine, store, small({"kind": "lstm"}, window=16))


def test_the_planes_are_the_trace_for_every_view(opened: Open, deep: Run, both: Run) -> None:
    for run in (deep, both):
        trace = ex.trace(run, TEXT)
        page = opened("deep", run=run.key, text=TEXT)
        for view in run.experiment.model.observes:  # type: ignore[attr-defined]
            well(page.get("button_group")[0].set_value(view).run())
            heatmaps = plotly(page, "layers")["data"]
            for heatmap, (layer, way) in zip(heatmaps, planes(trace), strict=True):
                rows = [int(str(name).split()[-1]) for name in heatmap["y"]]
                np.testing.assert_allclose(
                    np.array(heatmap["z"]), trace[view].values[layer, way][:, rows].T, rtol=1e-4,
                    atol=1e-6)
            assert page.query_params["view"] == view


def test_what_each_layer_carries_is_the_probe_s(opened: Open, deep: Run) -> None:
    found = _ask("carried", deep, -1)
    lines = plotly(opened("deep", run=deep.key, text=TEXT), "carried")["data"]
    for line, (layer, way) in zip(lines, planes(found), strict=True):
        np.testing.assert_allclose(
            np.array(line["y"], float), found["explained"].values[layer, way], atol=1e-4)


def test_the_misuse_is_shown_beside_the_one_way_network(
    opened: Open, both: Run, one: Run
) -> None:
    page = opened("deep", run=one.key, both=both.key, text=TEXT)
    values = {metric.label: metric.value for metric in page.metric}
    assert len(page.metric) == 4
    theirs, ours = (_ask("misuse", run, -1) for run in (both, one))
    assert values["held-out perplexity, as scored"] == f"{theirs.attrs['scored']:.2f}"
    bar = plotly(page, "misuse")["data"][0]
    expected = [*theirs["known"].values]
    expected.insert(1, float(ours["known"].sel(source="written")))
    np.testing.assert_allclose(np.array(bar["x"]), expected, atol=1e-6)
    for number, (run, writing) in enumerate(((one, False), (both, False), (both, True))):
        found = _ask("sight", run, -1, text=TEXT, most=24, writing=writing)
        heatmap = plotly(page, f"sight-{number}")["data"][0]
        np.testing.assert_allclose(np.array(heatmap["z"]), found["share"], atol=1e-4)
    written = [each.value for each in page.text]
    assert any("│" in each for each in written)


def test_depths_are_trained_by_a_button_and_drawn_as_they_finish(
    opened: Open, engine: LocalEngine, one: Run
) -> None:
    page = opened("deep", run=one.key, text=TEXT, depths="1-2")
    held_out, _, parameters = (each["y"] for each in plotly(page, "depth-chart")["data"])
    assert np.isfinite(np.array(held_out, float)).tolist() == [True, False]
    assert int(parameters[0]) == one.experiment.model.parameters(one.tokenizer.size)
    best = baseline(one)
    assert best is not None
    assert [line["y0"] for line in plotly(page, "depth-chart")["layout"]["shapes"]] == [
        best.perplexity]
    well(page.button(key="depths-train").click().run())
    end = time.monotonic() + 60
    while not np.isfinite(np.array(plotly(page, "depth-chart")["data"][0]["y"], float)).all():
        assert time.monotonic() < end
        time.sleep(0.2)
        well(page.run())
    assert not [button for button in page.button if button.key == "depths-train"]
    assert any("came out best" in each.value for each in page.markdown)
    assert page.query_params["depths"] == "1-2"


def test_a_network_without_a_partner_offers_to_train_one(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    nowhere_else = {"steps": 19}  # in the one store of all pages another file may train its partner
    alone = trained(
        engine, store, small({"kind": "rnn", "bidirectional": True}, **nowhere_else))
    page = opened("deep", run=alone.key, both=alone.key, text=TEXT)
    assert [button for button in page.button if button.key == "one-train"]
    assert len(page.metric) == 0


def test_guessing_opens_the_answers(opened: Open, deep: Run, both: Run) -> None:
    page = opened("deep", run=deep.key, both=both.key, text=TEXT)
    assert not page.info
    for radio in page.radio:
        well(radio.set_value(radio.options[0]).run())
    assert len(page.info) == 2
    scored = _ask("misuse", both, -1).attrs["scored"]
    assert f"{scored:.2f}" in said(page)


@pytest.mark.parametrize("text", [UGLY, "ab", "the cat " * 240])
def test_ugly_short_and_long_texts_keep_the_page_whole(
    opened: Open, deep: Run, both: Run, one: Run, text: str
) -> None:
    page = opened("deep", run=deep.key, both=both.key, text=text)
    assert said(page) == ""
    assert "<script>" not in str(plotly(page, "layers")["layout"])


def test_one_token_is_refused_in_words_where_it_is_too_little(
    opened: Open, deep: Run, both: Run, one: Run
) -> None:
    assert "at least two" in said(opened("deep", run=deep.key, both=both.key, text="a"))


@pytest.mark.parametrize(("name", "value"), [
    ("depths", "1-99"), ("depths", "x"), ("view", "soul"), ("step", "7"), ("both", "0" * 32)])
def test_a_link_with_nonsense_says_what_is_used_instead(
    opened: Open, deep: Run, both: Run, name: str, value: str
) -> None:
    message = said(opened("deep", run=deep.key, text=TEXT, **{name: value}))
    assert f"{name} = {value}" in message
    assert "is used" in message


def test_the_gates_of_the_backward_half_are_the_trace(opened: Open, both: Run) -> None:
    trace = ex.trace(both, TEXT)
    page = opened("gates", run=both.key, text=TEXT, order="number", view="forget",
                  direction="backward", token=3, unit=2)
    [heatmap] = plotly(page, "gates")["data"]
    np.testing.assert_allclose(
        np.array(heatmap["z"]), trace["forget"].values[0, 1].T, rtol=1e-4, atol=1e-6)
    filled = "\n".join(formula.value for formula in page.latex)
    assert f"{float(trace['cell'][0, 1, 3, 2]):.3f}" in filled
    assert f"{float(trace['cell'][0, 1, 4, 2]):.3f}" in filled, "it comes from the token after"
    assert page.query_params["direction"] == "backward"
