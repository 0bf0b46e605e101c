"""The plane of queries and keys: what it draws, and what it believes of a browser."""

import pytest

from explorer.text.vectors import Vectors
from explorer.ui.plane import Moved, admit, picture
from explorer.views.palette import palette

Q = Vectors(("<b>", "q2"), ((1.0, 0.5), (-3.0, 0.0)))
K = Vectors(("k1",), ((0.0, 2.0),))


def test_every_vector_is_a_point() -> None:
    drawn = picture(Q, K, [0.5], 1, palette())
    assert [(p["kind"], p["index"], p["x"], p["y"], p["chosen"]) for p in drawn["points"]] == [
        ("key", 0, 0.0, 2.0, False), ("query", 0, 1.0, 0.5, False), ("query", 1, -3.0, 0.0, True)]
    assert drawn["points"][0]["fill"] == palette().shade(0.5, signed=False)
    assert drawn["points"][1]["name"] == "<b>"  # a text node in the browser, never mark-up
    assert drawn["reach"] == 4


@pytest.mark.parametrize(("most", "reach"), [(0, 1), (0.9, 2), (1.8, 4), (5, 10), (9, 20),
                                             (1e6, 2e6)])
def test_there_is_room_beyond_the_farthest(most: float, reach: float) -> None:
    keys = Vectors(("k1",), ((0.0, -most),))
    assert picture(Vectors(("q1",), ((0.0, 0.0),)), keys, [1], 0, palette())["reach"] == reach


def test_what_was_moved() -> None:
    told = {"kind": "query", "index": 1, "x": 0.1, "y": -4}
    assert admit(told, Q, K) == Moved("query", 1, (0.1, -4.0))
    assert admit(told | {"kind": "key", "index": 0}, Q, K) == Moved("key", 0, (0.1, -4.0))


@pytest.mark.parametrize("change", [
    {"kind": "value"}, {"index": 2}, {"index": -1}, {"index": "0"}, {"x": None}, {"x": "1"},
    {"y": float("nan")}, {"y": 4.1}, {"x": float("inf")}])
def test_what_cannot_have_been_moved_is_not_believed(change: dict[str, object]) -> None:
    assert admit({"kind": "query", "index": 1, "x": 0.1, "y": -4} | change, Q, K) is None
    assert admit("nonsense", Q, K) is None
