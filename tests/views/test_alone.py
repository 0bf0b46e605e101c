"""Figure = trace: the softmax of growing vectors, and kernel regression."""

import numpy as np
import pytest

from explorer.probes.kernel_regression import kernel_regression
from explorer.probes.softmax_left import softmax_left
from explorer.views import figure
from explorer.views.alone import findings, fitted


@pytest.fixture(scope="module")
def grown():
    return softmax_left(keys=4, seed=0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_scores_are_spread_as_counted(grown, theme) -> None:
    drawn = figure("score distribution", grown, size=64, theme=theme)
    for line, scale in zip(drawn.chart.data, ("off", "on"), strict=True):
        here = grown.sel(scale=scale, size=64)
        np.testing.assert_array_equal(line.x, here["edge"])
        np.testing.assert_array_equal(line.y[:-1], here["density"])
    assert f"{float(grown['variance'].sel(scale='off', size=64)):.3g}" in drawn.caption


def test_bars_are_the_sorted_weights(grown) -> None:
    off, on = figure("sorted weights", grown, size=512).chart.data
    np.testing.assert_array_equal(off.y, grown["sorted"].sel(scale="off", size=512))
    np.testing.assert_array_equal(on.y, grown["sorted"].sel(scale="on", size=512))
    assert (np.diff(on.y) < 0).all()


def test_lines_over_all_sizes(grown) -> None:
    drawn = figure("softmax left", grown, size=16)
    order = [(scale, name) for scale in ("off", "on") for name in ("entropy", "left", "median")]
    for line, (scale, name) in zip(drawn.chart.data, order, strict=True):
        np.testing.assert_array_equal(line.y, grown[name].sel(scale=scale))
    assert {shape.x0 for shape in drawn.chart.layout.shapes} == {16}
    assert len(drawn.data) == 2 * grown.sizes["size"]


def test_what_is_said_of_a_size(grown) -> None:
    left = grown["left"].sel(size=512)
    share = float(left.sel(scale="off") / left.sel(scale="on"))
    said = " ".join(findings(grown, 512))
    assert f"**{share:.0%} of the gradient**" in said
    assert "Half of the queries have less" in said
    assert "both are the same" in " ".join(findings(grown, 1))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_estimate_is_drawn_with_its_gaps(theme) -> None:
    trace = kernel_regression("boxcar", width=0.05)
    assert trace.attrs["unreached"] > 0
    drawn = figure("kernel regression", trace, theme=theme)
    examples, truth, estimate = drawn.chart.data
    np.testing.assert_array_equal(examples.y, trace["y"])
    np.testing.assert_array_equal(truth.y, trace["truth"])
    np.testing.assert_array_equal(estimate.y, trace["estimate"])
    assert estimate.connectgaps is False
    assert f"At {trace.attrs['unreached']} of 101 places" in drawn.caption
    np.testing.assert_array_equal(drawn.data["estimate"], trace["estimate"])


def test_the_way_down_is_drawn_on_the_curve() -> None:
    trace = kernel_regression(width=2.0, learnt=True, seed=1)
    drawn = figure("kernel width", trace)
    every, way = drawn.chart.data
    np.testing.assert_array_equal(every.y, trace["left_out"])
    np.testing.assert_array_equal(way.x, trace["width"])
    np.testing.assert_array_equal(way.y, trace["error"])
    assert "from 2" in drawn.caption
    assert "Gradient descent took the width from 2" in " ".join(fitted(trace))
    assert len(figure("kernel width", kernel_regression()).chart.data) == 1


def test_where_there_is_no_noise_nothing_follows_it() -> None:
    assert "narrower follows the noise" in " ".join(fitted(kernel_regression()))
    said = " ".join(fitted(kernel_regression(noise=0)))
    assert "follows the noise" not in said
    assert "narrower has but the nearest example" in said


def test_a_constant_kernel_does_not_look() -> None:
    said = " ".join(fitted(kernel_regression("constant", examples=20)))
    assert "mean of all examples everywhere" in said
    assert "0.05, against 0.050" in said
