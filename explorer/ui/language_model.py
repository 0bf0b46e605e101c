"""What the panel shows of a run that learns to guess the next token: its curve, and what it writes
after each snapshot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pandas as pd
import streamlit as st
import xarray as xr

from explorer.models import Model
from explorer.store import Run
from explorer.tasks.language_model import LanguageModel
from explorer.text.counting import Baseline
from explorer.ui.backend import ask, ask_soon
from explorer.ui.counting import baseline
from explorer.ui.figure import show
from explorer.ui.page import guard
from explorer.ui.runs import LANGUAGE_MODEL
from explorer.ui.session import language, theme
from explorer.ui.training import Look, along, last
from explorer.views import Figure
from explorer.views.history import Curve, counted, perplexity
from explorer.views.palette import Theme
from explorer.words import N_, _

KINDS = {kind: str(cast("type[Model]", Model.family[kind]).title) for kind in LanguageModel.models}
SAMPLE = 120  # tokens written after each snapshot


def numbers(run: Run, history: pd.DataFrame) -> dict[str, str]:
    """How far it is."""
    return {
        N_("perplexity"): last(history, "perplexity"),
        N_("held-out perplexity"): last(history, "validation_perplexity"),
        N_("blind guess"): str(run.tokenizer.size),
        N_("tokens per second"): last(history, "tokens_per_second", ",.0f"),
        N_("gradient norm"): last(history, "gradient_norm"),
    }


def draw(run: Run, history: pd.DataFrame, alive: bool) -> None:
    """The curve, and what it writes."""
    if getattr(run.experiment.model, "bidirectional", False):
        st.info(
            _(
                "It reads both ways, so it has read the token that it is to guess: its perplexity "
                "says nothing of how well it writes. The page “Deep, and both ways” shows why."
            ),
            icon=":material/swap_horiz:",
        )
    step = int(history["step"].iloc[-1])
    show(_curve(run.key, step, len(history), theme(), language(), baseline(run), history, run),
         key="curve")
    _samples(run, alive)


@st.cache_resource(show_spinner=False, max_entries=64)
def _curve(
    key: str, step: int, rows: int, shade: Theme, spoken: str, counting: Baseline | None,
    _history: pd.DataFrame, _run: Run,
) -> Figure:
    """The curve of a run up to a step, drawn once for all who watch it."""
    curve = Curve("", _run.experiment.model.kind, _history)
    lines = {_("blind guess"): float(_run.tokenizer.size)} | counted(counting)
    figure = perplexity([curve], lines, shade, _run.experiment.training.steps)
    assert figure.spec  # made here, once for all
    return figure


def samples(run: Run, ask: Callable[..., xr.Dataset | None] = ask) -> dict[int, str]:
    """What the network writes after some of its snapshots, the first and the last among them.

    ask: `ask_soon` leaves out what is not written yet."""
    prefix = run.experiment.text.content[:12]
    written = {
        step: ask("generate", run.key, step, prefix=prefix, tokens=SAMPLE, temperature=0.7)
        for step in along(run.snapshots)
    }
    return {step: str(trace.attrs["text"]) for step, trace in written.items() if trace is not None}


def _samples(run: Run, alive: bool) -> None:
    """Snapshot by snapshot: one sees it learn to spell."""
    with guard():
        written = samples(run, ask_soon if alive else ask)
        if written:
            st.subheader(_("What it writes"), anchor=False)
        for step, text in reversed(written.items()):
            label, sample = st.columns([1, 9])
            label.caption(_("step {step}", step=step))
            sample.text(text)


LOOK = Look(LANGUAGE_MODEL, numbers, draw)
