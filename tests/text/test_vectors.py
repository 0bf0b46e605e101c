"""Vectors that are typed: what is read, and what is refused with the line and the cure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import DataError
from explorer.text.vectors import LONGEST, MOST, REACH, Vectors, read, write


@pytest.mark.parametrize("text", [
    "1 2\n3 -4.5", "1, 2\n3, -4.5", "[[1, 2],\n [3, −4.5]]", "\n 1\t2 \n\n3 -4.5\n",
    "1，2\n3，-4.5", "k1: 1 2\nk2： 3 -4.5e0"])
def test_the_ways_to_write_the_same(text: str) -> None:
    assert read(text, "keys", "k") == Vectors(("k1", "k2"), ((1, 2), (3, -4.5)))


def test_names_are_kept_whatever_they_hold() -> None:
    found = read("<b>a: b</b>: 1\n\u202e灯: 2\n3", "keys", "k")
    assert found.names == ("<b>a: b</b>", "灯", "k3")


REFUSED = {
    "": "The keys are empty: write one vector a line",
    " \n\n": "The keys are empty",
    "1 2\n3": "Line 2 of the keys has the length 1, but the first line 2",
    "1 2\n\n3 4 5": "Line 3 of the keys has the length 3",
    "1, , 2": "A number is missing in line 1 of the keys",
    "1 2\nname:": "A number is missing in line 2 of the keys",
    "1\nnan": "Line 2 of the keys: “nan” is not a number from -1,000,000",
    "inf": "“inf” is not a number from",
    "1e7": "“1e7” is not a number from",
    "1 x": "Line 1 of the keys: “x” is no number",
    "1\n" * (MOST + 1): f"There are {MOST + 1} keys; at most {MOST}",
    "1 " * (LONGEST + 1): f"Line 1 of the keys has {LONGEST + 1} numbers; at most {LONGEST}",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_read_is_said_with_its_line(text: str) -> None:
    with pytest.raises(DataError) as caught:
        read(text, "keys", "k")
    assert REFUSED[text] in str(caught.value)


@given(st.lists(st.lists(st.floats(-REACH, REACH).map(lambda x: round(x, 4)), min_size=2,
                         max_size=2), min_size=1, max_size=5))
def test_what_is_written_is_read_again(rows: list[list[float]]) -> None:
    vectors = Vectors(tuple(f"q{i + 1}" for i in range(len(rows))), tuple(map(tuple, rows)))
    assert read(write(vectors, "q"), "queries", "q") == vectors


def test_one_vector_moves() -> None:
    found = read("a: 1 2\n3 4", "keys", "k").moved(1, (0.5, -1))
    assert write(found, "k") == "a: 1 2\n0.5 -1"
