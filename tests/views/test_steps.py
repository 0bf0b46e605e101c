"""Figure = trace: the matrices of every step, and what heads cost."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from explorer.views import figure
from explorer.views.matrix import HIDDEN
from explorer.views.palette import contrast, palette
from explorer.views.steps import LETTERS, MEANINGS, heads_said, notices, stages, where

NAMES = ["<b>a</b>", " ", "a rather long name of a token"]


def made(T: int = 3, d: int = 4, positions: str = "rotary", of: int | None = None) -> xr.Dataset:
    """A head with numbers of no meaning, but each step from the one before."""
    rng = np.random.default_rng(1)
    reads, weights = rng.normal(size=(T, 6)), rng.normal(size=(3, 6, d))
    q, k, v = reads @ weights
    scores = q @ k.T / np.sqrt(d)
    masked = np.where(np.tri(T, dtype=bool), scores, -np.inf)
    powers = np.exp(masked - masked.max(1, keepdims=True))
    attention = powers / powers.sum(1, keepdims=True)
    across = ("query", "key")
    parts = {f"weight_{name}": (("input", "number"), w) for name, w in zip("qkv", weights,
                                                                          strict=True)}
    names = [NAMES[i % 3] for i in range(T)]
    return xr.Dataset(
        {"reads": (("query", "input"), reads), "q": (("query", "number"), q),
         "k": (("key", "number"), k), "v": (("key", "number"), v),
         "straight_q": (("query", "number"), q), "straight_k": (("key", "number"), k),
         "products": (across, q @ k.T), "scaled": (across, scores), "scores": (across, scores),
         "masked": (across, masked), "attention": (across, attention),
         "mixed": (("query", "number"), attention @ v)} | parts
        | ({"bias": (across, -np.abs(np.subtract.outer(np.arange(T), np.arange(T))) / 2)}
           if positions == "alibi" else {}),
        {"query_label": ("query", names), "key_label": ("key", names)},
        {"positions": positions, "of": of or T})


@pytest.mark.parametrize("positions", ["rotary", "alibi", "none"])
def test_every_matrix_of_every_step_is_drawn_as_it_is(positions: str) -> None:
    trace = made(positions=positions)
    told = stages(trace)
    assert len(told) == (9 if positions == "alibi" else 8)
    assert all(name == stage.made for name, stage in told.items())
    for name, stage in told.items():
        for place, each in enumerate(stage.shown):
            drawn = figure("attention step", trace, stage=name, place=place, query=1, key=0,
                           number=2)
            values = trace[each.name].values.T if each.flipped else trace[each.name].values
            seen = np.where(np.isfinite(values), values, np.nan)
            np.testing.assert_array_equal(drawn.chart.data[0].z, seen)
            np.testing.assert_array_equal(drawn.data["value"], values.ravel())
            size = f"{values.shape[0]} × {values.shape[1]}"
            assert size in drawn.chart.layout.title.text
            assert size in drawn.caption
            assert "<b>a" not in str(drawn.chart.layout.yaxis.ticktext)


def test_steps_lead_from_one_to_the_next() -> None:
    for positions in ("rotary", "alibi", "none"):
        known = {"reads", "weight_q", "weight_k", "weight_v", "bias", "straight_q", "straight_k"}
        for stage in stages(made(positions=positions)).values():
            assert {each.name for each in stage.shown[:-1]} <= known
            known.add(stage.made)
        assert known <= set(LETTERS) & set(MEANINGS)


def test_scores_have_the_same_colours_before_and_after_the_scale() -> None:
    trace = made()
    before, after = (figure("attention step", trace, stage="scaled", place=place)
                     for place in (0, 1))
    most = float(np.abs(trace["products"]).max())
    assert before.chart.data[0].zmax == after.chart.data[0].zmax == most
    weights = figure("attention step", trace, stage="attention", place=1).chart.data[0]
    assert (weights.zmin, weights.zmax) == (0, 1)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_few_numbers_are_written_and_can_be_read(theme: str) -> None:
    trace, colours = made(), palette(theme)  # type: ignore[arg-type]
    drawn = figure("attention step", trace, stage="masked", place=1, theme=theme)
    numbers = drawn.chart.data[1]
    assert list(numbers.text).count(HIDDEN) == 3
    reach = drawn.chart.data[0].zmax
    for value, ink in zip(trace["masked"].values.ravel(), numbers.textfont.color, strict=True):
        shade = colours.shade(value, True, reach) if np.isfinite(value) else colours.background
        assert contrast(ink, shade) >= 4


def test_what_is_looked_at_is_framed() -> None:
    trace = made()
    drawn = figure("attention step", trace, stage="products", place=1, query=1, key=0, number=2)
    frames = drawn.chart.layout.shapes  # of Kᵀ (number × key)
    assert [(f.y0, f.y1) for f in frames] == [(2.5, 3.5), (0.5, 4.5)]
    assert [(f.x0, f.x1) for f in frames] == [(0.5, 3.5), (0.5, 1.5)]


def test_a_crop_is_said() -> None:
    drawn = figure("attention step", made(of=2001), stage="q", place=3)
    assert "the first 3 of 2001 tokens" in drawn.caption
    assert "Drawn" not in figure("attention step", made(), stage="q", place=3).caption


def test_what_is_noticed_is_true() -> None:
    trace = made(T=1)
    assert any("**1.00**" in said for said in notices(trace, 0))
    assert where(trace, 0) == "itself"
    trace = made()
    said = " ".join(notices(trace, 2))
    weights = trace["attention"].values[2]
    assert f"**{weights.max():.2f}**" in said
    assert "hides 3 of 9 pairs" in said
    assert where(trace, 1) == ("itself" if trace["attention"].values[1].argmax() else "before")


def cost(parts: dict[str, list[int]]) -> xr.Dataset:
    values = np.array([parts["projection"], parts["split"]])
    return xr.Dataset(
        dict.fromkeys(("parameters", "parameters_formula", "flops", "flops_formula"),
                      (("way", "heads"), values)),
        {"way": ["projection", "split"], "heads": [1, 2]}, {"width": 6, "tokens": 5})


def test_the_cost_of_heads() -> None:
    trace = cost({"projection": [100, 100], "split": [100, 60]})
    drawn = figure("cost of heads", trace, now=2)
    assert [list(each.y) for each in drawn.chart.data] == [[100, 100]] * 2 + [[100, 60]] * 2
    free, less = heads_said(trace)
    assert "heads are free: 100 parameters and 100 FLOPs, whether there are 1, 2" in free
    assert "2 heads need 60% of the parameters" in less
    assert list(drawn.data["parameters"]) == [100, 100, 100, 60]
    assert "are free" not in heads_said(cost({"projection": [9, 8], "split": [9, 8]}))[0]
