"""Where a text is cut: graphemes, words with the blank before them, chunks for BPE.

Joined, the pieces are the text again.
"""

from __future__ import annotations

import regex

# A word or sign takes one blank before it along, so that joined words give the text back.
_WORD = regex.compile(r" ?[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}]+)*| ?[^\s\p{L}\p{M}\p{N}_]|\s")
_GRAPHEME = regex.compile(r"\X")
_CLUSTERS = regex.compile(  # what makes a grapheme of several characters possible
    r"[\p{M}\p{Emoji_Modifier}\p{Regional_Indicator}\p{Cf}\p{Grapheme_Extend}"
    r"\p{Grapheme_Cluster_Break=Prepend}\p{Grapheme_Cluster_Break=SpacingMark}"
    r"\p{Grapheme_Cluster_Break=L}\p{Grapheme_Cluster_Break=V}\p{Grapheme_Cluster_Break=T}"
    r"\u1cf5\u1cf6]"
)
_CHUNK = regex.compile(  # GPT-2's (Radford et al. 2019), without its English list of contractions
    r"['’]\p{L}+| ?[\p{L}\p{M}]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+"
)
_HAN = regex.compile(r"\p{Han}")
SAMPLE = 20_000  # characters that decide whether a text is Chinese


def graphemes(content: str) -> list[str]:
    """What a reader calls characters: an emoji of several parts, or a letter with its marks, is
    one."""
    if _CLUSTERS.search(content) is None:
        return list(content)
    return _GRAPHEME.findall(content)


def chunks(content: str) -> list[str]:
    """Words with the space before them, numbers, runs of signs and of spaces: no token of a BPE
    reaches beyond one."""
    return _CHUNK.findall(content)


def is_chinese(content: str) -> bool:
    """Whether at least a third of the first letters are Han."""
    sample = content[:SAMPLE]
    letters = sum(sign.isalpha() for sign in sample)
    return letters > 0 and len(_HAN.findall(sample)) * 3 >= letters


def words(content: str, chinese: bool) -> list[str]:
    """The words of a text; joined they are the text again."""
    if chinese:
        import rjieba

        return [part for word in rjieba.cut(content) for part in _signs(word)]
    return _WORD.findall(content)


def _signs(word: str) -> list[str]:
    """What the segmenter leaves together though it is no word, sign by sign."""
    return [word] if len(word) == 1 or _HAN.search(word) else _WORD.findall(word)
