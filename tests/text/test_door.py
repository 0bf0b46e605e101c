"""Whatever comes to the door: a good text goes in, or one clear line says why not."""

import codecs
import os
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer.errors import DataError
from explorer.text import LIMIT, Text, corpus
from explorer.text.door import MINIMUM, NAME, normal

CHINESE = "两盏灯。河口有两块大石头，一块白，一块黑，站在水的两边，像两个等船的人。\n" * 3
TAIWANESE = "兩盞燈。河口有兩塊大石頭，一塊白，一塊黑，站在水的兩邊，像兩個等船的人。\n" * 3
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n" * 3
FRENCH = "Le café était fermé. Où est la bibliothèque?\n"
RUSSIAN = "Все счастливые семьи похожи друг на друга, каждая несчастлива по-своему.\n"
PNG = b"\x89PNG\r\n\x1a\n" + zlib.compress(bytes(range(256)) * 20)


def sane(content: str) -> bool:
    content.encode()
    return not set(content) & {"\x00", "\r", "\ufffe"} and normal(content) == content


@pytest.mark.parametrize(
    ("content", "encoding", "detected"),
    [
        ("hello world", "utf-8", "utf-8"),
        ("hello world", "utf-8-sig", "utf-8"),
        ("hello world", "utf-16", "utf-16-le"),
        ("hello world", "utf-16-le", "utf-16-le"),
        ("hello world", "utf-16-be", "utf-16-be"),
        ("hello world", "utf-32", "utf-32-le"),
        (FRENCH, "utf-16-be", "utf-16-be"),
        (CHINESE, "utf-16", "utf-16-le"),
        (CHINESE, "utf-16-le", "utf-16-le"),
        (CHINESE, "utf-16-be", "utf-16-be"),
        (JAPANESE, "utf-16-le", "utf-16-le"),
        (RUSSIAN, "utf-16-le", "utf-16-le"),
        ("café", "latin-1", "latin-1"),
        ("Grüße aus Köln", "latin-1", "latin-1"),
        (FRENCH, "latin-1", "latin-1"),
        (FRENCH + "“Oui” – dix €…", "cp1252", "windows-1252"),
        ("“Yes” – it’s five €…", "cp1252", "windows-1252"),
        ("Zażółć gęślą jaźń. Wszystkie szczęśliwe rodziny.", "cp1250", "cp1250"),
        (RUSSIAN, "cp1251", "cp1251"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        ("你好，世界", "gb18030", "gb18030"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "gbk", "gb18030"),
        (TAIWANESE, "big5", "big5"),
        (JAPANESE, "shift-jis", "shift-jis"),
        (JAPANESE, "euc-jp", "euc-jp"),
        (JAPANESE, "iso2022_jp", "iso2022-jp"),
    ],
)
def test_encodings_are_found_and_said(content: str, encoding: str, detected: str) -> None:
    text = Text.decode("a.txt", content.encode(encoding))
    assert text.content == content
    assert text.encoding == detected


@pytest.mark.parametrize(
    ("said", "encoding", "detected"),
    [('charset="windows-1253"', "cp1253", "cp1253"), ("charset=iso-8859-1", "cp1252", "latin-1"),
     ("http-equiv='Content-Type' content='text/html; charset=ISO-8859-2'", "iso8859_2",
      "iso8859-2")],
)
def test_a_page_of_the_web_is_read_as_it_says(said: str, encoding: str, detected: str) -> None:
    letters = "áéí" if encoding != "cp1253" else "άλφα βήτα"  # few: a guess would be a toss
    page = f"<html><head><meta {said}></head><p>{letters}</p></html>".encode(encoding)
    text = Text.decode("page.html", page)
    assert (text.content.strip(), text.encoding) == (letters, detected)


@pytest.mark.parametrize("said", ["utf-8", "utf-16", "utf-7", "no-such", "punycode", "ascii"])
def test_a_page_that_says_what_it_is_not_is_guessed(said: str) -> None:
    page = f"<meta charset={said}><p>{CHINESE}</p>".encode("gb18030")
    text = Text.decode("page.html", page)
    assert (text.content.split(), text.encoding) == (CHINESE.split(), "gb18030")


@pytest.mark.parametrize("big_endian", [False, True])
def test_utf16_with_either_mark(big_endian: bool) -> None:
    mark, order = (
        (codecs.BOM_UTF16_BE, "utf-16-be") if big_endian else (codecs.BOM_UTF16_LE, "utf-16-le")
    )
    text = Text.decode("a.txt", mark + CHINESE.encode(order))
    assert (text.content, text.encoding) == (CHINESE, order)


def test_line_ends_and_accents_are_made_one() -> None:
    text = Text.decode("a.md", "a\r\nb\rc\ncafe\u0301".encode())
    assert text.content == "a\nb\nc\ncafé"


def test_a_csv_and_a_name_without_ending_are_text() -> None:
    assert Text.decode("a.csv", b"a,b\r\n1,2\r\n").content == "a,b\n1,2\n"
    assert Text.decode("README", b"<b>bold</b>").content == "<b>bold</b>"


def refused(name: str, data: bytes) -> str:
    with pytest.raises(DataError) as caught:
        Text.decode(name, data)
    said = str(caught.value)
    assert name in said
    assert "\n" not in said
    return said


@pytest.mark.parametrize("data", [b"", b" \r\n\t", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_empty_files(data: bytes) -> None:
    assert f"empty: choose a text with at least {MINIMUM}" in refused("a.txt", data)


def test_one_character() -> None:
    assert "single character" in refused("a.txt", b"x")
    assert "single character" in refused("a.txt", "灯".encode())


def test_one_repeated_character() -> None:
    assert "only the character 'x', 5000 times" in refused("a.txt", b"x" * 5000)


def test_too_long_says_limit_and_size() -> None:
    assert "is 50.0 MB; the limit is 5 MB" in refused("big.txt", b"ab" * 25_000_000)
    with pytest.raises(DataError, match=r"6\.0 MB; the limit is 5 MB"):
        Text.paste("灯火" * 1_000_000)
    assert len(Text.decode("just.txt", b"ab" * (LIMIT // 2)).content) == LIMIT


def test_images_and_archives_with_the_name_of_a_text() -> None:
    assert "is a PNG file, not text" in refused("a.txt", PNG)
    assert "is a ZIP (.zip, .docx" in refused("a.txt", b"PK\x03\x04" + bytes(40))


def test_a_pdf_is_refused_with_the_reason() -> None:
    assert "not running text" in refused("a.pdf", b"%PDF-1.7 ...")
    assert "not running text" in refused("a.pdf", b"anything")
    assert "not running text" in refused("a.txt", b"%PDF-1.7 ...")


def test_binary_without_a_known_beginning() -> None:
    assert "control characters, the first at position 6" in refused("a.txt", b"12345" + bytes(50))
    noise = b"".join(
        zlib.crc32(bytes([i, j])).to_bytes(4, "big") for i in range(50) for j in (1, 2)
    )
    assert "control characters" in refused("a.txt", noise)
    assert "control characters" in refused("a.txt", b"\x00")


def test_a_few_stray_nulls_are_dropped() -> None:
    assert Text.decode("a.txt", b"hello world, " * 20 + b"\x00 end").content.endswith("world,  end")


def test_bytes_that_nothing_decodes_are_named() -> None:
    said = refused("a.txt", codecs.BOM_UTF16_LE + "ab".encode("utf-16-le") + b"\x00\xd8a\x00")
    assert "says that it is utf-16-le, but byte 5 is not" in said


def test_pasted_surrogates() -> None:
    assert Text.paste("a\ud83d b").content == "a\ufffd b"
    assert Text.paste("\ud83d\ude00 ok").content == "😀 ok"  # two halves that belong together
    assert Text.paste("a\x00b\x08\ufffe").content == "ab"
    assert Text.paste("ab", "my\r\nname\ud800\x00").name == "my name\ufffd"


@pytest.mark.parametrize("content", ["", "  ", "x", "xxxx", "\x00", "\ufeff"])
def test_a_paste_with_nothing_to_learn(content: str) -> None:
    with pytest.raises(DataError, match="pasted text"):
        Text.paste(content)


def test_hostile_text_stays_text() -> None:
    hostile = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    assert Text.paste(hostile, hostile).content == hostile
    assert Text.decode("a.txt", hostile.encode()).content == hostile


def test_long_names_keep_their_ending() -> None:
    name = Text.decode("n" * 500 + ".srt", b"hello").name
    assert len(name) == NAME
    assert name.endswith("….srt")


@given(st.binary(max_size=400), st.sampled_from(["a.txt", "a.html", "a.srt", "a.pdf", "a"]))
@example(b"\x00\xd8\x00\xd8", "a.txt")
@example(b"<![", "a.html")
@settings(max_examples=400, deadline=None)
def test_any_bytes_give_a_text_or_a_data_error(data: bytes, name: str) -> None:
    with suppress(DataError):  # and no other error
        text = Text.decode(name, data)
        assert sane(text.content)
        assert len(text.content) >= MINIMUM


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None), max_size=300))
@example("\ufeff\ufeffab", "x")
@example("e\x01\u0301a", "x")
@settings(max_examples=300, deadline=None)
def test_any_paste_gives_a_sane_text(content: str, name: str) -> None:
    assert normal(normal(content)) == normal(content)
    try:
        text = Text.paste(content, name)
    except DataError as error:
        said = str(error)
    else:
        said = text.name
        assert sane(text.content)
        assert len(text.name) <= NAME
        assert text.sha256
    assert sane(said)
    assert said


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "latin-1"])
def test_the_largest_file_is_decoded_fast(encoding: str) -> None:
    content = (FRENCH if encoding == "latin-1" else corpus("story-zh").content) * 200
    data = (content * 20).encode(encoding)[:LIMIT]
    data = data[: data.rfind("\n".encode(encoding))]
    began = time.process_time()
    assert Text.decode("a.txt", data).content[:20] == content[:20]
    assert time.process_time() - began < 4  # about 1 when the machine is idle


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "story.txt"
    file.write_bytes("Ein Märchen".encode("latin-1"))
    assert Text.read(file) == Text("story.txt", "Ein Märchen", "latin-1")
    assert Text.read(str(file)).encoding == "latin-1"
    with pytest.raises(DataError, match="There is no file"):
        Text.read(tmp_path / "nothing.txt")
    with pytest.raises(DataError, match="is not a file"):
        Text.read(tmp_path)
    with pytest.raises(DataError, match=r"cannot be read|no file"):
        Text.read("a\x00b")
    with pytest.raises(DataError):
        Text.read("n" * 5000)
    big = tmp_path / "big.txt"
    big.touch()
    os.truncate(big, 50_000_000)
    with pytest.raises(DataError, match=r"50\.0 MB"):
        Text.read(big)
