"""Counted once for all who ask: texts are kept under their content's hash, so that only who brings
a text finds what was counted in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import streamlit as st
import xarray as xr

from explorer.errors import ExplorerError, RunError
from explorer.store import Run
from explorer.text import Text, Tokenisation, counting
from explorer.text.counting import Baseline, Counted, Kind
from explorer.text.ngrams import Smoothing
from explorer.ui.runs import LANGUAGE_MODEL, best_perplexity, called, listed, whole
from explorer.ui.source import learnt

HELD_OUT = 0.1  # as a training holds it out unless told otherwise
AT_ONCE = 300_000  # characters of a text that are counted in a moment (0.1 s)


@st.cache_resource(show_spinner=False, max_entries=16)
def _ranked(sha256: str, kind: Kind, _text: Text) -> xr.Dataset:
    return counting.ranks(_text, kind)


def ranks(text: Text, kind: Kind) -> xr.Dataset:
    """How often each n-gram comes, by its rank. Shared: never change it. Raises DataError."""
    return _ranked(text.sha256, kind, text)


@st.cache_resource(show_spinner=False, max_entries=8)
def _counted(sha256: str, how: Tokenisation, _text: Text) -> Counted:
    return counting.count(_text, learnt(_text, how), HELD_OUT)


def counted(text: Text, how: Tokenisation) -> Counted:
    """The n-grams of a text but its held-out end. Shared: never change it. Raises DataError."""
    return _counted(text.sha256, how, text)


@st.cache_resource(show_spinner=False, max_entries=64)
def _written(
    sha256: str, how: Tokenisation, smoothing: Smoothing, tokens: int, seed: int, _text: Text
) -> list[str]:
    made, tokenizer = counted(_text, how), learnt(_text, how)
    return [counting.write(made, tokenizer, smoothing, order, tokens, seed)
            for order in range(1, made.order + 1)]


def written(
    text: Text, how: Tokenisation, smoothing: Smoothing, tokens: int, seed: int
) -> list[str]:
    """What the models of order 1, 2, … write. Raises DataError."""
    return _written(text.sha256, how, smoothing, tokens, seed, text)


@st.cache_resource(show_spinner=False, max_entries=16)
def _beginning(sha256: str, how: Tokenisation, tokens: int, _text: Text) -> Sequence[str]:
    tokenizer = learnt(_text, how)
    return [piece.text for piece in tokenizer.pieces(_text.content[: tokens * 40])[:tokens]]


def beginning(text: Text, how: Tokenisation, tokens: int) -> Sequence[str]:
    """The first tokens of a text, as they stand in it. Raises DataError."""
    return _beginning(text.sha256, how, tokens, text)


@st.cache_resource(show_spinner=False, max_entries=64)
def _copied(sha256: str, written: str, _text: Text) -> str:
    return counting.copied(written, _text.content)


def copied(text: Text, written: str) -> str:
    """The longest stretch of what a model wrote that stands in the text it counted."""
    return _copied(text.sha256, written, text)


def trained_on(text: Text, how: Tokenisation) -> dict[str, tuple[str, float]]:
    """One's own and the shipped runs that were scored on the same held-out tokens: what each is
    called -> its kind and its best held-out perplexity; of each kind the best."""
    best: dict[str, tuple[str, float]] = {}
    for key, name in listed().items():
        with suppress(RunError):
            run = whole(key)
            experiment, score = run.experiment, best_perplexity(run)
            kind = experiment.model.kind
            same = (experiment.data.sha256, experiment.data.held_out, experiment.tokens) == (
                text.sha256, HELD_OUT, how) and not getattr(
                experiment.model, "bidirectional", False)  # which has read what it guesses
            if same and score is not None and (kind not in best or score < best[kind][1]):
                best[kind] = (name or called(run), score)
    return {name: (kind, score) for kind, (name, score) in best.items()}


@st.cache_resource(show_spinner=False)
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "counting")


@st.cache_resource(show_spinner=False, max_entries=256)
def _baseline(key: str, _run: Run) -> Future[Baseline | None]:
    return _worker().submit(_best, _run)


def _best(run: Run) -> Baseline | None:
    """None where too little is held out for any guess, or where no text is written on."""
    experiment = run.experiment
    if experiment.task.kind != LANGUAGE_MODEL:
        return None
    try:
        return counting.best(
            counting.count(experiment.text, run.tokenizer, experiment.data.held_out))
    except ExplorerError:
        return None


def baseline(run: Run) -> Baseline | None:
    """The best n-gram model on the tokens that a run is scored on. A long text is counted in a
    thread of its own: None until that is done, so that nothing waits for it."""
    coming = _baseline(run.key, run)
    if coming.done() or run.experiment.data.characters <= AT_ONCE:
        return coming.result()
    return None
