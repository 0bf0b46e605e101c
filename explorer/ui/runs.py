"""Which run a page looks at: the one in the link, one's own, or a shipped one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.errors import RunError
from explorer.store import Run
from explorer.ui import link
from explorer.ui.backend import open_run, store
from explorer.ui.glossary import meaning
from explorer.ui.naming import by_hand
from explorer.ui.page import onward
from explorer.ui.session import owner
from explorer.words import _


def describe(run: Run) -> str:
    """A run in a line: architecture, size, text, held-out perplexity of its best snapshot."""
    experiment = run.experiment
    parts = [experiment.model.title]
    hidden = getattr(experiment.model, "hidden", None)
    layers = getattr(experiment.model, "layers", 1)
    if hidden:
        parts.append(f"{layers} × {hidden}" if layers > 1 else str(hidden))
    parts.append(middle(experiment.data.name, 28))
    best = best_perplexity(run)
    if getattr(experiment.model, "bidirectional", False):
        parts.append(_("both ways"))
    if best is not None:
        parts.append(_("perplexity {value}", value=f"{best:.2f}"))
    if not experiment.pure:
        parts.append(by_hand(experiment.training))
    return " · ".join(parts)


def best_perplexity(run: Run) -> float | None:
    """The lowest held-out perplexity of a run's snapshots, if any part was held out."""
    if "validation_perplexity" not in run.history:
        return None
    known = run.history["validation_perplexity"].dropna()
    return float(known.min()) if len(known) else None


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


def whole(key: str) -> Run:
    """A run with its tokenizer. Raises RunError: either is damaged."""
    run = open_run(key)
    assert run.tokenizer.size
    return run


def choose_run(first: Sequence[str] = (), shown: bool = True) -> Run:
    """A choice among one's own runs, the shipped ones and the one in the link, which it starts
    from. Ends the page when there is none at all.

    first: keys that stand before all others, the first of them the default. shown: False takes
    what the control would say, without the control."""
    names = dict.fromkeys(first, "") | listed()
    linked = st.query_params.get("run")
    if linked and linked not in names:
        names = {linked: ""} | names
    runs = {key: run for key in names if (run := _opened(key, key == linked)) is not None}
    if not runs:
        st.info(_("There is no trained run yet."), icon=":material/model_training:")
        onward("pages/train.py", _("Train one on a text of your own"))
        st.stop()
    link.seed("run", next((key for key in first if key in runs), next(iter(runs))),
              allowed=list(runs))
    if shown:
        st.selectbox(_("Run"), list(runs), key="run",
                     format_func=lambda key: names[key] or called(runs[key]))
    key: str = st.session_state["run"]
    link.write(run=key)
    return runs[key]


def called(run: Run) -> str:
    """A run by its card's title if it was shipped, else by what it is made of."""
    title = str(run.card.get("title", ""))
    return _(title) if title else describe(run)


def _opened(key: str, linked: bool) -> Run | None:
    """A run that has a snapshot to look at; what is wrong with the one in the link is said."""
    try:
        run = whole(key)
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
