"""Several networks that read the same tokens: trained runs, or fresh ones before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
import xarray as xr

from explorer.errors import ExplorerError, RunError
from explorer.experiment import Experiment
from explorer.models import Model
from explorer.models.base import RECURRENT
from explorer.models.recurrent import Recurrent
from explorer.store import Run
from explorer.ui import link
from explorer.ui.backend import ask, engine, store
from explorer.ui.glossary import meaning
from explorer.ui.page import onward
from explorer.ui.runs import apart, called, listed, whole
from explorer.ui.session import owner
from explorer.ui.text import plain
from explorer.words import N_, _

MOST = 6  # networks overlaid
AWAITED = "runs awaited"  # its name in the session
STANDING_IN = "runs stand in"  # for those awaited, while none of them has begun
RADII = ("drawn", "0", "0.25", "0.5", "0.75", "0.9", "1", "1.1", "1.25", "1.5", "2")
INITIAL = {"uniform": N_("evenly"), "orthogonal": N_("orthogonal"), "gaussian": N_("Gaussian")}
ACTIVATIONS = {"tanh": "tanh", "relu": "ReLU", "linear": N_("linear")}


@dataclass(frozen=True)
class Subject:
    """A network to look at. changes: parameters for the probe that make an untrained network of
    the run's, if it is one."""

    name: str
    run: Run
    step: int
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> Recurrent:
        """Its architecture and settings."""
        changed = self.changes.get("model")
        found = Model.parse(changed) if changed else self.run.experiment.model
        assert isinstance(found, Recurrent)
        return found

    def ask(self, probe: str, **parameters: Any) -> xr.Dataset:
        """A probe's answer about it. Raises ExplorerError."""
        return ask(probe, self.run.key, self.step, **parameters, **self.changes)


def choose_runs(shown: bool = True) -> list[Run]:
    """A choice among one's own, the shipped and the linked runs, of those that read the same
    tokens: at first one of each architecture. Ends the page when there is none at all.

    shown: False takes what was chosen before, without a control.
    """
    runs = _runs(shown)
    if not runs:
        st.info(_("There is no trained run yet."), icon=":material/model_training:")
        onward("pages/train.py", _("Train one on a text of your own"))
        st.stop()
    names = listed()
    if not shown:
        return [runs[key] for key in st.session_state["runs"]]
    chosen: list[str] = st.multiselect(
        _("Networks"),
        list(runs),
        key="runs",
        max_selections=MOST,
        format_func=apart(runs, names).__getitem__,
        help=_("Up to {count} that read the same tokens.", count=MOST),
    ) or _usual(runs)
    own = [] if st.session_state[STANDING_IN] else chosen
    link.write(runs=",".join([*own, *st.session_state[AWAITED]]), run=None)
    first, *others = (runs[key] for key in chosen)
    same = [run for run in others if run.tokenizer.labels == first.tokenizer.labels]
    for run in others:
        if run not in same:
            st.warning(
                _(
                    "{name} cuts its text into other tokens than {first}: their steps cannot be "
                    "laid over each other, so it is left out.",
                    name=plain(called(run)),
                    first=plain(called(first)),
                ),
                icon=":material/compare_arrows:",
            )
    return [first, *same]


def _runs(shown: bool) -> dict[str, Run]:
    """The runs that can be chosen, which read in one direction; what the link or the button asked
    for is chosen, and awaited while it has not begun."""
    state = st.session_state
    said = st.query_params.get("runs", st.query_params.get("run", ""))
    new = "runs" not in state or state.get("runs · link") != said or state.get(STANDING_IN)
    wanted = [key for key in said.split(",") if key][:MOST]
    runs: dict[str, Run] = {}
    awaited = []
    for key in dict.fromkeys([*listed(), *wanted]):
        try:
            run = whole(key, kinds=RECURRENT)
        except RunError as error:
            job = engine().find(key) if key in wanted else None
            if job is not None and not job.over:
                awaited.append(key)
            elif key in wanted:
                st.warning(plain(str(error)), icon=":material/link_off:")
            continue
        if getattr(run.experiment.model, "bidirectional", False):
            if key in wanted:
                st.warning(
                    _("{name} reads from both ends, so its guesses have no one past: it is left "
                      "out.", name=plain(called(run))),
                    icon=":material/swap_horiz:",
                )
        elif run.snapshots:
            runs[key] = run
        elif key in wanted:
            awaited.append(key)
    begun = [key for key in state.get(AWAITED, ()) if key in runs]
    state[AWAITED] = awaited
    chosen = wanted if new else [*state["runs"], *begun]
    found = [key for key in dict.fromkeys(chosen) if key in runs][:MOST]
    state[STANDING_IN] = bool(awaited) and not found
    link.put("runs", found or _usual(runs), (shown, *apart(runs, listed()).values()))
    if awaited:
        st.info(
            _("Networks that wait for their training to begin: {count}.", count=len(awaited)),
            icon=":material/hourglass:",
        )
    return runs


def _usual(runs: dict[str, Run]) -> list[str]:
    """One run of each architecture on the same tokens: of the tokens that most of them read."""
    best: dict[str, str] = {}
    for first in runs.values():
        found = {
            run.experiment.model.kind: key
            for key, run in reversed(runs.items())
            if run.experiment.data.sha256 == first.experiment.data.sha256
            and run.tokenizer.labels == first.tokenizer.labels
        }
        if len(found) > len(best):
            best = found
    return sorted(best.values(), key=lambda key: RECURRENT.index(runs[key].experiment.model.kind)
                  if runs[key].experiment.model.kind in RECURRENT else len(RECURRENT))


def at_share(runs: Sequence[Run]) -> list[Subject]:
    """The runs at a snapshot: it is chosen for the first; the others are taken where the same share
    of their training was done, as nearly as their snapshots allow."""
    first = runs[0]
    steps = list(first.snapshots)
    link.seed("step", steps[-1], int, allowed=steps)
    if len(steps) > 1:
        st.select_slider(_("Snapshot after step"), steps, key="step", help=meaning("snapshot"))
    step = int(st.session_state["step"])
    link.write(step=None if step == steps[-1] else step)
    share = step / first.experiment.training.steps if step != steps[-1] else 1.0
    names = named(runs)
    return [
        Subject(name, run, step if run is first else _nearest(run, share))
        for name, run in zip(names, runs, strict=True)
    ]


def _nearest(run: Run, share: float) -> int:
    steps = run.experiment.training.steps
    return min(run.snapshots, key=lambda step: abs(step / steps - share))


def named(runs: Sequence[Run]) -> list[str]:
    """A short name for each run: its architecture, with what tells it from others of its kind."""
    titles = [run.experiment.model.title for run in runs]
    return [
        title if titles.count(title) == 1 else f"{title} {titles[: i + 1].count(title)}"
        for i, title in enumerate(titles)
    ]


def fresh(base: Run) -> list[Subject]:
    """An RNN, a GRU and an LSTM as they are before the first step, made as the knobs say; they read
    the tokens of `base`."""
    st.caption(_("An RNN, a GRU and an LSTM before their first step of training."))
    link.seed("radius", "drawn", allowed=RADII)
    radius = st.select_slider(
        _("Spectral radius"), RADII, key="radius",
        format_func=lambda value: _("as drawn") if value == "drawn" else value,
        help=_("The recurrent matrix U is scaled until its largest eigenvalue has this size; in a "
               "gated network each gate's part of it for itself. 0 makes U vanish."),
    )
    left, right = st.columns(2, vertical_alignment="bottom")
    link.seed("initial", "uniform", allowed=INITIAL)
    initial = left.selectbox(
        _("Weights drawn"), list(INITIAL), key="initial",
        format_func=lambda name: _(INITIAL[name]),
        help=_("Evenly within ±1/√units, as PyTorch does it; orthogonal, which keeps every length; "
               "Gaussian of variance 1/units."),
    )
    with right.popover(_("More"), icon=":material/tune:", width="stretch"):
        link.seed("forget", 0.0, float, between=(-5.0, 5.0))
        bias = float(st.slider(
            _("Forget-gate bias of the LSTM"), -5.0, 5.0, step=0.5, key="forget",
            help=_("Added to the forget gate before training: 1 makes it keep at first."),
        ))
        link.seed("activation", "tanh", allowed=ACTIVATIONS)
        bend = st.selectbox(
            _("Activation of the RNN"), list(ACTIVATIONS), key="activation",
            format_func=lambda name: _(ACTIVATIONS[name]),
        )
        link.seed("hidden", 128, int, between=(1, 256))
        hidden = int(st.number_input(_("Hidden units"), 1, 256, key="hidden"))
        link.seed("seed", 0, int, between=(0, 9999))
        seed = int(st.number_input(_("Seed"), 0, 9999, key="seed"))
    link.write(
        radius=None if radius == "drawn" else radius, initial=_unless(initial, "uniform"),
        forget=_unless(bias, 0.0), activation=_unless(bend, "tanh"), hidden=_unless(hidden, 128),
        seed=_unless(seed, 0),
    )
    common = {"hidden": hidden, "initial": initial,
              "spectral_radius": None if radius == "drawn" else float(radius)}
    own: dict[str, dict[str, Any]] = {"rnn": {"activation": bend}, "lstm": {"forget_bias": bias}}
    return [
        Subject(Model.family[kind].title, base, max(base.snapshots),  # type: ignore[attr-defined]
                {"model": {"kind": kind} | common | own.get(kind, {}), "seed": seed})
        for kind in RECURRENT
    ]


def _unless(value: Any, usual: Any) -> Any:
    """What the link says of a value: nothing, when it is the usual one."""
    return None if value == usual else value


def train_them(subjects: Sequence[Subject]) -> None:
    """The button that trains fresh networks on the text of their run, and what it may be told."""
    st.subheader(_("And after training?"), anchor=False)
    link.seed("steps", 300, int, between=(1, 5000))
    steps = int(st.number_input(_("Steps"), 1, 5000, step=100, key="steps"))
    link.seed("clip", 1.0, float, between=(0.0, 100.0))
    clip = float(
        st.number_input(
            _("Clip gradients at"),
            0.0,
            100.0,
            step=0.5,
            key="clip",
            help=_("A longer gradient is shortened to this length; 0 = never."),
        )
    )
    link.write(steps=_unless(steps, 300), clip=_unless(clip, 1.0))
    st.button(
        _("Train these"),
        icon=":material/model_training:",
        type="primary",
        on_click=_train,
        args=(subjects, steps, clip),
        help=_("They learn the text of {name}; the picture is drawn anew at each snapshot.",
               name=plain(subjects[0].run.experiment.data.name)),
    )


def _train(subjects: Sequence[Subject], steps: int, clip: float) -> None:
    """Hand them to the engine: they become the page's runs."""
    try:
        wanted = [_experiment(each, steps, clip) for each in subjects]
        for experiment in wanted:
            engine().submit(experiment, owner())
            store().claim(owner(), experiment.key)
    except ExplorerError as error:
        st.session_state["complaint"] = error
        return
    st.session_state["look"] = "trained"
    st.session_state.pop("runs", None)  # what the link says is chosen
    link.write(runs=",".join(each.key for each in wanted), look=None, step=None, network=None)


def _experiment(subject: Subject, steps: int, clip: float) -> Experiment:
    usual = subject.run.experiment
    return Experiment.language_model(
        usual.text, usual.tokens, subject.model, steps, subject.changes["seed"],
        quality="quick", clip=clip,
    )


def watch(runs: Sequence[Run]) -> None:
    """Draw the page anew whenever one of the runs, or one that is awaited, has a new snapshot, as
    long as they are trained. What stopped a training before its end is said."""
    keys = [*(run.key for run in runs), *st.session_state[AWAITED]]
    seen = {run.key: len(run.snapshots) for run in runs}
    jobs = [job for key in keys if (job := engine().find(key)) is not None]
    alive = [job for job in jobs if not job.over]
    for job in jobs:
        if job.over and job.message and job.status != "finished":
            st.warning(plain(str(ExplorerError.from_json(dict(job.message)))),
                       icon=":material/error:")
    if alive:
        st.fragment(_poll, run_every=1)(seen, {job.key for job in alive})


def _poll(seen: dict[str, int], alive: set[str]) -> None:
    jobs = [job for key in sorted(alive) if (job := engine().find(key)) is not None]
    st.caption(
        ":material/hourglass: "
        + _("In training: {count}. The picture is drawn anew at each snapshot.", count=len(jobs))
    )
    now = {key: len(store().run(key).snapshots) for key in alive if key in store()}
    if any(count > seen.get(key, 0) for key, count in now.items()) or any(
        job.over for job in jobs
    ):
        st.rerun()
