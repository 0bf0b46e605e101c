"""Figure = trace, for states."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from explorer.text.annotations import words
from explorer.views import figure, remembered
from explorer.views.states import COLOURS, DRAWN, firing, kinds, separation

ABOUT = {"run": "0" * 32, "step": 7, "model": "LSTM", "kind": "lstm", "layer": 0,
         "observation": "hidden", "error": 1.5e-5, "read": 400, "of": 500}
LABELS = list('a "b" <i>&')


def cloud(n: int = 40, axes: int = 2, method: str = "pca", second: bool = False) -> xr.Dataset:
    chance = np.random.default_rng(0)
    labels = [LABELS[i % len(LABELS)] for i in range(n)]
    variables = {
        "cloud": (("point", "axis"), chance.normal(size=(n, axes)).astype(np.float32)),
        "path": (("token", "axis"), chance.normal(size=(10, axes)).astype(np.float32)),
        "explained": ("component", np.array([0.5, 0.25, 0.2, 0.05], np.float32)),
        "marked": (("mark", "point"), (np.arange(n) % 3 == 0)[None]),
    }
    coordinates = {"at": ("point", np.arange(n)), "point_label": ("point", labels),
                   "before": ("point", ["<b>"] * n), "after": ("point", ["\n"] * n),
                   "label": ("token", LABELS), "mark": ["the inside of quotation marks"]}
    if second:
        variables["second"] = (("token2", "axis"), chance.normal(size=(4, axes)))
        variables["apart"] = ("shared", [4.0, 3.0, 1.0])
        coordinates["label2"] = ("token2", list("b</x"))
    attrs = ABOUT | {"method": method, "sampled": n, "chosen": [3, 1, 2][:axes]}
    return xr.Dataset(variables, coordinates, attrs)


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("method", ["pca", "umap", "units"])
def test_cloud_and_path_are_drawn_where_they_are(axes: int, colour: str, method: str) -> None:
    trace = cloud(axes=axes, method=method, second=True)
    drawn = figure("trajectory", trace, colour=colour, start=2, stop=4)
    names = "xyz"[:axes]

    def points(part: object) -> np.ndarray:
        return np.column_stack([np.array(getattr(part, name)) for name in names])

    *clouds, line, tokens, line2, tokens2, ring = drawn.chart.data
    for part in (line, tokens):
        np.testing.assert_array_equal(points(part), trace["path"])
    for part in (line2, tokens2):
        np.testing.assert_array_equal(points(part), trace["second"])
    np.testing.assert_array_equal(points(ring), trace["path"][2:4])
    everywhere = np.vstack([points(part) for part in clouds])
    assert sorted(map(tuple, everywhere)) == sorted(map(tuple, trace["cloud"].values))
    assert line.line.dash != line2.line.dash, "told apart without colours"
    back = drawn.data[drawn.data["what"] == "path"]
    np.testing.assert_array_equal(back[["axis1", "axis2"]], trace["path"][:, :2])


def test_the_cloud_s_kinds_are_those_of_its_labels() -> None:
    trace = cloud()
    clouds = {part.name: part for part in figure("trajectory", trace).chart.data[:-2]}
    spaces = trace["cloud"].values[trace["point_label"].values == " "]
    np.testing.assert_array_equal(np.array(clouds["spaces"].x), spaces[:, 0])
    assert len({part.marker.symbol for part in clouds.values()}) == len(clouds)
    quoted = figure("trajectory", trace, colour="quotes").chart.data[0]
    np.testing.assert_array_equal(
        np.array(quoted.x), trace["cloud"].values[trace["marked"].values[0], 0])


def test_a_large_cloud_is_thinned_and_it_says_so() -> None:
    drawn = figure("trajectory", cloud(DRAWN * 2))
    assert sum(len(part.x) for part in drawn.chart.data[:-2]) == DRAWN
    assert f"{DRAWN:,} of them are drawn" in drawn.caption
    assert "are drawn" not in figure("trajectory", cloud()).caption


def test_the_caption_says_what_was_sampled_and_explained() -> None:
    said = figure("trajectory", cloud()).caption
    assert "40 states, drawn at random from the first 400 of the text's 500 tokens" in said
    assert "these axes hold 75% of the variance" in said
    assert "means nothing" in figure("trajectory", cloud(method="umap")).caption.replace(
        "mean nothing", "means nothing")
    chart = figure("trajectory", cloud(method="units")).chart
    assert chart.layout.xaxis.title.text == "unit 3"


def test_labels_are_text_never_markup() -> None:
    drawn = figure("trajectory", cloud())
    *clouds, _line, tokens = drawn.chart.data
    assert "&lt;" in tokens.text
    assert "␣" in tokens.text
    assert all("&lt;b&gt;" in text for part in clouds for text in part.text)


def test_kinds_of_tokens() -> None:
    found = kinds(LABELS, "quotes")
    assert found is not None
    assert [found.names[i] for i in found.of].count("the inside of quotation marks") == 2
    assert kinds(LABELS, "word") is None


def test_words() -> None:
    assert words(list("The lamp, 2x.")) == [(0, 3), (4, 8), (10, 12)]
    assert words(["The", " lamp", ",", " lit"]) == [(0, 1), (1, 2), (3, 4)]
    assert words(list("灯亮")) == [(0, 1), (1, 2)]
    assert words([]) == words(list("  ,")) == []


def test_separation_by_hand() -> None:
    trace = cloud(6)
    trace["cloud"] = ("point", "axis"), np.array([[0, 0], [1, 0], [1, 0], [0, 0], [1, 0], [1, 0]])
    assert separation(trace)["quotes"] == pytest.approx(1)  # every third is quoted, and at 0
    trace["cloud"] = ("point", "axis"), np.ones((6, 2))
    assert separation(trace) == {}


def match(units: list[int], places: int = 3, **attrs: object) -> xr.Dataset:
    n = len(units)
    return xr.Dataset(
        {"unit": ("chosen", np.array(units, int)), "sign": ("chosen", np.array([1, -1, 1][:n])),
         "together": ("place", [n] * places), "start": ("place", range(places)),
         "share": ("kind", [0.8, 0.2]), "base": ("kind", [0.2, 0.8])},
        {"kind": ["digits", "spaces"]},
        ABOUT | {"threshold": 0.3, "found": places, "all": places, "first": 1, "last": 2,
                 "nearest": 4, "nearest_sign": -1, "nearest_least": 0.2, "nearest_most": 0.1}
        | attrs)


def test_bars_are_the_shares() -> None:
    seen = match([3])
    base, share = figure("found", seen).chart.data
    np.testing.assert_array_equal(np.array(share.x), seen["share"])
    np.testing.assert_array_equal(np.array(base.x), seen["base"])
    assert base.marker.pattern.shape != share.marker.pattern.shape


def test_how_many_units_fire_at_each_token() -> None:
    values = np.array([[0.5, -0.5], [0.5, 0.5], [0.1, -0.1]], np.float32)
    trace = xr.Dataset({"hidden": (("layer", "direction", "token", "unit"), values[None, None])})
    np.testing.assert_allclose(firing(trace, match([0, 1])), [1, 0.5, 0])
    np.testing.assert_array_equal(firing(trace, match([])), np.zeros(3))


def test_what_is_said_is_what_was_found() -> None:
    said = remembered.selection(match([3, 5]))
    assert "3+, 5−" in said[0]
    assert said[1].endswith("3.")
    assert "80% of the tokens found are digits, of all tokens 20%" in said[2]
    assert "at most 2 of 2" in remembered.selection(match([3, 5], all=0))[1]
    assert "Nowhere" in remembered.selection(match([3, 5], 0, all=0))[1]


def test_when_no_unit_matches_the_nearest_is_said() -> None:
    [said] = remembered.selection(match([], 0))
    assert "unit 4, would be at any from 0.10 to 0.20" in said
    [said] = remembered.selection(match([], 0, nearest_least=-0.4, nearest_most=0.2))
    assert "at any threshold" in said
    assert "goes down to -0.40, around it up to 0.20 (times −1)" in said


def test_two_texts() -> None:
    said = remembered.trajectory(cloud(second=True))[-1]
    assert "last 2 tokens, which are the same" in said
    assert "4.00 apart, after them 1.00" in said
    assert "After 2 of them half" in said
    assert "Two directions hold 75%" in remembered.trajectory(cloud())[0]
    assert "it takes 3 of 4 to hold 90%" in remembered.trajectory(cloud())[0]
