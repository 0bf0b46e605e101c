"""Pages without their tags, subtitles without their times."""

import time

import pytest

from explorer.errors import DataError
from explorer.text import Text


def page(content: str) -> str:
    return Text.decode("page.html", content.encode()).content


def test_tags_scripts_and_styles_are_taken_out() -> None:
    assert (
        page(
            "<!DOCTYPE html><html><head><title>T &amp; U</title><style>p {color: red}</style>"
            "<script>alert('<p>no</p>')</script></head><body><!-- no -->\n<h1>One&nbsp;two</h1>"
            "<p>A <b>bold</b>\n  claim,<br>caf&eacute; &#128512; &lt;b&gt;</p><ul><li>x<li>y</ul>"
        )
        == "T & U\n\nOne two\n\nA bold claim,\ncafé 😀 <b>\n\nx\ny"
    )


def test_preformatted_text_keeps_its_lines() -> None:
    assert page("<p>a\n  b</p><pre>if x:\n    y</pre>  z") == "a b\n\nif x:\n    y\n\nz"


def test_other_endings_and_encodings() -> None:
    assert Text.decode("A.HTM", "<p>Grüße aus Köln".encode("latin-1")).content == "Grüße aus Köln"


def test_a_page_that_says_nothing_is_empty() -> None:
    with pytest.raises(DataError, match="empty"):
        page("<html><script>let a = 1</script></html>")


@pytest.mark.parametrize(
    "part", ["<!--", "<!", "</", "<a ", "<a b='", "<![", "<?", "<a<", "&#", "<svg><![CDATA["]
)
def test_a_tag_that_never_closes_is_named_and_takes_no_time(part: str) -> None:
    began = time.process_time()
    with pytest.raises(DataError, match=r"Line \d of “page\.html” begins a tag"):
        page("<p>x</p>\n\n" + part * 100_000)
    assert time.process_time() - began < 5  # the parser alone would need many minutes


SUBTITLES = """1
00:00:01,000 --> 00:00:02,500
<i>Hello,</i> you.

2
00:00:03,000 --> 00:00:04,000 X1:40 X2:600
{\\an8}In 1984
2001
"""


def test_subtitles_are_what_is_said() -> None:
    text = Text.decode("film.srt", SUBTITLES.replace("\n", "\r\n").encode("utf-8-sig"))
    assert text.content == "Hello, you.\nIn 1984\n2001"


def test_a_file_of_another_kind_with_that_name_is_taken_as_it_stands() -> None:
    assert Text.decode("film.srt", b"1\nnot subtitles").content == "1\nnot subtitles"
