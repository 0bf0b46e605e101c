"""Figure = trace: an explosion, the growth along a window, and clipping."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explorer.views import figure
from explorer.views.explosion import POINTS, SINGLE

NAN = float("nan")


def two(steps: int = 4, broke: int = 3) -> xr.Dataset:
    norms = np.stack([np.linspace(1, 9, steps), np.linspace(2, 3, steps)])
    losses = np.stack([np.linspace(4, 400, steps), np.linspace(4, 3, steps)])
    norms[0, broke - 1 :] = losses[0, broke - 1 :] = NAN
    return xr.Dataset(
        {"gradient_norm": (("curve", "step"), norms), "loss": (("curve", "step"), losses),
         "clip": ("curve", [0.0, 1.5]), "broke": ("curve", [broke, -1])},
        {"curve": ["without", "with"], "step": np.arange(1, steps + 1)},
        {"kind": "rnn", "blind": 20, "good": 1, "run": "0", "step": steps})


def curves(chart: Any, name: str) -> list[Any]:
    return [each for each in chart.data if each.name == name and each.mode == "lines"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_curves_are_the_histories(theme: str) -> None:
    trace = two()
    drawn = figure("explosion", trace, theme=theme)
    for i, name in enumerate(["without", "with"]):
        norm, loss = curves(drawn.chart, name)
        known = np.isfinite(trace["loss"].values[i])
        np.testing.assert_array_equal(norm.x, trace["step"].values[known])
        np.testing.assert_array_equal(norm.y, trace["gradient_norm"].values[i][known])
        np.testing.assert_array_equal(loss.y, trace["loss"].values[i][known])
    assert len(drawn.data) == 6
    assert "breaks at step 3" in str(drawn.chart.to_plotly_json())
    assert "It breaks at step 3" in drawn.alt


def test_both_axes_are_logarithmic_and_the_limits_are_drawn() -> None:
    chart = figure("explosion", two()).chart
    assert chart.layout.yaxis.type == chart.layout.yaxis2.type == "log"
    lines = {round(shape.y0, 3) for shape in chart.layout.shapes if shape.y0 == shape.y1}
    assert lines == {1.5, round(float(np.log(20)), 3)}
    upright = {shape.x0 for shape in chart.layout.shapes if shape.x0 == shape.x1}
    assert upright == {1, 3}, "the last good snapshot, and the step that broke"
    counted = figure("explosion", two().assign_attrs(counting=7.0, order=4)).chart
    lines = {round(shape.y0, 3) for shape in counted.layout.shapes if shape.y0 == shape.y1}
    assert lines == {1.5, round(float(np.log(20)), 3), round(float(np.log(7)), 3)}
    assert "best n-gram (order 4)" in {each.text for each in counted.layout.annotations}


@pytest.mark.parametrize(("step", "side"), [(10, "right"), (190, "left")])
def test_words_at_a_step_stand_where_there_is_room_for_them(step: int, side: str) -> None:
    """On the other side they would stretch the axis below step 0, or be cut off."""
    trace = two(200, broke=step).assign_attrs(good=step)
    chart = figure("explosion", trace).chart
    [words] = [each for each in chart.layout.annotations if each.text == "last good snapshot"]
    assert words.xanchor == {"right": "left", "left": "right"}[side]
    [cross] = [each for each in chart.data if each.text]
    assert cross.textposition == f"middle {side}"


def test_of_many_steps_the_longest_gradients_are_drawn_and_it_says_so() -> None:
    trace = two(3 * POINTS, broke=3 * POINTS)
    trace["gradient_norm"].values[1, 700] = 1e9
    drawn = figure("explosion", trace)
    rows = drawn.data[drawn.data["curve"] == "with"]
    assert len(rows) <= POINTS + 1
    assert rows["gradient_norm"].max() == 1e9
    assert "of every 3 steps" in drawn.caption


def test_nothing_yet_is_a_picture_too() -> None:
    trace = two().isel(step=slice(0, 0))
    assert figure("explosion", trace).alt == "No step has been taken yet."


def window(T: int = 6) -> xr.Dataset:
    place = ("layer", "position")
    return xr.Dataset(
        {"size": (place, np.geomspace(1, 32, 2 * T).reshape(2, T)),
         "gradient": (place, np.geomspace(5, 1, 2 * T).reshape(2, T)),
         "norm": ("parameter", np.array([3.0, 4.0])),
         "clipped": ("parameter", np.array([0.6, 0.8]))},
        {"layer": [1, 2], "position": np.arange(1, T + 1), "parameter": ["a", "b"]},
        {"kind": "gru", "step": 7, "total": 5.0, "factor": 0.2, "clip": 1.0, "run": "0"})


def test_growth_is_drawn_of_the_layer_that_was_asked_for() -> None:
    trace = window()
    drawn = figure("growth", trace, layer=2)
    size, gradient = drawn.chart.data
    np.testing.assert_array_equal(size.y, trace["size"].values[1])
    np.testing.assert_array_equal(gradient.y, trace["gradient"].values[1])


def test_the_step_that_broke_lies_beside_it_as_far_as_it_went() -> None:
    trace = window()
    broken = np.full((2, 6), NAN)
    broken[0, :3] = [1e10, 1e20, 1e30]
    trace = trace.assign(broken_size=(("layer", "position"), broken)).assign_attrs(broke=9)
    drawn = figure("growth", trace)
    beside = next(each for each in drawn.chart.data if "where it broke" in each.name)
    assert list(beside.x) == [1, 2, 3]
    assert list(beside.y) == [1e10, 1e20, 1e30]
    assert SINGLE in {shape.y0 for shape in drawn.chart.layout.shapes}


def test_a_gradient_of_zero_is_no_error_on_a_log_axis() -> None:
    trace = window()
    trace["gradient"].values[:] = 0.0  # a spectral radius of 0, say
    assert figure("growth", trace).chart.data


def test_clipping_moves_every_part_by_the_same_factor() -> None:
    drawn = figure("clipping", window())
    expected = pd.DataFrame({"parameter": ["a", "b", "all together"], "before": [3.0, 4.0, 5.0],
                             "after": [0.6, 0.8, 1.0]})
    pd.testing.assert_frame_equal(drawn.data, expected)
    before, after = drawn.chart.data[-2:]
    np.testing.assert_allclose(np.array(after.x) / np.array(before.x), 0.2)
