"""Where a text is cut."""

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from explorer.text.segment import chunks, graphemes, is_chinese, words


@given(st.text())
@example("ᄀ가각 한국 ᄒ")  # Hangul in parts
@example("क्षि 🇩🇪🇫🇷 👩‍👩‍👧 e\u0301\u0302 \u200d\u06001")
def test_graphemes_are_unicodes_own(content: str) -> None:
    content = content.replace("\r", "")
    assert graphemes(content) == regex.findall(r"\X", content)


@given(st.text(), st.booleans())
@example("## 你好，世界…… a##b  \n 3.14", True)
def test_nothing_is_lost_between_the_pieces(content: str, chinese: bool) -> None:
    assert "".join(words(content, chinese)) == content
    assert "".join(chunks(content)) == content
    assert "" not in words(content, chinese)


def test_words_take_the_blank_before_them_along() -> None:
    assert words("Don't  stop,\n“naïve” x_1!", False) == [
        "Don't", " ", " stop", ",", "\n", "“", "naïve", "”", " x_1", "!",
    ]  # fmt: skip


def test_chinese_is_cut_into_words() -> None:
    assert words("爷爷是看灯的人。", True) == ["爷爷", "是", "看灯", "的", "人", "。"]


@pytest.mark.parametrize(
    ("content", "chinese"),
    [("你好 world 世界", True), ("hello 你好 my friend", False), ("", False), ("123", False)],
)
def test_chinese_is_told_from_its_letters(content: str, chinese: bool) -> None:
    assert is_chinese(content) == chinese
