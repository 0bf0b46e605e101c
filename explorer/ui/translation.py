"""What the panel shows of a run that learns to translate: its masked loss, its BLEU both ways, and
held-out sentences that it translates better and better.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from math import log

import pandas as pd
import streamlit as st
import xarray as xr

from explorer.errors import RunError
from explorer.store import Run
from explorer.tasks.translation import SCORED, SCORED_LAST
from explorer.ui.backend import ask, ask_soon
from explorer.ui.figure import show
from explorer.ui.held_out import by_sign, held_out, sentences
from explorer.ui.page import guard
from explorer.ui.runs import TRANSLATION, called, colour, listed
from explorer.ui.runs import whole as whole_run
from explorer.ui.sentences import Line, marked, whole
from explorer.ui.sentences import sentences as draw_sentences
from explorer.ui.session import language, theme
from explorer.ui.text import plain
from explorer.ui.training import STARTED, Look, along, last, number
from explorer.views import Figure
from explorer.views.history import Curve, perplexity
from explorer.views.palette import Theme
from explorer.views.translation import bleu
from explorer.words import N_, _


def numbers(run: Run, history: pd.DataFrame) -> dict[str, str]:
    """How far it is."""
    smooth = history["perplexity"].iloc[-1]
    return {
        N_("masked loss"): number(log(smooth) if pd.notna(smooth) else None),
        N_("perplexity"): number(smooth),
        N_("held-out perplexity"): last(history, "validation_perplexity"),
        N_("BLEU"): last(history, "bleu", ".1f"),
        N_("BLEU of the notes"): last(history, "notes_bleu"),
        N_("blind guess"): str(run.tokenizer.size),
        N_("tokens per second"): last(history, "tokens_per_second", ",.0f"),
    }


def draw(run: Run, history: pd.DataFrame, alive: bool) -> None:
    """The curves, and what it makes of some sentences."""
    step = int(history["step"].iloc[-1])
    asked = (run.key, step, len(history), theme(), language())
    measured = "bleu" in history and bool(history["bleu"].notna().any())
    left, right = st.columns(2, gap="medium") if measured else (st.container(), None)
    with left:
        show(_curve(*asked, history, run), key="curve")
    if right is not None:
        with right:
            show(_bleu(*asked, history, run), key="bleu")
    with guard():
        _examples(run, alive)


@st.cache_resource(show_spinner=False, max_entries=64)
def _curve(
    key: str, step: int, rows: int, shade: Theme, spoken: str, _history: pd.DataFrame, _run: Run
) -> Figure:
    """The curve of a run up to a step, drawn once for all who watch it."""
    curve = Curve("", colour(_run), _history)
    lines = {_("blind guess"): float(_run.tokenizer.size)}
    drawn = perplexity([curve], lines, shade, _run.experiment.training.steps, 260, nats=True)
    caption = _("Masked loss per target token, on the right in nats, and its perplexity on the "
                "left: among how many equally likely tokens it hesitates. Padding counts nothing.")
    drawn = replace(drawn, caption=caption, alt=f"{caption} {drawn.alt}")
    assert drawn.spec  # made here, once for all
    return drawn


@st.cache_resource(show_spinner=False, max_entries=64)
def _bleu(
    key: str, step: int, rows: int, shade: Theme, spoken: str, _history: pd.DataFrame, _run: Run
) -> Figure:
    count = held_out(_run).size
    drawn = bleu(_history, colour(_run), (min(SCORED, count), min(SCORED_LAST, count)), shade,
                 _run.experiment.training.steps)
    assert drawn.spec
    return drawn


def translated(
    run: Run, ask: Callable[..., xr.Dataset | None] = ask
) -> dict[int, list[str]]:
    """What it makes of the examples after some of its snapshots.

    ask: `ask_soon` leaves out what is not translated yet."""
    sources = [source for source, _target in held_out(run).examples]
    answers = {step: ask("translate", run.key, step, sources=sources)
               for step in along(run.snapshots)}
    return {step: [str(each) for each in answer["translation"].values]
            for step, answer in answers.items() if answer is not None}


def _examples(run: Run, alive: bool) -> None:
    """Sentence by sentence, the newest translation first: one sees it learn."""
    found = translated(run, ask_soon if alive else ask)
    if not found:
        return
    known, cut, signs = held_out(run), sentences(run), by_sign(run)
    st.subheader(_("What it makes of sentences that it has never read") if known.size else
                 _("What it makes of sentences that it has read"), anchor=False)
    groups: list[list[Line]] = []
    for place, (source, target) in enumerate(known.examples):
        right = cut.prepare(target)
        groups.append([
            whole(_("source"), cut.source.prepare(source)),
            whole(_("reference"), right, strong=True),
            *(marked(_("step {step}", step=step), written[place], right, signs, short=True)
              for step, written in sorted(found.items(), reverse=True))])
    draw_sentences(groups, _("What it writes for some sentences after each snapshot"), "examples")
    st.caption(_("Underlined is what does not stand in the reference, or not in this order; the "
                 "newest stands first. What takes more than two lines is cut; point at it to read "
                 "it whole. Another translation may be right too: one reference is not all that "
                 "can be said."))


def others(most: int = 4) -> None:
    """Buttons that show translators that are there already: one's own, then the shipped ones."""
    found: list[tuple[str, str]] = []
    for key, name in listed().items():
        with suppress(RunError):  # the list of runs says what is wrong with it
            run = whole_run(key, TRANSLATION)
            if run.snapshots and len(found) < most:
                found.append((key, name or called(run)))
    if found:
        st.caption(_("Or look at one that has learnt already:"))
    for key, name in found:
        st.button(plain(name), key=f"show-{key}", icon=":material/arrow_forward:",
                  type="tertiary", on_click=st.session_state.update, args=({STARTED: key},))


LOOK = Look(TRANSLATION, numbers, draw)
