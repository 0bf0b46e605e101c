"""The panel of a run that is being trained: it watches, and has the buttons."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

import pandas as pd
import streamlit as st

from explorer.engine import Job
from explorer.errors import ExplorerError, RunError
from explorer.experiment import Experiment
from explorer.store import Run
from explorer.tasks import Task
from explorer.ui import link
from explorer.ui.backend import engine, store
from explorer.ui.doctor import cured, doctor
from explorer.ui.glossary import meaning
from explorer.ui.naming import by_hand
from explorer.ui.page import complain, guard
from explorer.ui.runs import called
from explorer.ui.session import owner
from explorer.ui.text import plain, prose
from explorer.views.figure import amount
from explorer.words import _

STARTED, COMPLAINT = "training", "complaint"  # their names in the session
# Of many who watch, so many are answered at a time: they share one interpreter, and at once they
# would wait most of the time for Streamlit's lock on its settings, which each message takes.
_TURNS = BoundedSemaphore(2)
SAMPLES = 6  # snapshots that show what the network does


@dataclass(frozen=True)
class Look:
    """What a page shows of a run that is trained, beside its progress and its buttons. task: what
    it must learn. numbers: by name, a term of the glossary. draw: the charts of (run, history,
    alive), and what the network does by now."""

    task: str
    numbers: Callable[[Run, pd.DataFrame], dict[str, str]]
    draw: Callable[[Run, pd.DataFrame, bool], None]


def start(experiment: Experiment) -> None:
    """What the button does: hand the experiment to the engine; its run becomes the page's."""
    try:
        engine().submit(experiment, owner())
        store().claim(owner(), experiment.key)
        st.session_state[STARTED] = experiment.key
    except ExplorerError as error:
        st.session_state[COMPLAINT] = error


def train_button(experiment: Experiment | None) -> None:
    """The button that has an experiment trained, and what went wrong when it was pressed."""
    st.button(_("Train"), type="primary", icon=":material/model_training:",
              disabled=not experiment, on_click=start, args=(experiment,))
    complaint = st.session_state.pop(COMPLAINT, None)
    if complaint is not None:
        complain(complaint)


def looked_at(task: str) -> str | None:
    """The key of the run that a page of this task shows: just started, or in the link, which then
    says it. One that learnt something else is refused in words."""
    key: str | None = (cured() or st.session_state.pop(STARTED, None)
                       or st.query_params.get("run"))
    if key and key in store():
        with suppress(RunError):  # the panel says what is wrong with it
            if store().run(key).experiment.task.kind != task:
                link.refuse(_(Task.family[task].mismatch))  # type: ignore[attr-defined]
                key = None
    link.write(run=key)
    return key


def watched(key: str | None, look: Look) -> Run | None:
    """The panel of the run with this key, or why there is none; the run when nobody trains it
    (any more)."""
    if not key:
        return None
    run = None
    with guard():
        run = panel(key, look)
        if run is None and engine().find(key) is None:
            st.warning(_("There is no run {key} here: check the link, or train it again.",
                         key=plain(key[:40])), icon=":material/link_off:")
    return run


def panel(key: str, look: Look) -> Run | None:
    """Watch a run until it ends: polled once a second, and no more when it is over. Gives the run
    when nobody trains it (any more). Raises RunError: damaged, another version."""
    job = engine().find(key)
    alive = job is not None and not job.over
    run = store().run(key) if key in store() else None
    st.fragment(_guarded, run_every=1 if alive else None)(key, alive, look)
    return None if alive else run


def _guarded(key: str, was_alive: bool, look: Look) -> None:
    turn = _TURNS if was_alive else nullcontext()
    with turn, guard():  # here: an error does not leave a fragment
        _watch(key, was_alive, look)


def _watch(key: str, was_alive: bool, look: Look) -> None:
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
    if run is not None:
        st.markdown(prose(_("Shown: **{name}**, trained on “{text}”.", name=called(run),
                            text=run.experiment.data.name)))
    _buttons(key, job, run)
    if history is None or run is None:
        st.progress(0.0, _("Getting ready …"))
        return
    _progress(history, run, job)
    row = st.container(horizontal=True, key="numbers")
    for name, value in look.numbers(run, history).items():
        row.metric(_(name), value, help=meaning(name), width=150)
    look.draw(run, history, alive)


def seen(key: str) -> tuple[Run | None, pd.DataFrame | None]:
    """A run as it stands, and its history with what has been reported since."""
    run = store().run(key) if key in store() else None
    return run, so_far(key, engine().find(key), run)


@st.cache_resource(show_spinner=False, max_entries=32)
def _shared(key: str, second: int) -> tuple[Run | None, pd.DataFrame | None]:
    """The same for all who watch a run within a second: a class reads and draws it once."""
    return seen(key)


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


def _progress(history: pd.DataFrame, run: Run, job: Job | None) -> None:
    steps, step = run.experiment.training.steps, int(history["step"].iloc[-1])
    alive = job is not None and not job.over
    left = _(" · {time} left", time=duration(job.eta)) if alive and job and job.eta else ""
    st.progress(step / steps, _("Step {step} of {steps}", step=step, steps=steps) + left)


def along(snapshots: tuple[int, ...]) -> list[int]:
    """Some of the snapshots, the first and the last among them."""
    every = max(1, (len(snapshots) - 1) // (SAMPLES - 1))
    return [*snapshots[:-1:every][: SAMPLES - 1], *snapshots[-1:]]


def last(history: pd.DataFrame, column: str, form: str = ".2f") -> str:
    """The newest known value of a column of a history."""
    known = history.get(column, pd.Series(dtype=float)).dropna()
    return number(known.iloc[-1] if len(known) else None, form)


def number(value: Any, form: str = ".2f") -> str:
    """A number in words; a dash while it is not known."""
    if value is None or pd.isna(value):
        return "–"
    return amount(float(value)) if form == ".2f" else format(value, form)


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
            st.session_state[STARTED] = experiment.key
    except ExplorerError as error:
        st.session_state[COMPLAINT] = error
    st.session_state["redraw"] = True
