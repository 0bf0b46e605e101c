"""Figure = trace: ways, operations, seconds and bytes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from explorer.probes.layer_costs import layer_costs
from explorer.probes.reach import reach
from explorer.probes.recurrent_attention import recurrent_attention
from explorer.views import cost, figure, measured
from explorer.views.cost import crossing

LABELS = ["the", "<b>lamp</b>", "is", "lit", "."]
THEMES = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture(scope="module")
def timed() -> xr.Dataset:
    """As `layer_seconds` gives it, with curves that cross at 64 · √2."""
    n = np.array([16, 32, 64, 128, 256])
    kinds = ["rnn", "cnn", "attention", "fused", "aaren"]
    each = {"rnn": n * 1e-4, "cnn": n * 1e-6, "attention": n**2 * 1e-4 / (64 * 2**0.5),
            "fused": n**2 * 1e-7, "aaren": n * 1e-3}
    seconds = np.stack([each[kind] for kind in kinds])
    kept = np.stack([n * 1024 if kind in ("attention", "fused") else 0 * n + 264 for kind in kinds])
    over = ("layer", "length")
    return xr.Dataset(
        {"seconds": (over, seconds), "lowest": (over, seconds / 2), "highest": (over, seconds * 2),
         "repeats": (over, np.full(seconds.shape, 5)), "kept": (over, kept),
         "peak": (over, kept * n)},
        {"layer": kinds, "length": n}, {"d": 64, "k": 3, "again": 0})


@THEMES
def test_every_dependency_is_a_line(theme: str) -> None:
    trace = reach(5, 0, 4, layers=2)
    drawn = figure("reach", trace, labels=LABELS, all=2001, theme=theme)
    assert len(drawn.data) == trace.sizes["edge"]
    for row, kind in enumerate(trace["network"].values):
        *lines, nodes = drawn.chart.data[4 * row : 4 * row + 4]
        for role, line in enumerate(lines):
            some = drawn.data[(drawn.data["kind"] == kind) & (drawn.data["role"] == role)]
            x, y = np.array(line.x).reshape(-1, 3), np.array(line.y).reshape(-1, 3)
            np.testing.assert_array_equal(x[:, :2], some[["from_token", "to_token"]])
            np.testing.assert_array_equal(y[:, :2], some[["from_level", "to_level"]])
            assert np.isnan(x[:, 2]).all()
        assert len(nodes.x) == 5 * (int(trace["levels"][row]) + 1)
    assert "The first 5 of 2,001 tokens." in drawn.caption
    assert "&lt;b&gt;lamp&lt;/b&gt;" in drawn.chart.layout.xaxis4.ticktext
    assert "The first" not in figure("reach", trace, labels=LABELS, all=5).caption


def test_titles_and_words_say_the_way() -> None:
    trace = reach(5, 0, 4, k=2, growth=5, layers=2)
    titles = [note.text for note in figure("reach", trace, labels=LABELS).chart.layout.annotations]
    assert "way of 5 steps · 5 of 5 tokens reach it" in titles[0]
    assert "no way: it takes 4 layers · 3 of 5" in titles[1]
    assert "no way, however many layers" in titles[2]
    assert "way of one step" in titles[3]
    said = " ".join(cost.reached(trace, LABELS))
    assert "the RNN takes **5 steps**, self-attention **1**" in said
    assert "kernel 2 needs **4 layers**" in said
    assert "skips this token" in said
    assert "3 tokens there, and not this one" in said
    long = " ".join(cost.reached(trace, ["a" * 500, *LABELS[1:]]))
    assert "a" * 12 + "…" in long
    assert "a" * 13 not in long
    assert "One token has nobody" in " ".join(cost.reached(reach(1, 0, 0), ["one"]))


@pytest.mark.parametrize(("one", "other", "wanted"), [
    ([1, 4, 16], [2, 4, 8], 2.0), ([1, 2, 16], [4, 4, 4], 2 * 2 ** (1 / 3)),
    ([1, 1, 1], [2, 2, 2], math.nan), ([3, 3, 3], [2, 2, 2], math.nan),
    ([3, 1, 3], [2, 2, 2], 2 * 2 ** (math.log(2) / math.log(3)))])
def test_a_crossing_by_hand(one: list[float], other: list[float], wanted: float) -> None:
    found = crossing(np.array([1, 2, 4]), np.array(one), np.array(other))
    assert found == pytest.approx(wanted, nan_ok=True)


@THEMES
def test_lines_by_the_formula_and_marks_as_counted(theme: str) -> None:
    trace = layer_costs(d=32, k=4, n=100)
    drawn = figure("layer operations", trace, theme=theme)
    for i, kind in enumerate(trace["layer"].values):
        here, (line, marks, every) = trace.sel(layer=kind), drawn.chart.data[3 * i : 3 * i + 3]
        np.testing.assert_array_equal(line.y, here["formula"])
        np.testing.assert_array_equal(marks.y, here["mixing"])
        np.testing.assert_array_equal(every.y, here["mixing"] + here["apart"])
    assert {shape.x0 for shape in drawn.chart.layout.shapes} == {100}
    assert len(drawn.data) == trace.sizes["layer"] * trace.sizes["length"]


def test_the_table_is_of_the_chosen_length() -> None:
    found = cost.table(layer_costs(d=32, k=4, n=100))
    assert found["its number"] == ["102,400"] * 3 + ["409,600"] * 2 + ["320,000"]
    assert found["FLOPs between tokens"][-1] == "1,280,000 (× 4)"
    assert [path.split(" ")[0] for path in found["path"]] == ["100"] * 3 + ["33", "4", "1"]


def test_what_is_said_of_operations() -> None:
    said = " ".join(cost.counts(layer_costs(d=64, k=3, n=1024)))
    assert "**self-attention** computes most, 268,435,456 FLOPs" in said
    assert "**RNN** by the formula beyond 64 tokens, by the products between tokens beyond" in said
    assert "by all products at every length" in said
    assert "1,024 products in the RNN" in said


@THEMES
def test_seconds_are_drawn_with_spread_and_crossing(timed: xr.Dataset, theme: str) -> None:
    drawn = figure("layer seconds", timed, theme=theme)
    for line, kind in zip(drawn.chart.data, timed["layer"].values, strict=True):
        here = timed.sel(layer=kind)
        np.testing.assert_array_equal(line.y, here["seconds"])
        np.testing.assert_allclose(line.y + line.error_y.array, here["highest"])
        np.testing.assert_allclose(line.y - line.error_y.arrayminus, here["lowest"])
    assert [shape.x0 for shape in drawn.chart.layout.shapes] == [
        64, pytest.approx(64 * 2**0.5)]
    assert "measured: 91" in [note.text for note in drawn.chart.layout.annotations]
    said = " ".join(measured.timed(timed))
    assert "from about **91 tokens** on" in said
    assert "That is 1.4 times as late" in said
    assert "take 64.0 MiB at one time, at most, each matrix of scores 256.0 KiB of it" in said
    assert "keeps **256.0 KiB** of keys and values, the recurrence **264 B**" in said


def test_without_a_crossing_none_is_drawn(timed: xr.Dataset) -> None:
    quick = timed.assign(seconds=timed["seconds"].where(timed["layer"] != "attention", 1e-9))
    drawn = figure("layer seconds", quick)
    assert len(drawn.chart.layout.shapes) == 1
    said = " ".join(measured.timed(quick))
    assert "do not cross" in said
    assert "as late" not in said


def test_bytes_are_drawn(timed: xr.Dataset) -> None:
    drawn = figure("layer memory", timed)
    half = timed.sizes["layer"]
    for i, kind in enumerate(timed["layer"].values):
        np.testing.assert_array_equal(drawn.chart.data[i].y, timed["peak"].sel(layer=kind))
        np.testing.assert_array_equal(drawn.chart.data[half + i].y, timed["kept"].sel(layer=kind))
    rnn, aaren = drawn.chart.data[half], drawn.chart.data[-1]
    assert f"{rnn.name} and “{aaren.name}” end with one state" in drawn.caption


@THEMES
def test_the_recurrence_and_its_memory_are_drawn(theme: str) -> None:
    trace = recurrent_attention(LABELS, d=3)
    drawn = figure("recurrent attention", trace, theme=theme)
    lines = {line.name: line for line in drawn.chart.data}
    for name, title in measured.FORMS.items():
        np.testing.assert_array_equal(lines[title].y, trace[name][:, 0])
    np.testing.assert_array_equal(lines["state m, u, w"].y, trace["state"])
    np.testing.assert_array_equal(lines["keys and values of all"].y, trace["cache"])
    assert drawn.data["label"].tolist() == LABELS
    said = " ".join(measured.recalled(trace))
    assert "5 steps, the scan 3 rounds; the softmax holds 25 weights" in said
    assert "**40 B**" in said
    assert "from 48 B to **240 B**" in said


@pytest.mark.parametrize(("count", "said"), [
    (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1,024.0 KiB"),
    (3 * 1024**2, "3.0 MiB"), (5 * 1024**3, "5,120.0 MiB")])
def test_bytes_in_words(count: int, said: str) -> None:
    assert measured.size(count) == said
