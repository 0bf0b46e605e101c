"""A translator's pictures are its numbers, and what is said of them is true."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import xarray as xr

from explorer.views import figure, translation
from explorer.views import translation_notices as notices
from explorer.views.history import Curve, perplexity

LABELS = ["<b>le</b>", "chat", "שלום", ".", "<eos>"]
TOLD = [0.1, 0.2, 3.0, 0.1, 0.0]
FREE = [0.1, 0.2, 3.0, 4.0, 2.0]


def forced(
    first_error: int = 2, guesses: list[str] | None = None, unknown: int | None = None
) -> xr.Dataset:
    wrong = guesses or ["<b>le</b>", "chat", "dort", "dort", "."]
    return xr.Dataset(
        {"told": ("token", TOLD), "free": ("token", FREE if first_error >= 0 else TOLD),
         "guess_told": ("token", ["<b>le</b>", "chat", "dort", ".", "<eos>"]),
         "guess_free": ("token", wrong)},
        {"label": ("token", LABELS), "unknown": ("token", np.arange(5) == unknown)},
        {"run": "0" * 32, "step": 40, "first_error": first_error, "masked": float(np.mean(TOLD))})


def measured(
    names: list[str], attention: list[str], bleu: list[list[float]],
    otherwise: list[int] | None = None,
) -> xr.Dataset:
    return xr.Dataset(
        {"bin_bleu": (("run", "bin"), bleu), "bin_sentences": (
            ("run", "bin"), [[9, 7, 5]] * len(bleu)),
         "bin_low": ("bin", [2, 4, 9]), "bin_high": ("bin", [3, 8, 9])},
        {"run": names, "kind": ("run", ["gru"] * len(names)), "attention": ("run", attention),
         "otherwise": ("run", otherwise or [0] * len(names))},
        {"run": "0" * 32, "step": 0})


@pytest.fixture
def history() -> pd.DataFrame:
    """Five steps, of which two were scored."""
    scored = [np.nan, 2.0, np.nan, np.nan, 31.5]
    return pd.DataFrame({
        "step": [1, 2, 3, 4, 5], "perplexity": [90.0, 60.0, 40.0, 30.0, 20.0],
        "validation_perplexity": [np.nan, 70.0, np.nan, np.nan, 25.0],
        "validation_tokens": [np.nan, 300.0, np.nan, np.nan, 300.0],
        "bleu": scored, "notes_bleu": [np.nan if np.isnan(v) else v / 50 for v in scored]})


# BLEU while it learns


def test_bleu_both_ways_is_that_of_the_history(history: pd.DataFrame) -> None:
    drawn = translation.bleu(history, "gru", (100, 250), steps=9)
    ours = drawn.data[drawn.data["measure"] == "sacrebleu"]
    notes = drawn.data[drawn.data["measure"] == "the notes' formula"]
    assert ours["step"].tolist() == notes["step"].tolist() == [2, 5]
    assert ours["value"].tolist() == [2.0, 31.5]
    np.testing.assert_allclose(notes["value"], [0.04, 0.63])
    assert "31.5 of 100" in drawn.caption
    assert "0.63 of 1" in drawn.caption
    assert "100 on the way, 250 at the end" in drawn.caption


def test_equal_heights_are_equal_shares_of_full_marks(history: pd.DataFrame) -> None:
    spec = translation.bleu(history, "gru", (100, 250)).spec
    lines = [layer for layer in spec["layer"] if layer["mark"]["type"] == "line"]
    tops = [line["encoding"]["y"]["scale"]["domain"] for line in lines]
    assert [line["encoding"]["y"]["axis"]["orient"] for line in lines] == ["left", "right"]
    assert tops[0][0] == tops[1][0] == 0
    assert tops[0][1] == pytest.approx(100 * tops[1][1])
    assert tops[0][1] >= 63, "nothing is cut off"
    assert spec["resolve"]["scale"]["y"] == "independent"


def test_the_loss_stands_on_a_second_axis(history: pd.DataFrame) -> None:
    drawn = perplexity([Curve("", "gru", history)], {"blind guess": 500.0}, nats=True)
    axes = [axis for layer in drawn.spec["layer"]
            if (axis := layer["encoding"]["y"].get("axis")) and axis.get("orient") == "right"]
    assert len(axes) == 1
    left = [layer for layer in drawn.spec["layer"]
            if (axis := layer["encoding"]["y"].get("axis")) and axis.get("orient") != "right"]
    assert len(left) == 1
    assert drawn.spec["resolve"]["axis"]["y"] == "independent"
    assert "log(datum.value)" in axes[0]["labelExpr"]
    assert axes[0]["values"][::2][:2] == [1.0, pytest.approx(np.e)]


# One pair, token by token


def test_the_bars_are_what_each_token_costs() -> None:
    drawn = figure("forcing", forced(), padding=3)
    assert isinstance(drawn.chart, go.Figure)
    told, free = drawn.chart.data
    assert list(told.y) == TOLD
    assert list(free.y) == FREE
    assert told.marker.pattern.shape != free.marker.pattern.shape, "not by colour alone"
    assert drawn.data["guess_free"].tolist()[2] == "dort"
    assert "0.68 a token when" in drawn.caption
    assert "1.86 when the network reads its own" in drawn.caption
    assert "“dort” was likeliest; the true “שלום” had 5.0%" in told.customdata[2]


def test_what_an_unknown_word_costs_is_that_of_unk() -> None:
    drawn = figure("forcing", forced(unknown=2))
    assert drawn.chart.data[0].customdata[2] == (
        "“dort” was likeliest; the true “שלום” is unknown to it, &lt;unk&gt; had 5.0%")
    assert "the true “chat” had" in drawn.chart.data[0].customdata[1]
    assert "Unknown to it: “שלום”." in drawn.caption
    assert drawn.data["unknown"].tolist() == [False, False, True, False, False]
    assert "Unknown" not in figure("forcing", forced()).caption


def test_what_was_cut_off_of_the_pair_is_said() -> None:
    attrs = {"source_of": 5, "source_read": 5, "target_of": 9, "target_read": 5}
    assert figure("forcing", forced().assign_attrs(attrs)).caption.endswith(
        "of the target's 9 tokens only the first 5 are read.".capitalize())


def test_the_first_error_and_the_padding_are_marked() -> None:
    drawn = figure("forcing", forced(), padding=3)
    line, box = drawn.chart.layout.shapes
    assert line.x0 == line.x1 == 1.5
    assert (box.x0, box.x1) == (4.5, 7.5)
    assert list(drawn.chart.layout.xaxis.ticktext)[-4:] == ["&lt;eos&gt;", *["&lt;pad&gt;"] * 3]
    assert "3 places of padding follow" in drawn.caption
    plain = figure("forcing", forced(-1))
    assert len(plain.chart.layout.shapes) == 0


def test_no_label_is_markup() -> None:
    drawn = figure("forcing", forced(guesses=["<i>x</i>", "chat", "dort", "dort", "."]))
    ticks = list(drawn.chart.layout.xaxis.ticktext)
    assert ticks[0].startswith("&lt;b&gt;")
    assert not any("<" in said for bar in drawn.chart.data for said in bar.customdata)


# BLEU by length


def test_the_lines_are_each_run_s_bleu() -> None:
    trace = measured(["attention <b>", "none"], ["general", "none"],
                     [[40.0, 35.0, 30.0], [38.0, 25.0, 10.0]])
    drawn = figure("bleu-by-length", trace)
    one, other = drawn.chart.data
    assert list(one.y) == [40.0, 35.0, 30.0]
    assert list(one.x) == ["2–3", "4–8", "9"]
    assert list(other.customdata) == [9, 7, 5]
    assert (one.line.dash, other.line.dash) == ("solid", "dash")
    assert one.marker.symbol != other.marker.symbol
    assert "<b>" not in one.name
    assert len(drawn.data) == 6
    assert "9, 7, 5 sentences" in drawn.caption


# What to notice


def test_the_avalanche_is_told_by_its_numbers() -> None:
    where, cost = notices.avalanche(forced())
    assert "at token 3" in where
    assert "“dort” where “שלום” stands" in where
    assert "0.05 nats when the truth is told, and 3.00" in cost
    assert "no error" in notices.avalanche(forced(-1))[0]
    assert len(notices.avalanche(forced(4))) == 1, "nothing comes after the last"


def test_who_gains_from_attention_on_which_sentences() -> None:
    def said(*bleu: list[float]) -> str:
        return " ".join(notices.lengths(measured(["with", "without"], ["dot", "none"],
                                                 list(bleu))))

    assert "most on long sentences: **with** is +2.0" in said([40, 35, 30], [38, 25, 10])
    assert "at every length here" in said([40, 35, 30], [30, 25, 20])
    assert "does not grow steadily" in said([40, 35, 30], [30, 25, 31])
    assert "does not grow steadily" in said([40, 45, 30], [40, 25, 25]), "most in the middle"
    lost = said([38, 35, 30], [40.5, 36.5, 31])
    assert "at no length here: **with** is -2.5" in lost, "it loses less and less"
    alone = measured(["with"], ["dot"], [[40, 35, 30]])
    assert notices.lengths(alone) == []


def test_only_runs_that_differ_in_nothing_else_tell_what_attention_is_worth() -> None:
    names, kinds = ["Transformer", "with", "without"], ["transformer", "dot", "none"]
    bleu: list[list[float]] = [[70, 70, 70], [40, 35, 30], [30, 25, 10]]
    said = " ".join(notices.lengths(measured(names, kinds, bleu, [0, 1, 1])))
    assert "**with** is +10.0" in said
    assert notices.lengths(measured(names[::2], kinds[::2], bleu[::2], [0, 1])) == []


def test_what_was_learnt_is_that_of_the_history(history: pd.DataFrame) -> None:
    said = " ".join(notices.learnt(history, 500))
    assert "held-out perplexity 25.00" in said
    assert "From step 2 to step 5 BLEU goes from 2.0 to 31.5" in said
    assert "from 0.04 to 0.63" in said
    assert notices.learnt(history.drop(columns=["validation_perplexity"]), 500) == []
