"""What is written around a picture is seen: no name is hidden, and none lies on another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from playwright.sync_api import Browser

from explorer.views import Figure, figure
from tests.browser import steps
from tests.browser.conftest import Visit

Box = dict[str, float]
BOXES = """(all) => all.map((each) => each.getBoundingClientRect().toJSON())
                       .filter(({ width, height }) => width * height > 0)"""


def boxes(browser: Browser, drawn: Figure, folder: Path, width: int, *which: str) -> list[Any]:
    """Where what is seen of some parts of a picture lies, of each a list."""
    file = folder / "picture.html"
    drawn.save(str(file))
    page = browser.new_page(viewport={"width": width, "height": 700})
    page.goto(file.as_uri())
    page.locator(".xtick").first.wait_for()
    found = [page.locator(each).evaluate_all(BOXES) for each in which]
    page.close()
    return found


@pytest.mark.parametrize("width", [270, 350])
def test_a_small_alignment_names_every_column(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    read = ["they", "are", "not", "at", "the", "old", "river", "in", "the", "unbelievable",
            "morning", "<eos>"]
    weights = np.eye(len(read))[None, None]
    trace = xr.Dataset(
        {"attention": (("layer", "head", "query", "key"), weights)},
        {"key_label": ("key", read), "query_label": ("query", read)},
        {"run": "r", "step": 7, "attention": "dot", "forced": 0, "local": 0})
    [names] = boxes(browser, figure("alignment", trace, compact=True), tmp_path, width,
                    ".xtick text")
    assert len(names) == len(read)
    assert all(box["left"] >= 0 and box["right"] <= width for box in names)


USED = """(plot) => Object.fromEntries(['l', 'b'].map(
    (side) => [side, [plot.layout.margin[side], plot._fullLayout._size[side]]]))"""


@pytest.mark.parametrize(("name", "chart"), [("gates", "gates"), ("gates", "units"),
                                             ("gates", "saturation"), ("heads", "head-weights"),
                                             ("states", "heatmap"), ("gradients", "gradients")])
def test_labels_have_room_before_they_are_drawn(visit: Visit, name: str, chart: str) -> None:
    """A chart whose margins must grow is drawn twice."""
    for given, used in steps.plotted(visit(name), chart, USED).values():
        assert used <= given + 1


@pytest.mark.parametrize("most", [40, 2_000])
@pytest.mark.parametrize("width", [350, 700])
def test_what_is_kept_stands_clear_of_the_legend(
    browser: Browser, tmp_path: Path, width: int, most: int
) -> None:
    trace = xr.Dataset(
        {"length_pairs": (("side", "length"), np.full((2, most), 3)), "cut": ("side", [9, 9])},
        {"side": ["source", "target"], "length": np.arange(1, most + 1)},
        {"pairs": 9, "counted": 9, "longest": 32})
    legend, [said] = boxes(browser, figure("pair lengths", trace), tmp_path, width,
                           ".legendtext", ".annotation-text")
    assert legend
    assert all(box["bottom"] <= said["top"] for box in legend)
