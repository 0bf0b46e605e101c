"""What can be counted in a text: how often each piece comes, what follows what, and how well one
guesses from that alone. No torch: each function gives a trace that the views draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from explorer.errors import DataError
from explorer.text import windows
from explorer.text.fit import check_length, kept
from explorer.text.ngrams import (
    Counts,
    Floats,
    Ids,
    Laplace,
    Smoothing,
    WittenBell,
    chances,
    generate,
    perplexity,
)
from explorer.text.segment import graphemes, is_chinese, words
from explorer.words import N_

if TYPE_CHECKING:
    import xarray as xr

    from explorer.text.tokenizers import Tokenizer
    from explorer.text.types import Text

Kind = Literal["word", "character"]

FITTED = (10, 1000)  # ranks that a line is fitted to; all of them where there are fewer
POINTS = 240  # of a curve of ranks, evenly on its log axis
LONGEST = {"character": 5}  # tokens of an n-gram that are worth counting …
OTHERS = 3  # … and of any other kind of token
SHORT = 120  # characters of an n-gram that are kept as its name


def pieces(content: str, kind: Kind) -> list[str]:
    """What is ranked: characters as they stand, or words in lower case, without signs."""
    if kind == "character":
        return graphemes(content)
    found = words(content, is_chinese(content))
    return [word.strip().lower() for word in found if any(map(str.isalnum, word))]


def ranks(text: Text, kind: Kind, order: int = 3) -> xr.Dataset:
    """How often each n-gram comes, by its rank, for n = 1, …, `order`.

    Over `point`: `n`, `rank`, `count`, `gram`; at most `POINTS` of each n, evenly on a log axis.
    Over `length` (n): `slope` and `intercept` of the least-squares line ln count = intercept +
    slope · ln rank over the ranks `low` to `high`, NaN where fewer than three ranks are; how many
    n-grams there are (`total`), how many of them `distinct`, and how many come only `once`.
    Raises DataError when there is nothing to rank.
    """
    import xarray as xr

    found = pieces(text.content, kind)
    if not found:
        raise DataError(N_("“{name}” has no words to count: count its characters."),
                        name=text.name)
    numbers: dict[str, int] = {}
    ids = np.fromiter((numbers.setdefault(piece, len(numbers)) for piece in found), np.int64)
    names = list(numbers)
    counts = Counts.of(ids, len(names), order)
    rows = [_ranked(counts, n, names, " " if _spaced(found, kind) else "")
            for n in range(1, order + 1)]
    points = ("n", "rank", "count", "gram")
    lines = [name for name in rows[0] if name not in points]
    return xr.Dataset(
        {name: ("point", np.concatenate([row[name] for row in rows])) for name in points}
        | {name: ("length", np.array([row[name] for row in rows])) for name in lines},
        {"length": np.arange(1, order + 1)},
        {"run": f"{text.sha256[:32]} {kind}", "step": 0, "kind": kind,
         "pieces": len(found)},
    )


def _ranked(counts: Counts, n: int, names: Sequence[str], glue: str) -> dict[str, object]:
    """One curve of ranks, and the line through it."""
    often = counts.levels[n - 1].counts
    order = np.argsort(-often, kind="stable")
    down = often[order]
    shown = np.unique(np.geomspace(1, max(1, len(down)), POINTS).round().astype(int))[: len(down)]
    grams = [glue.join(names[i] for i in counts.gram(n, int(order[rank - 1])))[:SHORT]
             for rank in shown]
    slope, intercept, low, high = line(down)
    return {"n": np.full(len(shown), n), "rank": shown, "count": down[shown - 1],
            "gram": np.array(grams, dtype=object), "slope": slope, "intercept": intercept,
            "low": low, "high": high, "total": int(down.sum()), "distinct": len(down),
            "once": int((down == 1).sum())}


def line(counts: Ids) -> tuple[float, float, int, int]:
    """Slope and intercept of ln count on ln rank by least squares, and the first and last rank
    that they are fitted to. counts: falling (ranks,)."""
    low, high = FITTED[0], min(FITTED[1], len(counts))
    if high < 3 * low:
        low = 1
    if high - low < 2:
        return float("nan"), float("nan"), low, high
    rank = np.arange(low, high + 1)
    slope, intercept = np.polyfit(np.log(rank), np.log(counts[low - 1 : high]), 1)
    return float(slope), float(intercept), low, high


def _spaced(found: Sequence[str], kind: Kind) -> bool:
    return kind == "word" and not is_chinese("".join(found[:2000]))


@dataclass(frozen=True)
class Counted:
    """A text cut as a network is given it: counts of the part that is learnt from, and the ids of
    the held-out end (T,)."""

    counts: Counts
    held: Ids
    learnt: int

    @property
    def order(self) -> int:
        return len(self.counts.levels)

    def perplexity(self, smoothing: Smoothing) -> Floats:
        """Held-out perplexity of the models of order 1, 2, …: (order,). As a network, they guess
        every held-out token but the first, and know nothing of what stands before it."""
        return perplexity(chances(self.counts, smoothing, self.held))


def count(text: Text, tokenizer: Tokenizer, held_out: float, order: int = 0) -> Counted:
    """Count the text but its end. order: 0 takes what is worth counting of such tokens. Raises
    DataError when too little is held out for a guess."""
    ids = tokenizer.encode(text.content).ids
    cut = kept(len(ids), held_out)
    if len(ids) - cut < 2 or not cut:
        raise DataError(
            N_("“{name}” has {count} tokens, of which {held} are held out: too few to try a guess "
               "on. Take a longer text."),
            name=text.name, count=len(ids), held=len(ids) - cut)
    order = order or LONGEST.get(tokenizer.how.kind, OTHERS)
    return Counted(Counts.of(ids[:cut], tokenizer.size, order), ids[cut:], cut)


class Baseline(NamedTuple):
    """What counting reaches on a held-out end: the order of the best n-gram model, its perplexity,
    and over how many guesses."""

    order: int
    perplexity: float
    guesses: int


def best(counted: Counted) -> Baseline:
    """The order at which Witten–Bell guesses the held-out end best. Like a network's best snapshot
    it is picked on that end, which flatters it a little."""
    scores = counted.perplexity(WittenBell())
    return Baseline(int(scores.argmin()) + 1, float(scores.min()), len(counted.held) - 1)


def guesses(text: Text, counted: Counted, kind: str, alpha: float) -> xr.Dataset:
    """`perplexity` over (smoothing, order) on the held-out end; `unseen` over order: in what share
    of the guesses the context never stood in the part that was counted. A guess with too few
    tokens before it has no such context, which is not unseen."""
    import xarray as xr

    models: dict[str, Smoothing] = {"laplace": Laplace(alpha), "witten-bell": WittenBell()}
    looked = list(counted.counts.look(counted.held))
    unseen = [float((seen.reaches & (seen.total == 0))[1:].mean()) for seen in looked]
    return xr.Dataset(
        {"perplexity": (("smoothing", "order"),
                        np.stack([counted.perplexity(model) for model in models.values()])),
         "unseen": ("order", np.array(unseen))},
        {"smoothing": list(models), "order": np.arange(1, counted.order + 1)},
        {"run": f"{text.sha256[:32]} {kind} {alpha:g}", "step": 0, "kind": kind,
         "alpha": alpha, "vocabulary": counted.counts.V, "learnt": counted.learnt,
         "guesses": len(counted.held) - 1},
    )


def write(
    counted: Counted, tokenizer: Tokenizer, smoothing: Smoothing, order: int, tokens: int, seed: int
) -> str:
    """So many tokens that a model of this order writes, as text."""
    return tokenizer.decode(generate(counted.counts, smoothing, order, tokens, seed))


def copied(written: str, content: str) -> str:
    """The longest stretch of what was written that stands in the text."""
    longest, first = "", 0
    for last in range(1, len(written) + 1):
        while first < last and written[first:last] not in content:
            first += 1
        longest = max(longest, written[first:last], key=len)
    return longest


def minibatches(
    labels: Sequence[str], window: int, batch: int, seed: int, steps: int = 0
) -> xr.Dataset:
    """The windows of the first steps in a text of these tokens, cut in both ways.

    `start` over (sampling, step, row); `blank` and `epoch` over (sampling, step); `label` over
    token. steps: 0 takes one reading of the text and the two steps after it. Raises DataError when
    the text is too short for them.
    """
    import xarray as xr

    N = len(labels)
    check_length(N, 0.0, window, batch, sequential=True)
    ways: tuple[windows.Sampling, ...] = ("random", "sequential")
    steps = steps or 2 + max(windows.steps_of_epoch(N, window, batch, way) for way in ways)
    cuts = [[windows.cut(N, window, batch, way, seed, step) for step in range(steps)]
            for way in ways]
    over = ("sampling", "step")
    return xr.Dataset(
        {"start": ((*over, "row"), np.array([[each.starts for each in row] for row in cuts])),
         "blank": (over, np.array([[each.blank for each in row] for row in cuts])),
         "epoch": (over, np.array([[each.epoch for each in row] for row in cuts]))},
        {"sampling": list(ways), "step": np.arange(1, steps + 1), "row": np.arange(1, batch + 1),
         "label": ("token", list(labels))},
        {"run": f"minibatches {window} {batch} {seed}", "step": 0, "window": window},
    )
