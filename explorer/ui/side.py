"""The runs of a comparison: queued as places become free, watched until all are over.

A comparison stands in the link as the keys of its runs. Each is kept in the store before it is
queued, so that the link shows the same from the first moment on, in any browser; and whoever asked
for it and looks at it again sees it go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import streamlit as st
import xarray as xr

from explorer.comparison import Comparison, Side, check, curves, effort, grouped, subject
from explorer.engine import Job
from explorer.errors import ExplorerError, QueueFull, RunError
from explorer.experiment import Experiment
from explorer.models.base import RECURRENT
from explorer.store import Run
from explorer.ui import link
from explorer.ui.backend import ask, engine, open_run, store
from explorer.ui.naming import distinct, tell_apart
from explorer.ui.runs import whole
from explorer.ui.session import owner
from explorer.ui.training import so_far
from explorer.words import _

RUNS = "runs"  # its name in the link
WANTED = "side wanted"  # in the session: keys that are to go on though they were stopped
OF_RUNS = ("text", "start", "one", "other", "prefix", "length", "temperature")  # in the link
COMPLAINT = "side complaint"
PATIENT = ("new", "queued")


@dataclass(frozen=True)
class Entry:
    """A run of a comparison as it stands. status: as of a job or a run. message: why it ended."""

    run: Run
    job: Job | None

    @property
    def alive(self) -> bool:
        return self.job is not None and not self.job.over

    @property
    def status(self) -> str:
        if self.job is not None and (self.alive or self.run.status == "new"):
            return self.job.status
        return self.run.status

    @property
    def message(self) -> str:
        if self.run.message:
            return self.run.message
        said = self.job.message if self.job is not None else None
        return str(ExplorerError.from_json(dict(said))) if said else ""

    @property
    def step(self) -> int | None:
        """The snapshot that it is judged by: its best, else its last; None before the first."""
        run = self.run
        return run.best if run.best in run.snapshots else max(run.snapshots, default=None)


@dataclass(frozen=True)
class Field:
    """A comparison as it stands. groups: the entries of each variation, one for each seed."""

    names: list[str]
    groups: list[list[Entry]]

    @property
    def entries(self) -> list[Entry]:
        return [entry for group in self.groups for entry in group]

    @property
    def experiments(self) -> list[Experiment]:
        """The first of each variation."""
        return [group[0].run.experiment for group in self.groups]

    @property
    def state(self) -> tuple[str, ...]:
        return tuple(entry.status for entry in self.entries)

    def trace(self) -> xr.Dataset | None:
        """The curves so far; None before the first step of any."""
        sides = [[Side(entry.run.experiment, history) for entry in group
                  if (history := so_far(entry.run.key, entry.job, entry.run)) is not None
                  and len(history)] for group in self.groups]
        begun = [index for index, group in enumerate(sides) if group]
        if not begun:
            return None
        return curves([self.names[i] for i in begun], [sides[i] for i in begun],
                      [flops(self.groups[i]) for i in begun])


def flops(group: Sequence[Entry]) -> float:
    """FLOPs of a training step of a variation; NaN while none of it has a snapshot."""
    for entry in group:
        if entry.run.snapshots:
            said = ask("flops", entry.run.key, entry.run.snapshots[0])
            return float(said["forward"]) + float(said["backward"])
    return float("nan")


def gather(keys: Sequence[str], task: str | None = None) -> Field:
    """The runs of a comparison. task: what they must have learnt; None is content with anything.
    Raises RunError: one is not there or damaged, or learnt something else; DataError: their
    perplexities do not compare."""
    entries = [Entry(whole(key, task), engine().find(key)) for key in dict.fromkeys(keys)]
    check([entry.run.experiment for entry in entries])
    groups = [[entries[i] for i in group]
              for group in grouped([entry.run.experiment for entry in entries])]
    for group in groups:
        group.sort(key=lambda entry: entry.run.experiment.seed)
    told = tell_apart([group[0].run.experiment.model_copy(update={"seed": 0}) for group in groups])
    return Field(distinct(told.names), groups)


def launch(comparison: Comparison) -> None:
    """What the button does: keep all runs in the store, and queue as many as the engine takes.
    They become the page's; the rest follows while anybody looks."""
    try:
        me, found = owner(), list(chain.from_iterable(comparison.experiments))
        for experiment in found:
            store().announce(experiment, comparison.tokenizer)
            store().claim(me, experiment.key)
        st.session_state[WANTED] = {experiment.key for experiment in found}
        st.session_state[RUNS] = ".".join(experiment.key for experiment in found)
        link.write(**dict.fromkeys(OF_RUNS))
        fill(gather([experiment.key for experiment in found]))
    except ExplorerError as error:
        st.session_state[COMPLAINT] = error


def fill(field: Field) -> str:
    """Queue what waits: first the first seed of each variation, then the second; the longest of
    each first. Gives the reason when the engine takes no more for now."""
    wanted: set[str] = st.session_state.setdefault(WANTED, set())
    for entry in waiting(field):
        try:
            engine().submit(entry.run.experiment, owner())
        except QueueFull as full:
            return str(full)
        wanted.discard(entry.run.key)
    return ""


def waiting(field: Field) -> list[Entry]:
    """Those of one's own that are to be trained, but are not in the queue yet, in their order."""
    wanted: set[str] = st.session_state.get(WANTED, set())
    mine = set(store().own(owner()))
    seedwise = chain.from_iterable(
        sorted(filter(None, each), key=lambda entry: -effort(entry.run.experiment))
        for each in zip_longest(*field.groups))
    return [entry for entry in seedwise if not entry.alive
            and entry.run.key in mine and entry.run.status != "finished"
            and (entry.run.key in wanted or (entry.run.status == "new" and entry.job is None))]


def stop(keys: Sequence[str]) -> None:
    """Cancel all of one's own that train or wait; what is finished stays."""
    st.session_state[WANTED] = set()
    try:
        field = gather(keys)
        late = waiting(field)
        for entry in field.entries:
            if entry.job is not None and entry.alive:
                engine().cancel(entry.job.id, owner())
        for entry in late:
            store().mark(entry.run.key, "cancelled")
    except ExplorerError as error:
        st.session_state[COMPLAINT] = error


def resume(keys: Sequence[str]) -> None:
    """Train on what was stopped: cancelled, paused, or failed."""
    try:
        field = gather(keys)
        st.session_state[WANTED] = {entry.run.key for entry in stopped(field)}
        for key in st.session_state[WANTED]:
            store().claim(owner(), key)
        fill(field)
    except ExplorerError as error:
        st.session_state[COMPLAINT] = error


def stopped(field: Field) -> list[Entry]:
    """Those that could go on."""
    return [entry for entry in field.entries
            if entry.status in ("cancelled", "paused", "failed", "new") and not entry.alive]


def compared(default: Sequence[str]) -> list[str]:
    """The keys of the runs that the page compares: just launched, those in the link, or the
    default; the link then says them."""
    launched = st.session_state.pop(RUNS, None)
    said = launched or st.query_params.get(RUNS, "")
    keys = [key for key in said.split(".") if key] or list(default)
    link.write(**{RUNS: ".".join(keys) if keys and keys != list(default) else None})
    return keys


def shipped() -> list[str]:
    """The shipped runs of one text, the first of each recurrent architecture, which were trained
    alike: what there is to compare before anything was trained."""
    found: dict[tuple[str, str, float, bool], dict[str, str]] = {}
    for key in store().pretrained():
        try:
            experiment = open_run(key).experiment
        except RunError:  # the list of runs says what is wrong with it
            continue
        if experiment.model.kind in RECURRENT:
            found.setdefault(subject(experiment), {}).setdefault(experiment.model.kind, key)
    return list(max(found.values(), key=len, default={}).values())


def said(field: Field) -> str:
    """How far they are, in words."""
    counts = {status: field.state.count(status) for status in dict.fromkeys(field.state)}
    over = sum(counts.get(status, 0) for status in ("finished", "diverged", "failed", "cancelled",
                                                    "paused"))
    return _("{over} of {all} runs are over, {running} are being trained, {waiting} wait.",
             over=over, all=len(field.entries), running=counts.get("running", 0),
             waiting=sum(counts.get(status, 0) for status in PATIENT))
