"""Several experiments trained as jobs and drawn in one picture as they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pandas as pd
import streamlit as st

from explorer.engine import Job
from explorer.errors import ExplorerError
from explorer.experiment import Experiment
from explorer.models.truncation import Truncation
from explorer.store import Run
from explorer.ui.backend import engine, store
from explorer.ui.counting import baseline
from explorer.ui.figure import show
from explorer.ui.page import complain, guard
from explorer.ui.session import owner, theme
from explorer.ui.text import plain
from explorer.views.history import Curve, counted, perplexity
from explorer.words import _

STEPS, WINDOW, BATCH = 300, 64, 16  # of each run that is cut in its own way


def cut_in_each_way(run: Run, every: int) -> dict[str, Experiment]:
    """A run's network and text, to be trained anew with the gradient cut in each way there is,
    by its kind: in short windows where the text has too few tokens for long ones."""
    old = run.experiment
    lane = int(_tokens(run.key, run) * (1 - old.data.held_out)) // BATCH
    return {
        kind: Experiment.language_model(
            old.text, old.tokens, old.model, steps=STEPS, seed=old.seed, batch=BATCH,
            window=max(2, min(WINDOW, lane - 2)), sampling="sequential", truncation=kind,
            truncate=every, learning_rate=old.training.learning_rate, held_out=old.data.held_out)
        for kind in get_args(Truncation)
    }


@st.cache_data(show_spinner=False, max_entries=64)
def _tokens(key: str, _run: Run) -> int:
    """How many tokens the text of a run has."""
    return len(_run.tokenizer.encode(_run.experiment.text.content))


def curves(experiments: Mapping[str, Experiment], key: str) -> dict[str, Run]:
    """A button that trains the experiments, by name, and their curves, polled while any is alive.
    The same experiments are the same runs: who opens the page's link sees the curves at once.
    Gives the runs that are finished."""
    complaint = st.session_state.pop(f"{key} complaint", None)
    if complaint is not None:
        complain(complaint)
    alive = _alive(experiments)
    runs = {name: run for name, run in _runs(experiments).items() if run.status == "finished"}
    row = st.container(horizontal=True, key=f"{key}-buttons")
    if alive:
        row.button(_("Stop"), icon=":material/stop:", key=f"{key}-stop", on_click=_stop,
                   args=(experiments, key))
    elif len(runs) < len(experiments):
        row.button(_("Train all {count}", count=len(experiments)), type="primary", on_click=_start,
                   icon=":material/model_training:", key=f"{key}-start", args=(experiments, key))
    st.fragment(_watch, run_every=1 if alive else None)(experiments, key, alive)
    return runs


def _watch(experiments: Mapping[str, Experiment], key: str, was_alive: bool) -> None:
    """One look at all of them. When the last has ended, the whole page is drawn again."""
    with guard():  # here: an error does not leave a fragment
        alive = _alive(experiments)
        if was_alive and not alive:
            st.rerun()
        runs, drawn = _runs(experiments), []
        for name, experiment in experiments.items():
            history = _history(experiment, runs.get(name))
            if len(history):
                drawn.append(Curve(name, experiment.model.kind, history))
            _standing(name, experiment, history, alive)
        if drawn:
            one = next(iter(runs.values()))  # all learn from the same text
            lines = {_("blind guess"): float(one.tokenizer.size)} | counted(baseline(one))
            show(perplexity(drawn, lines, theme(),
                            max(each.training.steps for each in experiments.values()), height=340),
                 key)


def _standing(name: str, experiment: Experiment, history: pd.DataFrame, alive: bool) -> None:
    """How far one of them is, while any is training; why it ended, if badly."""
    job, steps = engine().find(experiment.key), experiment.training.steps
    if job is not None and job.over and job.message:
        st.error(plain(f"{name}: {ExplorerError.from_json(dict(job.message))}"),
                 icon=":material/error:")
    if alive:
        step = int(history["step"].iloc[-1]) if len(history) else 0
        st.progress(min(1.0, step / steps),
                    plain(_("{name}: step {step} of {steps}", name=name, step=step, steps=steps)))


def _alive(experiments: Mapping[str, Experiment]) -> bool:
    jobs = [engine().find(experiment.key) for experiment in experiments.values()]
    return any(job is not None and not job.over for job in jobs)


def _runs(experiments: Mapping[str, Experiment]) -> dict[str, Run]:
    """The runs that there are, by name."""
    return {name: store().run(experiment.key) for name, experiment in experiments.items()
            if experiment.key in store()}


def _history(experiment: Experiment, run: Run | None) -> pd.DataFrame:
    """What was stored, and after it what has been reported since."""
    stored = run.history if run is not None else pd.DataFrame()
    job: Job | None = engine().find(experiment.key)
    fresh = pd.DataFrame()
    if job is not None and not job.over:
        fresh = pd.DataFrame([progress.row() for progress in engine().progress(job.id)])
    if len(fresh) and len(stored):
        stored = stored[stored["step"] < fresh["step"].min()]
    parts = [part for part in (stored, fresh) if len(part)]
    return pd.concat(parts) if parts else pd.DataFrame()


def _start(experiments: Mapping[str, Experiment], key: str) -> None:
    """Hand all of them to the engine; those that are finished are not trained again."""
    try:
        for experiment in experiments.values():
            engine().submit(experiment, owner())
            store().claim(owner(), experiment.key)
    except ExplorerError as error:
        st.session_state[f"{key} complaint"] = error


def _stop(experiments: Mapping[str, Experiment], key: str) -> None:
    for experiment in experiments.values():
        job = engine().find(experiment.key)
        if job is not None and not job.over:
            try:
                engine().cancel(job.id, owner())
            except ExplorerError as error:  # another's, who goes on with it
                st.session_state[f"{key} complaint"] = error
