"""The crash doctor: what a run that met NaN or Infinity died of, and cures as buttons. Each starts
a corrected run of its own; the one that broke stays as it is.
"""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from explorer.errors import ExplorerError
from explorer.experiment import Experiment
from explorer.store import Run
from explorer.ui import places
from explorer.ui.backend import engine, store
from explorer.ui.session import owner
from explorer.ui.text import plain
from explorer.words import _

NORM = 1.0  # where gradients are clipped, unless they were already
CURED, CURED_TASK = "cured run", "cured task"  # their names in the session


class Cure(NamedTuple):
    """label, icon, help: of the button. experiment: what it starts."""

    name: str
    label: str
    icon: str
    help: str
    experiment: Experiment


def last_good(run: Run) -> int:
    """The last snapshot at which the network guessed no worse, on what was held out, than blindly:
    finite weights may be ruined already. 0, before any training, if there is none."""
    measured = run.history[run.history["step"].isin(run.snapshots)]
    if "validation_perplexity" not in measured or measured["validation_perplexity"].isna().all():
        return max(run.snapshots, default=0)
    good = measured[measured["validation_perplexity"] <= run.tokenizer.size]
    return int(good["step"].max()) if len(good) else 0


def cures(run: Run) -> list[Cure]:
    """What may help, the surest first."""
    experiment, good = run.experiment, last_good(run)
    clip = experiment.training.clipping(good)
    norm = NORM if not clip or clip > NORM else clip / 10
    found = [
        Cure("clip", _("Clip at {norm}", norm=f"{norm:g}"), ":material/content_cut:",
             _("A gradient that is longer is shortened to this length, its direction kept."),
             experiment.changed(good, clip=norm)),
        Cure("rate", _("Learning rate × 0.1"), ":material/tune:",
             _("Steps a tenth as far, from there on."), experiment.changed(good, 0.1)),
    ] if run.snapshots else []
    fresh = experiment.training.model_copy(update={"changes": ()})
    drawn = getattr(experiment.model, "initial", "orthogonal")
    if drawn != "orthogonal":
        begun = experiment.model.model_copy(
            update={"initial": "orthogonal", "spectral_radius": None})
        found.append(Cure("orthogonal", _("Orthogonal start"), ":material/restart_alt:",
                          _("Recurrent weights that keep every length, from step 0."),
                          _remade(experiment, model=begun, training=fresh)))
    found.append(Cure("seed", _("Another seed"), ":material/casino:",
                      _("The same with other random weights, from step 0."),
                      _remade(experiment, seed=experiment.seed + 1, training=fresh)))
    return found


def _remade(experiment: Experiment, **update: object) -> Experiment:
    data = experiment.model_dump(mode="json") | {
        name: value.model_dump(mode="json") if hasattr(value, "model_dump") else value
        for name, value in update.items()}
    return Experiment.parse(data).with_text(experiment.text)


def doctor(run: Run, place: str) -> None:
    """What broke, where to go back to, and the cures. place: a name for the buttons' keys, unique
    on the page. A click hands the corrected run to the engine and leaves its key for `cured`."""
    good = last_good(run)
    with st.container(border=True, key=f"doctor-{place}"):
        st.subheader(_("The crash doctor"), anchor=False)
        st.error(plain(str(run.error or run.message)), icon=":material/emergency_home:")
        if run.snapshots:
            st.caption(_where_from(good, max(run.snapshots)))
        row = st.container(horizontal=True, key=f"cures-{place}")
        for i, cure in enumerate(cures(run)):
            row.button(cure.label, icon=cure.icon, help=cure.help, key=f"{place}-{cure.name}",
                       type="secondary" if i else "primary", on_click=_apply,
                       args=(cure.experiment,))


def _where_from(good: int, newest: int) -> str:
    """Where the cures begin."""
    if not good:
        return _("No snapshot after the first step is any good: every cure begins anew. What "
                 "comes of it is a run of its own.")
    said = _("The last good snapshot is that of step {step}: clipping or a lower rate set in "
             "there. What comes of a cure is a run of its own.", step=good)
    if good < newest:
        said = _("The snapshot of step {step} has finite weights, but guesses the held-out text "
                 "worse than blindly.", step=newest) + " " + said
    return said


def cured() -> str | None:
    """The key of the run that a cure has just started, said once."""
    key: str | None = st.session_state.pop(CURED, None)
    return key


def follow() -> None:
    """Go and watch the run that a cure has just started, if one has."""
    task, key = st.session_state.pop(CURED_TASK, ""), cured()
    if key is not None:
        name = "translation" if task == "translation" else "train"
        st.switch_page(places.page(name), query_params={"run": key})


def _apply(experiment: Experiment) -> None:
    """What a cure's button does."""
    try:
        engine().submit(experiment, owner())
        store().claim(owner(), experiment.key)
        st.session_state[CURED] = experiment.key
        st.session_state[CURED_TASK] = experiment.task.kind
    except ExplorerError as error:
        st.session_state["complaint"] = error
    st.session_state["redraw"] = True
