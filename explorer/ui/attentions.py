"""The same run with each kind of attention, side by side: trained on the same pairs in the same
batches from the same seed, then asked for the same sentence.
"""

from __future__ import annotations

import math
from typing import Any, get_args

import pandas as pd
import streamlit as st
import xarray as xr
from streamlit.delta_generator import DeltaGenerator

from explorer.comparison import LEAST, Comparison, varied
from explorer.errors import ExperimentError, ExplorerError
from explorer.experiment import Experiment
from explorer.models.scorers import Scorer
from explorer.models.seq2seq import Seq2Seq
from explorer.store import Run
from explorer.ui import board, link, side
from explorer.ui.backend import ask, draw, store
from explorer.ui.figure import show
from explorer.ui.page import complain, guard
from explorer.ui.session import theme
from explorer.ui.side import Entry, Field
from explorer.ui.text import plain
from explorer.ui.training import duration
from explorer.words import N_, _

KINDS: tuple[str, ...] = get_args(Seq2Seq.model_fields["attention"].annotation)
TITLES = {kind: Scorer.family[kind].title if kind in Scorer.family  # type: ignore[attr-defined]
          else N_("none") for kind in KINDS}
COLUMNS = 3


@st.cache_resource(show_spinner=False, max_entries=32)
def offered(key: str, _run: Run) -> tuple[dict[str, Experiment], dict[str, str]]:
    """The run's experiment with each kind of attention; and why not, of the kinds that its other
    settings do not go together with."""
    found, refused = {}, {}
    for kind in KINDS:
        try:
            found[kind] = varied(_run.experiment, {"model.attention": kind})
        except ExperimentError as error:
            refused[kind] = str(error)
    return found, refused


def side_by_side(run: Run, source: str, target: str | None) -> None:
    """Choice, button, progress; then the pictures and the table of those that are trained.
    target: what all of them are made to write."""
    experiments, refused = offered(run.key, run)
    kinds = _choose(list(experiments))
    for reason in dict.fromkeys(refused.values()):
        without = ", ".join(_(TITLES[kind]) for kind in refused if refused[kind] == reason)
        st.caption(plain(_("Not with this run's settings: {kinds} ({reason}).", kinds=without,
                           reason=reason)))
    if len(kinds) < LEAST:
        st.caption(_("Choose at least two."))
        return
    complaint = st.session_state.pop(side.COMPLAINT, None)
    if complaint is not None:
        complain(complaint)
    chosen = [kind for kind in kinds if experiments[kind].key in store()]
    field = side.gather([experiments[kind].key for kind in chosen]) if chosen else None
    _buttons(run, kinds, field)
    if field is None:
        return
    entries = {kind: next(entry for entry in field.entries
                          if entry.run.key == experiments[kind].key) for kind in chosen}
    done = {kind: entry for kind, entry in entries.items()
            if entry.status == "finished" and entry.run.snapshots}
    if len(done) >= LEAST:
        _pictures(done, source, target)
        st.table(table(done), border="horizontal")


def _choose(kinds: list[str]) -> list[str]:
    """A choice among the kinds; it stands in the link unless it is all of them."""
    def read(said: str) -> list[str]:
        wanted = [kind for kind in said.split(".") if kind]
        if not set(wanted) <= set(kinds):
            raise ValueError(said)
        return wanted

    link.seed("scorers", kinds, read)
    chosen = st.pills(_("Attention"), kinds, selection_mode="multi", key="scorers", wrap=True,
                      format_func=lambda kind: _(TITLES[kind]))
    wanted = [kind for kind in kinds if kind in chosen]
    link.write(scorers=".".join(wanted) if wanted != kinds else None)
    return wanted


def _buttons(run: Run, kinds: list[str], field: Field | None) -> None:
    """Train what is missing; while it trains, how far it is."""
    entries = field.entries if field is not None else []
    finished = sum(entry.status == "finished" for entry in entries)
    alive = field is not None and (any(entry.alive for entry in entries)
                                   or bool(side.waiting(field)))
    missing = len(kinds) - finished
    if missing and not alive:
        comparison = Comparison(run.experiment, [{"model.attention": kind} for kind in kinds],
                                (run.experiment.seed,))
        st.button(_("Train those that are missing: {count}", count=missing), type="primary",
                  key="train-scorers", icon=":material/model_training:", on_click=_launch,
                  args=(comparison,))
        st.caption(_("Each with the pairs, the batches and the seed of this run, {steps} steps: "
                     "only the attention differs. This run took {time}.",
                     steps=f"{run.experiment.training.steps:,}", time=duration(run.seconds)))
    if field is not None and (alive or missing):
        keys = [entry.run.key for entry in entries]
        st.fragment(_watch, run_every=board.EVERY if alive else None)(keys, field.state)


def _launch(comparison: Comparison) -> None:
    """Queue them; they are this page's, not those of the page “Side by side”."""
    side.launch(comparison)
    st.session_state.pop(side.RUNS, None)


def _watch(keys: list[str], before: tuple[str, ...]) -> None:
    """One look; when one has begun or ended, the whole page is drawn again."""
    with guard():  # here: an error does not leave a fragment
        full = side.fill(side.gather(keys))
        field = side.gather(keys)
        if field.state != before:
            st.rerun()
        board.progress(keys, field, full)


def _pictures(entries: dict[str, Entry], source: str, target: str | None) -> None:
    """The alignment of each, small, on one scale."""
    if target:
        st.caption(plain(_("All are made to write the same, so that their rows compare: {target}",
                           target=target)))
    columns: list[DeltaGenerator] = []
    for place, (kind, entry) in enumerate(entries.items()):
        if place % COLUMNS == 0:
            columns = st.columns(COLUMNS)
        with columns[place % COLUMNS], guard():
            st.markdown(f"**{_(TITLES[kind])}**")
            trace = ask("alignment", entry.run.key, entry.run.snapshots[-1], source=source,
                        target=target)
            if kind == "none":
                st.caption(_("Nothing to see: it looks nowhere. At each step it has the encoder's "
                             "last state, and no more."))
            else:
                show(draw("alignment", trace, compact=True, theme=theme()), f"small-{kind}", trace)


def table(entries: dict[str, Entry]) -> pd.DataFrame:
    """What each costs, and how well it translates what it has not read."""
    rows = [_row(kind, entry) for kind, entry in entries.items()]
    for name, best in ((_("held-out perplexity"), min), (_("BLEU"), max)):
        known = [row[name] for row in rows if math.isfinite(row[name])]
        for row in rows:
            said = f"{row[name]:.2f}" if math.isfinite(row[name]) else "–"
            row[name] = f"**{said}**" if known and row[name] == best(known) else said
    return pd.DataFrame(rows, index=pd.Index([_(TITLES[kind]) for kind in entries]))


def _row(kind: str, entry: Entry) -> dict[str, Any]:
    run, model = entry.run, entry.run.experiment.model
    assert isinstance(model, Seq2Seq)
    own = model.scorer.parameters(model.hidden, model.width, model.hidden) if model.scorer else 0
    return {
        _("parameters"): f"{model.parameters(*run.tokenizer.sizes):,}",
        _("of them to score"): f"{own:,}",
        _("seconds of a run"): f"{run.seconds:.1f}",
        _("FLOPs of a step"): flops(run),
        _("held-out perplexity"): last(run, "validation_perplexity"),
        _("BLEU"): last(run, "bleu")}


def last(run: Run, name: str) -> float:
    """The last measured value of a column of its history; NaN where there is none."""
    if name not in run.history:
        return math.nan
    known = run.history[name].dropna()
    return float(known.iloc[-1]) if len(known) else math.nan


def flops(run: Run) -> str:
    """FLOPs of a training step, forward and backward, with a prefix."""
    try:
        said: xr.Dataset = ask("flops", run.key, run.snapshots[0])
    except ExplorerError:
        return "–"
    return board.big(float(said["forward"]) + float(said["backward"]))
