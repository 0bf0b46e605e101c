"""The small pictures lose nothing, and one head is exactly what the network computed."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import DataError
from explorer.models import Model
from explorer.probes import Opened, head, heads, mean_of_heads
from explorer.probes.heads import SIDE, thumbnails
from explorer.probes.stacks import trace_stack
from explorer.views.head_notices import passed
from tests.probes.conftest import open_trained

TEXT = "the cat (a fat cat) sat on the mat. "


@pytest.fixture(scope="module", params=["rotary", "alibi"])
def small(request: pytest.FixtureRequest) -> Opened:
    return open_trained(Model.parse({
        "kind": "transformer", "hidden": 16, "layers": 2, "heads": 4,
        "positions": request.param}))


def test_the_small_pictures_are_the_weights_in_256_levels(small: Opened) -> None:
    found, whole = heads(small, TEXT), trace_stack(small, TEXT)
    assert (found.attrs["cell"], found["thumbnail"].dtype) == (1, np.uint8)
    levels = found["thumbnail"].values / 255
    np.testing.assert_allclose(levels, np.sqrt(whole["attention"]), atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("length", [1, SIDE, SIDE + 1, 130, 256])
def test_a_cell_is_the_largest_weight_under_it(length: int) -> None:
    attention = np.random.default_rng(length).random((2, 3, length, length))
    small, cell = thumbnails(attention)
    side = -(-length // cell)
    assert small.shape == (2, 3, side, side)
    assert side <= SIDE
    for row, column in {(0, 0), (side - 1, side - 1), (side // 2, side // 3)}:
        under = attention[..., row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
        level = np.rint(255 * np.sqrt(under.max((-2, -1))))
        np.testing.assert_array_equal(small[..., row, column], level)


def test_one_loud_weight_of_a_long_text_stays_as_loud() -> None:
    attention = np.zeros((1, 1, 256, 256))
    attention[0, 0, 201, 17] = 1
    assert thumbnails(attention)[0].max() == 255


def test_one_head_is_what_the_network_computed(small: Opened) -> None:
    whole = trace_stack(small, TEXT)
    one = head(small, TEXT, layer=1, head=2)
    for name in ("q", "k", "scores", "attention"):  # the block below ran fused
        np.testing.assert_allclose(one[name], whole[name][1, 2], atol=1e-5)
    assert one["label"].values.tolist() == whole["label"].values.tolist()
    d = one.sizes["number"]
    by_hand = one["q"].values @ one["k"].values.T / np.sqrt(d)
    apart = float(np.abs(by_hand - one["scores"].values).max())
    assert (apart > 0.1) == (small.experiment.model.positions == "alibi"), "else the product alone"
    lower = np.tril(np.exp(one["scores"].values - one["scores"].values.max()))
    np.testing.assert_allclose(one["attention"], lower / lower.sum(-1, keepdims=True), atol=1e-6)
    assert (one.attrs["layer"], one.attrs["head"]) == (1, 2)


@pytest.mark.parametrize("layers", [1, 2])
def test_an_aaren_asks_the_same_at_every_token_and_its_trace_says_so(layers: int) -> None:
    opened = open_trained(Model.parse(
        {"kind": "aaren", "hidden": 16, "heads": 2, "layers": layers}), steps=3)
    found = trace_stack(opened, TEXT)
    q = np.stack([block.mix.query.detach() for block in opened.network.blocks])  # type: ignore
    np.testing.assert_array_equal(found["q"], np.repeat(q[:, :, None], len(TEXT), 2))
    np.testing.assert_allclose(
        found["scores"].values, found["q"].values @ found["k"].values.swapaxes(-1, -2) / np.sqrt(8),
        atol=1e-5)


def test_the_mean_of_heads(small: Opened) -> None:
    whole = trace_stack(small, TEXT)["attention"].values
    mean = mean_of_heads(small, TEXT, chosen=[[0, 1], [1, 3], [1, 0]])
    np.testing.assert_allclose(mean["attention"], (whole[0, 1] + whole[1, 3] + whole[1, 0]) / 3,
                               atol=1e-7)
    np.testing.assert_allclose(mean["attention"].sum("key"), 1, atol=1e-5)


def test_what_is_not_there_is_refused_in_words(small: Opened) -> None:
    with pytest.raises(DataError, match="no head 5 in layer 1: this network has 2 layers of 4"):
        head(small, TEXT, layer=0, head=4)
    with pytest.raises(DataError, match="no head 1 in layer 0"):
        mean_of_heads(small, TEXT, chosen=[[0, 0], [-1, 0]])
    with pytest.raises(DataError, match="No head is chosen"):
        mean_of_heads(small, TEXT, chosen=[])
    with pytest.raises(DataError, match="nothing to read"):
        heads(small, "")


def test_one_token_and_too_many(small: Opened) -> None:
    one = heads(small, "t")
    assert one["thumbnail"].values.tolist() == [[[[255]]] * 4] * 2
    assert (one["name"].values == "").all()
    assert np.isnan(one["score"].values).all()
    many = heads(small, "t" * 2001)
    assert (many.sizes["token"], many.attrs["of"], many.attrs["cell"]) == (256, 2001, 4)
    assert many["thumbnail"].shape == (2, 4, 64, 64)


def test_its_weights_are_spread_over_so_many_keys(small: Opened) -> None:
    attention = trace_stack(small, TEXT)["attention"].values.astype(np.float64)
    entropy = -np.where(attention > 0, attention * np.log(np.maximum(attention, 1e-300)), 0).sum(-1)
    np.testing.assert_allclose(heads(small, TEXT)["spread"], np.exp(entropy).mean(-1), rtol=1e-4)


def test_the_views_judge_as_the_probe_does(small: Opened) -> None:
    """A head has a name exactly when it passes a test, by what the trace itself says."""
    found = heads(small, TEXT * 3)
    for layer in range(2):
        for place in range(4):
            assert bool(found["name"].values[layer, place]) == bool(passed(found, layer, place))
