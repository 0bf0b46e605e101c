"""Words: runs of letters with the blank before them, signs one by one; Chinese by a segmenter."""

from __future__ import annotations

import regex

# A word or sign takes one blank before it along, so that joined words give the text back.
_WORD = regex.compile(r" ?[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}]+)*| ?[^\s\p{L}\p{M}\p{N}_]|\s")
_HAN = regex.compile(r"\p{Han}")
SAMPLE = 20_000  # characters that decide whether a text is Chinese


def is_chinese(content: str) -> bool:
    """Whether at least a third of the first letters are Han."""
    sample = content[:SAMPLE]
    letters = sum(sign.isalpha() for sign in sample)
    return letters > 0 and len(_HAN.findall(sample)) * 3 >= letters


def words(content: str, chinese: bool) -> list[str]:
    """The words of a text; joined they are the text again."""
    if chinese:
        import rjieba

        return list(rjieba.cut(content))
    return _WORD.findall(content)
