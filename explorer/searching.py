"""What is asked of a search for a sentence. No torch: pages and probes say it the same way."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from explorer.spec import Spec
from explorer.words import N_

Method = Literal["greedy", "beam", "exhaustive", "sampling"]

METHODS: dict[Method, str] = {
    "greedy": N_("greedy"), "beam": N_("beam"), "exhaustive": N_("exhaustive"),
    "sampling": N_("sampling"),
}
WIDEST, LONGEST = 50, 100
MOST = 1_000_000  # continuations that an exhaustive search scores
LISTED = 2_000  # nodes of a tree that are listed, about


class Search(Spec):
    """method: greedy takes the likeliest word at each step; beam keeps the `width` likeliest
    beginnings; exhaustive scores every sentence; sampling draws words by their probability.

    The score of a sentence is log P / L^α, with L its words, <eos> too (Zhang et al., Dive into
    Deep Learning, "Beam Search").
    """

    method: Method = Field("beam", title=N_("Method"),
                           description=N_("How the sentence is looked for."))
    width: int = Field(2, ge=1, le=WIDEST, title=N_("Width"), description=N_(
        "How many beginnings are kept at each step."))
    longest: int = Field(20, ge=1, le=LONGEST, title=N_("Maximum length"), description=N_(
        "In words; <eos> counts too."))
    length_penalty: float = Field(0.75, ge=0, le=2, title=N_("Length correction α"), description=N_(
        "log P is divided by length^α. At 0 short sentences win, since every word costs."))
    refill: bool = Field(False, title=N_("Keep the beam full"), description=N_(
        "A sentence that ends leaves its place to the next beginning at once, as in the library "
        "transformers. Otherwise it takes up its place in the step in which it ends."))
    early: bool = Field(True, title=N_("Stop early"), description=N_(
        "Stop when as many sentences have ended as the beam is wide. Otherwise go on to the "
        "maximum length."))
    samples: int = Field(10, ge=1, le=500, title=N_("Sentences drawn"), description=N_(
        "How often a sentence is drawn."))
    temperature: float = Field(1.0, ge=0.05, le=5, title=N_("Temperature"), description=N_(
        "Below 1 likely words become likelier, above 1 all become more alike."))
    top_k: int = Field(0, ge=0, le=1000, title="top-k", description=N_(
        "Draw among the k likeliest words; 0 means all."))
    top_p: float = Field(1.0, gt=0, le=1, title="top-p", description=N_(
        "Draw among the likeliest words that together reach this probability."))
    seed: int = Field(0, ge=0, le=2**31 - 1, title=N_("Seed"), description=N_(
        "The same seed draws the same sentences."))


def sentences(words: int, ends: bool, longest: int) -> tuple[int, int]:
    """How many continuations an exhaustive search scores, |Y| + |Y|² + … + |Y|^T when nothing
    `ends` a sentence early, and how many sentences that makes, |Y|^T; fewer when one of the words
    does, after which nothing follows."""
    going = words - ends
    scored = sum(words * going**depth for depth in range(longest))
    ended = sum(going**depth for depth in range(longest)) if ends else 0
    return scored, ended + going**longest


def reachable(words: int, ends: bool) -> int:
    """The greatest length at which an exhaustive search scores at most MOST continuations."""
    longest = 0
    while longest < LONGEST and sentences(words, ends, longest + 1)[0] <= MOST:
        longest += 1
    return longest
