"""What happens when the gradient grows at every step?"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import streamlit as st

from explorer import ui
from explorer.errors import EngineError, ExplorerError
from explorer.experiment import Experiment, Training
from explorer.models import Model
from explorer.models.base import RECURRENT
from explorer.store import Run
from explorer.ui import explosion, link
from explorer.ui.backend import ask_or_stop, engine, store
from explorer.ui.counting import baseline
from explorer.ui.doctor import cured, doctor, last_good
from explorer.ui.explosion import Side, broke_at
from explorer.ui.training import duration, seen
from explorer.ui.unloaded import source
from explorer.views import figure
from explorer.words import _

KINDS = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}
BEFORE, FAR = 20, 200  # steps: what one is to guess


def begin(experiments: list[Experiment]) -> None:
    """Hand some experiments to the engine; the first becomes the page's run."""
    try:
        for experiment in experiments:
            engine().submit(experiment, ui.owner())
            store().claim(ui.owner(), experiment.key)
    except ExplorerError as error:
        st.session_state["complaint"] = error


def other(experiment: Experiment, clip: float) -> None:
    """What the button of the popover does."""
    left, right = explosion.pair(experiment, clip)
    begin([left.experiment, right.experiment])
    st.session_state["exploding"] = left.key


def stop(keys: list[str]) -> None:
    for key in keys:
        job = engine().find(key)
        if job is not None and not job.over:
            with ui.guard():
                engine().cancel(job.id, ui.owner())


def training(key: str) -> bool:
    """Whether a job trains this run; where no engine answers, nobody does."""
    with suppress(EngineError):
        job = engine().find(key)
        return job is not None and not job.over
    return False


def wait(key: str) -> None:
    """Ends the page, and opens it again as soon as the run has begun."""

    @st.fragment(run_every=1)
    def look() -> None:
        if not training(key) or (key in store() and store().run(key).snapshots):
            st.rerun()
        job = engine().find(key)
        place = job.position if job is not None else 0
        st.progress(0.0, _("Waiting in the queue: place {place}, about {time} until it starts.",
                           place=place, time=duration(job.eta)) if place and job else
                    _("Getting ready …"))

    look()
    st.button(_("Cancel"), icon=":material/stop:", on_click=stop, args=([key],))
    st.stop()


def knobs(run: Run) -> Experiment | None:
    """The experiment of a run with other settings, those that make gradients grow or vanish."""
    model: Any = run.experiment.model
    how = run.experiment.training
    kind = st.segmented_control(_("Architecture"), list(KINDS), default=model.kind, required=True,
                                format_func=KINDS.__getitem__, key="blast-kind")
    one, two = st.columns(2)
    bend = one.segmented_control(
        _("Activation"), ["relu", "tanh"], default=getattr(model, "activation", "tanh"),
        format_func={"relu": "ReLU", "tanh": "tanh"}.__getitem__, required=True,
        disabled=kind != "rnn", key="blast-activation")
    radius = two.number_input(
        _("Spectral radius"), 0.0, 10.0, 1.5 if model.spectral_radius is None
        else model.spectral_radius, 0.1, key="blast-radius",
        help=_("The size of the largest eigenvalue of the recurrent weights before training. Above "
               "1 gradients tend to grow, below 1 to vanish; 0 cuts the tie to the past."))
    settings = {"window": one.number_input(_("Window"), 2, 1024, how.window, 16,
                                           key="blast-window", help=_(
                                               "How many tokens back the gradient is followed.")),
                "learning_rate": two.number_input(_("Learning rate"), 1e-6, 1000.0,
                                                  how.learning_rate, 0.01, key="blast-rate",
                                                  format="%.4g", help=_("How far one step goes.")),
                "steps": one.number_input(_("Steps"), 1, 5000, min(how.steps, 5000), 100,
                                          key="blast-steps",
                                          help=_("How often the weights are changed.")),
                "changes": ()}
    seed = two.number_input(_("Seed"), 0, 9999, min(run.experiment.seed, 9999), key="blast-seed",
                            help=_("Where chance begins: the same seed gives the same run."))
    shared = {name: getattr(model, name) for name in ("hidden", "layers", "input", "embedding")}
    chosen = shared | {"kind": kind, "spectral_radius": radius}
    chosen |= {"activation": bend} if kind == "rnn" else {}
    made = ui.make(Model.family[kind], chosen)
    trained = ui.make(Training, how.model_dump() | settings)
    if made is None or trained is None:
        return None
    data = run.experiment.model_dump(mode="json") | {
        "model": made.model_dump(mode="json"), "training": trained.model_dump(mode="json"),
        "seed": seed}
    return Experiment.parse(data).with_text(run.experiment.text)


def picture_of(sides: tuple[Side, Side], good: int) -> tuple[list[Run | None], Any]:
    """Both runs as they stand, and what they have in common on one picture."""
    runs, histories = zip(*[seen(side.key) for side in sides], strict=True)
    blind = next((run.tokenizer.size for run in runs if run is not None), 2)
    counting = next((baseline(run) for run in runs if run is not None), None)
    return list(runs), explosion.together(sides, histories, [broke_at(run) for run in runs], blind,
                                          good, counting)


def curves(sides: tuple[Side, Side], good: int) -> None:
    """The two runs over each other, drawn anew each second while one of them is trained."""
    alive = [side.key for side in sides if training(side.key)]

    @st.fragment(run_every=1 if alive else None)
    def look() -> None:
        now = [key for key in alive if training(key)]
        if now != alive:
            st.rerun()
        with ui.guard():
            _runs, trace = picture_of(sides, good)
            for side, run in zip(sides, _runs, strict=True):
                if side.key in now:
                    done = int(run.history["step"].max()) if run is not None and len(
                        run.history) else 0
                    done = max(done, max((p.step for p in engine().progress(
                        getattr(engine().find(side.key), "id", ""))), default=0))
                    steps = side.experiment.training.steps
                    st.progress(done / steps, _("{name}: step {step} of {steps}", step=done,
                                                name=ui.plain(side.name), steps=steps))
            ui.show(figure("explosion", trace, theme=ui.theme()), "explosion", trace)

    look()
    if alive:
        st.button(_("Cancel"), icon=":material/stop:", on_click=stop, args=(alive,))


pulled = ui.term("gradient norm", _("gradient"))
ui.header(
    _("What happens when the gradient grows at every step?"),
    _("On its way back the {gradient} is multiplied by the recurrent weights once for every token "
      "of the window. If that makes it longer each time, a single step throws the weights so far "
      "that nothing is a number any more. Clipping shortens the gradient and keeps its direction.",
      gradient=pulled),
)
key = cured() or st.session_state.pop("exploding", None)
if key is not None:
    link.turn(run=key)
complaint = st.session_state.pop("complaint", None)
if complaint is not None:
    ui.complain(complaint)
linked = link.read("run")
if linked and training(linked) and not (linked in store() and store().run(linked).snapshots):
    wait(linked)

which, at, more = st.columns([2.4, 1, 1.2], vertical_alignment="bottom")
with which:
    run = ui.choose_run(first=store().pretrained("explode"), kinds=RECURRENT)
own_clip = run.experiment.training.clip
link.seed("clip", own_clip or 1.0, float, between=(0.001, 1000.0))
clip = float(at.number_input(_("Clip gradients at"), 0.001, 1000.0, key="clip", format="%.4g",
                             help=_("A longer gradient is shortened to this length.")))
sides = explosion.pair(run.experiment, clip)
with more.popover(_("Another explosion"), icon=":material/tune:", width="stretch"):
    asked = knobs(run)
    st.button(_("Train both"), type="primary", icon=":material/model_training:", width="stretch",
              disabled=asked is None, on_click=other, args=(asked, clip))

stored = {side.key: store().run(side.key) for side in sides if side.key in store()}
died = next((one for one in stored.values() if one.status == "diverged"), None)
good = last_good(died) if died is not None else -1
missing = [side for side in sides
           if (side.key not in stored or stored[side.key].status not in ("finished", "diverged"))
           and not training(side.key)]

picture, aside = ui.columns()
with picture:
    curves(sides, good)
    if not run.experiment.pure:
        st.caption(_("This run was changed by hand while it trained: its curve lies over that of "
                     "the run before the change. “Clip gradients at” acts on the next step alone, "
                     "below."))
    if missing:
        st.button(_("Train it {name}", name=missing[0].name) if len(missing) == 1 else
                  _("Train both"), type="primary", icon=":material/model_training:",
                  key="train-missing", on_click=begin,
                  args=([side.experiment for side in missing],))
    if died is not None:
        doctor(died, "explode")

    subject = died or stored.get(sides[0].key) or stored.get(sides[1].key) or run
    grown = None
    if subject.snapshots:
        st.subheader(_("Inside one window, token by token"), anchor=False)
        steps = list(subject.snapshots)
        link.seed("step", steps[-1], int, allowed=steps)
        layers = int(getattr(subject.experiment.model, "layers", 1))
        slider, chooser = st.columns([4, 1])
        if len(steps) > 1:
            slider.select_slider(_("Snapshot after step"), steps, key="step",
                                 help=ui.meaning("snapshot"))
        step, layer = int(st.session_state["step"]), 1
        if layers > 1:
            link.seed("layer", 1, int, allowed=range(1, layers + 1))
            layer = int(chooser.selectbox(_("Layer"), range(1, layers + 1), key="layer"))
        trace = ask_or_stop("explosion", subject.key, step, clip=clip)
        grown = explosion.with_break(trace, subject)
        ui.show(figure("growth", grown, layer=layer, theme=ui.theme()), "growth", grown)

        st.subheader(_("What clipping does to the next step"), anchor=False)
        norm, share = trace.attrs["total"], trace.attrs["factor"]
        st.latex(rf"\min\left(1, \frac{{\theta}}{{\lVert g \rVert}}\right) = \min\left(1, "
                 rf"\frac{{{clip:g}}}{{{norm:.4g}}}\right) = {share:.4g}")
        ui.show(figure("clipping", trace, theme=ui.theme()), "clipping", trace)
        link.write(step=step, layer=layer if layers > 1 else None)
link.write(clip=f"{clip:g}")

with aside:
    if died is not None:
        broke = broke_at(died)
        ui.before_you_look(
            _("Trained without clipping, how many steps does this network survive?"),
            [_("fewer than {count}", count=BEFORE),
             _("{low} to {high}", low=BEFORE, high=FAR), _("more than {count}", count=FAR)],
            _("Step {step} breaks: {survived} were taken.", step=broke, survived=broke - 1),
            key="guess")
    elif grown is not None:
        ui.before_you_look(
            _("The gradient of this step is clipped at {norm}. By how much does its direction "
              "turn?", norm=f"{clip:g}"),
            [_("not at all"), _("a little"), _("by a right angle")],
            _("Not at all: the cosine of the gradient before and after is {cosine}.",
              cosine=f"{grown.attrs['cosine']:.6f}"), key="guess")
    said = explosion.findings(picture_of(sides, good)[1])
    ui.notice(said + (explosion.grown(grown, subject, layer) if grown is not None else []))
    ui.letters([
        r"g \leftarrow \min\left(1, \frac{\theta}{\lVert g \rVert}\right) g",
        r"\frac{\partial h_t}{\partial h_{t-1}} = \mathrm{diag}\,\varphi'(a_t)\, U",
        r"\left\lVert \frac{\partial L}{\partial h_1} \right\rVert \sim "
        r"\rho(U)^{T-1} \left\lVert \frac{\partial L}{\partial h_T} \right\rVert"])
    ui.code(source("training/learner.py", "learn"), Training.clipping,
            source("training/doctor.py", "_examine"), last_good)
    ui.not_shown(_(
        "Clipping is a cure for steps that are too long, not for gradients that say too little: a "
        "vanishing gradient stays as it is. The window is taken apart from a blank state and in "
        "double precision, so where training broke in single precision, this goes on. And another "
        "seed may survive what this one does not."))
ui.onward("pages/train.py", _("Would a network on your own text explode? Train one."))
