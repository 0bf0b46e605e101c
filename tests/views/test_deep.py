"""Depth and direction: figure = trace, and what is said of it is true."""

import numpy as np
import pytest
import xarray as xr

from explorer.views import depth_notices, figure
from explorer.views.deep import PLANE, ROWS, planes
from explorer.views.gates import CELLS
from tests.views.conftest import LABELS, make_trace

ABOUT = {"run": "0" * 32, "step": 7, "model": "LSTM", "kind": "lstm"}


def both_ways(T: int = len(LABELS), H: int = 5, layers: int = 2) -> xr.Dataset:
    one, other = make_trace(T, H, layers), make_trace(T, H, layers, seed=1)
    return xr.concat([one, other], "direction", data_vars="minimal", coords="minimal",
                     compat="override", join="override").assign_attrs(one.attrs)


def carried(layers: int = 3, ways: int = 1) -> xr.Dataset:
    rng = np.random.default_rng(0)
    lags = [-2, -1, 0, 1, 2]
    return xr.Dataset(
        {"explained": (("layer", "direction", "lag"), rng.random((layers, ways, 5))),
         "change": (("layer", "direction"),
                    np.linspace(1.2, 0.4, layers)[:, None].repeat(ways, 1))},
        {"lag": lags}, ABOUT | {"tokens": 90, "of": 1000})


@pytest.mark.parametrize("trace", [make_trace(layers=3), both_ways()], ids=["deep", "both"])
def test_every_plane_is_drawn_top_layer_first_on_one_scale(trace: xr.Dataset) -> None:
    drawn = figure("layers", trace, observation="cell")
    places = planes(trace)
    assert places[0][0] == trace.sizes["layer"] - 1
    assert places[-1][0] == 0
    for heatmap, (layer, way) in zip(drawn.chart.data, places, strict=True):
        rows = [int(name.split()[-1]) for name in heatmap.y]
        assert sorted(rows) == list(range(5))
        np.testing.assert_array_equal(
            np.array(heatmap.z), trace["cell"].values[layer, way][:, rows].T)
        assert heatmap.coloraxis == "coloraxis"
    reach = float(np.abs(trace["cell"]).max())
    axis = drawn.chart.layout.coloraxis
    assert (axis.cmin, axis.cmax) == (pytest.approx(-reach), pytest.approx(reach))
    names = [note.text for note in drawn.chart.layout.annotations]
    assert len(names) == len(places)
    assert ("→" in names[0]) == ("←" in names[1]) == (trace.sizes["direction"] == 2)
    assert drawn.chart.layout.height > PLANE * len(places)
    assert "every value as computed" in drawn.caption


def test_the_tidy_data_is_the_trace() -> None:
    trace = both_ways()
    data = figure("layers", trace, observation="forget").data
    for row in data.sample(40, random_state=0).itertuples():
        way = ["forward", "backward"].index(row.direction)
        assert row.forget == trace["forget"].values[row.layer - 1, way, row.token, row.unit]
    assert len(data) == trace["forget"].size


def test_a_wide_network_and_a_long_text_are_cropped_and_said() -> None:
    trace = make_trace(T=900, H=200, layers=8)
    drawn = figure("layers", trace, observation="cell", start=100)
    sizes = [np.array(each.z).shape for each in drawn.chart.data]
    assert sum(rows * columns for rows, columns in sizes) <= CELLS
    rows, columns = sizes[0]
    assert rows <= ROWS
    assert f"tokens 100 to {99 + columns}, of each layer the {rows} of 200 units" in drawn.caption
    top = trace["cell"].values[7, 0]
    kept = {int(name.split()[-1]) for name in drawn.chart.data[0].y}
    assert kept == set(np.argsort(-top.var(0), kind="stable")[:rows].tolist())
    assert len(drawn.chart.to_json()) < 400_000


def test_tokens_are_text_never_markup() -> None:
    axes = figure("layers", make_trace(), observation="cell").chart.layout
    assert "&lt;" in axes.xaxis2.ticktext
    assert not any("<" in tick for tick in axes.xaxis2.ticktext)


def test_what_a_layer_carries_is_drawn_by_layer_and_direction() -> None:
    trace = carried(2, 2)
    drawn = figure("carried", trace)
    for line, (layer, way) in zip(drawn.chart.data, planes(trace), strict=True):
        np.testing.assert_array_equal(line.y, trace["explained"].values[layer, way])
        assert line.line.dash == ("solid", "dash")[way]
    assert "the last 90 of the 1,000" in drawn.caption


def sight(ahead: bool) -> xr.Dataset:
    gradient = np.ones((3, 4)) if ahead else np.tril(np.ones((3, 4)))
    return xr.Dataset(
        {"gradient": (("guess", "token"), gradient),
         "share": (("guess", "token"), gradient / gradient.sum(1, keepdims=True))},
        {"label": ("token", list("a<b>")), "guessed": ("guess", list("<b>"))}, ABOUT | {"of": 9})


def test_what_a_guess_cannot_see_is_crossed_out_and_the_answer_is_framed() -> None:
    trace = sight(ahead=False)
    drawn = figure("sight", trace)
    heatmap, crosses = drawn.chart.data
    np.testing.assert_array_equal(np.array(heatmap.z), trace["share"].values)
    assert len(crosses.x) == 6  # of the upper triangle of 3 × 4
    assert {"1 &lt;"} <= set(crosses.x)
    frames = [(frame.x0 + 0.5, frame.y0 + 0.5) for frame in drawn.chart.layout.shapes]
    assert frames == [(1, 0), (2, 1), (3, 2)]
    assert "The first 4 of 9" in drawn.caption
    assert len(figure("sight", sight(ahead=True)).chart.data[1].x) == 0


def test_depths_that_are_not_trained_leave_a_gap() -> None:
    trace = xr.Dataset(
        {"held_out": ("depth", [4.0, np.nan, 3.0]), "seconds": ("depth", [10.0, np.nan, 30.0]),
         "parameters": ("depth", [100.0, 200.0, 400.0])}, {"depth": [1, 2, 4]},
        ABOUT | {"hidden": 8, "steps": 1500})
    drawn = figure("depths", trace)
    np.testing.assert_array_equal(drawn.chart.data[0].y, [4.0, np.nan, 3.0])
    assert list(drawn.chart.data[1].text) == ["10", "", "30"]
    assert "2 of 3 depths trained" in drawn.caption
    assert drawn.data["parameters"].tolist() == [100, 200, 400]
    counted = figure("depths", trace.assign_attrs(counting=3.5, order=4))
    [line] = counted.chart.layout.shapes
    assert (line.y0, line.y1, line.yref) == (3.5, 3.5, "y")
    assert "Dashed: the best n-gram model (order 4), 3.50." in counted.caption
    assert not drawn.chart.layout.shapes
    best, cost = depth_notices.depths(trace)
    assert "4 layers came out best: held-out perplexity 3.00" in best
    assert "did worse" not in best
    assert "4 layers took 3.0 times as long as one layer, with 4.0 times" in cost
    flipped = trace.assign(held_out=("depth", [3.0, np.nan, 4.0]))
    assert "one layer came out best" in depth_notices.depths(flipped)[0]
    assert "did worse with the same steps (4.00)" in depth_notices.depths(flipped)[0]
    assert "at least two" in depth_notices.depths(trace.isel(depth=[0, 1]))[0]


def known(**values: float) -> xr.Dataset:
    return xr.Dataset({"known": ("source", list(values.values()))}, {"source": list(values)},
                      ABOUT | {"tokens": 360, "scored": 1.01, "honest": 6.0, "echo": 0.98,
                               "echo_text": 0.04, "window": 64})


def test_the_misuse_is_drawn_and_explained_from_its_numbers() -> None:
    both = known(text=0.8, written=0.01, anew=0.5, unigram=0.07)
    one = known(text=0.8, written=0.78, unigram=0.07).assign_attrs(honest=4.3)
    bar = figure("misuse", both).chart.data[0]
    assert list(bar.x) == [0.8, 0.01, 0.5, 0.07]
    assert list(bar.text)[1] == "1%"
    said = " ".join(depth_notices.misuse(one, both))
    for number in ("1.01", "6.00", "4.30", "1.0%", "7.0%", "98%", "50%"):
        assert number in said
    quiet = depth_notices.misuse(one, both.assign_attrs(echo=0.05))
    assert not any("two before" in each for each in quiet)


def test_what_sets_the_layers_apart_is_computed() -> None:
    assert "layer 3 changes least, by 40%" in depth_notices.speed(carried())
    assert "layer 1 most, by 120%" in depth_notices.speed(carried())
    alike = carried().assign(change=(("layer", "direction"), np.full((3, 1), 0.5)))
    assert "about as fast: by 50%" in depth_notices.speed(alike)
    assert "one layer" in depth_notices.layers(carried(layers=1))[0]
    said = depth_notices.sights(sight(False), sight(True))
    assert "exactly zero" in said[0]
    assert "25%" in said[1]
    assert len(depth_notices.sights(sight(True), sight(True))) == 1
