"""Figure = trace: encodings, rotations, lowered scores; where each breaks."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from explorer.probes.positions import positions
from explorer.views import figure
from explorer.views.places import breaks, broken_at, holding, lost
from explorer.views.position_notices import encoding
from explorer.views.positions import first_waves
from explorer.views.rotations import ACROSS, degrees, shown_pairs

THEMES = ("light", "dark")


@pytest.fixture(scope="module")
def sines() -> xr.Dataset:
    return positions("sinusoidal", length=40, width=16, distance=3)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["sinusoidal", "rotary", "learned"])
def test_the_heatmap_is_the_encoding(kind: str, theme: Any) -> None:
    trace = positions(kind, length=40, width=16)
    drawn = figure("position heatmap", trace, theme=theme)
    np.testing.assert_allclose(drawn.chart.data[0].z, trace["encoding"].values.T, atol=1e-7)
    assert drawn.chart.data[0].zmin == -drawn.chart.data[0].zmax
    table = drawn.data.pivot(index="place", columns="number", values="value")
    np.testing.assert_array_equal(table.values, trace["encoding"])
    assert ("at random" in drawn.caption) == (kind == "learned")


def test_a_large_one_is_cropped_and_says_so() -> None:
    trace = positions("sinusoidal", length=512, width=128)
    drawn = figure("position heatmap", trace)
    assert drawn.chart.data[0].z.size <= 42_000
    assert "the first 328 of 512 places" in drawn.caption


def test_waves_are_columns(sines: xr.Dataset) -> None:
    drawn = figure("position waves", sines, numbers=[0, 3, 99])
    assert len(drawn.chart.data) == 2
    for line, number in zip(drawn.chart.data, (0, 3), strict=True):
        np.testing.assert_array_equal(line.y, sines["encoding"][:, number])
    assert first_waves(4) == [0, 1]


@pytest.mark.parametrize("theme", THEMES)
def test_products_by_distance(sines: xr.Dataset, theme: Any) -> None:
    drawn = figure("position products", sines, theme=theme)
    for line, dot in zip(drawn.chart.data, sines["dot"].values, strict=True):
        np.testing.assert_array_equal(line.y, dot)
    assert len(drawn.data) == np.isfinite(sines["dot"].values).sum()
    assert "are the same" in drawn.alt
    assert "differ" in figure("position products", positions("learned")).alt


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", ["sinusoidal", "rotary"])
def test_circles_are_pairs_and_where_they_are_so_many_places_on(kind: str, theme: Any) -> None:
    trace = positions(kind, length=40, width=16, distance=3)
    drawn = figure("position circles", trace, place=5, theme=theme)
    points = [line for line in drawn.chart.data if line.mode == "lines+markers"]
    for pair, here, there in zip(shown_pairs(16), points[::2], points[1::2], strict=True):
        both = slice(2 * pair, 2 * pair + 2)
        np.testing.assert_allclose([here.x[1], here.y[1]], trace["encoding"][5, both])
        np.testing.assert_allclose([there.x[1], there.y[1]], trace["encoding"][8, both],
                                   atol=1e-12)
    arcs = [line for line in drawn.chart.data if line.mode == "lines"][1::2]
    for arc, there in zip(arcs, points[1::2], strict=True):  # it ends where the pair is then
        np.testing.assert_allclose(np.array([arc.x[-1], arc.y[-1]]) / 0.62,
                                   [there.x[1], there.y[1]], atol=1e-9)


def test_circles_of_a_small_vector() -> None:
    drawn = figure("position circles", positions("rotary", width=4))
    assert len([line for line in drawn.chart.data if line.mode == "lines+markers"]) == 4
    assert len(shown_pairs(4)) < ACROSS


def test_angles_and_wavelengths(sines: xr.Dataset) -> None:
    drawn = figure("position angles", sines)
    turned, _, wave, _ = drawn.chart.data
    np.testing.assert_allclose(turned.y, np.degrees(3 * sines["frequency"].values))
    np.testing.assert_allclose(wave.y, sines["wavelength"])
    assert degrees(1) == "57.3°"
    assert degrees(8) == "458° ≙ 98°"


@pytest.mark.parametrize("theme", THEMES)
def test_lowered_scores(theme: Any) -> None:
    trace = positions("alibi", length=60, heads=2)
    np.testing.assert_array_equal(
        figure("lowered scores", trace, head=1, theme=theme).chart.data[0].z, trace["bias"][1])
    for line, values in zip(figure("slopes", trace, theme=theme).chart.data,
                            trace["lowered"].values, strict=True):
        np.testing.assert_array_equal(line.y, values)


@pytest.mark.parametrize(("kind", "words"), [
    ("sinusoidal", "is the vector of place p + k"), ("rotary", "is the vector of place p + k"),
    ("alibi", "one looks near, the other far"), ("none", "Nothing is told"),
    ("learned", "differ")])
def test_what_is_said_of_each(kind: str, words: str) -> None:
    said = " ".join(encoding(positions(kind))).replace("**", "")
    assert words in said
    assert ("d / 2" in said) == (kind in ("sinusoidal", "rotary"))


WINDOW, BINS = 8, 16


def measured(**bits: list[float]) -> xr.Dataset:
    """As `ui.positions.together` has it, with bins of two places."""
    first = np.arange(0, 2 * BINS, 2.0)
    rows = np.array([row + [np.nan] * (BINS - len(row)) for row in bits.values()])
    known = [2 * len(row) if len(row) < BINS else 0 for row in bits.values()]
    there = np.isfinite(rows)
    shuffled = np.array([[[1.0, 1.0], [np.nan, np.nan], [1.0 + i, 2.0 + i]]
                         for i in range(len(bits))])
    shuffled[-1] = 1.0
    return xr.Dataset(
        {"bits": (("positions", "bin"), rows), "error": (("positions", "bin"), rows * 0 + 0.01),
         "first": (("positions", "bin"), np.where(there, first, np.nan)),
         "last": (("positions", "bin"), np.where(there, first + 1, np.nan)),
         "known": ("positions", known),
         "shuffled": (("positions", "order", "draw"), shuffled)},
        {"positions": list(bits), "order": ["written", "words", "tokens"]},
        {"window": WINDOW, "stretches": 50, "independent": 50, "contexts": 5, "tokens": 100,
         "held_out": 1, "given": 0})


@pytest.fixture
def known() -> xr.Dataset:
    return measured(sinusoidal=[2.0] * 4 + [5.0] * 12, learned=[2.0] * 4 + [4.0] * 4,
                    rotary=[2.0] * 6 + [4.0, 2.0] + [5.0] * 8, alibi=[2.0] * 16,
                    none=[3.0] * 16)


def test_where_each_breaks(known: xr.Dataset) -> None:
    at = {str(kind): broken_at(known.sel(positions=kind), WINDOW)
          for kind in known["positions"].values}
    assert at == {"sinusoidal": 9, "learned": 9, "rotary": 17, "alibi": None, "none": None}
    said = " ".join(breaks(known))
    assert "**sinusoidal** breaks at about place 9: from 2.00 bits inside the window" in said
    assert "at place 16. It has learnt 16 places: a longer text is refused" in said
    assert "**ALiBi** holds" in said
    assert "Unbroken at place 32: ALiBi, none. The best of these is ALiBi, with 2.00" in holding(
        known)
    assert "None of them" in holding(known.sel(positions=["sinusoidal", "rotary"]))


def test_a_difference_that_is_not_clear_is_no_break() -> None:
    trace = measured(rotary=[2.0] * 4 + [2.3] * 12)
    assert broken_at(trace.sel(positions="rotary"), WINDOW) == 9
    trace["error"] = trace["error"] * 0 + 0.2
    assert broken_at(trace.sel(positions="rotary"), WINDOW) is None


def test_nothing_is_said_of_a_text_too_short(known: xr.Dataset) -> None:
    known.attrs["independent"] = 7
    assert "too short to say" in holding(known)
    assert "too short to say" in " ".join(breaks(known))
    known.attrs["independent"] = 1
    known["error"] = known["error"] * np.nan
    drawn = figure("loss by place", known)
    assert len(drawn.chart.data) == 5  # no bands
    assert "read once" in drawn.caption


@pytest.mark.parametrize("theme", THEMES)
def test_curves_are_drawn_as_far_as_each_knows(known: xr.Dataset, theme: Any) -> None:
    drawn = figure("loss by place", known, theme=theme)
    lines = [line for line in drawn.chart.data if line.mode == "lines+markers"]
    for line, kind in zip(lines, known["positions"].values, strict=True):
        bits = known["bits"].sel(positions=kind).values
        np.testing.assert_array_equal(line.y, bits[np.isfinite(bits)])
    assert [line.name for line in lines][1] == "learned, up to place 16"
    assert lines[0].x[0] == 1.5  # places 1 and 2
    assert len(drawn.data) == 4 * 16 + 8


def test_bars_leave_out_what_cannot_be(known: xr.Dataset) -> None:
    drawn = figure("shuffled orders", known)
    assert [bar.name for bar in drawn.chart.data] == ["as written", "words shuffled",
                                                      "tokens shuffled"]
    known["shuffled"][:, 1] = np.nan
    drawn = figure("shuffled orders", known)
    written, tokens = drawn.chart.data
    np.testing.assert_array_equal(written.y, 1.0)
    np.testing.assert_array_equal(tokens.y, known["shuffled"].values[:, 2].mean(1))
    np.testing.assert_array_equal(tokens.error_y.array, known["shuffled"].values[:, 2].std(1))
    said = lost(known)
    assert "with the tokens shuffled, 1.00 bits become 1.50" in said[0]
    assert "changes nothing at all" in said[-1]
