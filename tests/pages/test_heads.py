"""The page of heads: its pictures are the probe's arrays, its link says all that was chosen."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.store import Run, Store
from tests.pages.conftest import Open, act, component, plotly, said, trained, well
from tests.training.small import TEXT as RHYME

TEXT = "the cat sat on a mat."
EVIL = "<script>alert(1)</script> **b** $x$ 你好 שלום"


@pytest.fixture(scope="module")
def stack(engine: LocalEngine, store: Store) -> Run:
    """Two layers of three heads."""
    model = {"kind": "transformer", "hidden": 12, "layers": 2, "heads": 3}
    return trained(engine, store, Experiment.language_model(
        RHYME, model=model, steps=8, window=16, batch=4, snapshots=2))


def asked(
    engine: LocalEngine, run: Run, probe: str = "heads", text: str = TEXT, **more: Any
) -> Any:
    return engine.ask(probe, run.key, step=run.snapshots[-1], text=text, **more)


def test_the_pictures_are_the_probes(opened: Open, engine: LocalEngine, stack: Run) -> None:
    page = opened("heads", run=stack.key, text=TEXT, layer=2, head=3, query=5, key=2)
    found, one = asked(engine, stack), asked(engine, stack, "head", layer=1, head=2)
    data = component(page, "all-heads")
    assert data["selected"] == [1, 2]
    for layer in range(2):
        for head in range(3):
            source = data["layers"][layer]["heads"][head]["source"]
            read = Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))
            np.testing.assert_array_equal(np.asarray(read), found["thumbnail"][layer, head])
    np.testing.assert_array_equal(plotly(page, "head-weights")["data"][0]["z"],
                                  np.rint(1000 * one["attention"]))
    np.testing.assert_allclose(component(page, "lines")["weights"], one["attention"], atol=6e-5)
    np.testing.assert_allclose(plotly(page, "neurons")["data"][0]["z"].sum(-1),
                               np.sort(one["scores"][5, :6])[::-1], atol=1e-4)
    q, k, product = (np.asarray(bars["y"]) for bars in plotly(page, "pair")["data"])
    np.testing.assert_allclose(q, one["q"][5], atol=1e-6)
    np.testing.assert_allclose(k, one["k"][2], atol=1e-6)
    np.testing.assert_allclose(product.sum(), one["scores"][5, 2], atol=1e-4)
    scores = plotly(page, "head-tests")["data"][0]["x"]
    np.testing.assert_allclose(scores, found["score"][1, 2].fillna(0), atol=1e-6)
    weight = float(one["attention"][5, 2])
    assert any(formula.value.endswith(f"= {weight:.4f}\n$$") for formula in page.latex)


@pytest.fixture(scope="module")
def few(engine: LocalEngine, store: Store) -> Run:
    """One that has learnt 24 places."""
    model = {"kind": "transformer", "hidden": 8, "layers": 1, "heads": 2, "positions": "learned",
             "context": 24}
    return trained(engine, store, Experiment.language_model(
        RHYME, model=model, steps=2, window=16, batch=4, snapshots=1))


@pytest.mark.parametrize("name", ["heads", "thinking", "block"])
def test_a_page_opens_on_no_more_than_the_network_has_places_for(
    opened: Open, few: Run, name: str
) -> None:
    page = opened(name, run=few.key)
    assert said(page) == ""
    text = page.text_area(key="text").value
    assert 12 < len(text) <= 24
    assert (name != "heads") or RHYME.content.startswith(text)
    assert (name != "thinking") or RHYME.content.strip().endswith(f" {text}")
    assert "has learnt 24 places" in said(opened(name, run=few.key, text="x" * 25))


@pytest.mark.parametrize("wrong", ["lstm", "zzz"])
def test_a_run_that_will_not_do_is_refused_once_and_no_keys_are_listed(
    opened: Open, stack: Run, run: Run, wrong: str
) -> None:
    page = opened("heads", run=run.key if wrong == "lstm" else wrong)
    [message] = page.warning
    assert stack.key not in message.value
    assert page.query_params["run"] == page.selectbox(key="run").value
    assert plotly(page, "head-weights")["data"]


def test_a_click_on_a_head_or_a_token_opens_it(opened: Open, stack: Run) -> None:
    page = opened("heads", run=stack.key, text=TEXT, layer=1, head=1)
    act(page, "all-heads", layer=1, head=0)
    assert component(page, "all-heads")["selected"] == [1, 0]
    assert (page.query_params["layer"], page.query_params["head"]) == ("2", "1")
    act(page, "all-heads", layer=7, head=0)
    assert component(page, "all-heads")["selected"] == [1, 0]
    act(page, "lines", index=4)
    assert page.query_params["query"] == "4"
    assert component(page, "lines")["selected"] == 4
    assert plotly(page, "head-weights")["layout"]["shapes"][0]["y0"] == 3.5


def test_threshold_hidden_signs_and_a_mean(
    opened: Open, engine: LocalEngine, stack: Run
) -> None:
    page = opened("heads", run=stack.key, text=TEXT, threshold=0.1, hide=1, mean="1.2-2.3")
    mean = asked(engine, stack, "mean_of_heads", chosen=[[0, 1], [1, 2]])
    kept = np.flatnonzero([sign.isalnum() for sign in TEXT])
    weights = mean["attention"].values[np.ix_(kept, kept)]
    np.testing.assert_array_equal(plotly(page, "head-weights")["data"][0]["z"],
                                  np.rint(1000 * np.where(weights >= 0.1, weights, 0)))
    lines = component(page, "lines")
    assert lines["read"] == [TEXT[place] for place in kept]
    assert lines["faint"] == 0.1
    np.testing.assert_allclose(lines["weights"], weights, atol=6e-5)
    assert any("The mean of the heads 1.2, 2.3" in text.value.replace("\\", "")
               for text in page.caption)
    assert {"threshold": "0.1", "hide": "1", "mean": "1.2-2.3"}.items() <= page.query_params.items()
    act(page, "all-heads", layer=0, head=0)
    assert "mean" not in page.query_params, "who chooses a head wants to see that head"


def test_the_controls_stand_in_the_link(opened: Open, stack: Run) -> None:
    page = opened("heads", run=stack.key, text=TEXT, layer=1, head=1)
    assert "threshold" not in page.query_params
    page.select_slider(key="threshold").set_value(0.05)
    page.toggle(key="hide").set_value(True)
    page.selectbox(key="query").set_value(3)
    page = well(page.run())
    assert {"threshold": "0.05", "hide": "1", "query": "3"}.items() <= page.query_params.items()
    page.select_slider(key="step").set_value(stack.snapshots[0])
    page = well(page.run())
    assert page.query_params["step"] == str(stack.snapshots[0])
    assert "after step 0" in " ".join(text.value for text in page.caption)


def test_it_begins_with_the_head_that_has_the_clearest_name(
    opened: Open, engine: LocalEngine, stack: Run
) -> None:
    page = opened("heads", run=stack.key)
    found = asked(engine, stack, text=stack.experiment.text.content[:256])
    named = np.where(found["name"].values != "", found["excess"].max("test"), -1)
    best = np.unravel_index(named.argmax(), named.shape)
    assert component(page, "all-heads")["selected"] == list(map(int, best))


def test_what_a_link_cannot_mean_is_said(opened: Open, stack: Run, run: Run) -> None:
    page = opened("heads", run=stack.key, text=TEXT, layer=9, head=0, mean="1.1-4.7", query=999,
                  threshold=7, key=-3)
    words = said(page)
    for part in ("layer = 9, which must lie between 1 and 2", "head = 0", "no head 4.7",
                 "query = 999", "threshold = 7", "key = -3"):
        assert part in words
    assert component(page, "all-heads")["selected"] == [1, 0]
    assert page.query_params["mean"] == "1.1"
    assert "choose one of those runs" in said(opened("heads", run=run.key))


def test_one_token_none_and_too_many(opened: Open, stack: Run) -> None:
    page = opened("heads", run=stack.key, text="t")
    assert plotly(page, "head-weights")["data"][0]["z"].tolist() == [[1000]]
    assert any("of so few tokens" in text.value for text in page.markdown)
    assert "at least one token" in said(opened("heads", run=stack.key, text=""))
    long = opened("heads", run=stack.key, text="the cat sat " * 167)  # 2,004 tokens
    captions = " ".join(text.value.replace("\\", "") for text in long.caption)
    assert captions.count("the first 256 of 2,004 tokens") == 2
    assert "the largest of 4 × 4 weights" in captions
    assert len(component(long, "lines")["read"]) == 32
    for each in long.get("plotly_chart"):
        assert len(each.proto.spec) < 300_000
    assert len(json.dumps(component(long, "all-heads"))) < 300_000


def test_words_are_shown_as_they_are(opened: Open, stack: Run) -> None:
    page = opened("heads", run=stack.key, text=EVIL)
    assert all("<script" not in str(text.value) for text in [*page.markdown, *page.caption])
    assert all("script" not in formula.value for formula in page.latex)
    assert "".join(component(page, "lines")["written"]).startswith(EVIL[32:36])


def test_the_prediction_is_answered_by_the_tests(opened: Open, stack: Run) -> None:
    page = opened("heads", run=stack.key, text=TEXT)
    page.radio(key="guess").set_value("about half")
    assert "of 6" in said(well(page.run()))
