"""Experiments side by side: what differs, what they share, and whether they compare. No torch.

All variations of a comparison read the same text, cut and held back alike, in the same batches (a
batch is a pure function of training settings, seed and step), each with the same seeds; unless
that is what differs.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, product
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from explorer.defaults import speed
from explorer.errors import DataError, ExperimentError
from explorer.experiment import Experiment
from explorer.models import Model
from explorer.scores import scored
from explorer.spec import Spec
from explorer.text import Text, Tokenizer
from explorer.words import N_

LEAST, MOST = 2, 6  # variations side by side
SEEDS = 3  # of each, unless told otherwise
M = TypeVar("M", bound=Model)
Values = Mapping[str, Any]  # field path ("model.hidden") -> value


@dataclass(frozen=True)
class Comparison:
    """base: what all share. variations: what each changes of it, by field path. seeds: each
    variation is trained once with each. equal: the hidden size of each is solved for, so that all
    have about as many parameters as the base."""

    base: Experiment
    variations: Sequence[Values]
    seeds: Sequence[int] = field(default_factory=lambda: tuple(range(SEEDS)))
    equal: bool = False

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """What all of them cut the text with. Raises DataError."""
        return self.base.task.tokenizer(self.base.text, self.base.tokens)

    @cached_property
    def experiments(self) -> list[list[Experiment]]:
        """(variation, seed). Raises ExperimentError: too few or too many, two the same or with
        nothing to tell them apart, a field that is not there, or one that no comparison can vary;
        DataError: perplexities that would not compare."""
        if not LEAST <= len(self.variations) <= MOST:
            raise ExperimentError(
                N_("Choose {least} to {most} to put side by side (given: {given})."),
                least=LEAST, most=MOST, given=len(self.variations))
        chosen = [self._sized(varied(self.base, values), values) for values in self.variations]
        if any("seed" in values for values in self.variations):
            raise ExperimentError(
                N_("The seed is nothing to compare: each variation is trained with every seed. Say "
                   "how many seeds, and let something else differ."))
        if len({each.key for each in chosen}) < len(chosen):
            raise ExperimentError(
                N_("Two of these would be the same experiment: let each differ from the others."))
        check(chosen)
        _refuse_idle(chosen)
        return [[varied(each, {"seed": seed}) for seed in self.seeds] for each in chosen]

    def _sized(self, experiment: Experiment, values: Values) -> Experiment:
        if not self.equal:
            return experiment
        if "model.hidden" in values:
            raise ExperimentError(
                N_("With equal parameters the hidden size is solved for: vary something else."))
        vocabulary = self.tokenizer.size
        target = self.base.model.parameters(vocabulary)
        sized: Any = equal_parameters(experiment.model, vocabulary, target)
        return varied(experiment, {"model.hidden": sized.hidden})


# What a setting means something with; with any other value of that one it changes nothing.
NEEDS = {"training.warmup": ("training.schedule", ("warm-up",)),
         "training.truncate": ("training.truncation", ("regular", "randomised")),
         "model.context": ("model.positions", ("learned",)),
         "model.embedding": ("model.input", ("embedding",))}


def _refuse_idle(experiments: Sequence[Experiment]) -> None:
    """Raises ExperimentError when two of some experiments differ in nothing that has an effect:
    their curves would be the same bit for bit."""
    met: dict[str, Experiment] = {}
    for experiment in experiments:
        flat = _flat(experiment)
        idle = [path for path, (other, values) in NEEDS.items()
                if flat.get(other, values[0]) not in values]
        same = met.setdefault(repr({path: value for path, value in flat.items()
                                    if path not in idle}), experiment)
        if same is not experiment:
            path = next(iter(differences([same, experiment])))
            raise ExperimentError(
                N_("Trained with another {field}, the network would be the same: {field} means "
                   "nothing as long as {other} is {value}."), field=path, other=NEEDS[path][0],
                value=str(flat[NEEDS[path][0]]))


TOY = Text("four sentences", "This is the boat that my father built. This is the lamp that lights "
           "the harbour. This is a story about two small boats. This is where the long river "
           "meets the sea.")
TOY_PREFIX, TOY_WORDS = "This is", 5


def toy(seeds: Sequence[int] = tuple(range(SEEDS))) -> Comparison:
    """The toy of the lecture notes: four sentences, an embedding of 50, 100 units, 100 epochs; for
    a simple RNN, a GRU and an LSTM. A batch of four windows is an epoch of so short a text."""
    base = Experiment.language_model(
        TOY, "word", {"kind": "rnn", "hidden": 100, "embedding": 50}, steps=100, held_out=0,
        batch=4, window=8, learning_rate=0.01)
    return Comparison(base, vary({"model.kind": ["rnn", "gru", "lstm"]}), seeds)


def vary(choices: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values of some fields."""
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def varied(base: Experiment, values: Values) -> Experiment:
    """`base` with some fields changed. A new `model.kind` keeps the settings that both kinds have;
    with tied weights the embedding goes along with the hidden size. Raises ExperimentError."""
    data = base.model_dump(mode="json")
    for path in sorted(values, key=lambda path: path != "model.kind"):  # the kind first
        _set(data, path, values[path])
    if data["model"].get("tied") and "embedding" in data["model"]:
        data["model"]["embedding"] = data["model"]["hidden"]
    return Experiment.parse(data).with_text(base.text)


def _set(data: dict[str, Any], path: str, value: Any) -> None:
    section, _, name = path.rpartition(".")
    if section in ("data", "tokens", "task"):
        raise ExperimentError(
            N_("{field} cannot differ in a comparison: perplexities compare only on the same text, "
               "cut into the same tokens, with the same part held back."), field=path)
    if path != "seed" and section not in ("model", "training"):
        raise ExperimentError(N_("There is no setting called {field}."), field=path)
    if path == "model.kind":
        family = Model.family.get(str(value))
        known = family.model_fields if family else data["model"]
        data["model"] = {name: kept for name, kept in data["model"].items() if name in known}
    (data[section] if section else data)[name] = value


def equal_parameters(model: M, vocabulary: int, target: int) -> M:
    """`model` with the hidden size whose number of parameters is nearest to `target`.

    All else stays as it is, but for tied weights, where the embedding is as long as the hidden
    layer. Parameters come in steps of a unit, or of a width that its heads divide, so a difference
    is left: of at most half a step, or more when `target` lies beyond the smallest or the largest
    size.
    """
    rules = type(model).model_fields["hidden"].metadata
    low = next(rule.ge for rule in rules if hasattr(rule, "ge"))
    high = next(rule.le for rule in rules if hasattr(rule, "le"))
    sizes = range(-(-low // model.grain) * model.grain, high + 1, model.grain)

    def count(hidden: int) -> int:
        return _resized(model, hidden).parameters(vocabulary)

    above = min(bisect_left(sizes, target, key=count), len(sizes) - 1)
    around = sizes[max(0, above - 1) : above + 1]
    return _resized(model, min(around, key=lambda hidden: abs(count(hidden) - target)))


def _resized(model: M, hidden: int) -> M:
    follows = {"embedding"} & set(type(model).model_fields) if getattr(model, "tied", False) else ()
    return model.model_copy(update={"hidden": hidden} | dict.fromkeys(follows, hidden))


def subject(experiment: Experiment) -> tuple[str, str, float, bool]:
    """What is learnt: text, task and tokens, what is held out, and whether the network may read the
    tokens that it guesses (an encoder of both directions does not: it reads the source). Only
    perplexities of the same compare."""
    task = experiment.task
    cut = experiment.tokens.model_dump_json() + task.model_dump_json(
        include={"kind", "spaced", "longest"})
    return (experiment.data.sha256, cut, experiment.data.held_out,
            task.kind != "translation" and bool(getattr(experiment.model, "bidirectional", False)))


def check(experiments: Iterable[Experiment]) -> None:
    """Raises DataError, with the reason, when the perplexities of some experiments do not
    compare."""
    for one, other in pairwise(experiments):
        if one.data.sha256 != other.data.sha256:
            raise DataError(
                N_("These runs cannot be put side by side: one learnt “{one}”, another “{other}”, "
                   "and perplexities compare only on the same text. Choose runs of one text."),
                one=one.data.name, other=other.data.name)
        if one.task.kind != other.task.kind:
            raise DataError(
                N_("These runs cannot be put side by side: they learnt different things (to guess "
                   "the next token, to fill gaps, to translate), and each has a perplexity of its "
                   "own. Choose runs that learnt the same."))
        if one.tokens != other.tokens:
            raise DataError(
                N_("These runs cannot be put side by side: they cut the text into different tokens "
                   "({one}; {other}), and a perplexity is per token. Choose runs with the same "
                   "tokens."), one=_said(one, other, "tokens"), other=_said(other, one, "tokens"))
        if one.data.held_out != other.data.held_out:
            raise DataError(
                N_("These runs cannot be put side by side: they hold back different parts of the "
                   "text ({one} and {other}), so each is judged on another one. Choose runs with "
                   "the same part held out."),
                one=f"{one.data.held_out:.0%}", other=f"{other.data.held_out:.0%}")
        if subject(one) != subject(other):
            raise DataError(
                N_("These runs cannot be put side by side: one reads the text from both ends, and "
                   "so has read the very tokens that it guesses. Choose runs that read in one "
                   "direction."))


def _said(one: Experiment, other: Experiment, section: str) -> str:
    """The fields of a section in which one differs from another, in words."""
    found = differences([one, other])
    return ", ".join(f"{path.removeprefix(section + '.')} = {values[0]}"
                     for path, values in found.items() if path.startswith(section))


def differences(experiments: Sequence[Experiment]) -> dict[str, list[Any]]:
    """Each field, by its path, that is not the same in all, with the value that each has (None
    where one has no such field)."""
    flat = [_flat(experiment) for experiment in experiments]
    paths = dict.fromkeys(path for each in flat for path in each)
    found = {path: [each.get(path) for each in flat] for path in paths}
    return {path: values for path, values in found.items()
            if any(value != values[0] for value in values)}


def _flat(spec: Spec, prefix: str = "") -> dict[str, Any]:
    """Every field, also one that is not written because it came later and stands at its default."""
    found: dict[str, Any] = {}
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, Spec) else {
            prefix + name: value}
    return found


def effort(experiment: Experiment) -> float:
    """What a training takes, but for a factor that all of a comparison share: where several run
    side by side, the longest is begun first, so that no slot stands empty while the last one
    ends."""
    training = experiment.training
    read = training.steps * training.batch * training.window
    return read * experiment.model.parameters(100, 100) / speed(experiment.model.kind)


def grouped(experiments: Sequence[Experiment]) -> list[list[int]]:
    """Which of them are the same but for the seed: the seeds of one variation, together."""
    found: dict[str, list[int]] = {}
    for index, experiment in enumerate(experiments):
        found.setdefault(varied(experiment, {"seed": 0}).key, []).append(index)
    return list(found.values())


def same_batches(experiments: Sequence[Experiment]) -> bool:
    """Whether those with the same seed read the same windows of text in the same order."""
    return len({(subject(each), each.training.batch, each.training.window, each.training.sampling)
                for each in experiments}) == 1


class Side(NamedTuple):
    """A run in a comparison: what it is made of, and its history so far."""

    experiment: Experiment
    history: pd.DataFrame


def curves(
    names: Sequence[str], groups: Sequence[Sequence[Side]], flops: Sequence[float] = ()
) -> xr.Dataset:
    """The curves of all runs: `training_perplexity`, `held_out_perplexity` and `seconds` over
    (variation, seed, step), NaN where nothing was measured; over variation, `flops` of one
    training step, and how many steps are `planned`.

    groups: the runs of each variation, one for each seed. seconds: a step's, at the pace that was
    measured up to it; not of sentence pairs, of which not every step has as many tokens.
    """
    steps = np.unique(np.concatenate([[0], *(s.history["step"] for g in groups for s in g)]))
    shape = (len(groups), max(map(len, groups)), len(steps))
    found = {name: np.full(shape, np.nan) for name in ("training_perplexity",
                                                       "held_out_perplexity", "seconds")}
    for v, group in enumerate(groups):
        for s, side in enumerate(group):
            history, training = side.history, side.experiment.training
            at = np.searchsorted(steps, history["step"])
            found["training_perplexity"][v, s, at] = history["perplexity"]
            held = scored(history)
            found["held_out_perplexity"][v, s, np.searchsorted(steps, held["step"])] = held["along"]
            tokens = history["step"] * side.experiment.task.each_step(training)
            found["seconds"][v, s, at] = tokens / history["tokens_per_second"]
    first = groups[0][0].experiment
    keys = "".join(side.experiment.key for group in groups for side in group)
    rows = sum(len(side.history) for group in groups for side in group)
    return xr.Dataset(
        {name: (("variation", "seed", "step"), value) for name, value in found.items()}
        | {"flops": ("variation", list(flops) or [np.nan] * len(groups))},
        {"variation": list(names), "step": steps,
         "kind": ("variation", [group[0].experiment.model.kind for group in groups]),
         "planned": ("variation", [group[0].experiment.training.steps for group in groups])},
        {"run": hashlib.sha256(keys.encode()).hexdigest()[:32], "step": rows,
         "text": first.data.name, "held_out": first.data.held_out})


def duel(names: Sequence[str], groups: Sequence[Sequence[xr.Dataset]]) -> xr.Dataset:
    """The surprisals of a text side by side: `bits` over (variation, token), the mean over the
    seeds of each. groups: what the probe `surprisal` says of the runs of each variation."""
    first = groups[0][0]
    bits = [np.mean([said["bits"].values for said in group], axis=0) for group in groups]
    asked = "".join(f"{said.attrs['run']}{said.attrs['step']}" for group in groups
                    for said in group)
    return xr.Dataset(
        {"bits": (("variation", "token"), np.array(bits))},
        {"variation": list(names), "label": first["label"],
         "kind": ("variation", [group[0].attrs["kind"] for group in groups])},
        {"run": hashlib.sha256(asked.encode()).hexdigest()[:32], "step": 0,
         "seeds": [len(group) for group in groups]})
