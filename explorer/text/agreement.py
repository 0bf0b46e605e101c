"""Where a translation agrees with a reference, word by word."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.text.segment import graphemes


def words(sentence: str, by_sign: bool) -> list[str]:
    """The parts of a prepared sentence that are compared: what stands between blanks, or sign by
    sign where words are not set apart (Chinese, dates). Joined they are the sentence again: a
    blank belongs to the word after it."""
    if by_sign:
        return graphemes(sentence)
    first, *others = sentence.split(" ")
    return [first, *(f" {word}" for word in others)]


def agreeing(written: Sequence[str], reference: Sequence[str]) -> list[bool]:
    """Which words of a translation belong to the longest common subsequence with a reference:
    they stand in it too, in this order. Blanks around a word do not count."""
    ours, theirs = ([word.strip() for word in words] for words in (written, reference))
    longest = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]  # of what is left of each
    for i in reversed(range(len(ours))):
        for j in reversed(range(len(theirs))):
            longest[i][j] = (1 + longest[i + 1][j + 1] if ours[i] == theirs[j]
                             else max(longest[i + 1][j], longest[i][j + 1]))
    found, i, j = [False] * len(ours), 0, 0
    while i < len(ours) and j < len(theirs):
        if ours[i] == theirs[j]:
            found[i], i, j = True, i + 1, j + 1
        elif longest[i][j + 1] >= longest[i + 1][j]:  # of equal ones, the first that was written
            j += 1
        else:
            i += 1
    return found
