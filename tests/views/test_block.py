"""Figure = trace: a tensor whole, the stream, the gradient by layer."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from explorer.views import figure
from explorer.views.block import ACROSS, LIKELIEST, lengths
from explorer.views.block_parts import (
    SHARES,
    TENSORS,
    formula,
    order,
    plane,
    row,
    shape,
    sums,
    told,
    whole,
    window,
)
from explorer.views.gates import CELLS
from explorer.views.gradient_by_layer import NAMES, findings, passed

UNITS = ("before", "attention_reads", "attended", "attended_sum", "middle", "feed_reads", "fed",
         "fed_sum", "after")


def made(T: int = 5, W: int = 6, V: int = 50, of: int | None = None) -> xr.Dataset:
    """Two layers of two heads with numbers of no meaning."""
    rng = np.random.default_rng(2)

    def drawn(*sizes: int) -> np.ndarray:
        return rng.normal(size=sizes).astype(np.float32)

    rows = np.exp(drawn(2, 2, T, T)) * np.tri(T, dtype=np.float32)
    labels = ["<b>" if i % 2 else "\n" for i in range(T)]
    return whole(xr.Dataset(
        {name: (("layer", "token", "unit"), drawn(2, T, W)) for name in UNITS}
        | {name: (("layer", "head", "token", "number"), drawn(2, 2, T, W // 2))
           for name in ("q", "k", "v", "mixed")}
        | {"attention": (("layer", "head", "query", "key"), rows / rows.sum(-1, keepdims=True)),
           "active": (("layer", "token", "neuron"), drawn(2, T, 4 * W)),
           "embedding": (("token", "unit"), drawn(T, W)), "final": (("token", "unit"), drawn(T, W)),
           "logits": (("token", "vocabulary"), drawn(T, V))},
        {"label": ("token", labels), "vocabulary": [f"v{i}" for i in range(V)]},
        {"of": of or T}))


def deciphered(T: int = 5, S: int = 7, W: int = 6) -> xr.Dataset:
    """Likewise, of a decoder that looks at a source."""
    rng, trace = np.random.default_rng(3), made(T, W)

    def drawn(*sizes: int) -> np.ndarray:
        return rng.normal(size=sizes).astype(np.float32)

    rows = np.exp(drawn(2, 2, T, S))
    return trace.assign(
        {name: (("layer", "token", "unit"), drawn(2, T, W))
         for name in ("look_reads", "looks", "looks_sum", "looked")}
        | {name: (("layer", "head", "source", "number"), drawn(2, 2, S, W // 2))
           for name in ("look_k", "look_v")}
        | {name: (("layer", "head", "token", "number"), drawn(2, 2, T, W // 2))
           for name in ("look_q", "look_mixed")}
        | {"look_attention": (("layer", "head", "query", "source"),
                              rows / rows.sum(-1, keepdims=True))}).assign_coords(
        source_label=("source", [f"s{i}" for i in range(S)]))


@pytest.mark.parametrize("name", [name for name in TENSORS if name != "position"])
def test_every_tensor_is_drawn_as_it_is(name: str) -> None:
    trace = deciphered()
    drawn = figure("block tensor", trace, observation=name, layer=1, head=1, token=2)
    values = plane(trace, name, 1, 1).values
    if name in ("logits", "probability"):
        likeliest = np.argsort(-values[2], kind="stable")[:LIKELIEST]
        values = values[:, likeliest]
        assert f"the {LIKELIEST} likeliest" in drawn.caption
        assert list(drawn.data["column_label"][:2]) == [f"v{i}" for i in likeliest[:2]]
    np.testing.assert_array_equal(drawn.chart.data[0].z, values)
    np.testing.assert_array_equal(drawn.data["value"], values.ravel())
    assert "<b>" not in "".join(drawn.chart.layout.yaxis.ticktext)
    assert shape(trace, name).replace("×", " × ") in drawn.chart.layout.title.text
    frame = drawn.chart.layout.shapes[0]
    place = row(trace, name, 1, 2)
    assert (frame.y0, frame.y1) == (place + 0.5, place + 1.5)
    assert (drawn.chart.data[0].zmin == 0) == (name in SHARES)


def test_of_the_source_the_token_is_framed_that_is_looked_at_most() -> None:
    trace = deciphered()
    mean = trace["look_attention"].values[1].mean(0)
    assert [row(trace, "look_k", 1, token) for token in range(5)] == mean.argmax(-1).tolist()
    assert row(trace, "look_attention", 1, 2) == row(trace, "look_q", 1, 2) == 2
    drawn = figure("block tensor", trace, observation="look_attention", layer=1, token=2)
    assert list(drawn.chart.layout.xaxis.ticktext) == [f"s{i}" for i in range(7)]
    keys = figure("block tensor", trace, observation="look_k", layer=1, token=2)
    assert list(keys.chart.layout.yaxis.ticktext) == [f"s{i}" for i in range(7)]


def test_probabilities_are_the_softmax_of_the_logits() -> None:
    trace = made()
    powers = np.exp(trace["logits"].values.astype(float))
    np.testing.assert_allclose(trace["probability"], powers / powers.sum(-1, keepdims=True),
                               atol=1e-6)


def test_what_is_too_large_is_cropped_around_the_token_and_said() -> None:
    trace = made(T=256, W=96, of=2001)
    drawn = figure("block tensor", trace, observation="active", token=200)
    rows = len(drawn.chart.data[0].z)
    assert rows * 4 * 96 <= CELLS
    assert f"Drawn: {rows} of 256 tokens" in drawn.caption
    assert "The first 256 of 2001 tokens were read" in drawn.caption
    pair = deciphered().assign_attrs(source_of=61, source_read=7)
    assert figure("block tensor", pair, observation="after").caption.endswith(
        "Of the source's 61 tokens only the first 7 are read.")
    assert 201 in set(drawn.data["row"])
    assert len(drawn.chart.to_json()) < 300_000
    attention = figure("block tensor", trace, observation="attention", token=200)
    assert attention.chart.data[0].z.shape == (ACROSS, ACROSS)
    assert f"Drawn: {ACROSS} of 256 columns" in attention.caption
    assert len(attention.chart.to_json()) < 300_000


@pytest.mark.parametrize(("count", "most", "place", "found"), [
    (5, 9, 3, slice(0, 5)), (10, 4, 0, slice(0, 4)), (10, 4, 9, slice(6, 10)),
    (10, 4, 5, slice(3, 7))])
def test_a_window_holds_its_place(count: int, most: int, place: int, found: slice) -> None:
    assert window(count, most, place) == found


@pytest.mark.parametrize("look", [False, True])
@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_the_order_of_a_block(norm: str, look: bool) -> None:
    names = [name for name, _sign in order(norm, True, look)]
    assert len(set(names)) == len(names)
    assert set(names) <= set(TENSORS)
    added = [name for name, sign in order(norm, True, look) if sign == "+"]
    assert added == (["attended_sum", *(["looks_sum"] if look else []), "fed_sum"]
                     if norm == "post" else ["middle", *(["looked"] if look else []), "after"])
    parts = sums(deciphered() if look else made())
    assert [parts[name][1] for name in added] == ["attended", *(["looks"] if look else []), "fed"]
    assert parts["after"][0] == ("looked" if look else "middle")
    assert "+" not in [sign for _name, sign in order(norm, False, look)]
    assert ("attention_reads" in names) == (norm == "pre")
    assert ("look_reads" in names) == (norm == "pre" and look)
    assert ("looked" in names) == look


def test_formulas_say_how_a_block_is_built() -> None:
    trace, decoder = made(), deciphered()
    assert r"\mathrm{LN}(x)" in formula("q", trace, "pre", True, True)
    assert r"\mathrm{LN}" not in formula("q", trace, "post", True, True)
    assert formula("middle", trace, "post", True, True) == r"x' = \mathrm{LN}(x + f(x))"
    assert formula("after", trace, "none", False, True).endswith("= g(x')")
    assert formula("after", decoder, "none", False, True).endswith("= g(x'')")
    assert formula("after", decoder, "post", True, True) == (
        r"x^{(l+1)} = \mathrm{LN}(x'' + g(x''))")
    assert formula("looked", decoder, "post", True, True) == r"x'' = \mathrm{LN}(x' + c(x'))"
    assert formula("looked", decoder, "pre", False, True) == "x'' = c(x')"
    assert formula("logits", trace, "none", True, False) == r"z = x^{(N)}\, W^\top + b"
    for name in TENSORS:
        assert "LN" not in formula(name, decoder, "none", True, True) or name in (
            "attention_reads", "look_reads", "feed_reads", "final")
    assert [told(name, decoder).letter for name in ("middle", "looked", "fed_sum", "after")] == [
        "x′", "x″", "x″ + g", "x‴"]
    read = trace.assign_attrs(side="encoder")
    assert "mask" in formula("attention", trace, "pre", True, True)
    assert "mask" not in formula("attention", read, "pre", True, True)
    assert formula("final", read, "pre", True, True) == r"M = \mathrm{LN}(x^{(N)})"


def test_the_lengths_on_the_stream() -> None:
    assert "looks" not in lengths(made(), 3)
    trace = deciphered()
    drawn = figure("residual stream", trace, token=3)
    for name, bar in zip(("attended", "looks", "fed", "after"), drawn.chart.data, strict=True):
        want = np.linalg.norm(trace[name].values[:, 3], axis=-1)
        np.testing.assert_allclose(bar.y, want, rtol=1e-6)
        np.testing.assert_allclose(lengths(trace, 3)[name], want, rtol=1e-6)


def measured(lost: float = 1.0) -> xr.Dataset:
    gradient = np.ones((6, 3))
    gradient[-1] = [1e-6, 1e-3, 1.0]
    gradient[0, 2] = np.nan
    alike = np.full((6, 3), 0.2)
    alike[4] = lost
    return xr.Dataset(
        {"gradient": (("variant", "layer"), gradient), "alike": (("variant", "layer"), alike)},
        {"variant": list(NAMES), "layer": [1, 2, 3]},
        {"layers": 3, "norm": "pre", "kind": "transformer", "tokens": 5, "of": 9})


def test_the_gradient_by_layer_is_drawn_as_it_is() -> None:
    trace = measured()
    drawn = figure("gradient by layer", trace)
    left = drawn.chart.data[::2]
    assert [len(line.y) for line in left] == [2, 3, 3, 3, 3, 3]
    np.testing.assert_array_equal(left[-1].y, [1e-6, 1e-3, 1.0])
    np.testing.assert_array_equal(drawn.chart.data[9].y, [1.0] * 3)
    assert "The first 5 of 9 tokens" in drawn.caption
    assert len(drawn.data) == 18
    assert len({(line.line.dash, line.marker.symbol) for line in left}) == len(NAMES)


def test_what_is_found_is_true() -> None:
    assert passed(measured(), "neither") == pytest.approx(1e-6)
    said = " ".join(findings(measured()))
    assert "1.0e-06 times" in said
    assert "**1.000**, against 0.20" in said
    assert "stack more blocks" in " ".join(findings(measured(lost=0.5)))


def test_that_a_norm_stretches_a_gradient_is_said_only_where_it_does() -> None:
    canned = "a norm stretches"
    assert canned in findings(measured())[1]
    shrunk, whole = measured(), measured()
    shrunk["gradient"][4, 0] = 0.03
    assert findings(shrunk)[1] == (
        "With norms and no residual paths it is 0.03 times as long.")
    whole["gradient"][5] = 1.0
    assert canned not in findings(whole)[1], "nothing has shrunk"
    one = measured().isel(layer=[0]).assign_attrs(layers=1)
    assert canned not in " ".join(findings(one))
    assert "of 1 blocks" not in " ".join(findings(one))
    assert "the first is the last" in findings(one)[0]
