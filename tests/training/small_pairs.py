"""Sentence pairs, and translators that train on them in a moment."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

from explorer.experiment import Experiment
from explorer.text.pairs import Pairs

WHO = {"i": "je", "we": "nous", "you": "vous", "they": "ils", "she": "elle"}
VERBS = {"see": "vois", "hear": "entends", "like": "aime"}
WHAT = {"the cat": "le chat", "the red lamp": "la lampe rouge", "it": "cela", "the sea": "la mer"}


def rows() -> list[tuple[str, str]]:
    """Every sentence of a little grammar: 60 pairs."""
    return [(f"{who} {verb} {what}.", f"{WHO[who]} {VERBS[verb]} {WHAT[what]}.")
            for who, verb, what in product(WHO, VERBS, WHAT)]


def content(pairs: list[tuple[str, str]] | None = None) -> str:
    return "".join(f"{source}\t{target}\n" for source, target in pairs or rows())


PAIRS = Pairs("rhyme.tsv", content())


def drawn(count: int, rare: float, sign: str = "") -> Pairs:
    """So many pairs with targets of three words, of which about such a share stands nowhere else:
    most of a natural language's files have some, a grammar has none. sign: in each word."""
    draw = random.Random(0)
    words = [f"mot{sign}{i % 50}" if draw.random() > rare else f"seul{sign}{i}"
             for i in range(3 * count)]
    return Pairs("drawn.tsv", content([(f"source {i}", " ".join(words[3 * i : 3 * i + 3]))
                                       for i in range(count)]))


def translator(steps: int = 60, **settings: Any) -> Experiment:
    """An encoder–decoder of sixteen units."""
    model = {"kind": "seq2seq", "hidden": 16, "embedding": 8} | settings.pop("model", {})
    settings = {"batch": 8, "snapshots": 4, "held_out": 0.2} | settings
    return Experiment.translation(settings.pop("pairs", PAIRS), model=model, steps=steps,
                                  **settings)
