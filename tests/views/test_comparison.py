"""Figure = trace: bands over seeds, winners of tokens, what was written."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from explorer.views import figure
from explorer.views.comparison import findings, through, tidy
from explorer.views.duel import ALL, FULL, lead, lines, specialities, sums, tints
from explorer.views.duel import findings as duel_findings
from explorer.views.figure import amount
from explorer.views.history import TICKS, ticks
from explorer.views.palette import mix, palette

NAN = np.nan
ABOUT = {"run": "0" * 32, "step": 1, "text": "a <b>tale</b>", "held_out": 0.1}


def curves(held: list[list[list[float]]], training: list[list[list[float]]]) -> xr.Dataset:
    """(variation, seed, step) of two variations at steps 0, 10, 20."""
    dims = ("variation", "seed", "step")
    shape = np.shape(held)
    seconds = np.broadcast_to(np.array([[[NAN, 1.0, 2.0]], [[NAN, 2.0, 4.0]]]), shape)
    return xr.Dataset(
        {"held_out_perplexity": (dims, held), "training_perplexity": (dims, training),
         "seconds": (dims, seconds), "flops": ("variation", [5.0, 7.0])},
        {"variation": ["GRU", "LSTM"], "step": [0, 10, 20], "kind": ("variation", ["gru", "lstm"]),
         "planned": ("variation", [20, 20])},
        ABOUT)


@pytest.fixture
def two() -> xr.Dataset:
    return curves([[[90, 4, 2], [90, 16, 8]], [[90, 9, 3], [90, NAN, NAN]]],
                  [[[NAN, 5, 4], [NAN, 5, 4]], [[NAN, 6, 5], [NAN, 6, NAN]]])


def test_line_and_band_are_mean_lowest_and_highest(two: xr.Dataset) -> None:
    data = figure("comparison", two).data
    row = data[(data["variation"] == "GRU") & (data["step"] == 20)
               & (data["part"] == "held_out_perplexity")].iloc[0]
    assert (row["low"], row["high"], row["seeds"]) == (2, 8, 2)
    assert row["mean"] == pytest.approx(4), "geometric: the mean of the bits"
    ended = data[(data["variation"] == "LSTM") & (data["step"] == 20)
                 & (data["part"] == "held_out_perplexity")].iloc[0]
    assert (ended["mean"], ended["seeds"]) == (pytest.approx(3), 1), "of those that got so far"


@pytest.mark.parametrize(("x", "end"), [("step", 20), ("seconds", 4), ("flops", 140)])
def test_the_axis_is_steps_seconds_or_flops(two: xr.Dataset, x: str, end: float) -> None:
    data = figure("comparison", two, x=x).data
    assert data[data["variation"] == "LSTM"]["x"].max() == end
    assert data["x"].min() == 0


def test_training_can_be_left_out_but_not_when_it_is_all_there_is(two: xr.Dataset) -> None:
    assert set(figure("comparison", two, training=False).data["part"]) == {"held_out_perplexity"}
    alone = two.assign(held_out_perplexity=two["held_out_perplexity"] * NAN)
    assert set(figure("comparison", alone, training=False).data["part"]) == {"training_perplexity"}


def test_the_chart_is_valid_and_its_colours_are_the_architectures(two: xr.Dataset) -> None:
    spec = figure("comparison", two, theme="dark").chart.to_dict()
    colours = palette("dark")
    assert spec["layer"][1]["encoding"]["color"]["scale"]["range"] == [
        colours.architecture("gru"), colours.architecture("lstm")]
    assert spec["layer"][1]["encoding"]["strokeDash"]["scale"]["range"][0] == [1, 0]


def test_baselines_are_dashed_lines_with_their_names(two: xr.Dataset) -> None:
    drawn = figure("comparison", two, baselines={"blind guess": 90.0, "n-gram": 3.5})
    spec = drawn.chart.to_dict()
    [rules] = [layer for layer in spec["layer"] if layer["mark"]["type"] == "rule"]
    rows = spec["datasets"][rules["data"]["name"]]
    assert [(row["curve"], row["perplexity"]) for row in rows] == [("blind guess", 90.0),
                                                                   ("n-gram", 3.5)]
    written = [row["curve"] for layer in spec["layer"] if layer["mark"]["type"] == "text"
               for row in spec["datasets"][layer["data"]["name"]]]
    assert sorted(written) == ["blind guess", "n-gram"]
    assert "rule" not in str(figure("comparison", two).chart.to_dict()["layer"])


def test_the_caption_says_what_line_and_band_are(two: xr.Dataset) -> None:
    caption = figure("comparison", two).caption
    assert "up to 2 seeds" in caption
    assert "band" in caption
    assert "last 10%" in caption
    single = two.isel(seed=[0])
    assert "One seed each" in figure("comparison", single).caption


def test_long_curves_are_thinned_and_keep_their_end() -> None:
    steps = np.arange(5001)
    values = np.exp(-steps / 1000)[None, None].repeat(2, 0) + 2
    trace = xr.Dataset(
        dict.fromkeys(("held_out_perplexity", "training_perplexity", "seconds"),
                      (("variation", "seed", "step"), values))
        | {"flops": ("variation", [1.0, 1.0])},
        {"variation": ["a", "b"], "step": steps, "kind": ("variation", ["rnn", "gru"])}, ABOUT)
    data = tidy(trace)
    drawn = data[(data["variation"] == "a") & (data["part"] == "training_perplexity")]
    assert len(drawn) < 300
    assert drawn["step"].max() == 5000


def test_a_lead_beyond_the_seeds_is_told_from_luck() -> None:
    training = [[[NAN, 5, 4]] * 3] * 2
    apart = curves([[[9, 4, 2.0]] * 3, [[9, 4, 3.0]] * 3], training)
    mixed = curves([[[9, 4, 2.0], [9, 4, 3.5], [9, 4, 2.1]], [[9, 4, 3.0]] * 3], training)
    assert "once in 10" in findings(apart)[1]  # of 20 orders of 6 seeds, 2 part them so
    assert "overlap" in findings(mixed)[1]
    assert "nobody can say" in findings(apart.isel(seed=[0]))[1]
    assert findings(apart)[0].startswith("**GRU** ends lowest")
    assert "2.0 times as long" in findings(apart)[2]


def test_one_that_broke_off_was_not_through_soonest() -> None:
    training = [[[NAN, 5, 4]]] * 2
    both = curves([[[9, 4, 2.0]], [[9, 4, 3.0]]], training)
    ended = both["seconds"].where((both["variation"] != "GRU") | (both["step"] < 20))
    assert through(both) == {"GRU": 2.0, "LSTM": 4.0}
    assert through(both.assign(seconds=ended)) == {"LSTM": 4.0}
    assert "soonest" in findings(both)[-1]
    assert "soonest" not in " ".join(findings(both.assign(seconds=ended)))
    assert len(findings(both.assign(seconds=both["seconds"] * NAN))) == 2, "of pairs none is known"


def test_a_ruined_but_finite_perplexity_is_a_power_and_has_an_axis() -> None:
    ruined = curves([[[9, 4, 2.0]], [[9, 1e40, 8.14e266]]], [[[NAN, 5, 4]], [[NAN, 6, 1e250]]])
    ends = ruined.assign(held_out_perplexity=ruined["held_out_perplexity"].where(
        ruined["step"] == 20))
    assert "against 8.1e266 of **LSTM**" in findings(ends)[0]
    spec = figure("comparison", ruined).chart.to_dict()
    marks = spec["layer"][1]["encoding"]["y"]["axis"]["values"]
    assert len(marks) < 12
    assert marks[-1] > 1e230
    assert ticks([3.0, 60.0]) == TICKS, "as always where nothing is ruined"
    assert ticks([1e7]) == [10.0**power for power in range(8)]


@pytest.mark.parametrize(("value", "said"), [
    (3.14159, "3.14"), (999_999.0, "999999.00"), (1e6, "1.0e6"), (8.14e266, "8.1e266"),
    (math.inf, "inf"), (math.nan, "nan")])
def test_a_number_takes_no_more_room_than_it_says(value: float, said: str) -> None:
    assert amount(value) == said


# Tokens


def bits(values: list[list[float]], labels: list[str], kinds: list[str]) -> xr.Dataset:
    return xr.Dataset(
        {"bits": (("variation", "token"), values)},
        {"variation": [kind.upper() for kind in kinds], "label": ("token", labels),
         "kind": ("variation", kinds)}, ABOUT | {"seeds": [1] * len(kinds)})


@pytest.fixture
def three() -> xr.Dataset:
    return bits([[NAN, 1, 5, 2], [NAN, 2, 1, 2.5], [NAN, 4, 2, 9]], ["a", "<b>", " ", "b"],
                ["rnn", "gru", "lstm"])


def test_the_winner_pays_least_and_leads_by_what_the_second_pays_more(three: xr.Dataset) -> None:
    found = lead(three)
    assert found.winner.tolist() == [-1, 0, 1, 0]
    assert found.bits.tolist() == [0, 1, 1, 0.5]
    against = lead(three, 2, 0)
    assert against.winner.tolist() == [-1, 0, 2, 0]
    assert against.bits.tolist() == [0, 3, 3, 7]
    assert sums(three) == [8, 5.5, 15]


@given(st.lists(st.tuples(*[st.floats(0, 50)] * 3), min_size=1, max_size=12))
def test_nobody_beats_the_winner(paid: list[tuple[float, float, float]]) -> None:
    values = np.array(paid).T  # (variation, token)
    trace = bits([[NAN, *row] for row in values.tolist()], ["x"] * (len(paid) + 1),
                 ["rnn", "gru", "lstm"])
    found = lead(trace)
    for t, column in enumerate(values.T, 1):
        assert column[found.winner[t]] == column.min()
        assert found.bits[t] == pytest.approx(np.sort(column)[1] - column.min())


def test_bars_point_up_for_the_one_and_down_for_the_other(three: xr.Dataset) -> None:
    data = figure("duel", three, one=2, other=0).data
    assert data["ahead"].tolist() == [0, -3, 3, -7]
    assert data["winner"].tolist() == ["", "RNN", "LSTM", "RNN"]
    assert figure("duel", three).data["ahead"].min() >= 0
    assert data["bits GRU"].tolist()[1:] == [2, 1, 2.5]


def test_every_token_is_drawn_once_in_its_winner_s_colour(three: xr.Dataset) -> None:
    drawn = figure("duel", three, one=0, other=ALL)
    shown = {int(x.split()[0]): bar.marker.color for bar in drawn.chart.data for x in bar.x}
    colours = palette("light")
    assert shown == {1: colours.architecture("rnn"), 2: colours.architecture("gru"),
                     3: colours.architecture("rnn")}
    assert not any("<b>" in str(x) for bar in drawn.chart.data for x in bar.x)


def test_the_strip_is_the_fuller_the_larger_the_lead(three: xr.Dataset) -> None:
    colours = palette("light")
    rnn, lstm = (colours.architecture(kind) for kind in ("rnn", "lstm"))
    mixed = [None if share is None else mix(colours.background, shade, share)
             for share, shade in ((None, rnn), (0.9, rnn), (0.9, lstm), (0.9, rnn))]
    assert tints(three, lead(three, 2, 0), "light") == mixed, "full from so many bits on"
    some = tints(three, lead(three), "light")
    assert some[1] == mix(colours.background, rnn, 0.9 * 1 / FULL)
    assert some[3] == mix(colours.background, rnn, 0.9 * 0.5 / FULL)
    assert lines(three)[0] == ["the first token: nobody guesses it"]
    assert lines(three)[1][0] == "RNN: 1.00 bits (probability 50.0%)"


def test_a_long_text_is_cropped_and_said() -> None:
    long = bits([[NAN, *[1.0] * 999], [NAN, *[2.0] * 999]], ["x"] * 1000, ["rnn", "gru"])
    drawn = figure("duel", long, start=300)
    assert "Tokens 300 to 699 of 1000" in drawn.caption
    assert len(drawn.data) == 400
    assert len(drawn.chart.to_json()) < 300_000
    assert "All 4 tokens" in figure("duel", bits([[NAN, 1, 2, 3]] * 2, list("abcd"),
                                                 ["rnn", "gru"])).caption


def test_what_each_is_good_at(three: xr.Dataset) -> None:
    assert specialities(three) == {"RNN": [("<b>", 1, 1.0), ("b", 1, 0.5)],
                                   "GRU": [(" ", 1, 1.0)], "LSTM": []}
    said = duel_findings(three)
    assert "**GRU** pays 1.83 bits a token, 0.83 less than **RNN**" in said[0]
    assert "it wins 1 of 3 tokens" in said[0]
    assert duel_findings(three.isel(token=[0])) == []


def test_what_was_written_stands_with_its_probability() -> None:
    trace = xr.Dataset(
        {"written": (("row", "place"), [[" the", " <i>"], [" a", "\n"]]),
         "probability": (("row", "place"), [[0.9, 0.25], [1.0, 0.5]])},
        {"row": ["GRU, seed 0", "GRU, seed 1"]}, {"run": "a", "step": 0, "prefix": "This is",
                                     "temperature": 0.0})
    drawn = figure("written", trace)
    heat = drawn.chart.data[0]
    np.testing.assert_array_equal(np.array(heat.z), trace["probability"].values)
    assert (heat.zmin, heat.zmax) == (0, 1)
    assert heat.text[0][0] == "the<br>90%"
    assert "&lt;i&gt;" in heat.text[0][1]
    assert heat.text[1][1] == "⏎<br>50%"
    assert drawn.data["token"].tolist() == [" the", " <i>", " a", "\n"]
