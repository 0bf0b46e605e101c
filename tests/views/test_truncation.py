"""Cuts, gradients and prices, drawn from a trace made by hand."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explorer.models.three_steps import three_steps
from explorer.views import figure
from explorer.views.segments import LINE, LINES, reach
from explorer.views.truncation import findings, learnt, placed

LABELS = ["a", "<b>", " ", "你", "longer than six", "\n"] * 4


@pytest.fixture
def trace() -> xr.Dataset:
    """Full (1, 0); regular (0.8, 0.6): at right angles to its error; four draws whose mean is
    (1, 0.05)."""
    T = len(LABELS)
    link = np.ones((3, T))
    link[1, ::4] = 0
    links = np.full((4, T), 4 / 3)
    links[:, 5] = 0
    links[2, 6:9] = 0
    link[2] = links[0]
    over = ("weights", "kind")
    return xr.Dataset(
        {
            "link": (("kind", "token"), link),
            "links": (("draw", "token"), links),
            "along": (over, [[1, 0.8, 1.0]] * 2),
            "across": (over, [[0, 0.6, 0.05]] * 2),
            "draw_along": (("weights", "draw"), [[0.5, 1.5, 0.9, 1.1]] * 2),
            "draw_across": (("weights", "draw"), [[0.4, 0.4, 1.2, 0.3]] * 2),
            "error": (("weights", "count"), [[0.8, 0.4, 0.05]] * 2),
            "spread": ("weights", [0.8, 0.8]),
            "saved": ("kind", [4000.0, 1000.0, 2000.0]),
            "seconds": ("kind", [0.02, 0.03, 0.04]),
        },
        {"kind": ["full", "regular", "randomised"], "weights": ["recurrent", "all"],
         "draw": range(4), "count": [1, 2, 4], "label": ("token", LABELS)},
        {"run": "0" * 32, "step": 7, "model": "LSTM", "kind": "lstm", "every": 4, "draws": 4,
         "seed": 0, "tokens": T, "of": 99},
    )


def test_reach_counts_back_to_the_last_cut() -> None:
    assert reach(np.array([2, 2, 0, 2, 2, 0, 0, 2.0])).tolist() == [0, 1, 0, 1, 2, 0, 0, 1]


@pytest.mark.parametrize("draw", [0, 2])
def test_segments_are_those_of_the_links(trace: xr.Dataset, draw: int) -> None:
    drawn = figure("segments", trace, draw=draw)
    for way, link in (("randomised", trace["links"].values[draw]),
                      ("regular", trace["link"].values[1]), ("full", trace["link"].values[0])):
        part = drawn.data[drawn.data["way"] == way]
        assert part["reach"].tolist() == reach(link)[: len(part)].tolist()
        np.testing.assert_array_equal(part["link"], link[: len(part)])
    assert drawn.data.groupby("way")["segment"].max()["full"] == 1
    assert "99" in drawn.caption


def test_every_segment_has_its_box_and_no_line_is_too_long(trace: xr.Dataset) -> None:
    drawn = figure("segments", trace)
    boxes = [(s.x0, s.x1, s.y0) for s in drawn.chart.layout.shapes]
    assert max(right for _, right, _ in boxes) <= LINE
    assert len({round(y, 3) for *_, y in boxes}) <= 3 * LINES
    parts = drawn.data.groupby("way")["segment"].max()
    assert len(boxes) >= parts.sum()
    assert {"&lt;b&gt;", "␣", "⏎", "你"} <= set(drawn.chart.data[0].text)


def test_the_weight_of_an_error_is_the_product_of_the_links_it_crosses(trace: xr.Dataset) -> None:
    part = figure("segments", trace).data.query("way == 'randomised'").set_index("token")
    assert part["weight"][0] == 1
    assert part["weight"][4] == pytest.approx((4 / 3) ** 4)
    assert part["weight"][7] == pytest.approx((4 / 3) ** 2)


def test_angle_length_and_distance_are_those_of_the_plane(trace: xr.Dataset) -> None:
    data = placed(trace, "recurrent").set_index("way")
    regular = data.loc["regular"]
    assert regular["cosine"] == pytest.approx(0.8)
    assert regular["ratio"] == pytest.approx(1)
    assert regular["error"] == pytest.approx(np.sqrt(0.4))
    assert data.loc["full", "cosine"] == 1


def test_every_draw_is_a_point(trace: xr.Dataset) -> None:
    drawn = figure("truncated gradients", trace)
    points = drawn.chart.data[0]
    np.testing.assert_array_equal(points.x, trace["draw_along"].values[0])
    np.testing.assert_array_equal(points.y, trace["draw_across"].values[0])
    assert drawn.chart.layout.yaxis.scaleanchor == "x"


def test_errors_stand_beside_the_regular_one_and_chance(trace: xr.Dataset) -> None:
    random, regular, chance = figure("truncation error", trace).chart.data
    np.testing.assert_array_equal(random.y, [0.8, 0.4, 0.05])
    np.testing.assert_allclose(regular.y, np.sqrt(0.4))
    np.testing.assert_allclose(chance.y, 0.8 / np.sqrt([1, 2, 4]))


def test_costs_are_drawn_in_their_units(trace: xr.Dataset) -> None:
    memory, seconds = figure("truncation cost", trace).chart.data
    assert sorted(memory.x) == [1, 2, 4]
    assert sorted(seconds.x) == pytest.approx([20, 30, 40])


def test_paths_add_up_to_the_gradient() -> None:
    steps = three_steps(0.5, 0.8, 1.0)
    drawn = figure("paths", steps)
    assert drawn.data["product"].sum() == pytest.approx(
        float(steps["gradient"].sel(node="w_hh")))
    assert list(drawn.chart.data[0].measure) == ["relative"] * 6 + ["total"]


def test_what_is_said_is_what_was_found(trace: xr.Dataset) -> None:
    said = " ".join(findings(trace))
    assert "cosine of 0.800" in said
    assert "about 2 draws" in said  # (0.8 / 0.63)² = 1.6
    assert "25%" in said
    near = trace.copy(deep=True)
    near["spread"][:] = 0.1
    assert "even a single draw" in " ".join(findings(near))


def test_a_gradient_of_zero_and_a_text_without_a_cut_are_said(trace: xr.Dataset) -> None:
    none = trace.copy(deep=True)
    for name in ("along", "across", "draw_along", "draw_across", "error", "spread"):
        none[name].loc[{"weights": "recurrent"}] = np.nan
    said = findings(none)
    assert "the recurrent weights is 0 here" in said[0]
    assert "nan" not in " ".join(said)
    assert "cosine of 0.800" in findings(none, "all")[0]
    short = trace.copy(deep=True)
    short["link"].loc[{"kind": "regular"}] = 1
    said = findings(short)
    assert "cuts nothing" in said[0]
    assert "bias" not in " ".join(said)


def test_runs_that_end_alike_are_not_ranked() -> None:
    def ended(value: float) -> pd.DataFrame:
        return pd.DataFrame({"perplexity": [30.0, 9], "validation_perplexity": [30, value],
                             "validation_tokens": [300.0, 300.0]})

    close = " ".join(learnt({"full": ended(8.0), "regular": ended(8.1)}))
    assert "another seed may" in close
    apart = " ".join(learnt({"full": ended(8.0), "regular": ended(10.0)}))
    assert "**full** leads; regular is 25% behind" in apart
    unheld = learnt({"a": pd.DataFrame({"perplexity": [5.0, 4]})})
    assert "a 4.00" in unheld[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["segments", "truncated gradients", "truncation error",
                                  "truncation cost"])
def test_each_is_drawn_in_both_themes(trace: xr.Dataset, name: str, theme: str) -> None:
    drawn = figure(name, trace, theme=theme)
    assert len(drawn.data)
    assert drawn.caption
    assert drawn.alt
