"""Boxes and clicks: what is drawn is what is given, and nothing is believed that cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.ui import clicks
from explorer.ui.clicks import Cell
from explorer.ui.flow import SHADES, Box, Row, admit, cells, picture
from explorer.views.palette import palette

ROWS = [Row("one", [Box("a", "A", "first", "1×2", cells=[[0, 40]])]), Row("", [Box("b", "B", "")])]


@pytest.mark.parametrize("event", [None, "a", {"box": "c"}, {"box": 1}, {}, {"box": None}])
def test_a_box_that_is_not_there_was_not_opened(event: Any) -> None:
    assert admit(event, ["a", "b"]) is None


def test_a_box_is_opened() -> None:
    assert admit({"box": "b"}, ["a", "b"]) == "b"


def test_shades_are_the_colours_of_the_values() -> None:
    assert cells(np.array([[-2.0, 0.0, 1.0, 2.0, -np.inf]]), 2.0) == [[0, 20, 30, 40, 20]]
    assert cells(np.array([[0.0, 0.5, 1.0]]), 1.0, signed=False) == [[0, 20, 40]]
    drawn, colours = picture(ROWS, "a", "all"), palette()
    assert drawn["shades"]["signed"][SHADES // 2] == colours.background.upper()
    assert drawn["shades"]["share"][-1] == colours.sequential[-1].upper()
    assert drawn["rows"][0]["boxes"][0]["cells"] == [[0, 40]]
    assert drawn["selected"] == "a"


@pytest.mark.parametrize("event", [
    None, {}, {"figure": "other", "row": 0, "column": 0}, {"figure": "m", "row": 2, "column": 0},
    {"figure": "m", "row": 0, "column": -1}, {"figure": "m", "row": 0, "column": True},
    {"figure": "m", "row": "0", "column": 0}, {"figure": "m", "row": 0.5, "column": 0}])
def test_a_cell_that_is_not_there_was_not_clicked(event: Any) -> None:
    assert clicks.admit(event, {"m": (2, 3)}) is None


def test_a_cell_is_clicked() -> None:
    assert clicks.admit({"figure": "m", "row": 1, "column": 2}, {"m": (2, 3)}) == Cell("m", 1, 2)
