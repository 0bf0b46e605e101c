"""Which run a page looks at: the one in the link, one's own, or a shipped one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from explorer.errors import DataError, RunError
from explorer.models.base import foreign
from explorer.models.seq2seq import Seq2Seq
from explorer.models.stacked import Stacked
from explorer.store import Run
from explorer.tasks import Task
from explorer.ui import link
from explorer.ui.backend import open_run, store
from explorer.ui.controls import CHOICES
from explorer.ui.glossary import meaning
from explorer.ui.naming import by_hand, distinct, tell_apart
from explorer.ui.page import onward
from explorer.ui.session import owner
from explorer.views.figure import amount
from explorer.words import _

LANGUAGE_MODEL, TRANSLATION = "language_model", "translation"


def describe(run: Run) -> str:
    """A run in a line: architecture, size, text, held-out perplexity of its best snapshot; of a
    translator BLEU."""
    experiment = run.experiment
    parts = [experiment.model.title]
    if isinstance(experiment.model, Seq2Seq):
        parts = [f"{parts[0]} ({experiment.model.cell.upper()})",
                 _("attention: {kind}", kind=_(CHOICES[experiment.model.attention]))]
    hidden = getattr(experiment.model, "hidden", None)
    layers = getattr(experiment.model, "layers", 1)
    if hidden:
        parts.append(f"{layers} × {hidden}" if layers > 1 else str(hidden))
    parts.append(middle(experiment.data.name, 28))
    best, bleu = best_perplexity(run), last_bleu(run)
    if getattr(experiment.model, "bidirectional", False):
        parts.append(_("both ways"))
    if bleu is not None:
        parts.append(_("BLEU {value}", value=f"{bleu:.1f}"))
    elif best is not None:
        parts.append(_("perplexity {value}", value=amount(best)))
    if not experiment.pure:
        parts.append(by_hand(experiment.training))
    return " · ".join(parts)


def best_perplexity(run: Run) -> float | None:
    """The lowest held-out perplexity of a run's snapshots, if any part was held out."""
    if "validation_perplexity" not in run.history:
        return None
    known = run.history["validation_perplexity"].dropna()
    return float(known.min()) if len(known) else None


def last_bleu(run: Run) -> float | None:
    """BLEU of a translator's newest snapshot that was scored, by sacrebleu; None of any other run.
    """
    if "bleu" not in run.history:
        return None
    known = run.history["bleu"].dropna()
    return float(known.iloc[-1]) if len(known) else None


def colour(run: Run) -> str:
    """The architecture whose colour a run has: its kind; of a translator, that of its cells."""
    model = run.experiment.model
    return str(getattr(model, "cell", model.kind))


def middle(text: str, longest: int) -> str:
    """A long name cut in its middle."""
    if len(text) <= longest:
        return text
    return text[: longest // 2] + "…" + text[-(longest // 2 - 1) :]


def listed() -> dict[str, str]:
    """The keys of one's own and of the shipped runs, with what they are called."""
    names: dict[str, str] = {}
    for entry in store().owned(owner()):
        names[entry.key] = entry.name
    for key in store().pretrained():
        names.setdefault(key, "")
    return names


def whole(
    key: str, task: str | Sequence[str] | None = LANGUAGE_MODEL, kinds: Sequence[str] = ()
) -> Run:
    """A run with its tokenizer. task: what it must have learnt, or one of what; None is content
    with anything. kinds: the architectures that will do; none means any. Raises RunError: either is
    damaged, it learnt something else, or another architecture did."""
    run = open_run(key)
    tasks = [task] if isinstance(task, str) else task
    if tasks is not None and run.experiment.task.kind not in tasks:
        raise RunError(Task.family[tasks[0]].mismatch)  # type: ignore[attr-defined]
    if kinds and run.experiment.model.kind not in kinds:
        raise foreign(run.experiment.model, kinds)
    assert run.tokenizer.size
    return run


def choose_run(
    first: Sequence[str] = (), task: str | Sequence[str] = LANGUAGE_MODEL,
    train: str = "pages/train.py",
    shown: bool = True, kinds: Sequence[str] = (),
) -> Run:
    """A choice among one's own runs, the shipped ones and the one in the link, which it starts
    from. Ends the page when there is none at all.

    first: keys that stand before all others, the first of them the default. task: what they must
    have learnt, or one of what. kinds: the architectures that will do; none means any. train: the
    page that trains one. shown: False takes what the control would say, without the control."""
    names = dict.fromkeys(first, "") | listed()
    linked = st.query_params.get("run")
    if linked and linked not in names:
        names = {linked: ""} | names
    runs = {key: run for key in names
            if (run := _opened(key, key == linked, task, kinds)) is not None}
    if not runs:
        st.info(_("There is no trained run yet."), icon=":material/model_training:")
        onward(train, _("Train one on a text of your own"))
        st.stop()
    if linked not in runs:  # what is wrong with it has been said
        link.turn(run=None)
    at = st.session_state.get("run")  # a newer run is no reason to leave the one that is shown
    labels = apart(runs, names)
    link.seed("run", at if at in runs else next(key for key in (*first, *runs) if key in runs),
              allowed=list(runs), labels=[labels[key] for key in runs])
    if shown:
        st.selectbox(_("Run"), list(runs), key="run", format_func=labels.__getitem__)
    key: str = st.session_state["run"]
    link.write(run=key)
    return runs[key]


def within(run: Run, text: str, end: bool = False) -> str:
    """As much of a text as the network of a run has places for: its first tokens. end: its last."""
    spec = run.experiment.model
    if not isinstance(spec, Stacked):
        return text
    pieces = run.tokenizer.pieces(text)
    try:
        spec.position.admit(len(pieces), spec.places)
    except DataError:
        known = pieces[-spec.places:] if end else pieces[:spec.places]
        return "".join(piece.text for piece in known)
    return text


def called(run: Run) -> str:
    """A run by its card's title if it was shipped, else by what it is made of."""
    title = str(run.card.get("title", ""))
    return _(title) if title else describe(run)


def apart(runs: Mapping[str, Run], names: Mapping[str, str]) -> dict[str, str]:
    """What a control calls its runs: by their own names, else as described. Where two would be
    called alike, what differs is added: the browser answers with a name, not with a key.

    names: those that were given by hand, by key; none is as good as an empty one.
    """
    said = {key: names.get(key) or called(run) for key, run in runs.items()}
    alike: dict[str, list[str]] = {}
    for key, name in said.items():
        alike.setdefault(name, []).append(key)
    for name, keys in alike.items():
        if len(keys) > 1:
            told = tell_apart([runs[key].experiment for key in keys]).names
            said |= {key: f"{name} · {more}" for key, more in zip(keys, told, strict=True)}
    return dict(zip(said, distinct(list(said.values())), strict=True))


def _opened(
    key: str, linked: bool, task: str | Sequence[str], kinds: Sequence[str]
) -> Run | None:
    """A run that has a snapshot to look at; what is wrong with the one in the link is said."""
    try:
        run = whole(key, task, kinds)
    except RunError as error:
        if linked:
            link.refuse(str(error))
        return None
    if linked and not run.snapshots:
        st.warning(_("This run has no snapshot yet: wait until its training has begun."))
    return run if run.snapshots else None


def choose_step(run: Run, shown: bool = True) -> int:
    """A choice among a run's snapshots, the last one first."""
    steps = list(run.snapshots)
    link.seed("step", steps[-1], int, allowed=steps)
    if shown and len(steps) > 1:
        st.select_slider(_("Snapshot after step"), steps, key="step", help=meaning("snapshot"))
    step = int(st.session_state["step"])
    link.write(step=step)
    return step
