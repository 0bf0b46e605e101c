"""Translators side by side on the pairs that none of them has read: BLEU by length, and each pair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
import streamlit as st
import xarray as xr

from explorer.comparison import subject
from explorer.errors import RunError
from explorer.experiment import Experiment
from explorer.models.seq2seq import Seq2Seq
from explorer.store import Run
from explorer.ui import link
from explorer.ui.backend import ask, draw
from explorer.ui.controls import CHOICES
from explorer.ui.deep import train_button
from explorer.ui.figure import show
from explorer.ui.held_out import by_sign
from explorer.ui.naming import distinct, tell_apart
from explorer.ui.runs import TRANSLATION, apart, colour, listed, middle, whole
from explorer.ui.sentences import marked
from explorer.ui.sentences import sentences as draw_sentences
from explorer.ui.sentences import whole as unmarked
from explorer.ui.session import theme
from explorer.words import _

MOST = 4  # runs in one picture
NOBODY = "none"  # in the link: no run stands beside this one
ATTENTION = ("attention", "reach", "feeding")  # the fields of a model that are of its attention
SHOWN = 8  # pairs at once


def _attention(run: Run) -> str:
    """The attention of its decoder; a Transformer is all attention."""
    model = run.experiment.model
    return model.attention if isinstance(model, Seq2Seq) else model.kind


def rivals(run: Run) -> dict[str, Run]:
    """This run and those of one's own, the shipped ones and those in the link that learnt the same
    pairs, cut and held out alike, by key."""
    linked = [key for key in link.read("beside").split(".") if key]
    found = {run.key: run}
    for key in dict.fromkeys([*listed(), *linked]):
        with suppress(RunError):  # the list of runs says what is wrong with it
            other = whole(key, TRANSLATION)
            if other.snapshots and subject(other.experiment) == subject(run.experiment):
                found.setdefault(key, other)
    return found


def usual(run: Run, runs: Mapping[str, Run]) -> list[str]:
    """What stands side by side at first: this run, and of every other attention the newest."""
    kinds = {_attention(run): run.key}
    for key, other in runs.items():
        if other.status == "finished":
            kinds.setdefault(_attention(other), key)
    without = [kinds["none"]] if "none" in kinds else []
    return list(dict.fromkeys([run.key, *without, *kinds.values()]))[:MOST]


def choose(run: Run) -> list[Run]:
    """Which runs are compared; this one always is."""
    runs = rivals(run)
    default, names = usual(run, runs), listed()
    if len(runs) > 1:
        others = [key for key in runs if key != run.key]
        key = f"beside-{run.key}-{'.'.join(runs)}"
        if key not in st.session_state:
            st.session_state[key] = _linked(run, default, others)
        chosen = st.multiselect(_("Beside it"), others, key=key, max_selections=MOST - 1,
                                format_func=apart(runs, names).__getitem__)
        shown = [run.key, *chosen]
        link.write(beside=None if shown == default else ".".join(chosen) or NOBODY)
        return [runs[each] for each in shown]
    _linked(run, default, [])
    link.write(beside=None)
    return [run]


def _linked(run: Run, default: Sequence[str], others: Sequence[str]) -> list[str]:
    """Which of the others the link wants; what it wants besides is said."""
    given = link.read("beside")
    wanted = [each for each in given.split(".") if each not in ("", NOBODY, run.key)]
    kept = [each for each in wanted if each in others][: MOST - 1]
    lost = [middle(each, 40) for each in wanted if each not in kept]
    if lost:
        link.refuse(_("The link says {name} = {given}, but beside this run stand only those that "
                      "learnt the same pairs, at most {most}. Left out: {lost}.", name="beside",
                      given=middle(given, 40), most=MOST - 1, lost=", ".join(lost)))
    if kept or (given and not lost):
        return kept
    return [each for each in default if each in others][: MOST - 1]


def twin(run: Run) -> Experiment:
    """The same experiment without attention; of one without, with additive attention."""
    experiment = run.experiment
    data = experiment.model_dump(mode="json")
    other = "additive" if _attention(run) == "none" else "none"
    data["model"] |= {"attention": other, "reach": "global", "feeding": False}
    data["training"]["changes"] = []
    return Experiment.parse(data).with_text(experiment.text)


def offer_twin(run: Run, chosen: Sequence[Run]) -> None:
    """A button that has the same trained without attention, or with, where nothing stands beside
    this run to tell what attention is worth."""
    kinds = {_attention(each) for each in chosen}
    several = len(kinds) > 1 and "none" in kinds
    if several or not isinstance(run.experiment.model, Seq2Seq):
        return
    other = twin(run)
    label = _("Train the same with additive attention") if "none" in kinds else _(
        "Train the same without attention")
    train_button({label: other}, label, "twin")


def _otherwise(runs: Sequence[Run]) -> list[int]:
    """The number of the first of these runs that differs from each in its attention at most."""
    said = []
    for run in runs:
        data = run.experiment.model_dump(mode="json")
        for name in ATTENTION:
            data["model"].pop(name, None)
        said.append(data)
    return [said.index(each) for each in said]


def side_by_side(runs: Sequence[Run], found: Sequence[xr.Dataset]) -> xr.Dataset:
    """What the probe `evaluation` says of some runs on the same pairs: `bin_bleu` and
    `bin_sentences` over (run, bin), `bin_low` and `bin_high` over bin; of each run `attention`, and
    `otherwise`, the same number where nothing else differs."""
    names = distinct(tell_apart([run.experiment for run in runs]).names) if len(runs) > 1 else [
        _("attention: {kind}", kind=_(CHOICES[_attention(runs[0])]))]
    asked = "".join(f"{each.attrs['run']}{each.attrs['step']}" for each in found)
    return xr.Dataset(
        {name: (("run", "bin"), np.array([each[name].values for each in found]))
         for name in ("bin_bleu", "bin_sentences")}
        | {name: found[0][name] for name in ("bin_low", "bin_high")},
        {"run": names, "kind": ("run", [colour(run) for run in runs]),
         "attention": ("run", [_attention(run) for run in runs]),
         "otherwise": ("run", _otherwise(runs))},
        {"run": hashlib.sha256(asked.encode()).hexdigest()[:32], "step": 0,
         "names": "\n".join(names)})


def lengths(run: Run) -> xr.Dataset:
    """The choice, the picture, and what is drawn in it. Raises DataError: nothing was held out."""
    chosen = choose(run)
    with st.spinner(_("The held-out sentences are being translated …")):
        found = [ask("evaluation", each.key, each.snapshots[-1]) for each in chosen]
    trace = side_by_side(chosen, found)
    show(draw("bleu-by-length", trace, theme=theme()), "lengths", trace)
    offer_twin(run, chosen)
    return trace


def pairs(run: Run) -> None:
    """The held-out pairs of a run, each with its BLEU both ways. Raises DataError."""
    found = ask("evaluation", run.key, run.snapshots[-1])
    orders = {"worst": _("worst first"), "best": _("best first")}
    count = found.sizes["pair"]
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    link.seed("order", "worst", allowed=orders)
    order = left.segmented_control(_("Order"), list(orders), key="order", required=True,
                                   format_func=orders.__getitem__)
    start = 1
    if count > SHOWN:
        link.seed("from", 1, int, between=(1, count))
        start = int(right.number_input(_("From pair"), 1, count, step=SHOWN, key="from"))
    link.write(order=order if order != "worst" else None, **{"from": start if start > 1 else None})
    score = found["bleu"].values + found["notes_bleu"].values / 1000  # ties by the other
    ranked = np.argsort(score if order == "worst" else -score, kind="stable")
    signs = by_sign(run)
    groups = []
    for i in ranked[start - 1 : start - 1 + SHOWN]:
        source, reference, translation = (str(found[name].values[i]) for name in (
            "source", "reference", "translation"))
        note = _("sacrebleu {ours}, the notes' formula {notes}",
                 ours=f"{float(found['bleu'].values[i]):.1f}",
                 notes=f"{float(found['notes_bleu'].values[i]):.2f}")
        groups.append([unmarked(_("source"), source),
                       unmarked(_("reference"), reference, strong=True),
                       marked(_("it writes"), translation, reference, signs, note)])
    draw_sentences(groups, _("Held-out pairs, with what the network writes"), "pairs")
    st.caption(_("Pairs {first} to {last} of {count} translated ({of} are held out). Over all of "
                 "their {sentences} source sentences, each against every translation that the file "
                 "gives: sacrebleu {ours}. The notes' formula, against one translation at a time: "
                 "{notes} on average. A pair's own figures are against its own reference, "
                 "sacrebleu's by runs up to its length.", first=start,
                 last=min(count, start + SHOWN - 1), count=count, of=int(found.attrs["of"]),
                 sentences=int(found.attrs["sentences"]), ours=f"{found.attrs['bleu']:.1f}",
                 notes=f"{found.attrs['notes_bleu']:.2f}"))
