"""What is to be put side by side: presets, then any field and its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal, cast, get_args, get_origin

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.comparison import MOST, SEEDS, Comparison, vary
from explorer.defaults import defaults
from explorer.errors import ExplorerError, RunError
from explorer.experiment import Experiment, Training
from explorer.models import Model
from explorer.models.base import RECURRENT
from explorer.models.recurrent import Recurrent
from explorer.spec import Spec
from explorer.store import Run
from explorer.text import Text, Tokenisation
from explorer.ui import link
from explorer.ui.controls import CHOICES, form, make
from explorer.ui.language_model import KINDS
from explorer.ui.naming import distinct, tell_apart
from explorer.ui.page import complain
from explorer.ui.runs import apart, listed, whole
from explorer.ui.side import OF_RUNS, RUNS
from explorer.ui.source import choose_text
from explorer.words import N_, _

MIDDLE = "gru"  # whose learning rate, batch and window all get when the architecture differs
PRESETS = {"model.kind": N_("architecture"), "model.hidden": N_("hidden units"),
           "training.learning_rate": N_("learning rate"), "other": N_("another setting"),
           "runs": N_("runs I have")}
QUALITIES = {"quick": N_("quick, about 4 s each"), "good": N_("good, about 15 s each"),
             "best": N_("best, about 1 min each")}
SUGGESTED = {"model.kind": list(RECURRENT), "model.hidden": ["32", "64", "128"],
             "training.learning_rate": ["0.001", "0.005", "0.02"],
             "model.forget_bias": ["0", "1", "2"], "model.layers": ["1", "2", "3"]}
# One that reads both ways compares with no other; how often weights are kept changes no curve.
LEFT_OUT = ("model.bidirectional", "training.snapshots")
TRUNCATING = ("training.truncation", "training.truncate")  # of a recurrent network alone
WITH: dict[str, dict[str, Any]] = {
    "model.dropout": {"layers": 2}, "model.context": {"positions": "learned"},
    "training.warmup": {"schedule": "warm-up"}, "training.truncate": {"truncation": "regular"}}


def fields() -> dict[str, type[Spec]]:
    """The settings that may differ, by path, with the spec that has them: those that the chosen
    architecture has."""
    family = cast("type[Model]", Model.family[st.session_state["model"]])
    without = [*LEFT_OUT, *([] if issubclass(family, Recurrent) else TRUNCATING),
               *([] if family.carries else ["training.sampling"])]
    every = {f"{section}.{name}": spec for section, spec in (("model", family),
                                                             ("training", Training))
             for name, info in spec.model_fields.items() if info.title is not None}
    return {path: spec for path, spec in every.items() if path not in without}


def choose() -> str:
    """Which field is to differ, as its path; "runs" for runs that are there already."""
    link.seed("model", "lstm", allowed=KINDS)  # its control comes below, in a popover
    link.seed("differ", "model.kind", allowed=[*PRESETS, *fields()])
    path = st.session_state["differ"]
    if path not in PRESETS:  # a link may name any field at once
        st.session_state["field"], st.session_state["differ"] = path, "other"
        link.write(field=path, differ="other")
    preset = st.pills(_("What differs"), list(PRESETS), key="differ", required=True, wrap=True,
                           format_func=lambda name: _(PRESETS[name]))
    if preset != "other":
        link.write(differ=preset if preset != "model.kind" else None, field=None)
        return str(preset)
    others = {path: _title(spec, path) for path, spec in fields().items() if path not in PRESETS}
    link.seed("field", next(iter(others)), allowed=others)
    field: str = st.selectbox(_("Setting"), list(others), key="field",
                              format_func=others.__getitem__)
    link.write(differ=preset, field=field)
    return field


def _title(spec: type[Spec], path: str) -> str:
    """What a field is called."""
    return _(str(spec.model_fields[path.rpartition(".")[2]].title))


def values(path: str) -> list[str]:
    """Two to six values of a field, as written; any other may be typed in."""
    offered = suggested(path)
    link.seed(path, offered[:3], lambda said: said.split(","))
    chosen = st.session_state[path]
    fixed = _options(path) is not None or path == "model.kind"
    given: list[str] = st.multiselect(
        _("Values"), list(dict.fromkeys([*offered, *chosen])), key=path, max_selections=MOST,
        accept_new_options=not fixed, format_func=_named,
        help=_("Two to six. Type a number to add it.") if not fixed else _("Two or more."))
    link.write(**{path: ",".join(given) if given != offered[:3] else None})
    return given


def suggested(path: str) -> list[str]:
    """Values to begin with."""
    if path in SUGGESTED:
        return SUGGESTED[path]
    options = _options(path)
    if options is not None:
        return options
    info = fields()[path].model_fields[path.rpartition(".")[2]]
    start = info.default
    if isinstance(start, int):
        least = max((rule.ge for rule in info.metadata if hasattr(rule, "ge")), default=0)
        return [str(value) for value in dict.fromkeys((max(start // 2, least), start, start * 2))]
    if start:
        return [f"{value:g}" for value in (0, start, start * 4)]
    return ["0", "0.01", "0.1"] if path.startswith("training") else ["0", "0.25", "0.5"]


def _options(path: str) -> list[str] | None:
    """All values of a field that has but a few; None of one that takes numbers."""
    if path == "model.kind":
        return None
    info = fields()[path].model_fields[path.rpartition(".")[2]]
    if get_origin(info.annotation) is Literal:
        return [str(value) for value in get_args(info.annotation)]
    return ["false", "true"] if info.annotation is bool else None


def _named(value: str) -> str:
    words = {"false": _("no"), "true": _("yes")}
    return KINDS.get(value) or words.get(value) or _(CHOICES.get(value, value))


def settings(
    path: str, row: DeltaGenerator
) -> tuple[Text | None, Callable[[Text], Experiment | None]]:
    """The text, and all that the variations share: two popovers. The second of what is given makes
    the base of a text; None, with a message, when settings contradict each other."""
    with row.popover(_("Text"), icon=":material/article:"):
        text = choose_text()
    with row.popover(_("All settings"), icon=":material/tune:"):
        kind = MIDDLE
        if path != "model.kind":
            kind = str(st.segmented_control(_("Architecture"), list(KINDS), key="model",
                                            required=True, format_func=KINDS.__getitem__))
            link.write(model=kind)
        family = Model.family[kind]
        needs = needed(path, family)
        of = f"-{path}" if needs else ""
        chosen = form(family, needs, f"side-model-{kind}{of}",
                      _without(family, path)) | {"kind": kind}
        st.markdown(f"**{_('Tokens')}**")
        tokens = form(Tokenisation, {}, "side-tokens")
        st.markdown(f"**{_('Training')}**")
        quality = st.session_state.get("quality", "quick")
        usual = defaults(len(text.content) if text else 10_000, Model.parse(kind), quality)
        how = form(Training, usual | needs,
                   f"side-training-{kind}-{quality}-{text and text.sha256}{of}",
                   _without(Training, path))

    def base(text: Text) -> Experiment | None:
        model, cut = make(family, chosen), make(Tokenisation, tokens)
        if not isinstance(model, Model) or not isinstance(cut, Tokenisation):
            return None
        return Experiment.language_model(text, cut, model, quality=quality, **how)

    return text, base


def needed(path: str, family: type[Spec]) -> dict[str, Any]:
    """What the other settings are at first where one differs that means nothing, or is refused,
    with their defaults."""
    between_layers = path == "model.dropout" and issubclass(family, Recurrent)
    return WITH.get(path, {}) if path != "model.dropout" or between_layers else {}


def _without(spec: type[Spec], path: str) -> list[str]:
    return [name for name in spec.model_fields if not path.endswith(f".{name}")]


def numbers(path: str) -> tuple[int, bool, bool]:
    """How many seeds, whether all get equally many parameters, and whether each architecture
    learns at its own rate."""
    seeds_at, quality_at = st.columns([1, 1.7])
    link.seed("seeds", SEEDS, int, between=(1, 10))
    seeds = int(seeds_at.number_input(
        _("Seeds"), 1, 10, key="seeds",
        help=_("Each is trained so often, each time from another beginning: how far these lie "
               "apart is chance.")))
    link.seed("quality", "quick", allowed=QUALITIES)
    quality = quality_at.selectbox(_("Quality"), list(QUALITIES), key="quality",
                                   format_func=lambda name: _(QUALITIES[name]))
    row = st.container(horizontal=True)
    link.seed("equal", 0, int, allowed=(0, 1))
    equal = path != "model.hidden" and row.toggle(
        _("Equal parameters"), key="equal",
        help=_("The hidden size of each is solved for, so that all have about as many weights."))
    link.seed("own", 0, int, allowed=(0, 1))
    own = path == "model.kind" and row.toggle(
        _("Own learning rates"), key="own",
        help=_("Each architecture learns at the rate that was measured to suit it; else all learn "
               "at one rate, and only the architecture differs."))
    link.write(seeds=seeds if seeds != SEEDS else None,
               quality=quality if quality != "quick" else None,
               equal=int(equal) or None, own=int(own) or None)
    return seeds, equal, own


def compare(
    base: Experiment, path: str, given: Sequence[str], seeds: int, equal: bool, own: bool
) -> Comparison | None:
    """What was chosen, as a comparison; None, with a message on the page, if it cannot be."""
    variations: list[dict[str, Any]] = vary({path: list(given)})
    for values in variations if own else ():
        kind = Model.parse(values["model.kind"])
        rate = defaults(len(base.text.content), kind, "quick")["learning_rate"]
        values["training.learning_rate"] = rate
    found = Comparison(base, variations, range(seeds), equal)
    try:
        return found if found.experiments else None
    except ExplorerError as error:
        complain(error)
        return None


def announced(chosen: Comparison) -> str:
    """What the button will start, in words."""
    first = [group[0] for group in chosen.experiments]
    size = chosen.tokenizer.size
    counted = ", ".join(
        f"{name}: {experiment.model.parameters(size):,}"
        for name, experiment in zip(distinct(tell_apart(first).names), first, strict=True))
    count = len(chosen.experiments) * len(chosen.seeds)
    steps = sorted({experiment.training.steps for experiment in first})
    return _("Compare trains {count} networks, {steps} steps each, on “{text}”. "
             "Parameters: {counted}.", count=count,
             steps="–".join(f"{each:,}" for each in dict.fromkeys((steps[0], steps[-1]))),
             text=chosen.base.data.name, counted=counted)


def choose_runs(current: Sequence[str]) -> None:
    """Two to six of the runs that are there: one's own, the shipped ones, those in the link."""
    named = listed()
    runs: dict[str, Run] = {}
    for key in dict.fromkeys([*current, *named]):
        with suppress(RunError):  # the list of runs says what is wrong with it
            runs[key] = whole(key)
    runs = {key: run for key, run in runs.items() if run.snapshots or key in current}
    labels = apart(runs, named)
    link.put("chosen runs", [key for key in current if key in runs], list(labels.values()))
    st.multiselect(_("Runs"), list(runs), key="chosen runs", on_change=_take,
                   format_func=labels.__getitem__)


def _take() -> None:
    """The runs that were chosen become those of the page."""
    link.write(**dict.fromkeys(OF_RUNS))
    st.session_state[RUNS] = ".".join(st.session_state["chosen runs"])
