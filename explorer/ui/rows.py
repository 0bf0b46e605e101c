"""The list of runs: one row each, with a tick for its curves and a button for all else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
import streamlit as st

from explorer.ui import link, manage
from explorer.ui.listing import Standing, ranked, subjects
from explorer.ui.text import plain
from explorer.ui.training import duration
from explorer.views.figure import amount
from explorer.words import N_, _

TICKS = "runs"  # its name in the link
NONE = "none"  # what the link says when nothing is ticked
FIRST = 4  # curves at first
STATUS = {"new": N_("new"), "running": N_("being trained"), "paused": N_("paused"),
          "finished": N_("finished"), "diverged": N_("diverged"), "cancelled": N_("cancelled"),
          "failed": N_("failed")}


def seed_ticks(keys: Iterable[str], default: Sequence[str]) -> None:
    """Let the ticks say what the link says whenever it has changed, else `default`."""
    state, said = st.session_state, st.query_params.get(TICKS)
    changed = state.get("ticks seen", "") != said
    chosen = default if said is None else said.split(".")
    for key in keys:
        if changed or f"tick-{key}" not in state:
            state[f"tick-{key}"] = key in chosen
    state["ticks seen"] = said


def write_ticks(listed: Sequence[Standing], default: Sequence[str]) -> list[Standing]:
    """Those that are ticked; they stand in the link, unless they are the `default`."""
    chosen = [row for row in listed if st.session_state.get(f"tick-{row.run.key}")]
    keys = [row.run.key for row in chosen]
    said = None if sorted(keys) == sorted(default) else ".".join(keys) or NONE
    link.write(**{TICKS: said})
    st.session_state["ticks seen"] = said
    return chosen


def default_ticks(own: Sequence[Standing], shipped: Sequence[Standing]) -> list[str]:
    """What to lay over each other at first: the newest of one's own runs that compare, else the
    shipped ones that do."""
    groups = subjects(own) + subjects(shipped)
    first = next((group for group in groups if len(ranked(group)) > 1), [*own, *shipped][:1])
    return [row.run.key for row in first[:FIRST]]


def rows(listed: Sequence[Standing]) -> None:
    """A row for each run."""
    for standing in listed:
        key = standing.run.key
        with st.container(key=f"row-{key}", horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.checkbox(plain(standing.name), key=f"tick-{key}",
                            disabled=not len(standing.run.history))
                st.caption(numbers(standing))
            handle(key, standing.name)


def broken(key: str, name: str, message: str) -> None:
    """A row for a run that cannot be shown, with the reason."""
    with st.container(key=f"row-{key}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(plain(name or key[:8]))
            st.caption(plain(message))
        handle(key, name or key[:8])


def handle(key: str, name: str) -> None:
    """The button that takes a run in hand."""
    st.button(_("Open …"), key=f"hand-{key}", on_click=manage.take_in_hand, args=(key,),
              help=plain(_("Open, export, rename or delete {name}", name=name)))


def numbers(standing: Standing) -> str:
    """How a run stands, in a line of Markdown."""
    run = standing.run
    bleu = [] if standing.bleu is None else [_("BLEU {value}", value=f"**{standing.bleu:.1f}**")]
    parts = [*bleu, _("held-out perplexity {value}", value=_bold(standing.held_out)),
             _("training {value}", value=_bold(standing.training)),
             _("blind guess {value}", value=standing.blind),
             _("{count} parameters", count=f"{standing.parameters:,}"),
             _("{done} of {count} steps", done=_done(run.history),
               count=f"{run.experiment.training.steps:,}"),
             duration(run.seconds), _(STATUS[run.status])]
    return " · ".join(parts)


def _done(history: pd.DataFrame) -> str:
    return f"{int(history['step'].iloc[-1]) if len(history) else 0:,}"


def _bold(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"**{amount(value)}**"
