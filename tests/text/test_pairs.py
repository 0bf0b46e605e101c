"""Whatever comes to the door of the pairs: good ones go in, or one clear line says why not."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer.errors import DataError
from explorer.text import LIMIT
from explorer.text.door import normal
from explorer.text.pair_door import NO_SOURCE, NO_TAB, NO_TARGET
from explorer.text.pairs import Pairs, Report
from tests.text.test_door import PNG

ROWS = (("Go.", "Va !"), ("I run.", "Je cours."), ("Who?", "Qui ?"))
TABBED = "".join(f"{source}\t{target}\n" for source, target in ROWS)
MANY = "".join(f"sentence {n}\tphrase {n}\n" for n in range(1, 401))
ATTRIBUTION = "CC-BY 2.0 (France) Attribution: tatoeba.org #2877272 (CM) & #1158250 (Wittydev)"


def refused(name: str, data: bytes) -> str:
    with pytest.raises(DataError) as caught:
        Pairs.decode(name, data)
    said = str(caught.value)
    assert name in said
    assert "\n" not in said
    return said


@pytest.mark.parametrize("name", ["eng-fra.tsv", "eng-fra.txt", "eng-fra"])
def test_two_columns(name: str) -> None:
    pairs = Pairs.decode(name, TABBED.encode())
    assert pairs == Pairs(name, TABBED, "utf-8")
    assert pairs.rows == ROWS
    assert pairs.report == Report()


def test_the_three_columns_of_manythings_lose_the_third() -> None:
    data = "".join(f"{source}\t{target}\t{ATTRIBUTION}\n" for source, target in ROWS).encode()
    assert Pairs.decode("fra.txt", data).content == TABBED


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_has_a_header_quotes_and_a_delimiter_of_its_own(delimiter: str) -> None:
    rows = [["English", "French", "by"], ["Yes, I do; and you?", 'Oui,\n"moi" ; et toi ?', "me"],
            ["Go.", "Va !", "you"]]
    made = io.StringIO()
    csv.writer(made, delimiter=delimiter).writerows(rows)
    pairs = Pairs.decode("mine.CSV", made.getvalue().encode())
    assert pairs.rows == (("Yes, I do; and you?", 'Oui, "moi" ; et toi ?'), ("Go.", "Va !"))
    assert pairs.report.header == "English, French, by"


def test_two_files_whose_lines_answer_to_each_other(tmp_path: Path) -> None:
    english, french = "Go.\nI run.\n\nWho?", "Va !\r\nJe\tcours.\r\n\r\nQui ?\r\n"
    pairs = Pairs.decode_two("a.en", english.encode(), "a.fr", french.encode("utf-16"))
    assert pairs.rows == (("Go.", "Va !"), ("I run.", "Je cours."), ("Who?", "Qui ?"))
    assert (pairs.name, pairs.encoding) == ("a.en + a.fr", "utf-8 + utf-16-le")
    (tmp_path / "a.en").write_text(english)
    (tmp_path / "a.fr").write_bytes(french.encode())
    assert Pairs.read(tmp_path / "a.en", tmp_path / "a.fr").rows == pairs.rows


def test_two_files_of_different_length_are_counted() -> None:
    with pytest.raises(DataError, match=r"“a\.en” has 3 lines and “a\.fr” has 2"):
        Pairs.decode_two("a.en", b"Go.\nRun.\nWho?\n", "a.fr", b"Va !\nCours !\n")


def test_the_two_files_together_have_the_limit_of_one() -> None:
    half = b"a b c d\n" * (LIMIT // 14)
    with pytest.raises(DataError, match=r"“a \+ b” is 5\.7 MB; the limit is 5 MB"):
        Pairs.decode_two("a", half, "b", half)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "mine.tsv").write_bytes(TABBED.encode("latin-1"))
    assert Pairs.read(tmp_path / "mine.tsv") == Pairs.decode("mine.tsv", TABBED.encode())
    assert Pairs.read(str(tmp_path / "mine.tsv")).encoding == "utf-8"
    with pytest.raises(DataError, match="There is no file"):
        Pairs.read(tmp_path / "nothing.tsv")
    with pytest.raises(DataError, match="There is no file"):
        Pairs.read(tmp_path / "mine.tsv", tmp_path / "nothing.tsv")


def test_line_ends_accents_and_blanks_are_made_one() -> None:
    data = "\ufeff  cafe\u0301 \t caf\xe9\u202f! \r\n\r\n \t \nGo.\tVa.\u2028Va !\r".encode()
    assert Pairs.decode("a.tsv", data).rows == (("café", "café\u202f!"), ("Go.", "Va.\u2028Va !"))
    latin = Pairs.decode("a.tsv", "été\tsummer\nNoël\tChristmas\n".encode("latin-1"))
    assert (latin.rows[0], latin.encoding) == (("été", "summer"), "latin-1")


def test_a_line_without_a_tab_is_named() -> None:
    lines = MANY.split("\n")[:211] + ["no tab here"] * 30
    said = refused("pairs.tsv", "\n".join(lines).encode())
    assert said.startswith("line 212 of pairs.tsv has no tab: write the source sentence, a tab, "
                           "and its translation.")
    assert "Broken are 30 of 241 lines; up to 5% are skipped" in said


@pytest.mark.parametrize(("line", "said"), [
    ("only this\t", "line 2 of a.tsv has no translation"),
    ("only this\t \tby someone", "line 2 of a.tsv has no translation"),
    ("\tseulement", "line 2 of a.tsv has no source sentence")])
def test_an_empty_side_is_named(line: str, said: str) -> None:
    assert said in refused("a.tsv", f"Go.\tVa !\n{line}\nRun.\tCours !".encode())


@pytest.mark.parametrize("row", ['source 50,"cible 50', '"source 50,cible 50'])
@pytest.mark.parametrize("later", ["source 70,cible 70", 'source 70,"cible 70"'])
def test_a_quote_that_is_not_closed_is_refused_with_its_line(row: str, later: str) -> None:
    """It would make one cell of all that follows, up to the next quote or the end."""
    rows = [f"source {i},cible {i}" for i in range(1, 101)]
    rows[49], rows[69] = row, later
    said = refused("a.csv", "\n".join(["en,fr", *rows, ""]).encode())
    assert "line 51 of a.csv is no CSV" in said
    assert "look for a quote that is not closed" in said


def test_a_cell_of_a_csv_may_be_of_several_lines() -> None:
    made = Pairs.decode("a.csv", b'en,fr\n"a ""b""\n\nc",d\n5" pipe,"e\nf"\n"g" ,h\n')
    assert made.rows == (('a "b" c', "d"), ('5" pipe', "e f"), ("g", "h"))


def test_a_row_of_a_csv_without_a_second_column_is_named() -> None:
    assert "line 3 of a.csv has no second column" in refused("a.csv", b"en,fr\na,b\nc\nd,e\n")
    assert "line 2 of a.csv is no CSV" in refused("a.csv", b'en,fr\n"' + b"x" * 200_000)


def test_one_line_in_twenty_may_be_broken_and_is_reported() -> None:
    lines = MANY.strip().split("\n")
    for number, line in {3: "no tab", 77: "\tno source", 200: "no target\t", 300: "none",
                         301: "none", 302: "none"}.items():
        lines[number - 1] = line
    pairs = Pairs.decode("a.tsv", "\n".join(lines).encode())
    assert len(pairs.rows) == 394
    assert ("sentence 4", "phrase 4") in pairs.rows
    assert pairs.report == Report(6, ((3, NO_TAB), (77, NO_SOURCE), (200, NO_TARGET),
                                      (300, NO_TAB), (301, NO_TAB)))
    assert pairs == replace(pairs, report=Report()), "the report is no part of the pairs"


@pytest.mark.parametrize(("broken", "good"), [(1, 19), (5, 95), (20, 380)])
def test_just_five_in_a_hundred_pass_and_one_more_does_not(broken: int, good: int) -> None:
    lines = MANY.split("\n")[:good] + ["broken"] * broken
    assert Pairs.paste("\n".join(lines)).report.skipped == broken
    with pytest.raises(DataError, match=f"line {good + 1} of pasted pairs has no tab"):
        Pairs.paste("\n".join([*lines, "broken"]))


def test_too_few_pairs() -> None:
    assert "holds a single pair" in refused("a.tsv", b"Go.\tVa !")
    assert "holds no pairs" in refused("a.tsv", b"")
    assert "holds no pairs" in refused("a.tsv", b"\n \t \n\t\n")
    assert "holds no pairs" in refused("a.csv", b"English,French\n")
    assert "holds no pairs" in refused("a.csv", b"")
    assert "the same pair 1000 times" in refused("a.tsv", b"Go.\tVa !\n" * 1000)


def test_repeats_are_counted_and_kept() -> None:
    pairs = Pairs.paste("Go.\tVa !\n" * 1000 + "Go.\tAllez !\n")
    assert (len(pairs.rows), pairs.report.repeated) == (1001, 999)


def test_what_is_no_text_is_refused() -> None:
    assert "is a PNG file" in refused("a.tsv", PNG)
    assert "is a PDF" in refused("a.pdf", b"Go.\tVa !\nRun.\tCours !")
    assert "control characters" in refused("a.tsv", b"12345\t" + bytes(50))
    assert "the limit is 5 MB" in refused("a.tsv", b"a\tb\n" * 1_300_000)
    assert Pairs.decode("a.tsv", TABBED.encode() * 9 + b"x\x00\ty\n").rows[-1] == ("x", "y")


@pytest.mark.parametrize("row", [
    ("أين المكتبة؟", "אֵיפֹה הַסִּפְרִיָּה\u200f?"),
    ("<script>alert(1)</script>", '"><img src=x onerror=1>'),
    ("👩‍👩‍👧 and \u202eevil", "=HYPERLINK(1)"), ("灯亮了。", "ไฟติดแล้ว")])
def test_other_scripts_and_hostile_text_pass_unharmed(row: tuple[str, str]) -> None:
    kept = (normal(row[0]), normal(row[1]))
    assert Pairs.paste("\t".join(row) + "\n" + TABBED).rows[0] == kept
    data = f"{row[0]}\t{row[1]}\tby\n{TABBED}".encode()
    assert Pairs.decode("a.tsv", data).rows[0] == kept
    two = Pairs.decode_two("a", f"{row[0]}\nx".encode(), "b", f"{row[1]}\ny".encode())
    assert two.rows[0] == kept


def test_a_store_gives_them_back() -> None:
    pairs = Pairs.paste(TABBED, "mine")
    assert Pairs(pairs.name, pairs.content, pairs.encoding) == pairs
    assert pairs.sha256 == Pairs.decode("other.tsv", TABBED.encode()).sha256


def sane(pairs: Pairs) -> None:
    """What the house relies on: rows that come back, no side empty, nothing forbidden."""
    assert normal(pairs.content) == pairs.content
    pairs.content.encode()
    assert "".join(f"{source}\t{target}\n" for source, target in pairs.rows) == pairs.content
    assert all(side and side.strip() == side and not set(side) & set("\t\n\r\0")
               for row in pairs.rows for side in row)
    assert len(set(pairs.rows)) >= 2
    assert Pairs.paste(pairs.content, pairs.name).rows == pairs.rows


CHARACTERS = st.characters(codec=None)
LINES = st.lists(st.lists(st.text(CHARACTERS, max_size=6), max_size=3).map("\t".join), max_size=8)


@given(LINES.map("\n".join))
@example("\ufeff\ta\n\ufeffb\tc\nd\te")
@example("a\t\ufeff\nb\tc")
@example("a\x85\tb\nc\td\u2029")
@example(" \u0301\ta\n\u0301\tb")
@settings(max_examples=400, deadline=None)
def test_any_paste_gives_pairs_or_a_data_error(content: str) -> None:
    with suppress(DataError):
        sane(Pairs.paste(content))


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=2, max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_two_good_columns_come_back(rows: list[tuple[str, str]]) -> None:
    clean = [tuple(" ".join(normal(side).replace("\ufeff", "").split()) for side in row)
             for row in rows]
    content = "".join("\t".join(row) + "\n" for row in clean if all(row))
    kept = tuple(row for row in clean if all(row))
    if len(set(kept)) >= 2:
        assert Pairs.paste(content).rows == kept
        made = io.StringIO()
        csv.writer(made).writerows([("one", "two"), *kept])
        assert Pairs.decode("a.csv", made.getvalue().encode()).rows == kept


@given(st.binary(max_size=300), st.binary(max_size=300),
       st.sampled_from(["a.tsv", "a.csv", "a.pdf", "a"]))
@settings(max_examples=100, deadline=None)
def test_any_bytes_give_pairs_or_a_data_error(data: bytes, other: bytes, name: str) -> None:
    with suppress(DataError):
        sane(Pairs.decode(name, data))
    with suppress(DataError):
        sane(Pairs.decode_two(name, data, "b", other))
