"""Pairs, drawn: what stands in the cells and bars is the table's."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import xarray as xr

from explorer.text import Pairs, Tokenisation
from explorer.text.pair_statistics import KINDS, batch, statistics, steps
from explorer.text.sentences import Sentences
from explorer.views import Figure, figure, pairs

UGLY = ('<script>alert("1")</script> & [l](x) $y$\tאֵיפֹה <b>הַסִּפְרִיָּה</b>?\n'
        + "".join(f"one sentence {n} is here .\tune phrase {n} est là .\n" for n in range(40)))
MADE = Pairs.paste(UGLY)


@pytest.fixture(scope="module")
def sentences() -> Sentences:
    return Sentences.learnt(MADE, Tokenisation(kind="word", min_frequency=2), True, 6)


def cells(drawn: Figure) -> list[dict[str, Any]]:
    return next(iter(drawn.spec["datasets"].values()))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_cells_of_a_batch_are_the_trace_s(sentences: Sentences, theme: str) -> None:
    trace = batch(sentences, MADE.rows[:3])
    drawn = figure("batch", trace, theme=theme)
    for side, name in (("source", "source"), ("given", "told"), ("target", "to write")):
        for row in range(3):
            labels = trace["batch_label"].sel(side=side).values[row]
            has = trace["batch_kind"].sel(side=side).values[row] >= 0
            of_row = drawn.data[drawn.data["row"] == f"{name} {row + 1}"]
            assert of_row["label"].tolist() == labels[has].tolist()
            assert of_row["position"].tolist() == (np.flatnonzero(has) + 1).tolist()
    assert [cell["label"] for cell in cells(drawn)] == drawn.data["label"].tolist()
    cut = [cell for cell in cells(drawn) if cell["what"] == "cut off"]
    assert cut
    assert all(cell["text"] == f"({cell['label']})" for cell in cut), "told without the colour too"
    fills = drawn.spec["layer"][0]["encoding"]["color"]["scale"]
    assert len(set(fills["range"])) == len(fills["domain"]) == len(set(drawn.data["kind"]))
    padding = int((trace["batch_kind"] == KINDS.index("pad")).sum())
    every = int(((trace["batch_kind"] >= 0) & (trace["batch_kind"] != KINDS.index("cut"))).sum())
    assert f"{padding / every:.0%} of all cells are padding" in drawn.caption
    drawn.chart.to_dict()  # valid Vega-Lite


def test_how_many_are_cut_off_is_counted_by_hand(sentences: Sentences) -> None:
    trace = batch(sentences, MADE.rows[1:3])  # six tokens and <eos>, on both sides
    assert "Sentences that are longer than 6 tokens: 4; the rest is cut off" in (
        figure("batch", trace).caption)
    assert "longer than" not in figure("batch", batch(
        Sentences.learnt(MADE, Tokenisation(kind="word"), True, 30), MADE.rows[1:3])).caption


def test_the_steps_are_drawn_as_they_are(sentences: Sentences) -> None:
    trace = steps(sentences, MADE.rows[0][0], "source", 9)
    drawn = figure("preparation", trace)
    raw = drawn.data[drawn.data["row"] == "as it came"]
    assert " ".join(raw["label"]) == MADE.rows[0][0]
    assert drawn.data["row"].drop_duplicates().tolist() == [
        "as it came", "in lower case", "signs set apart", "cut into tokens", "rare ones unknown",
        "ended, and cut", "filled up"]
    assert "of the source" in drawn.caption
    assert "6 tokens, for no more than 6 are kept: the rest is cut off, and <eos> with it" in (
        drawn.caption)
    short = figure("preparation", steps(sentences, "one sentence", "source", 9))
    assert "3 tokens, <eos> among them; at most 6 are kept" in short.caption
    drawn.chart.to_dict()


def test_long_rows_are_cropped_and_it_says_so() -> None:
    long = Pairs.paste("a " * 100 + "\tb\nc\td\n")
    made = Sentences.learnt(long, Tokenisation(kind="word"), True, 128)
    drawn = figure("preparation", steps(made, long.rows[0][0], "source", 110))
    assert max(cell["position"] for cell in cells(drawn)) == pairs.WIDE
    beyond = int((drawn.data["position"] > pairs.WIDE).sum())
    assert f"{beyond} cells beyond position {pairs.WIDE} are not drawn" in drawn.caption


def bars(drawn: Figure) -> list[Any]:
    assert isinstance(drawn.chart, go.Figure)
    return [each for each in drawn.chart.data if each.type == "bar"]


def test_the_bars_are_the_lengths(sentences: Sentences) -> None:
    trace = statistics(sentences, MADE.rows)
    drawn = figure("pair lengths", trace)
    source, target = bars(drawn)
    assert list(source.y) == trace["length_pairs"].sel(side="source").values.tolist()
    assert list(target.y) == trace["length_pairs"].sel(side="target").values.tolist()
    assert list(source.x) == trace["length"].values.tolist()
    assert source.marker.pattern.shape != target.marker.pattern.shape
    assert drawn.chart.layout.shapes[0].x0 == 6.5
    assert drawn.data["sentences"].sum() == 2 * len(MADE.rows)
    cut = trace["cut"].values
    assert f"Longer than 6 tokens: {cut[0]} sources and {cut[1]} targets" in drawn.caption


def test_few_lengths_and_few_sentences_have_whole_ticks() -> None:
    few = Pairs.paste("a b\tc\nd\te f\n")
    cut = Sentences.learnt(few, Tokenisation(kind="word"), True, 32)
    layout = figure("pair lengths", statistics(cut, few.rows)).chart.layout
    assert (layout.xaxis.dtick, layout.yaxis.dtick) == (1, 1)
    many = xr.Dataset({"length_pairs": (("side", "length"), np.full((2, 100), 50)),
                       "cut": ("side", [9, 9])},
                      {"side": ["source", "target"], "length": np.arange(1, 101)},
                      {"pairs": 9, "counted": 9, "longest": 32})
    layout = figure("pair lengths", many).chart.layout
    assert (layout.xaxis.dtick, layout.yaxis.dtick) == (None, None)


def test_many_lengths_share_bars() -> None:
    counts = np.arange(1, 206).reshape(1, -1).repeat(2, 0)
    trace = xr.Dataset({"length_pairs": (("side", "length"), counts), "cut": ("side", [0, 0])},
                       {"side": ["source", "target"], "length": np.arange(1, 206)},
                       {"pairs": 9, "counted": 9, "longest": 300})
    drawn = figure("pair lengths", trace)
    assert len(bars(drawn)[0].y) <= pairs.BINS
    assert sum(bars(drawn)[0].y) == counts[0].sum()
    assert bars(drawn)[0].customdata[0] == "1–6"
    assert bars(drawn)[0].y[0] == 1 + 2 + 3 + 4 + 5 + 6
    assert not drawn.chart.layout.shapes
    assert "half of the sources have at most 145 tokens" in drawn.alt


def test_the_points_are_the_words_and_show_what_is_kept(sentences: Sentences) -> None:
    trace = statistics(sentences, MADE.rows)
    drawn = figure("pair words", trace)
    assert isinstance(drawn.chart, go.Figure)
    seen = [(x, y) for each in drawn.chart.data for x, y in zip(each.x, each.y, strict=True)]
    assert sorted(seen) == sorted(zip(trace["word_rank"].values, trace["word_count"].values,
                                      strict=True))
    open_ones = [each for each in drawn.chart.data if each.marker.symbol.endswith("-open")]
    assert sum(len(each.x) for each in open_ones) == int((~trace["word_kept"]).sum()) > 0
    assert not any("<" in said for each in drawn.chart.data for said in each.customdata)
    assert not any("<" in each.name for each in drawn.chart.data)
    assert "different tokens are kept" in drawn.caption
