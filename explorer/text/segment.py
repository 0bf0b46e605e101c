"""Where a text is cut: graphemes, words with their spaces, chunks for BPE.

Each function gives pieces which, put together again, are the text.
"""

from __future__ import annotations

import regex

GLUE = ""  # the piece that says: no space here, although one would be expected
MOSTLY = 0.5  # of the letters are Chinese: words are then found by a segmenter

_GRAPHEME = regex.compile(r"\X")
_CLUSTERS = regex.compile(  # what makes a grapheme of several characters possible
    r"[\p{M}\p{Emoji_Modifier}\p{Regional_Indicator}\p{Cf}\p{Grapheme_Extend}"
    r"\p{Grapheme_Cluster_Break=Prepend}\p{Grapheme_Cluster_Break=SpacingMark}"
    r"\p{Grapheme_Cluster_Break=V}\p{Grapheme_Cluster_Break=T}]")
_WORD = regex.compile(r"\w+(?:['’]\w+)*|\s|\X")
_HAN = regex.compile(r"\p{Han}+")
_CHUNK = regex.compile(  # GPT-2's (Radford et al. 2019), without its English list of contractions
    r"['’]\p{L}+| ?[\p{L}\p{M}]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+")
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー]")


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


def mostly_chinese(content: str) -> bool:
    """Whether most letters are Chinese and there is no Japanese kana among them."""
    han = sum(len(run) for run in _HAN.findall(content))
    kana = len(regex.findall(r"[\p{Hiragana}\p{Katakana}]", content))
    letters = len(regex.findall(r"\p{L}", content))
    return han > MOSTLY * letters and kana < 0.05 * han


def words(content: str, chinese: bool = False) -> list[str]:
    """Words, signs and blanks. A single space where one is expected belongs to the word after it
    (" the"), every other blank is a piece; where a space is expected and none stands, GLUE does.
    """
    pieces: list[str] = []
    cut = _WORD.findall(content)
    if chinese:
        cut = [part for word in cut for part in _segmented(word)]
    before, space = " ", False  # the last character of the piece before; whether " " waits
    for word in cut:
        if space:
            space = False
            if expects_space(before, word[0]):
                pieces.append(" " + word)
                before = word[-1]
                continue
            pieces.append(" ")
            before = " "
        if word == " ":
            space = True
            continue
        if expects_space(before, word[0]):
            pieces.append(GLUE)
        pieces.append(word)
        before = word[-1]
    return [*pieces, " "] if space else pieces


def expects_space(before: str, after: str) -> bool:
    """Whether a space is expected between these two characters: between words, after a stop."""
    return spaced(after) and (before in ".,;:!?" or spaced(before))


def spaced(character: str) -> bool:
    """Whether it is a letter or digit of a script that puts spaces between words."""
    if character.isascii():
        return character.isalnum() or character == "_"
    return character.isalnum() and _UNSPACED.match(character) is None


def _segmented(word: str) -> list[str]:
    import rjieba

    if len(word) == 1 or _HAN.search(word) is None:
        return [word]
    parts: list[str] = []
    for piece in regex.findall(r"\p{Han}+|\P{Han}+", word):
        parts += rjieba.cut(piece) if _HAN.match(piece) else [piece]
    return parts
