"""The page of a translator's attention: its figures are the probe's arrays, its words are plain."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.store import Run, Store
from explorer.tasks.pairing import apart
from explorer.text.pair_corpora import pair_corpus
from explorer.text.pairs import Pairs
from tests.pages.conftest import Open, act, component, plotly, said, trained, well

EVIL = "<script>alert(1)</script>"


def few() -> Pairs:
    rows = pair_corpus("english-french").rows[:300]
    return Pairs("few", "".join(f"{source}\t{target}\n" for source, target in rows))


def experiment(steps: int = 30, **model: Any) -> Experiment:
    spec = {"kind": "seq2seq", "hidden": 16, "embedding": 8} | model
    return Experiment.translation(few(), model=spec, steps=steps, batch=8, snapshots=2,
                                  held_out=0.1)


@pytest.fixture(scope="module")
def general(engine: LocalEngine, store: Store) -> Run:
    return trained(engine, store, experiment(attention="general"))


def asked(engine: LocalEngine, run: Run, source: str, target: str | None = None) -> Any:
    return engine.ask("alignment", run.key, step=run.snapshots[-1], source=source, target=target)


def test_the_heatmap_the_lines_and_the_bars_are_the_probes(
    opened: Open, engine: LocalEngine, general: Run
) -> None:
    source = few().rows[0][0]
    page = opened("alignment", run=general.key, source=source, written=2)
    trace = asked(engine, general, source)
    drawn = plotly(page, "alignment")["data"][0]
    np.testing.assert_allclose(drawn["z"], trace["attention"][0, 0], atol=1e-6)
    assert (drawn["zmin"], drawn["zmax"]) == (0, 1)
    data = component(page, "lines")
    assert data["read"] == trace["key_label"].values.tolist()
    assert data["written"] == trace["query_label"].values.tolist()
    np.testing.assert_allclose(data["weights"], trace["attention"][0, 0], atol=6e-5)
    scores, weights = plotly(page, "look")["data"][:2]
    np.testing.assert_allclose(scores["y"], trace["scores"][0, 0, 2], atol=1e-6)
    np.testing.assert_allclose(weights["y"], trace["attention"][0, 0, 2], atol=1e-6)
    strips = plotly(page, "vectors")["data"][0]
    np.testing.assert_allclose(strips["z"][0], trace["query_state"][2], atol=1e-6)
    np.testing.assert_allclose(strips["z"][1], trace["context"][2], atol=1e-6)
    best = float(trace["attention"][0, 0, 2].max())
    assert any(formula.value.endswith(f"= {best:.3f}\n$$") for formula in page.latex), [
        formula.value for formula in page.latex]


def test_a_click_on_a_written_word_and_the_buttons_open_its_step(
    opened: Open, general: Run
) -> None:
    page = opened("alignment", run=general.key, source=few().rows[0][0])
    assert component(page, "lines")["selected"] == 0
    act(page, "lines", index=1)
    assert component(page, "lines")["selected"] == 1
    assert page.query_params["written"] == "1"
    act(page, "lines", index=99)
    assert component(page, "lines")["selected"] == 1
    next(button for button in page.button if button.label == "Previous").click()
    well(page.run())
    assert component(page, "lines")["selected"] == 0
    assert "written" not in page.query_params


def test_it_begins_with_a_sentence_that_was_held_out(opened: Open, general: Run) -> None:
    page = opened("alignment", run=general.key)
    first = next(box.value for box in page.text_input if box.label == "Source sentence")
    _, held_out = apart(few(), 0.1)
    assert first in {source for source, _ in held_out}
    assert "source" not in page.query_params


def test_a_target_is_forced(opened: Open, engine: LocalEngine, general: Run) -> None:
    source, target = few().rows[3]
    page = opened("alignment", run=general.key, source=source, target=target)
    trace = asked(engine, general, source, target)
    np.testing.assert_allclose(plotly(page, "alignment")["data"][0]["z"], trace["attention"][0, 0],
                               atol=1e-6)
    assert any("made to write" in text.value for text in page.markdown)


def test_words_are_shown_as_they_are(opened: Open, general: Run) -> None:
    """What is no word of the pairs is said to be unknown, and never becomes mark-up or LaTeX."""
    page = opened("alignment", run=general.key, source=f"the {EVIL} שלום $x$ 你好",
                  target="le chat")
    data = component(page, "lines")
    assert len(data["unknown"]) >= 3
    assert any("unknown to the network" in text.value for text in page.markdown)
    assert all("<script" not in str(text.value) for text in [*page.markdown, *page.caption])
    assert all("script" not in formula.value for formula in page.latex)


def test_without_attention_the_page_says_that_there_is_nothing_to_see(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    run = trained(engine, store, experiment(attention="none"))
    page = opened("alignment", run=run.key, source=few().rows[0][0])
    assert "no attention" in said(page)
    assert not [chart for chart in page.get("plotly_chart") if chart.key == "alignment-chart"]
    strips = plotly(page, "vectors")["data"][0]
    assert list(strips["y"]) == ["c<sub>1</sub>"]
    assert any("the same" in text.value for text in page.markdown)


def test_local_attention_shows_its_window(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    run = trained(engine, store, experiment(attention="dot", reach="local"))
    page = opened("alignment", run=run.key, source=few().rows[0][0], written=1)
    trace = asked(engine, run, few().rows[0][0])
    shapes = plotly(page, "look")["layout"]["shapes"]
    centre = float(trace["centre"][1])
    assert {round(shape["x0"], 4) for shape in shapes} == {round(centre - 3, 4), round(centre, 4)}
    assert any("sum to less" in text.value or "does not make up" in text.value
               for text in page.markdown)
    assert any(r"\sigma(v_p" in formula.value for formula in page.latex)


def test_bad_links_and_an_empty_source(opened: Open, general: Run) -> None:
    page = opened("alignment", run=general.key, written=999, scorers="dot.magic", source="a .")
    assert "written" in said(page)
    assert "scorers" in said(page)
    page = opened("alignment", run=general.key, source="   ")
    assert "at least one word" in said(page)


def test_a_run_of_another_kind_is_refused_in_words(opened: Open, run: Run, general: Run) -> None:
    page = opened("alignment", run=run.key)
    assert "did not learn to translate" in said(page)


def test_a_transformer_is_not_offered(
    opened: Open, engine: LocalEngine, store: Store, general: Run
) -> None:
    made = trained(engine, store, Experiment.translation(
        few(), model={"kind": "transformer", "hidden": 8}, steps=2))
    page = opened("alignment", run=made.key)
    assert "another architecture" in said(page)
    assert page.query_params["run"] != made.key
    [box] = [box for box in page.selectbox if box.label == "Run"]
    assert not any("Transformer" in option for option in box.options)
    assert not page.error


def test_the_kinds_of_attention_train_and_stand_side_by_side(
    opened: Open, engine: LocalEngine, store: Store, general: Run
) -> None:
    source, target = few().rows[0]
    page = opened("alignment", run=general.key, source=source, scorers="dot.general.concat")
    button = next(each for each in page.button if each.key == "train-scorers")
    assert button.label == "Train those that are missing: 2"
    button.click()
    well(page.run())
    page = finished(page, engine)
    for kind in ("dot", "general", "concat"):
        run = store.run(experiment(attention=kind).key)
        trace = asked(engine, run, source, target)
        np.testing.assert_allclose(plotly(page, f"small-{kind}")["data"][0]["z"],
                                   trace["attention"][0, 0], atol=1e-6)
    table = page.table[-1].value
    assert list(table.index) == ["dot", "general", "concat"]
    assert table["of them to score"].tolist() == ["0", f"{16 * 16}", f"{16 * 2 * 16 + 16}"]
    assert not [each for each in page.button if each.key == "train-scorers"]


def finished(page: AppTest, engine: LocalEngine) -> AppTest:
    """Draw the page until nothing is trained any more."""
    end = time.monotonic() + 90
    while True:
        well(page.run())
        status = engine.status()
        if not status.running and not status.queued:
            return well(page.run())
        assert time.monotonic() < end
        time.sleep(0.2)


def test_what_does_not_go_together_is_said(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    run = trained(engine, store, experiment(attention="general", bidirectional=True, steps=4))
    page = opened("alignment", run=run.key, source=few().rows[0][0])
    assert any("Not with this run" in text.value and "twice as long" in text.value
               for text in page.caption)
