"""Figure = trace, for gradients, Jacobians and eigenvalues."""

import numpy as np
import pytest
import xarray as xr

from explorer.views import figure, palette
from explorer.views.gradient_notices import farthest, noticed, reaches, typical
from explorer.views.gradients import remaining, shades, together

AT = 4
LABELS = list("a <b>\n")
NORMS = {
    "rnn": [0.0, 1e-3, 0.1, 2.0, 0, 0],
    "lstm": [0.5, 0.6, 0.8, 1.0, 0, 0],
}


def answer(kind: str) -> xr.Dataset:
    norm = np.array([[NORMS[kind]] * 2] * 2)  # (part, layer, token)
    norm[1] *= 2
    reach = {"rnn": 1.65, "lstm": np.nan}[kind]
    return xr.Dataset(
        {
            "norm": (("part", "layer", "token"), norm),
            "reach": (("part", "layer"), np.full((2, 2), reach)),
            "factor": (("part", "layer"), np.full((2, 2), {"rnn": 0.02, "lstm": 0.8}[kind])),
        },
        {"label": ("token", LABELS), "part": ["hidden", "state"]},
        {"run": kind * 8, "step": 7, "model": kind.upper(), "kind": kind, "at": AT, "loss": 1.0},
    )


@pytest.fixture
def joined() -> xr.Dataset:
    return together([answer("rnn"), answer("lstm")], ["RNN", "LSTM"])


@pytest.mark.parametrize("part", ["hidden", "state"])
@pytest.mark.parametrize("relative", [True, False])
def test_the_lines_are_the_norms_before_the_guess(
    joined: xr.Dataset, part: str, relative: bool
) -> None:
    drawn = figure("gradients", joined, part=part, relative=relative)
    for line, kind in zip(drawn.chart.data, NORMS, strict=False):
        norms = np.array(NORMS[kind][:AT]) * (2 if part == "state" else 1)
        expected = norms / norms[-1] if relative else norms
        np.testing.assert_allclose(line.y, np.where(expected > 0, expected, np.nan))
        assert line.line.color == palette().architecture(kind)
    back = drawn.data.pivot(index="network", columns="token", values="norm")
    factor = 2 if part == "state" else 1
    np.testing.assert_allclose(back.loc["RNN"], np.array(NORMS["rnn"][:AT]) * factor)
    assert drawn.chart.data[0].line.dash != drawn.chart.data[1].line.dash
    assert "cannot draw: 1 values" in drawn.caption
    assert "RNN at step 7" in drawn.caption


def test_a_mark_stands_where_a_line_falls_under_one_percent(joined: xr.Dataset) -> None:
    [mark] = figure("gradients", joined).chart.data[2:]  # the LSTM's does not
    assert mark.x[0] == pytest.approx(AT - 1 - 1.65)
    assert mark.y[0] == pytest.approx(0.01)


def test_one_answer_is_drawn_as_it_comes() -> None:
    [line, _] = figure("gradients", answer("rnn")).chart.data
    assert line.name == "RNN"


def test_tokens_are_text_never_markup(joined: xr.Dataset) -> None:
    ticks = list(figure("gradients", joined).chart.layout.xaxis.ticktext)
    assert ticks == ["a", "␣", "&lt;", "b", "&gt;"]


def test_a_network_without_such_a_layer_shows_its_top_one() -> None:
    deep = answer("lstm")
    flat = answer("rnn").isel(layer=[0])
    deep["norm"][:, 1] *= 3
    joined = together([flat, deep], ["RNN", "LSTM"], layer=1)
    np.testing.assert_allclose(joined["norm"].sel(network="RNN", part="hidden"), NORMS["rnn"])
    np.testing.assert_allclose(joined["norm"].sel(network="LSTM", part="hidden"),
                               np.array(NORMS["lstm"]) * 3)
    caption = figure("gradients", joined).caption
    assert "RNN at step 7, layer 1, LSTM at step 7, layer 2" in caption
    assert "Without a layer 2, so that the top one is drawn: RNN." in caption
    assert "Without" not in figure("gradients", together([flat, deep], ["RNN", "LSTM"])).caption


def test_words_say_what_the_numbers_say(joined: xr.Dataset) -> None:
    rnn, lstm, slow = noticed(joined)
    assert "exactly 0 from step 3 back on" in rnn
    assert "still 0.5 of the first" in lstm
    assert "**LSTM** loses least" in slow
    assert reaches(joined) == {"RNN": "1.6", "LSTM": "> 3"}
    assert "3 steps back, the LSTM has most left: RNN 0, LSTM 0.5" in farthest(joined)
    np.testing.assert_allclose(remaining(joined, "RNN"), [0, 5e-4, 0.05, 1, 0, 0])
    colours = shades(joined, "RNN", "hidden", "light")
    assert colours[0] == colours[5] == palette().sequential[0].upper()
    assert colours[3] == palette().sequential[-1].upper()


def test_when_reach_and_slope_disagree_it_is_said() -> None:
    slow, fast = answer("lstm"), answer("rnn")
    slow["reach"][:] = 1.0
    fast["norm"][..., 0] = 1e-4
    said = noticed(together([fast, slow], ["RNN", "LSTM"]))[-1]
    assert "**LSTM** loses least, though the RNN takes longer" in said


def test_of_networks_that_never_fall_so_far_none_takes_longer() -> None:
    slow, fast = answer("lstm"), answer("lstm")
    fast["factor"][:] = 0.7
    said = noticed(together([fast, slow], ["RNN", "LSTM"]))[-1]
    assert said == "Step by step the **LSTM** loses least."


def test_what_overflows_is_said_to() -> None:
    over = answer("rnn")
    for name in ("norm", "reach", "factor"):
        over[name][:] = np.nan
    joined = together([over, answer("lstm")], ["RNN", "LSTM"])
    said = noticed(joined)
    assert "**RNN**: its states grow beyond single precision" in said[0]
    assert len(said) == 2
    drawn = figure("gradients", joined)
    assert [line.showlegend for line in drawn.chart.data[:2]] == [False, True]
    assert "RNN has no gradient to begin with" in drawn.alt
    assert "the LSTM has most left: RNN –, LSTM 0.5" in farthest(joined)
    assert set(shades(joined, "RNN", "hidden", "light")) == {palette().sequential[0].upper()}


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_guesses_without_a_gradient_have_no_typical_reach(value: float) -> None:
    every = make_map()
    every["norm"][:, -1] = value
    assert typical(every) == "> 1", "of the other of the later half"
    every["norm"][:] = value
    every["reach"][:] = np.nan
    assert typical(every) == "–"


def make_map() -> xr.Dataset:
    norm = np.array([[2.0, 0, 0, 0], [1.0, 4.0, 0, 0], [0.0, 1e-9, 1.0, 0]])
    return xr.Dataset(
        {"norm": (("part", "guess", "token"), np.stack([norm, norm])),
         "reach": (("part", "guess"), [[np.nan, np.nan, 1.5]] * 2)},
        {"guess": [1, 2, 3], "label": ("token", list("abcd")), "part": ["hidden", "state"]},
        {"run": "0", "step": 3, "model": "GRU", "kind": "gru", "layer": 0, "guesses": 9},
    )


def test_the_map_draws_shares_and_says_what_it_leaves_out() -> None:
    drawn = figure("gradient map", make_map())
    z = np.array(drawn.chart.data[0].z)
    expected = np.log10([[1, np.nan, np.nan, np.nan], [0.25, 1, np.nan, np.nan]])
    np.testing.assert_allclose(z[:2], expected, rtol=1e-6)
    assert z[2, 0] == z[2, 1] == -7  # under the scale, as the caption says
    assert "3 of the 9 guesses" in drawn.caption
    assert len(drawn.data) == 6
    assert typical(make_map()) == "> 1"


def test_jacobians_draw_their_quantiles() -> None:
    singular = np.array([[4.0, 2.0, 1.0], [3.0, 1.5, 0.0]])
    trace = xr.Dataset(
        {"singular": (("token", "rank"), singular), "frobenius": ("token", [1.0, 2.0])},
        {"position": ("token", [1, 5]), "label": ("token", ["a", "<"])},
        {"run": "0", "step": 3, "model": "LSTM", "kind": "lstm", "layer": 1, "of": "state",
         "tokens": 6},
    )
    drawn = figure("jacobians", trace)
    np.testing.assert_allclose(drawn.chart.data[0].y, [4, 3])
    assert drawn.chart.layout.legend.yanchor == "bottom", "rows more push the plot down"
    np.testing.assert_allclose(drawn.chart.data[2].y, [2, 1.5])
    assert "2 of the 5 steps" in drawn.caption
    np.testing.assert_allclose(
        drawn.data.pivot(index="token", columns="rank", values="singular"), singular)


def test_eigenvalues_stand_in_the_plane_with_the_unit_circle() -> None:
    trace = xr.Dataset(
        {"real": (("block", "unit"), [[3.0, 0.5], [0.0, 0.0]]),
         "imaginary": (("block", "unit"), [[4.0, 0.0], [1.0, -1.0]]),
         "radius": ("block", [5.0, 1.0])},
        {"block": ["reset", "candidate"]},
        {"run": "0", "step": 3, "model": "GRU", "kind": "gru", "layer": 0},
    )
    drawn = figure("eigenvalues", trace)
    circle, reset, candidate = drawn.chart.data
    assert drawn.chart.layout.legend.yanchor == "bottom", "rows more push the plot down"
    np.testing.assert_allclose(np.hypot(circle.x, circle.y), 1)
    np.testing.assert_allclose(reset.x, [3, 0.5])
    np.testing.assert_allclose(candidate.y, [1, -1])
    assert reset.marker.symbol != candidate.marker.symbol
    assert "reset gate 5, candidate 1" in drawn.caption
    assert drawn.data["size"].tolist() == [5, 0.5, 1, 1]
