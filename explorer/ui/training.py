"""The panel of a run that is being trained: it watches, and has the buttons."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st
import xarray as xr

from explorer.engine import Job
from explorer.errors import ExplorerError
from explorer.store import Run
from explorer.text.counting import Baseline
from explorer.ui.backend import ask, ask_soon, engine, store
from explorer.ui.counting import baseline
from explorer.ui.doctor import doctor
from explorer.ui.figure import show
from explorer.ui.glossary import meaning
from explorer.ui.naming import by_hand
from explorer.ui.page import guard
from explorer.ui.session import language, owner, theme
from explorer.ui.text import plain
from explorer.views import Figure
from explorer.views.history import Curve, counted, perplexity
from explorer.views.palette import Theme
from explorer.words import N_, _

SAMPLE = 120  # tokens written after each snapshot
SAMPLES = 6  # of them are shown


def panel(key: str) -> Run | None:
    """Watch a run until it ends: polled once a second, and no more when it is over. Gives the run
    when nobody trains it (any more). Raises RunError: damaged, another version."""
    job = engine().find(key)
    alive = job is not None and not job.over
    run = store().run(key) if key in store() else None
    st.fragment(_guarded, run_every=1 if alive else None)(key, alive)
    return None if alive else run


def _guarded(key: str, was_alive: bool) -> None:
    with guard():  # here: an error does not leave a fragment
        _watch(key, was_alive)


def _watch(key: str, was_alive: bool) -> None:
    """One look at the run. When it has just ended or gone on, or a button was pressed, the whole
    page is drawn again: a fragment cannot change by itself how often it looks."""
    job = engine().find(key)
    alive = job is not None and not job.over
    if st.session_state.pop("redraw", False) or alive != was_alive:
        st.rerun()
    run, history = _shared(key, int(time.monotonic())) if alive else seen(key)
    if job is not None and job.status == "queued":
        st.info(
            _(
                "Waiting in the queue: place {place}, about {time} until it starts.",
                place=job.position,
                time=duration(job.eta),
            ),
            icon=":material/hourglass:",
        )
    _buttons(key, job, run)
    if history is None or run is None:
        st.progress(0.0, _("Getting ready …"))
        return
    _numbers(history, run, job)
    if getattr(run.experiment.model, "bidirectional", False):
        st.info(
            _(
                "It reads both ways, so it has read the token that it is to guess: its perplexity "
                "says nothing of how well it writes. The page “Deep, and both ways” shows why."
            ),
            icon=":material/swap_horiz:",
        )
    last = int(history["step"].iloc[-1])
    drawn = _curve(key, last, len(history), theme(), language(), baseline(run), history, run)
    show(drawn, key="curve")
    _samples(run, alive)


def seen(key: str) -> tuple[Run | None, pd.DataFrame | None]:
    """A run as it stands, and its history with what has been reported since."""
    run = store().run(key) if key in store() else None
    return run, so_far(key, engine().find(key), run)


@st.cache_resource(show_spinner=False, max_entries=32)
def _shared(key: str, second: int) -> tuple[Run | None, pd.DataFrame | None]:
    """The same for all who watch a run within a second: a class reads and draws it once."""
    return seen(key)


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


def so_far(key: str, job: Job | None, run: Run | None) -> pd.DataFrame | None:
    """What was stored, and after it what has been reported since."""
    stored = run.history if run is not None else pd.DataFrame()
    fresh = pd.DataFrame()
    if job is not None and not job.over:
        fresh = pd.DataFrame([p.row() for p in engine().progress(job.id)])
    if len(fresh) and len(stored):
        stored = stored[stored["step"] < fresh["step"].min()]
    both = (
        pd.concat([part for part in (stored, fresh) if len(part)])
        if len(stored) or len(fresh)
        else None
    )
    return both


def _numbers(history: pd.DataFrame, run: Run, job: Job | None) -> None:
    last = history.iloc[-1]
    steps, step = run.experiment.training.steps, int(last["step"])
    alive = job is not None and not job.over
    left = _(" · {time} left", time=duration(job.eta)) if alive and job and job.eta else ""
    st.progress(step / steps, _("Step {step} of {steps}", step=step, steps=steps) + left)
    held = history.get("validation_perplexity", pd.Series(dtype=float)).dropna()
    cells = {
        N_("perplexity"): _number(last.get("perplexity")),
        N_("held-out perplexity"): _number(held.iloc[-1] if len(held) else None),
        N_("blind guess"): str(run.tokenizer.size),
        N_("tokens per second"): _number(last.get("tokens_per_second"), ",.0f"),
        N_("gradient norm"): _number(last.get("gradient_norm")),
    }
    row = st.container(horizontal=True, key="numbers")
    for name, value in cells.items():
        row.metric(_(name), value, help=meaning(name), width=150)


def _number(value: Any, form: str = ".2f") -> str:
    return format(value, form) if value is not None and pd.notna(value) else "–"


def duration(seconds: float | None) -> str:
    """So many seconds, in words."""
    if seconds is None:
        return _("an unknown time")
    if seconds < 90:
        return _("{count} s", count=max(1, round(seconds)))
    return _("{count} min", count=round(seconds / 60))


def _buttons(key: str, job: Job | None, run: Run | None) -> None:
    """Pause, step, go on, cancel, and a hand on the learning rate."""
    alive = job is not None and not job.over
    row = st.container(horizontal=True, key="buttons")
    if alive and job is not None:
        row.button(_("Pause"), icon=":material/pause:", on_click=_do, args=("pause", key))
        row.button(_("Cancel"), icon=":material/stop:", on_click=_do, args=("cancel", key))
        if job.status == "running":
            with row.popover(_("Learning rate"), icon=":material/tune:"):
                _rate(key)
    elif run is not None and run.status == "diverged":
        doctor(run, "panel")  # going on would break at the very same step
    elif run is not None and run.status != "finished":
        message = run.message or (
            str(ExplorerError.from_json(dict(job.message)))
            if job is not None and job.message
            else ""
        )
        if message:
            st.error(plain(message), icon=":material/error:")
        row.button(
            _("Go on"),
            icon=":material/play_arrow:",
            type="primary",
            on_click=_do,
            args=("go on", key),
        )
        row.button(_("One step"), icon=":material/skip_next:", on_click=_do, args=("step", key))
        with row.popover(_("Learning rate"), icon=":material/tune:"):
            _rate(key)
    if run is not None and not run.experiment.pure:
        st.caption(
            _(
                "A hand was on it while it trained: {changes}. This is a run of its own, "
                "no longer the pure experiment.",
                changes=by_hand(run.experiment.training),
            )
        )


def _rate(key: str) -> None:
    st.caption(
        _(
            "The rate is multiplied from the next step on. What comes of it is a run of its "
            "own; this one stays as it is."
        )
    )
    for factor in (0.1, 0.5, 2.0, 10.0):
        st.button(
            f"× {factor:g}",
            key=f"rate-{factor}",
            on_click=_do,
            width="stretch",
            args=("rate", key, factor),
        )


def _do(what: str, key: str, factor: float = 1.0) -> None:
    """What a button does. The next drawing of the page shows what came of it."""
    me = owner()
    try:
        job = engine().find(key)
        if what in ("pause", "rate") and job is not None and not job.over:
            engine().pause(job.id, me)
        if what == "cancel" and job is not None:
            engine().cancel(job.id, me)
        if what in ("go on", "step", "rate"):
            run = store().run(key)
            experiment, last = run.experiment, max(run.snapshots, default=0)
            if what == "rate":
                experiment = experiment.changed(last, factor).with_text(experiment.text)
            engine().submit(experiment, me, until=last + 1 if what == "step" else None)
            store().claim(me, experiment.key)
            st.session_state["training"] = experiment.key
    except ExplorerError as error:
        st.session_state["complaint"] = error
    st.session_state["redraw"] = True


def samples(run: Run, ask: Callable[..., xr.Dataset | None] = ask) -> dict[int, str]:
    """What the network writes after some of its snapshots, the first and the last among them.

    ask: `ask_soon` leaves out what is not written yet."""
    every = max(1, (len(run.snapshots) - 1) // (SAMPLES - 1))
    steps = [*run.snapshots[:-1:every][: SAMPLES - 1], *run.snapshots[-1:]]
    prefix = run.experiment.text.content[:12]
    written = {
        step: ask("generate", run.key, step, prefix=prefix, tokens=SAMPLE, temperature=0.7)
        for step in steps
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
