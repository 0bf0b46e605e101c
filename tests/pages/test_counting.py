"""Page = figure = what was counted, for built-in, ugly and far too short texts."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from pyarrow import ipc
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine
from explorer.store import Run, Store
from explorer.text import Text, Tokenisation, Tokenizer, corpus, counting
from explorer.text.ngrams import WittenBell
from explorer.ui import counting as kept
from tests.pages.conftest import Open, component, plotly, said, trained, well
from tests.training.small import small

STORY = corpus("story-en")


def paste(page: AppTest, content: str) -> AppTest:
    well(page.get("button_group")[0].set_value("paste").run())
    return well(page.text_area(key="pasted").set_value(content).run())


def group(page: AppTest, key: str) -> object:
    return next(each for each in page.get("button_group") if each.key == key)


def test_the_pictures_are_the_counts(opened: Open) -> None:
    page = opened("counting")
    words = counting.pieces(STORY.content, "word")
    expected = sorted(Counter(words).values(), reverse=True)
    one = plotly(page, "zipf")["data"][0]
    ranks = np.array(one["x"]).astype(int)
    assert np.array(one["y"]).tolist() == [expected[rank - 1] for rank in ranks]
    metrics = {each.label: each.value for each in page.metric}
    assert metrics["words"] == f"{len(words):,}"
    assert metrics["different words"] == f"{len(expected):,}"

    made = counting.count(STORY, Tokenizer.learn(STORY, Tokenisation()), 0.1)
    drawn = plotly(page, "ngrams")["data"][1]
    np.testing.assert_allclose(np.array(drawn["y"]), made.perplexity(WittenBell()))

    labels = list(STORY.content[:240])
    cuts = counting.minibatches(labels, 10, 3, 0)
    bars = [each for each in plotly(page, "minibatches")["data"] if each["type"] == "bar"]
    assert np.array(bars[4]["base"]).tolist() == cuts["start"].values[1, :, 1].tolist()
    strip = component(page, "spans-sequential")
    assert strip["tokens"] == labels
    start = int(cuts["start"][1, 0, 2])
    assert strip["hover"][start] == ["step 1, row 3"]
    assert strip["hover"][start + 10] == ["step 2, row 3"]
    assert said(page) == ""


def test_everything_stands_in_the_link(opened: Open) -> None:
    link = {"corpus": "story-zh", "count": "character", "tokens": "word", "alpha": "0.01",
            "sample": "7", "window": "5", "batch": "2", "seed": "9", "at": "4"}
    page = opened("counting", **link)
    assert {name: page.query_params[name] for name in link} == link
    assert plotly(page, "ngrams")["data"][0]["name"] == "Laplace, α = 0.01"
    assert len(np.array(plotly(page, "ngrams")["data"][0]["x"])) == 3
    again = opened("counting", **link)
    for key in ("zipf", "ngrams", "minibatches"):
        assert json.dumps(plotly(page, key), default=str) == json.dumps(
            plotly(again, key), default=str)
    assert [each.value for each in page.get("text")] == [
        each.value for each in again.get("text")]
    assert said(page) == ""


def test_laplace_s_alpha_moves_laplace_alone(opened: Open) -> None:
    page = opened("counting")
    before = plotly(page, "ngrams")["data"]
    well(page.select_slider(key="alpha").set_value(3.0).run())
    after = plotly(page, "ngrams")["data"]
    assert page.query_params["alpha"] == "3"
    assert (np.array(after[0]["y"])[1:] > np.array(before[0]["y"])[1:]).all()
    np.testing.assert_array_equal(np.array(after[1]["y"]), np.array(before[1]["y"]))


def test_another_sample_is_another_text(opened: Open) -> None:
    page = opened("counting")
    before = [each.value for each in page.get("text")]
    assert len(before) == 5
    well(page.number_input(key="sample").set_value(1).run())
    assert [each.value for each in page.get("text")] != before


def test_a_network_of_the_same_text_is_drawn_beside_counting(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    run = trained(engine, store, small("gru", steps=5, text=STORY))
    page = opened("counting")
    line = plotly(page, "ngrams")["data"][3]
    best = run.history["validation_perplexity"].min()
    assert np.array(line["y"]).tolist() == pytest.approx([best] * 2)
    assert "a network, hesitates among" in " ".join(each.value for each in page.markdown)
    other = opened("counting", tokens="word")
    assert len(plotly(other, "ngrams")["data"]) == 3, "it reads characters: no comparison"


@pytest.mark.parametrize("content", ["Go home.", "One short sentence is all there is.", "ab"])
def test_one_sentence_says_what_is_missing_and_the_page_stays_whole(
    opened: Open, content: str
) -> None:
    page = paste(opened("counting"), content)
    assert plotly(page, "zipf")["data"]
    message = said(page)
    assert len(page.error) == (2 if len(content) < 15 else 0)
    if len(content) < 15:
        assert "tokens to train on, but" in message
        assert "too few to try a guess on" in message
    else:
        assert plotly(page, "ngrams")["data"]
        well(page.number_input(key="window").set_value(12).run())
        assert "3 lanes of 12 tokens need 37" in said(page)


@pytest.mark.parametrize("content", ["?! ... —, ;; " * 9, "灯亮了，船就能回家。" * 40,
                                     "<script>alert(1)</script> **b** [a](http://b) " * 20,
                                     "👩‍👩‍👧🏳️‍🌈 " * 50 + "w" * 400])
def test_an_ugly_text_is_counted_or_refused_in_words(opened: Open, content: str) -> None:
    page = paste(opened("counting"), content)
    assert len(np.array(plotly(page, "ngrams")["data"][1]["y"])) == 5
    assert "this session" in " ".join(each.value for each in page.caption)
    assert "corpus" not in page.query_params
    if content.startswith("?!"):
        assert "has no words to count" in said(page)
        assert len(page.error) == 1
        well(group(page, "count").set_value("character").run())  # type: ignore[attr-defined]
        assert plotly(page, "zipf")["data"]


def test_until_there_is_a_text_the_built_in_one_is_counted(opened: Open) -> None:
    page = opened("counting", tokens="word", alpha="3")
    before = plotly(page, "ngrams")["data"][0]
    well(page.get("button_group")[0].set_value("paste").run())
    assert "Until your text is here, the built-in one is counted" in said(page)
    np.testing.assert_array_equal(plotly(page, "ngrams")["data"][0]["y"], before["y"])


@pytest.mark.parametrize(("name", "value"), [
    ("alpha", "0.2"), ("alpha", "x"), ("tokens", "bpe"), ("count", "'"), ("corpus", "../etc"),
    ("window", "999"), ("batch", "-1"), ("at", "99")])
def test_a_link_with_nonsense_says_what_is_used_instead(
    opened: Open, name: str, value: str
) -> None:
    message = said(opened("counting", **{name: value}))
    assert f"{name} = {value}" in message
    assert "is used" in message


def test_the_answers_are_computed(opened: Open) -> None:
    page = opened("counting")
    for each, part in ((page.radio(key="guess"), "“the”"),
                       (page.radio(key="guess longer"), "order 5 guesses best")):
        well(each.set_value(each.options[0]).run())
        assert part in said(page)


def test_the_best_n_gram_is_a_line_on_the_training_s_chart_and_in_words(
    opened: Open, run: Run
) -> None:
    best = kept.baseline(run)
    assert best is not None
    assert best == counting.best(counting.count(
        run.experiment.text, run.tokenizer, run.experiment.data.held_out))
    name = f"best n-gram (order {best.order}): {best.perplexity:.2f}"
    for page in (opened("train", run=run.key), opened("runs", runs=run.key)):
        [chart] = page.get("vega_lite_chart")
        tables = [ipc.open_stream(each.data.data).read_pandas() for each in chart.proto.datasets]
        lines = pd.concat(tables)
        assert lines.loc[lines["curve"] == name, "perplexity"].unique().tolist() == [
            pytest.approx(best.perplexity)]
    notes = " ".join(each.value for each in opened("train", run=run.key).markdown)
    assert f"{best.perplexity:.2f}".replace(".", "\\.") in notes


def test_a_long_text_is_counted_behind_the_page_s_back(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    go, count = threading.Event(), counting.count
    monkeypatch.setattr(kept, "AT_ONCE", 10)
    monkeypatch.setattr(counting, "count", lambda *args: (go.wait(20), count(*args))[1])
    kept._baseline.clear()
    assert kept.baseline(run) is None, "nothing waits for it"
    go.set()
    assert kept._baseline(run.key, run).result(20) == kept.baseline(run) is not None


def test_a_text_that_holds_nothing_out_has_no_such_line(
    engine: LocalEngine, store: Store
) -> None:
    text = Text("few", "ab" * 30)
    assert kept.baseline(trained(engine, store, small("rnn", steps=1, text=text, held_out=0))) is (
        None)
