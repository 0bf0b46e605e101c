"""The board of a comparison: how far it is, its curves, its table; drawn anew while it goes on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import geometric_mean

import pandas as pd
import streamlit as st

from explorer.scores import best, scored
from explorer.ui import link, side
from explorer.ui.backend import draw, engine
from explorer.ui.counting import baseline
from explorer.ui.figure import show
from explorer.ui.naming import differing
from explorer.ui.page import guard
from explorer.ui.rows import STATUS
from explorer.ui.session import theme
from explorer.ui.side import Entry, Field
from explorer.ui.text import plain
from explorer.ui.training import duration, so_far
from explorer.views.comparison import AXES
from explorer.views.counts import against
from explorer.views.figure import amount
from explorer.views.history import counted
from explorer.words import N_, _

EVERY = 2  # seconds between two looks


def board(keys: Sequence[str], field: Field) -> None:
    """Draw it, and look again while any of its runs is alive."""
    alive = any(entry.alive for entry in field.entries) or bool(side.waiting(field))
    st.fragment(_guarded, run_every=EVERY if alive else None)(list(keys), field.state)


def _guarded(keys: list[str], before: tuple[str, ...]) -> None:
    with guard():  # here: an error does not leave a fragment
        _look(keys, before)


def _look(keys: list[str], before: tuple[str, ...]) -> None:
    """When a run has begun or ended, the whole page is drawn again: all of it knows more then."""
    full = side.fill(side.gather(keys))
    field = side.gather(keys)
    if field.state != before:
        st.rerun()
    progress(keys, field, full)
    trace = field.trace()
    if trace is None:
        st.caption(_("The first curve comes with the first step."))
        return
    at, too = st.columns([2, 1], vertical_alignment="bottom")
    link.seed("x", "step", allowed=AXES)
    x = at.pills(_("Over"), list(AXES), key="x", required=True,
                 format_func=lambda name: _(AXES[name]))
    link.seed("dashed", int(len(field.names) <= 3), int, allowed=(0, 1))
    dashed = too.toggle(_("Training text too"), key="dashed")
    link.write(x=x if x != "step" else None,
               dashed=None if dashed == (len(field.names) <= 3) else int(dashed))
    run = field.groups[0][0].run
    lines = {_("blind guess"): float(run.tokenizer.size)} | counted(baseline(run))
    show(draw("comparison", trace, x=x, training=bool(dashed), theme=theme(), baselines=lines),
         "comparison", trace)
    st.table(table(field), border="horizontal")


def beside_counting(field: Field) -> list[str]:
    """How the best run of all stands against the best n-gram model on the same held-out end."""
    first = field.groups[0][0].run
    if getattr(first.experiment.model, "bidirectional", False):  # it has read what it guesses
        return []
    counting, found = baseline(first), []
    for name, group in zip(field.names, field.groups, strict=True):
        for entry in group:
            held = best(entry.run.history)
            found += [(value, int(tokens), name) for value, tokens in
                      zip(held["validation_perplexity"], held["validation_tokens"], strict=True)]
    if counting is None or not found:
        return []
    value, tokens, name = min(found)
    return [_("The best single run is one of **{name}**.", name=name) + " "
            + against(value, tokens, counting)]


def progress(keys: list[str], field: Field, full: str) -> None:
    """How far all are, the buttons, and what went wrong where."""
    alive = any(entry.alive for entry in field.entries) or side.waiting(field)
    idle = side.stopped(field)
    if alive or idle:
        st.progress(share(field), side.said(field) + left())
        row = st.container(horizontal=True)
        if alive:
            row.button(_("Cancel all"), icon=":material/stop:", on_click=side.stop, args=(keys,))
        elif idle:
            row.button(_("Go on"), icon=":material/play_arrow:", type="primary",
                       on_click=side.resume, args=(keys,))
    if full:
        st.info(plain(_("Some wait outside of the queue, and are queued as places become free "
                        "while this page is open. {reason}", reason=full)),
                icon=":material/hourglass:")
    for name, group in zip(field.names, field.groups, strict=True):
        for entry in group:
            if entry.status in ("diverged", "failed") and entry.message:
                st.error(f"**{plain(name)}**, " + plain(
                    _("seed {seed}: {message}", seed=entry.run.experiment.seed,
                      message=entry.message)), icon=":material/error:")


def left() -> str:
    """How long it takes until the queue is empty, if that is known."""
    status = engine().status()
    ends = [job.eta for job in (*status.running, *status.queued)]
    known = [eta for eta in ends if eta is not None]
    return _(" · the last begins or ends in about {time}", time=duration(max(known))) if (
        known and len(known) == len(ends)) else ""


def share(field: Field) -> float:
    """The steps that were taken, of all."""
    total = sum(entry.run.experiment.training.steps for entry in field.entries)
    return min(1.0, sum(_taken(entry) for entry in field.entries) / total)


def _taken(entry: Entry) -> int:
    steps = entry.run.experiment.training.steps
    if entry.status in ("finished", "diverged", "failed"):  # it takes no more
        return steps
    history = so_far(entry.run.key, entry.job, entry.run)
    return int(history["step"].iloc[-1]) if history is not None and len(history) else 0


def table(field: Field) -> pd.DataFrame:
    """How each variation stands, a row each: mean over its seeds, with lowest and highest."""
    rows = [_row(group) for group in field.groups]
    held = [_held(group) for group in field.groups]
    if any(map(math.isfinite, held)):
        best = rows[held.index(min(value for value in held if math.isfinite(value)))]
        best[_("held-out perplexity")] = f"**{best[_('held-out perplexity')]}**"
    return pd.DataFrame(rows, index=pd.Index([plain(name) for name in field.names]))


def _row(group: list[Entry]) -> dict[str, str]:
    done = [entry.run for entry in group if len(entry.run.history)]
    experiment = group[0].run.experiment
    training = experiment.training
    per_step = side.flops(group)
    states = [entry.status for entry in group]
    return {
        _("held-out perplexity"): _spread([_best(run.history) for run in done]),
        _("training perplexity"): _spread([float(run.history["perplexity"].iloc[-1])
                                           for run in done]),
        _("parameters"): f"{experiment.model.parameters(*group[0].run.tokenizer.sizes):,}",
        _("seconds of a run"): _spread([entry.run.seconds for entry in group
                                        if entry.status == "finished"], ".1f"),
        _("tokens per second"): _spread([float(run.history["tokens_per_second"].iloc[-1])
                                         for run in done], ",.0f", band=False),
        _("FLOPs per token"): big(per_step / experiment.task.each_step(training)),
        _("FLOPs of a run"): _costs([per_step * _length(entry) for entry in group]),
        _("seeds"): ", ".join(f"{states.count(state)} {_(NAMES.get(state, STATUS.get(state, '')))}"
                              for state in dict.fromkeys(states)),
    }


def _held(group: list[Entry]) -> float:
    """The mean held-out perplexity of a variation, geometric; NaN where nothing was measured."""
    known = [value for entry in group if math.isfinite(value := _best(entry.run.history))]
    return geometric_mean(known) if known else math.nan


NAMES = {"queued": N_("waiting"), "new": N_("waiting")}


def _best(history: pd.DataFrame) -> float:
    return float(scored(history)["along"].min())


def _spread(values: Sequence[float], form: str = ".2f", band: bool = True) -> str:
    """A mean, and from where to where."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return "–"
    mean = geometric_mean(known) if form == ".2f" else sum(known) / len(known)
    low, middle, high = (amount(value) if form == ".2f" else format(value, form)
                         for value in (min(known), mean, max(known)))
    return middle if len(known) == 1 or not band else f"{middle} ({low} … {high})"


def _length(entry: Entry) -> int:
    """How many steps a run takes; of one that broke off, how many it took."""
    if entry.status not in ("diverged", "failed"):
        return entry.run.experiment.training.steps
    return int(entry.run.history["step"].iloc[-1]) if len(entry.run.history) else 0


def _costs(flops: Sequence[float]) -> str:
    """The mean, and from where to where if some broke off."""
    mean = big(sum(flops) / len(flops))
    return mean if min(flops) == max(flops) or not math.isfinite(sum(flops)) else (
        f"{mean} ({big(min(flops))} … {big(max(flops))})")


def big(value: float) -> str:
    """A large number with its prefix: 1.2 G."""
    if not math.isfinite(value):
        return "–"
    power = min(5, int(math.log10(max(value, 1)) // 3))
    return f"{value / 1000**power:.3g} {['', 'k', 'M', 'G', 'T', 'P'][power]}".strip()


def settings(field: Field) -> pd.DataFrame:
    """What differs, a column for each variation."""
    rows = differing([entry.model_copy(update={"seed": 0}) for entry in field.experiments])
    columns = [plain(name) for name in field.names]
    return pd.DataFrame([[plain(cell) for cell in row] for row in rows if row != field.names],
                        columns=columns)
