"""Attention aligns (phenomenon 14): nobody says which letter a letter comes from, and it is found.

Word reversal has one right place for each letter, n − 1 − t. Of a written date each digit of its
ISO form comes from one field, the year, the month or the day: a place inside of the right field
counts as right. A state of the encoder knows its neighbours too, so that the place inside a field
means little (a month's name is one thing to the network); a place in a wrong field, in a blank or
in a weekday is an error. The two hyphens come from nowhere, and <eos> neither: they do not count.
A zero that is put before a single digit (7 → 07) stands nowhere in the source: that the field ends
so soon is what it comes from, so that of it alone the sign beside the field is right as well.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.experiment import Experiment
from explorer.probes import Opened
from explorer.probes.translating import alignment
from explorer.text.pair_corpora import pair_corpus
from explorer.text.pair_corpora.dates import FORMATS
from explorer.text.pairs import Pairs
from explorer.training.events import Snapshot
from explorer.training.loop import train
from tests.phenomena.seeds import SEEDS, held

TRAINED, LOOKED_AT = 4_000, 100  # pairs
RIGHT = 0.95
# Both directions, so that a letter's state is not only of what came before it. The scorer is the
# one that finds its places soonest: general those of letters, additive (as in the paper) of fields.
MODEL = {"kind": "seq2seq", "bidirectional": True, "hidden": 64, "embedding": 32}
FIELDS = {
    "day": r"(?P<day>\d{1,2})", "day:02": r"(?P<day>\d{2})", "nth": r"(?P<day>\d{1,2})[a-z]{2}",
    "month": "(?P<month>[A-Z][a-z]+)", "short": "(?P<month>[A-Z][a-z]{2})",
    "number": r"(?P<month>\d{1,2})", "number:02": r"(?P<month>\d{2})", "year": r"(?P<year>\d{4})",
    "weekday": "[A-Z][a-z]+", "abbreviated": "[A-Z][a-z]{2}"}
ISO = ("year",) * 4 + (None,) + ("month",) * 2 + (None,) + ("day",) * 2

pytestmark = pytest.mark.phenomena


def learnt(name: str, attention: str, seed: int, steps: int = 400) -> Opened:
    """A network that was trained on the first pairs of a set."""
    pairs = Pairs(name, "".join(f"{source}\t{target}\n"
                                for source, target in pair_corpus(name).rows[:TRAINED]))
    experiment = Experiment.translation(pairs, "character", MODEL | {"attention": attention}, steps,
                                        seed, held_out=0, batch=64, snapshots=1)
    sentences = experiment.task.tokenizer(pairs, experiment.tokens)
    last = [event for event in train(experiment, sentences) if isinstance(event, Snapshot)][-1]
    return Opened.from_weights(experiment, sentences, last.step, last.weights)


def unseen(name: str) -> tuple[tuple[str, str], ...]:
    """Pairs of a set that were not trained on."""
    return pair_corpus(name).rows[TRAINED : TRAINED + LOOKED_AT]


def looks(network: Opened, source: str, target: str) -> NDArray[np.int64]:
    """The place of most weight for each letter of the right answer, read under teacher forcing."""
    found: NDArray[np.int64] = alignment(network, source, target)["attention"][0, 0].values.argmax(
        -1)
    return found


@cache
def formats() -> list[re.Pattern[str]]:
    """Each way to write a date, with its fields as groups."""
    return [re.compile(re.sub(r"\\\{(.+?)\\\}", lambda field: FIELDS[field[1]], re.escape(how)))
            for how in FORMATS]


def span(written: str, field: str) -> range:
    """Where the year, the month or the day of a written date stands."""
    found = next(match for how in formats() if (match := how.fullmatch(written)))
    return range(*found.span(field))


def sources(written: str) -> list[range]:
    """Of each letter of the ISO date, where in the written date it comes from; an empty range where
    it comes from nowhere."""
    found = [range(0) if field is None else span(written, field) for field in ISO]
    for first in (5, 8):
        if len(found[first]) == 1:  # the zero before a single digit
            found[first] = range(found[first].start - 1, found[first].stop + 1)
    return found


def test_the_fields_of_a_written_date_are_found() -> None:
    for source, target in pair_corpus("dates").rows[:2_000]:
        year, month, day = ("".join(source[i] for i in span(source, field))
                            for field in ("year", "month", "day"))
        assert year == target[:4]
        assert int(day) == int(target[8:])
        assert not month.isdigit() or int(month) == int(target[5:7]), source


@pytest.mark.slow
@pytest.mark.timeout(3600)  # a minute or so for each network
def test_reversing_a_word_looks_at_its_letters_from_the_end() -> None:
    shares = []
    for seed in SEEDS:
        network = learnt("reversal", "general", seed)
        right = [place == len(source) - 1 - t for source, target in unseen("reversal")
                 for t, place in enumerate(looks(network, source, target)[:-1])]
        shares.append(float(np.mean(right)))
    held([share > RIGHT for share in shares])


@pytest.mark.slow
@pytest.mark.timeout(3600)  # a minute or so for each network
def test_each_digit_of_a_date_looks_into_its_field() -> None:
    shares = []
    for seed in SEEDS:
        network = learnt("dates", "additive", seed)
        right = [place in where for source, target in unseen("dates")
                 for place, where in zip(looks(network, source, target), sources(source),
                                         strict=False) if where]
        shares.append(float(np.mean(right)))
    held([share > RIGHT for share in shares])
