"""The pairs of a run that it never read: some to look at, and what is known of each sentence."""

from __future__ import annotations

from typing import NamedTuple, cast

import streamlit as st

from explorer.store import Run
from explorer.tasks.pairing import alike, apart
from explorer.tasks.translation import Translation, sacre
from explorer.text.pairs import Pairs
from explorer.text.sentences import Sentences

EXAMPLES = 4  # pairs that are looked at while it learns
LONGEST = 16  # tokens of the longest of these, where there are short ones


class HeldOut(NamedTuple):
    """size: how many source sentences are held out. examples: pairs of some of these, from short
    to long; of those that are trained on where nothing is held out. references: what is right, by
    the source as it is prepared."""

    size: int
    examples: list[tuple[str, str]]
    references: dict[str, str]


def sentences(run: Run) -> Sentences:
    """Both vocabularies of a translator."""
    return cast("Sentences", run.tokenizer)


def by_sign(run: Run) -> bool:
    """Whether its target is compared sign by sign: no blanks set its words apart."""
    return sacre(sentences(run)) != "13a"


def held_out(run: Run) -> HeldOut:
    """The pairs that a translator never read. Shared: never change them."""
    return _held_out(run.key, run)


@st.cache_resource(show_spinner=False, max_entries=16)
def _held_out(key: str, _run: Run) -> HeldOut:
    experiment, cut = _run.experiment, sentences(_run)
    pairs = cast("Pairs", experiment.text)
    task = cast("Translation", experiment.task)
    _kept, held = apart(pairs, experiment.data.held_out)
    rows = list(dict(held or pairs.rows).items())  # each source once
    some = rows[:: max(1, len(rows) // 400)]
    ranked = sorted((len(cut.read(source)), (source, target)) for source, target in some)
    most = max(min(LONGEST, task.longest), ranked[0][0])
    short = [row for length, row in ranked if length <= most]
    places = dict.fromkeys((2 * i + 1) * len(short) // (2 * EXAMPLES) for i in range(EXAMPLES))
    size = len(alike([cut.source.prepare(source) for source, _target in held]))
    return HeldOut(size, [short[place] for place in places],
                   {cut.source.prepare(source): target for source, target in pairs.rows})
