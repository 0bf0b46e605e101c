"""The pictures of heads hold their numbers, and no message is too long for them."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from PIL import Image

from explorer.ui import heads as shown
from explorer.ui.lines import picture
from explorer.views import head_notices as notices
from explorer.views import heads as pictures
from explorer.views import palette
from explorer.views.png import png

LONGEST = 300_000  # bytes of a picture's message
TESTS = list(notices.SAID)
Array = NDArray[np.float32]


def random_attention(*shape: int) -> Array:
    """Causal weights without a pattern that a picture could be made small by."""
    rng = np.random.default_rng(0)
    weights = np.tril(rng.random(shape, np.float32) ** 3) + 1e-3 * np.eye(shape[-1])
    found: Array = (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
    return found


def one_head(attention: Array, labels: str, d: int = 4, **attrs: Any) -> xr.Dataset:
    """What the probe says of one head."""
    T = len(labels)
    rng = np.random.default_rng(1)
    q, k = rng.normal(size=(2, T, d)).astype(np.float32)
    return xr.Dataset(
        {"attention": (("query", "key"), attention), "scores": (("query", "key"), q @ k.T / d**0.5),
         "q": (("token", "number"), q), "k": (("token", "number"), k)},
        {"label": ("token", list(labels)), "query_label": ("query", list(labels)),
         "key_label": ("key", list(labels)),
         "separator": ("token", [not sign.isalnum() for sign in labels])},
        {"run": "r", "step": 7, "of": T, "layer": 1, "head": 2} | attrs)


def all_heads(layers: int, heads: int, T: int, name: str = "") -> xr.Dataset:
    """What the probe says of all heads."""
    side, cell = min(T, 64), -(-T // 64)
    levels = np.rint(255 * np.sqrt(random_attention(layers, heads, side, side))).astype(np.uint8)
    shape = (layers, heads, len(TESTS))
    names = np.full((layers, heads), name, dtype="U9")
    return xr.Dataset(
        {"thumbnail": (("layer", "head", "row", "column"), levels),
         "name": (("layer", "head"), names),
         "spread": (("layer", "head"), np.arange(layers * heads, dtype=np.float32)
                    .reshape(layers, heads) + 1)}
        | {part: (("layer", "head", "test"), np.full(shape, value, np.float32))
           for part, value in (("score", 0.5), ("excess", 0.3), ("sure", 9.0))}
        | {"chance": ("test", np.linspace(0.1, 0.2, len(TESTS))),
           "queries": ("test", np.full(len(TESTS), T - 1))},
        {"test": TESTS, "label": ("token", list("ab c" * (T // 4 + 1))[:T])},
        {"run": "r", "step": 7, "of": T, "cell": cell, "least_excess": 0.25, "least_sure": 5.0,
         "least_queries": 12})


WEIGHTS = np.array([[1, 0, 0, 0], [0.25, 0.75, 0, 0], [0.0004, 0.7626, 0.237, 0],
                    [0.1, 0.2, 0.3, 0.4]], np.float32)


def test_the_heatmap_is_the_weights_in_thousandths_and_its_data_as_computed() -> None:
    drawn = pictures.head(one_head(WEIGHTS, "a b<"))
    z = drawn.chart.data[0].z
    assert (z.dtype, drawn.chart.data[0].zmax) == (np.uint16, 1000)
    np.testing.assert_array_equal(z, np.rint(1000 * WEIGHTS))
    assert drawn.data["attention"].tolist() == WEIGHTS[WEIGHTS > 0].tolist()
    assert drawn.data["key"].tolist() == [0, 0, 1, 0, 1, 2, 0, 1, 2, 3]
    assert list(drawn.chart.data[0].x) == ["0 a", "1 ␣", "2 b", "3 &lt;"]
    assert "Head 3 of layer 2 after step 7" in drawn.caption
    assert "three digits" in drawn.caption


def test_a_weight_has_the_colour_of_its_root() -> None:
    colours = palette("light")
    scale = pictures.head(one_head(WEIGHTS, "abcd")).chart.data[0].colorscale
    at = dict(scale)
    assert at[0.25].upper() == colours.shade(0.5, False)
    assert at[1.0].upper() == colours.shade(1.0, False)


def test_what_is_left_out_is_said() -> None:
    trace = one_head(WEIGHTS, "a b<", of=2001)
    drawn = pictures.head(trace, threshold=0.3)
    np.testing.assert_array_equal(drawn.chart.data[0].z, [[1000, 0, 0, 0], [0, 750, 0, 0],
                                                          [0, 763, 0, 0], [0, 0, 300, 400]])
    assert "5 weights of at least 0.3 are drawn, 80% of all the weight" in drawn.caption
    assert "Read: the first 4 of 2,001 tokens." in drawn.caption
    bare = pictures.head(trace, hide=True)
    np.testing.assert_array_equal(bare.chart.data[0].z, [[1000, 0], [0, 237]])
    assert bare.data["key"].tolist() == [0, 0, 2]
    assert "2 blanks and signs of 4 tokens are hidden; 38% of the weight" in bare.caption
    nothing = pictures.head(one_head(WEIGHTS, ". ,!"), hide=True, threshold=0.3).caption
    assert nothing.endswith("Every token of this text is hidden.")
    assert "the others" not in nothing


@pytest.mark.parametrize("labels", ["a", " ", "...."])
def test_very_little_can_be_drawn(labels: str) -> None:
    T = len(labels)
    trace = one_head(np.tril(np.ones((T, T), np.float32)) / np.arange(1, T + 1)[:, None], labels)
    for hide in (False, True):
        drawn = pictures.head(trace, hide=hide)
        assert len(drawn.data) == (0 if hide and labels != "a" else T * (T + 1) // 2)
        assert shown.lines_caption(trace, 0, hide)
        assert len(shown.lines_of(trace, 0, hide, 0, "head")["read"]) == (
            0 if hide and labels != "a" else T)


def test_the_query_is_framed_where_it_stands_among_those_that_are_left() -> None:
    trace = one_head(WEIGHTS, "a b<")
    shape = pictures.head(trace, hide=True, query=2).chart.layout.shapes[0]
    assert (shape.y0, shape.y1) == (0.5, 1.5)
    assert not pictures.head(trace, hide=True, query=1).chart.layout.shapes


def test_the_mean_says_of_which_heads() -> None:
    drawn = pictures.head(one_head(WEIGHTS, "abcd", chosen=[[0, 1], [2, 3]]))
    assert drawn.caption.startswith("The mean of the heads 1.2, 3.4")
    flat = pictures.head(one_head(WEIGHTS, "abcd", chosen=[0, 1, 2, 3]))  # as NetCDF would have it
    assert flat.caption == drawn.caption


def test_a_score_is_the_sum_of_its_terms() -> None:
    trace = one_head(WEIGHTS, "abcd")
    drawn = pictures.neurons(trace, query=3, key=1)
    assert drawn.data["key"].unique().tolist() == [3, 2, 1, 0], "the heaviest first"
    sums = drawn.data.groupby("key")["product"].sum()
    np.testing.assert_allclose(sums, trace["scores"][3], atol=1e-5)
    np.testing.assert_allclose(drawn.chart.data[0].z.sum(-1)[::-1], trace["scores"][3], atol=1e-5)
    assert "A row's sum is its score." in drawn.caption
    assert drawn.chart.layout.shapes[0].y0 == 1.5
    trace["scores"] = trace["scores"] - 1
    assert "less what its distance costs" in pictures.neurons(trace, query=3).caption


def test_a_pair_has_its_numbers_and_their_products() -> None:
    trace = one_head(WEIGHTS, "abcd")
    drawn = pictures.pair(trace, query=2, key=1)
    np.testing.assert_allclose(drawn.data["q"], trace["q"][2])
    np.testing.assert_allclose(drawn.data["k"], trace["k"][1])
    np.testing.assert_allclose(drawn.data["product"], trace["q"][2] * trace["k"][1] / 2)
    np.testing.assert_allclose(drawn.chart.data[2].y, drawn.data["product"])
    formulas = shown.formulas(trace, 2, 1, pictures.products(trace, 2, [1])[0])
    assert formulas[0].endswith(f"{float(trace['scores'][2, 1]):.3f}")
    assert formulas[-1].endswith("= 0.7626")


def test_what_the_tests_found_stands_beside_chance() -> None:
    trace = all_heads(2, 2, 20, "first")
    drawn = pictures.verdicts(trace, layer=1, head=0)
    np.testing.assert_allclose(drawn.chart.data[0].x, trace["score"][1, 0])
    np.testing.assert_allclose(drawn.chart.data[1].x, trace["chance"])
    assert drawn.data["named"].tolist() == [name == "first" for name in TESTS]
    assert "It looks at the first token." in drawn.caption
    trace["score"][1, 0, 3] = np.nan
    assert "induction · –" in pictures.verdicts(trace, layer=1).chart.layout.yaxis.ticktext
    assert "it has no name" in pictures.verdicts(all_heads(1, 1, 20)).caption


def test_what_is_noticed_follows_from_the_tests() -> None:
    trace = all_heads(2, 2, 20)
    trace["name"].values[:] = [["previous", ""], ["first", "previous"]]
    trace["excess"].values[:] = 0.1
    trace["excess"].values[0, 0, [0, 4, 5]] = 0.4
    said = notices.findings(trace, 0, 0)
    assert said[0] == (
        "Heads that pass a test at this step: 3 of 4 (token before 2, first token 1).")
    assert "The sharpest is head 1.1" in said[1]
    assert "the most spread is 2.2, with 4.0" in said[1]
    assert said[2] == ("**Head 1.1**: 0.50 of its weight goes to the token before; of even weights "
                       "it would be 0.10. It also passes: separators.")
    assert "passes none of the six" in notices.findings(trace, 0, 1)[-1]
    assert "at this step: none of 1." in notices.answer(all_heads(1, 1, 20))
    assert "at least 12" in notices.answer(all_heads(1, 1, 3))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_small_picture_is_read_back_by_a_second_reader(theme: Any) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(8, 32)
    read = Image.open(io.BytesIO(png(levels, palette(theme))))
    np.testing.assert_array_equal(np.asarray(read), levels)
    colour = "#" + "".join(f"{part:02X}" for part in read.convert("RGB").getpixel((31, 7)))
    assert colour == palette(theme).sequential[-1]


def test_the_small_pictures_are_the_levels() -> None:
    trace = all_heads(2, 3, 30, "induction")
    data = shown.thumbnails(trace, (1, 2), palette("dark"))
    assert (data["selected"], [len(layer["heads"]) for layer in data["layers"]]) == ([1, 2], [3, 3])
    head = data["layers"][1]["heads"][2]
    read = Image.open(io.BytesIO(base64.b64decode(head["source"].split(",")[1])))
    np.testing.assert_array_equal(np.asarray(read), trace["thumbnail"][1, 2])
    assert (head["number"], head["name"], head["score"]) == ("2.3", "induction", "0.50")
    assert head["says"].startswith("Layer 2, head 3: it looks at what came after")
    assert "the largest of 4 × 4 weights" in shown.caption(all_heads(1, 1, 256))
    assert "largest" not in shown.caption(all_heads(1, 1, 64))


def test_no_message_is_above_300_kb_for_six_layers_of_eight_heads_and_256_tokens() -> None:
    """Of weights without a pattern, the worst to be made small; names as long as they get."""
    trace = all_heads(6, 8, 256, "induction")
    grid = json.dumps(shown.thumbnails(trace, (0, 0), palette("light")))
    one = one_head(random_attention(256, 256), "<" * 128 + "é" * 128, d=128)
    messages = {
        "grid": grid, "lines": json.dumps(shown.lines_of(one, 255, False, 0, "head")),
        "head": pictures.head(one, query=3).chart.to_json(),
        "neurons": pictures.neurons(one, query=255).chart.to_json(),
        "pair": pictures.pair(one, query=255).chart.to_json(),
        "tests": pictures.verdicts(trace).chart.to_json()}
    sizes = {name: len(message.encode()) for name, message in messages.items()}
    assert max(sizes.values()) < LONGEST, sizes
    assert sizes["grid"] > 100_000, "they are all in it"


def test_the_widest_head_keeps_to_it_too() -> None:
    one = one_head(random_attention(256, 256), "a" * 256, d=1024)
    assert len(pictures.neurons(one, query=255).chart.to_json()) < LONGEST


@pytest.mark.parametrize(("query", "first", "last"), [(0, 0, 31), (31, 0, 31), (32, 32, 63),
                                                      (69, 64, 69)])
def test_lines_are_drawn_in_the_stretch_of_the_query(query: int, first: int, last: int) -> None:
    one = one_head(random_attention(70, 70), "a" * 70)
    data = shown.lines_of(one, query, hide=False, threshold=0.1, heatmap="head")
    assert (data["offset"], data["selected"], data["faint"]) == (first, query - first, 0.1)
    stretch = slice(first, last + 1)
    np.testing.assert_allclose(data["weights"], one["attention"][stretch, stretch], atol=6e-5)
    inside = float(one["attention"][stretch, stretch].sum()) / (last + 1 - first)
    assert f"{1 - inside:.0%} of their weight" in shown.lines_caption(one, query, False)


def test_lines_of_a_hidden_query_mark_none() -> None:
    data = shown.lines_of(one_head(WEIGHTS, "a b<"), 1, hide=True, threshold=0, heatmap="head")
    assert (data["read"], data["selected"]) == (["a", "b"], -1)
    assert set(data) == set(picture(one_head(WEIGHTS, "abcd").expand_dims(["layer", "head"])
                                    .assign_coords(key_unknown=("key", [False] * 4)), 0, "x"))


@pytest.mark.parametrize(("event", "chosen"), [
    ({"layer": 1, "head": 2}, (1, 2)), ({"layer": 2, "head": 0}, None),
    ({"layer": 0, "head": -1}, None), ({"layer": "0", "head": 0}, None), ({"layer": 0}, None),
    ("0", None), (None, None)])
def test_only_a_head_that_is_there_can_be_chosen(event: object, chosen: object) -> None:
    assert shown.admit(event, 2, 3) == chosen
