"""What of a translation agrees with its reference."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.text.agreement import agreeing, words

LETTERS = st.lists(st.sampled_from("abc"), max_size=7)


def test_by_hand() -> None:
    written = words("il mange une rouge pomme .", by_sign=False)
    assert written == ["il", " mange", " une", " rouge", " pomme", " ."]
    reference = words("elle mange une pomme rouge .", by_sign=False)
    assert agreeing(written, reference) == [False, True, True, True, False, True]
    assert agreeing(words("2024-03-07", True), words("2024-08-07", True)).count(False) == 1


@given(LETTERS, LETTERS)
@settings(max_examples=200, deadline=None)
def test_what_agrees_is_a_longest_common_subsequence(one: list[str], other: list[str]) -> None:
    marked = agreeing(one, other)
    kept = [word for word, agrees in zip(one, marked, strict=True) if agrees]

    def common(length: int) -> bool:
        """By trying them all."""
        theirs = set(combinations(other, length))
        return any(each in theirs for each in combinations(one, length))

    assert common(len(kept))
    assert tuple(kept) in set(combinations(other, len(kept)))
    assert not common(len(kept) + 1)


@given(st.text(alphabet="ab \u0301灯🙂", max_size=20), st.booleans())
def test_the_words_joined_are_the_sentence(sentence: str, by_sign: bool) -> None:
    assert "".join(words(sentence, by_sign)) == sentence
