"""The pictures of counts are the counts, and what is said of them is true."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import xarray as xr

from explorer.text import Text, Tokenisation, Tokenizer, corpus, counting
from explorer.views import counts, figure, history, notices
from explorer.views.history import Curve

STORY = corpus("story-en")
UGLY = Text("ugly", "<script>alert(1)</script> & <b>x</b> 灯亮了 👩‍👩‍👧 " * 9 + "w" * 300)


@pytest.fixture(scope="module")
def scores() -> xr.Dataset:
    made = counting.count(STORY, Tokenizer.learn(STORY, Tokenisation()), 0.1)
    return counting.guesses(STORY, made, "character", 0.1)


@pytest.mark.parametrize("kind", ["word", "character"])
@pytest.mark.parametrize("text", [STORY, UGLY], ids=["story", "ugly"])
def test_the_ranks_drawn_are_the_trace_s(text: Text, kind: counting.Kind) -> None:
    trace = counting.ranks(text, kind)
    drawn = figure("zipf", trace)
    assert isinstance(drawn.chart, go.Figure)
    points = [each for each in drawn.chart.data if each.mode == "markers"]
    assert len({each.marker.symbol for each in points}) == 3, "told apart without colours too"
    for n, each in enumerate(points, 1):
        one = trace.isel(point=trace["n"].values == n)
        assert list(each.x) == one["rank"].values.tolist()
        assert list(each.y) == one["count"].values.tolist()
        assert not any("<" in label for label in each.customdata)
    for line, n in zip((e for e in drawn.chart.data if e.mode == "lines"), (1, 2, 3), strict=True):
        one = trace.sel(length=n)
        assert np.polyfit(np.log(line.x), np.log(line.y), 1)[0] == pytest.approx(
            float(one["slope"]))
        assert list(line.x) == [float(one["low"]), float(one["high"])]
    assert len(drawn.data) == trace.sizes["point"]
    if int(trace["distinct"].sum()) > trace.sizes["point"]:
        assert f"Drawn are {trace.sizes['point']} of" in drawn.caption


def test_too_few_ranks_have_no_line_and_it_says_so() -> None:
    trace = counting.ranks(Text("two", "go home"), "word")
    drawn = figure("zipf", trace)
    assert isinstance(drawn.chart, go.Figure)
    assert [each.mode for each in drawn.chart.data] == ["markers"] * 3
    assert "Lines" not in drawn.caption
    assert "too few different ones" in counts.frequencies(trace)[0]


def test_the_perplexities_drawn_are_the_trace_s(scores: xr.Dataset) -> None:
    drawn = figure("ngrams", scores, networks={"<i>mine</i>": ("gru", 3.3)}, theme="dark")
    assert isinstance(drawn.chart, go.Figure)
    laplace, witten_bell, blind, network = drawn.chart.data
    for each, name in ((laplace, "laplace"), (witten_bell, "witten-bell")):
        np.testing.assert_array_equal(each.y, scores["perplexity"].sel(smoothing=name).values)
    assert laplace.name == "Laplace, α = 0.1"
    assert list(blind.y) == [scores.attrs["vocabulary"]] * 2
    assert list(network.y) == [3.3] * 2
    assert network.name == "&lt;i&gt;mine&lt;/i&gt;: 3.30"
    low, high = (10**end for end in drawn.chart.layout.yaxis.range)
    assert low < 3.3 < scores.attrs["vocabulary"] < high
    assert "5,634 guesses" in drawn.caption


@pytest.mark.parametrize("at", [1, 4])
def test_the_windows_drawn_are_the_trace_s(at: int) -> None:
    trace = counting.minibatches(list('the <b>"cat"</b> sat on the mat\n' * 3), 6, 3, seed=2)
    drawn = figure("minibatches", trace, at=at)
    assert isinstance(drawn.chart, go.Figure)
    bars = [each for each in drawn.chart.data if each.type == "bar"]
    assert len(bars) == 6
    for each, (way, row) in zip(bars, [(w, r) for w in trace["sampling"].values
                                       for r in trace["row"].values], strict=True):
        assert list(each.base) == trace["start"].sel(sampling=way, row=row).values.tolist()
        assert set(each.x) == {6}
        assert len(set(each.marker.color)) == 2, "one step is in full colour"
        assert not any("<b>" in said for said in each.customdata)
    rings = [each for each in drawn.chart.data if each.name == "a blank state"]
    assert sum(len(each.x) for each in rings) == int(trace["blank"].sum()) * 3


def test_lines_join_the_windows_through_which_the_state_goes_on() -> None:
    trace = counting.minibatches(list("abcdefghijklmnopqrstuvwxyz"), 4, 2, seed=0)
    chart = figure("minibatches", trace).chart
    assert isinstance(chart, go.Figure)
    joined = [each for each in chart.data
              if each.type == "scatter" and each.mode == "lines" and each.showlegend is False]
    carried = (~trace["blank"].sel(sampling="sequential")).sum().item()
    assert sum(x is None for each in joined for x in each.x) == carried * 2
    for each in joined:
        for i in range(0, len(each.x), 3):
            assert each.x[i] == each.x[i + 1], "it goes on where it stopped"
            assert each.y[i] + 1 == each.y[i + 1]


def test_the_spans_on_the_text_are_the_windows() -> None:
    trace = counting.minibatches(list("abcdefghijklmnopqrstuvwxyz"), 4, 2, seed=0)
    for way in ("random", "sequential"):
        for at in range(1, trace.sizes["step"] + 1):
            spans = counts.spans(trace, way, at)
            assert len(spans) == 26
            for row, start in enumerate(trace["start"].sel(sampling=way, step=at).values):
                now = [i for i, (r, this, _said) in enumerate(spans) if r == row and this]
                assert now == list(range(start, start + 4))


@pytest.mark.parametrize(("window", "said"), [(4, "of the windows begin where their row's last"),
                                              (10, "here too every state begins blank")])
def test_each_way_of_reading_is_said_once(window: int, said: str) -> None:
    trace = counting.minibatches(list("abcdefghijklmnopqrstuvwxyz"), window, 2, seed=0)
    random, sequential, _ = counts.reading(trace)
    assert random.startswith("Random: ")
    assert sequential.startswith("Sequential: ")
    assert said in sequential


def test_what_is_said_of_ranks() -> None:
    trace = counting.ranks(STORY, "word")
    said = counts.frequencies(trace)
    assert f"slope −{abs(float(trace['slope'][0])):.2f}" in said[0]
    assert "more flatly" in said[1]
    steep = trace.assign(slope=("length", [-0.5, -0.9, -0.7]))
    assert "do not fall more flatly in every case" in counts.frequencies(steep)[1]
    assert "“the”" in counts.tenth(trace)
    single = counting.ranks(Text("one", "ab"), "word")  # no pair, no triple
    assert "once: 100% · – · – of" in counts.frequencies(single)[-1]


def test_who_guesses_better_is_said_whoever_it_is(scores: xr.Dataset) -> None:
    better, worse = counts.guesses(scores, {"A": ("gru", 3.0), "B": ("rnn", 4.0)})[-2:]
    assert better == "**A**, a network, hesitates among 3.00: 0.23 bits better than counting."
    assert worse == "**B**, a network, hesitates among 4.00: counting is 0.18 bits better."
    assert "is best at order 4" in counts.guesses(scores, {})[1]
    rising = scores.copy(deep=True)
    rising["perplexity"][0] = [9, 8, 7, 6, 5]
    assert "still gains at order 5: 5.00" in counts.guesses(rising, {})[1]
    blind = scores.assign_attrs(vocabulary=2)  # fewer than it hesitates among
    least = float(scores["perplexity"].sel(smoothing="witten-bell").min())
    first = counts.guesses(blind, {})[0]
    assert f"{np.log2(least / 2):.2f} bits a token worse than a blind guess" in first
    assert "saves" not in first


@pytest.mark.parametrize(
    ("network", "said"),
    [(3.0, "It beats counting"), (4.0, "**Counting beats it:**"), (3.52, "Counting is level")],
)
def test_a_training_is_held_against_counting(network: float, said: str) -> None:
    rows = pd.DataFrame({"step": [1, 2], "perplexity": [9.0, 4.0],
                         "validation_perplexity": [9.0, network],
                         "validation_tokens": [500.0, 500.0]})
    [line] = [line for line in notices.training(rows, 72, {}, "", (5, 3.53, 5634))
              if "ounting" in line]
    assert said in line
    assert "3.53" in line
    assert f"{network:.2f}" in line
    assert "scored on 500 of the 5,634" in line
    assert not any("ounting" in line for line in notices.training(rows, 72, {}, ""))


def test_counting_is_a_line_in_the_training_s_chart() -> None:
    rows = pd.DataFrame({"step": range(50), "perplexity": np.linspace(70, 4, 50)})
    lines = {"blind guess": 72.0} | history.counted((5, 3.53, 5634))
    assert list(lines) == ["blind guess", "best n-gram (order 5): 3.53"]
    spec = history.perplexity([Curve("", "gru", rows)], lines).spec
    named = [(layer["mark"]["align"], value["curve"]) for layer in spec["layer"]
             if layer["mark"]["type"] == "text"
             for value in spec["datasets"][layer["data"]["name"]]]
    assert named == [("left", "best n-gram (order 5): 3.53"), ("right", "blind guess")]
    assert history.counted(None) == {}
