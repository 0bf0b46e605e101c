"""Figure = trace: scores, weights and what comes of them."""

import numpy as np
import pytest
import xarray as xr

from explorer.views import figure
from explorer.views.attention import HIDDEN, WIDEST, WRITTEN, looks
from explorer.views.palette import contrast, palette

NAMES = ["<b>a</b>", "a rather long name of a query", "灯"]


def made(queries: int = 3, keys: int = 4, hidden: int = 1, seed: int = 0) -> xr.Dataset:
    """The last `hidden` keys are masked."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(queries, keys)) * 2
    masked = scores.copy()
    masked[:, keys - hidden :] = -np.inf
    powers = np.exp(masked)
    total = powers.sum(1, keepdims=True)
    weights = np.divide(powers, total, out=np.zeros_like(powers), where=total > 0)
    values = rng.normal(size=(keys, 2))
    found = xr.Dataset(
        {"scores": (("query", "key"), scores), "masked": (("query", "key"), masked),
         "attention": (("query", "key"), weights), "v": (("key", "feature"), values),
         "context": (("query", "feature"), weights @ values)}, attrs={"asked": str(seed)})
    return found.assign_coords(query_label=("query", NAMES)) if queries == 3 else found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_weights_are_drawn_as_they_are_on_the_whole_scale(theme: str) -> None:
    trace = made()
    drawn = figure("attention", trace, query=1, theme=theme)
    cells, numbers = drawn.chart.data
    np.testing.assert_array_equal(cells.z, trace["attention"])
    assert (cells.zmin, cells.zmax) == (0, 1)
    assert list(numbers.text) == [f"{x:.2f}" for x in trace["attention"].values.ravel()]
    np.testing.assert_array_equal(drawn.data["attention"], trace["attention"].values.ravel())
    [frame] = drawn.chart.layout.shapes
    assert (frame.y0, frame.y1) == (0.5, 1.5)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_number_can_be_read_on_its_cell(theme: str) -> None:
    trace = made()
    colours = palette(theme)
    for name, reach in (("attention", 1.0), ("scores", float(np.abs(trace["scores"]).max()))):
        numbers = figure(name, trace, theme=theme).chart.data[1]
        values = trace["masked" if name == "scores" else name].values.ravel()
        for value, ink in zip(values, numbers.textfont.color, strict=True):
            if np.isfinite(value):
                assert contrast(ink, colours.shade(value, name == "scores", reach)) > 4


def test_scores_are_centred_and_the_hidden_ones_blank() -> None:
    trace = made(hidden=2)
    drawn = figure("scores", trace)
    cells, numbers = drawn.chart.data
    np.testing.assert_array_equal(np.isnan(cells.z), np.isinf(trace["masked"]))
    assert cells.zmax == -cells.zmin == np.abs(trace["scores"]).max()
    assert list(numbers.text).count(HIDDEN) == 6
    assert "hides 6 of them" in drawn.caption


def test_without_a_mask_scores_are_enough() -> None:
    trace = made()[["scores"]]
    np.testing.assert_array_equal(figure("scores", trace).chart.data[0].z, trace["scores"])


def test_what_a_query_gets_has_one_domain_with_the_values() -> None:
    trace = made()
    cells = figure("context", trace).chart.data[0]
    np.testing.assert_array_equal(cells.z, trace["context"])
    assert cells.zmax == -cells.zmin == np.abs(trace["v"]).max()


def test_names_are_never_markup_and_never_long() -> None:
    chart = figure("attention", made()).chart
    assert chart.layout.yaxis.ticktext[0] == "&lt;b&gt;a&lt;/b&gt;"
    assert len(chart.layout.yaxis.ticktext[1]) <= 12
    assert list(chart.layout.xaxis.ticktext) == ["k1", "k2", "k3", "k4"]


def test_of_one_layer_and_head() -> None:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(5), (2, 3, 4))  # (layer, head, query, key)
    trace = xr.Dataset({"attention": (("layer", "head", "query", "key"), weights)})
    drawn = figure("attention", trace, layer=1, head=2)
    np.testing.assert_array_equal(drawn.chart.data[0].z, weights[1, 2])


def test_many_cells_have_no_numbers_and_few_names_and_a_crop_is_said() -> None:
    many = WIDEST + 30
    drawn = figure("attention", made(many, many, hidden=0))
    cells, numbers = drawn.chart.data
    assert np.shape(cells.z) == (WIDEST, WIDEST)
    assert len(numbers.x) == 0
    assert len(drawn.chart.layout.xaxis.ticktext) <= 24
    assert f"the first {WIDEST} of {many} queries" in drawn.caption
    assert len(drawn.data) == WIDEST**2
    some = figure("attention", made(WRITTEN + 1, 3)).chart
    assert len(some.data[1].x) == 0


def test_what_is_said_of_a_query() -> None:
    weights = np.array([[0.75, 0.25, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])
    masked = np.array([[1.0, 0, -np.inf], [0, 0, -np.inf], [-np.inf] * 3])
    trace = xr.Dataset(
        {"attention": (("query", "key"), weights), "masked": (("query", "key"), masked),
         "scores": (("query", "key"), [[1.0, 0, 9], [0, 0, -1], [0, 0, 0]])})
    first, second, third = (" ".join(looks(trace, query)) for query in range(3))
    assert "**q1 looks at k1** most, with a weight of 0.75" in first
    assert "2 of 3 keys" in first
    assert f"{np.exp(-0.75 * np.log(0.75) - 0.25 * np.log(0.25)):.2f} of 2 keys" in first
    assert "best score is that of k3, which is hidden" in first
    assert "no favourite" in second
    assert "hides every key from q3" in third
    assert "A row of zeros" in figure("attention", trace).caption
