"""A typed table is read as it was meant, or refused with the row and the cure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import DataError
from explorer.text.table import END, PRESETS, Table, normalised

NOTES = PRESETS["notes"]


def test_the_notes_example_is_read() -> None:
    table = Table.parse(NOTES)
    assert table.words == ("A", "B", "C", END)
    assert table.row([]) == (0.5, 0.2, 0.2, 0.1)
    assert table.row(["B"]) == table.row(["C"]) == (0.1, 0.4, 0.3, 0.2)
    assert table.row(["A", "B"]) == (0.2, 0.2, 0.4, 0.2)
    assert table.row(["A", "C"]) == (0.1, 0.6, 0.2, 0.1)
    assert table.row(["A", "C", "B"]) == (0.1, 0.2, 0.1, 0.6)
    assert table.row(["A", "C", "A"]) == table.row(list("ABABAB")) == (0, 0.2, 0.2, 0.6)


@pytest.mark.parametrize("text", PRESETS.values(), ids=list(PRESETS))
def test_a_table_says_itself(text: str) -> None:
    table = Table.parse(text)
    assert table.text == text
    assert Table.parse(table.text) == table


@given(st.lists(st.lists(st.floats(0.001, 1), min_size=3, max_size=3), min_size=1, max_size=5))
def test_normalised_it_can_be_read(rows: list[list[float]]) -> None:
    text = "A B C\n" + "\n".join(
        f"#{step} {a} {b} {c}" for step, (a, b, c) in enumerate(rows, 1))
    table = Table.parse(normalised(text))
    for row, found in zip(rows, table.steps, strict=True):
        assert found == pytest.approx([each / sum(row) for each in row], abs=1e-6)
        assert sum(found) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("line", "message"), [
    ("#1 .5 .2 .2 .2", r"Row “#1” .* sums to 1\.1, not to 1: .* divide the row by its sum"),
    ("#1 .5 .2 .2", r"Line 2 .* 4 entries; it needs a step .* and then 4 numbers"),
    ("#1 .5 .2 .2 x", r"Row “#1” .*line 2.*“x” is no number"),
    ("#1 .5 .2 .2 nan", r"“nan” is no number"),
    ("#1 1.2 -.2 0 0", r"gives “A” the probability 1\.2: it must lie between 0 and 1"),
    ("#0 .5 .2 .2 .1", r"“#0” is no step"),
    ("#x .5 .2 .2 .1", r"“#x” is no step"),
    ("#2 .5 .2 .2 .1", r"no row for step 1"),
    ("#1 .5 .2 .2 .1\n#3 .5 .2 .2 .1", r"no row for step 2"),
    ("A .5 .2 .2 .1", r"no row for step 1"),
    ("#1 .5 .2 .2 .1\n#1 .5 .2 .2 .1", r"Line 3 .*“#1” has a row already"),
    ("#1 .5 .2 .2 .1\nA D .5 .2 .2 .1", r"nothing can follow “A D”, for “D” is not one"),
    ("#1 .5 .2 .2 .1\nA <eos> .5 .2 .2 .1", r"nothing can follow “A <eos>”"),
    ("", r"no table"),
    ("\n".join(f"#{n} .5 .2 .2 .1" for n in range(1, 70)), r"69 rows; at most 60"),
])
def test_what_is_wrong_is_said(line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Table.parse(f"A B C <eos>\n{line}")


@pytest.mark.parametrize(("words", "message"), [
    ("A A", "“A” stands twice"), ("A", "1 words; it needs 2 to 30"),
    (" ".join(map(str, range(31))), "31 words"),
])
def test_words_are_told_apart(words: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Table.parse(f"{words}\n#1 {' '.join('0' for _ in words.split())}")


def test_numbers_may_be_words_but_steps_may_not() -> None:
    table = Table.parse("1 2 <eos>\n#1 .5 .5 0\n1 0 0 1")
    assert table.row(["1"]) == (0, 0, 1)
    with pytest.raises(DataError, match="“#1” cannot be a word"):
        Table.parse("#1 2\n#1 .5 .5")
