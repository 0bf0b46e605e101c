"""What the page of depth and direction asks of the store and the engine: the same experiment at
other depths, in one or both directions, and the runs of these while they are trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import streamlit as st
import xarray as xr

from explorer.engine import Job
from explorer.errors import ExplorerError, RunError
from explorer.experiment import Experiment
from explorer.models.base import RECURRENT
from explorer.store import Run
from explorer.ui import link
from explorer.ui.backend import engine, open_run, store
from explorer.ui.counting import baseline
from explorer.ui.page import guard
from explorer.ui.runs import apart, best_perplexity, listed, whole
from explorer.ui.session import owner
from explorer.ui.text import plain
from explorer.words import _

DEEPEST = 8
USUAL = (1, 2, 4, 8)


def known_runs() -> dict[str, Run]:
    """One's own and the shipped runs, and those in the link, that have a snapshot, by key."""
    linked = [key for name in ("run", "both") if (key := st.query_params.get(name))]
    found = {}
    for key in dict.fromkeys([*listed(), *linked]):
        with suppress(RunError):
            run = whole(key, kinds=RECURRENT)
            if run.snapshots:
                found[key] = run
    return found


def deepest(runs: Mapping[str, Run]) -> list[str]:
    """The key of the run with the most layers, if there is any: the page opens on it."""
    return sorted(runs, key=lambda key: -getattr(runs[key].experiment.model, "layers", 0))[:1]


def choose_both(runs: Mapping[str, Run]) -> Run | None:
    """A choice among the runs that read both ways, and were trained to their end; None if there
    is none."""
    able = {key: run for key, run in runs.items()
            if getattr(run.experiment.model, "bidirectional", False) and run.status == "finished"}
    if not able:
        return None
    names = listed()
    link.seed("both", next(iter(able)), allowed=list(able))
    key = str(st.selectbox(_("Run that reads both ways"), list(able), key="both",
                           format_func=apart(able, names).__getitem__))
    link.write(both=key)
    return able[key]


def with_model(run: Run, **changes: Any) -> Experiment:
    """A run's experiment with other settings of its model, and all else the same, but for a rate
    that was changed by hand."""
    experiment = run.experiment
    data = experiment.model_dump(mode="json")
    data["model"] |= changes
    if data["model"]["layers"] == 1:
        data["model"]["dropout"] = 0.0  # it acts between layers
    if data["model"].get("bidirectional"):
        data["model"]["tied"] = False
    data["training"]["changes"] = []
    return Experiment.parse(data).with_text(experiment.text)


def at_depths(run: Run, depths: Iterable[int]) -> dict[int, Experiment]:
    """A run's experiment at other depths, in one direction: same text, steps, batches and seed."""
    return {depth: with_model(run, layers=depth, bidirectional=False) for depth in sorted(depths)}


def finished(experiment: Experiment) -> Run | None:
    """The run of an experiment, if it was trained to its end."""
    if experiment.key not in store():
        return None
    run = open_run(experiment.key)
    return run if run.status == "finished" else None


def by_depth(run: Run, experiments: Mapping[int, Experiment]) -> xr.Dataset:
    """`held_out` (perplexity), `seconds` and `parameters` over `depth`; NaN where not trained.
    attrs `counting`, `order`: held-out perplexity and order of the best n-gram model, if known."""
    runs = [finished(each) for each in experiments.values()]
    size = run.tokenizer.size
    counting = baseline(run)
    measured = [best_perplexity(each) if each else None for each in runs]
    return xr.Dataset(
        {
            "held_out": ("depth", [float("nan") if value is None else value
                                   for value in measured]),
            "seconds": ("depth", [each.seconds if each else float("nan") for each in runs]),
            "parameters": ("depth", [float(each.model.parameters(size))
                                     for each in experiments.values()]),
        },
        {"depth": list(experiments)},
        {"run": run.key, "step": run.experiment.training.steps,
         "model": run.experiment.model.title, "kind": run.experiment.model.kind,
         "hidden": getattr(run.experiment.model, "hidden", 0),
         "steps": run.experiment.training.steps}
        | ({"order": counting.order, "counting": counting.perplexity} if counting else {}),
    )


def beside(one: xr.Dataset, both: xr.Dataset) -> xr.Dataset:
    """What the probe `misuse` said of a network of one and of one of both directions, as one."""
    parts = {"text": both.sel(source="text"), "one way": one.sel(source="written"),
             "both ways": both.sel(source="written"), "anew": both.sel(source="anew"),
             "unigram": both.sel(source="unigram"), "blind": both.sel(source="blind")}
    return xr.Dataset(
        {"known": ("source", [float(part["known"]) for part in parts.values()])},
        {"source": list(parts)}, both.attrs | {"beside": one.attrs["run"]})


def train_button(experiments: Mapping[str, Experiment], label: str, key: str) -> None:
    """A button that has those trained which are not yet, and the progress of those that are being
    trained. The page is drawn again when one ends. experiments: by what they are called."""
    alive = {name: job for name, each in experiments.items() if (job := _alive(each.key))}
    missing = {name: each for name, each in experiments.items()
               if name not in alive and finished(each) is None}
    if missing:
        st.button(label, icon=":material/model_training:", key=f"{key}-train", on_click=_submit,
                  args=(list(missing.values()),))
    complaint = st.session_state.pop("complaint", None)
    if isinstance(complaint, ExplorerError):
        st.error(plain(str(complaint)), icon=":material/error:")
    for name, each in missing.items():
        job = engine().find(each.key)
        if job is not None and job.message:
            said = str(ExplorerError.from_json(dict(job.message)))
            st.warning(plain(f"{name}: {said}"), icon=":material/error:")
    if alive:
        named = {name: experiments[name] for name in alive}
        st.fragment(_guarded, run_every=1)(named, key)


def _guarded(experiments: Mapping[str, Experiment], key: str) -> None:
    with guard():
        _watch(experiments, key)


def _watch(experiments: Mapping[str, Experiment], key: str) -> None:
    """How far each is. When one has ended the whole page is drawn again."""
    jobs = {name: _alive(each.key) for name, each in experiments.items()}
    if not all(jobs.values()):
        st.rerun()
    for name, each in experiments.items():
        job = jobs[name]
        assert job is not None
        points = engine().progress(job.id)
        step, steps = points[-1].step if points else 0, each.training.steps
        waits = _("{name}: waiting, place {place}", name=name, place=job.position)
        st.progress(step / steps, waits if job.status == "queued" else
                    _("{name}: step {step} of {steps}", name=name, step=step, steps=steps))
    st.button(_("Cancel"), icon=":material/stop:", key=f"{key}-cancel", on_click=_cancel,
              args=([each.key for each in experiments.values()],))


def _alive(key: str) -> Job | None:
    job = engine().find(key)
    return job if job is not None and not job.over else None


def _submit(experiments: Iterable[Experiment]) -> None:
    try:
        for experiment in experiments:
            engine().submit(experiment, owner())
            store().claim(owner(), experiment.key)
    except ExplorerError as error:
        st.session_state["complaint"] = error


def _cancel(keys: Iterable[str]) -> None:
    for key in keys:
        job = _alive(key)
        if job is not None:
            with suppress(ExplorerError):
                engine().cancel(job.id, owner())


def written(title: str, said: xr.Dataset, samples: int = 3) -> None:
    """What a network is worth: two perplexities, and some of what it wrote."""
    st.markdown(f"**{title}**")
    row = st.container(horizontal=True)
    row.metric(_("held-out perplexity, as scored"), f"{said.attrs['scored']:.2f}", width=190)
    row.metric(_("with nothing to come"), f"{said.attrs['honest']:.2f}", width=190,
               help=_("The same tokens, each guessed from those before it alone."))
    for begun, wrote in list(zip(said["begun"].values, said["written"].values,
                                 strict=True))[:samples]:
        st.text(f"{begun}│{wrote}".replace("\n", "⏎"))
