"""The built-in sentence pairs: each from a grammar of its own, the same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from explorer.errors import DataError
from explorer.text.pair_corpora import (
    addition,
    dates,
    english_chinese,
    english_french,
    reversal,
)  # fmt: skip
from explorer.text.pairs import Pairs
from explorer.words import N_

LONGEST = 14  # words of a sentence in either language


class PairCorpus(NamedTuple):
    """title and about: for people, to be translated where they are shown. The languages: codes of
    ISO 639, or "" where there is none. make: pairs, without end."""

    title: str
    about: str
    source_language: str
    target_language: str
    size: int
    make: Callable[[], Iterator[tuple[str, str]]]


PAIR_CORPORA: dict[str, PairCorpus] = {
    "english-french": PairCorpus(
        N_("English → French"),
        N_(
            "Sentences of up to 14 words: articles, adjectives and verbs agree with gender and "
            "number, small words give way to vowels (l'ami, n'aime), and some words change places."
        ),
        "en",
        "fr",
        english_french.SIZE,
        english_french.pairs,
    ),
    "english-chinese": PairCorpus(
        N_("English → Chinese"),
        N_(
            "Sentences of up to 14 words: Chinese counts with measure words, and says when and "
            "where before the verb."
        ),
        "en",
        "zh",
        english_chinese.SIZE,
        english_chinese.pairs,
    ),
    "dates": PairCorpus(
        N_("Dates → ISO"),
        N_("Dates of 1900 to 2099 in eighteen ways to write them, and as 2024-03-07."),
        "en",
        "",
        dates.SIZE,
        dates.pairs,
    ),
    "reversal": PairCorpus(
        N_("Reversal"),
        N_("Made-up words, and their letters from the last to the first."),
        "",
        "",
        reversal.SIZE,
        reversal.pairs,
    ),
    "addition": PairCorpus(
        N_("Addition"),
        N_("Sums of two numbers of up to three digits, and what they come to."),
        "",
        "",
        addition.SIZE,
        addition.pairs,
    ),
}


@cache
def pair_corpus(name: str) -> Pairs:
    """Built-in pairs, no source twice. Raises DataError when there are none of that name."""
    if name not in PAIR_CORPORA:
        raise DataError(
            N_("There are no built-in pairs called “{name}”; there are: {known}."),
            name=name,
            known=", ".join(PAIR_CORPORA),
        )
    known = PAIR_CORPORA[name]
    rows = _distinct(known.make(), known.size)
    return Pairs(known.title, "".join(f"{source}\t{target}\n" for source, target in rows))


def _distinct(pairs: Iterable[tuple[str, str]], size: int) -> list[tuple[str, str]]:
    """The first `size` pairs of different sources that are not too long."""
    found: dict[str, str] = {}
    for source, target in pairs:
        if max(len(source.split()), len(target.split())) <= LONGEST:
            found.setdefault(source, target)
        if len(found) == size:
            break
    return list(found.items())
