"""What to call runs that stand side by side: by what differs between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from explorer.experiment import Experiment, Training
from explorer.spec import Spec
from explorer.ui.controls import CHOICES
from explorer.words import _

MAIN = ("kind", "hidden", "text", "tokens.kind", "steps", "seed")
# By `explorer.experiment.defaults`.
CHOSEN_FOR_US = ("steps", "batch", "window", "learning_rate", "snapshots")


class Told(NamedTuple):
    """names: of each, made of what differs. same: what all have in common and is worth a word
    (the main settings, and those that are not at their default). more: of each, all that differs,
    also what follows from its name."""

    names: list[str]
    same: list[str]
    more: list[list[str]]


def tell_apart(experiments: Sequence[Experiment]) -> Told:
    """What differs between some experiments, and what does not.

    A setting that was chosen for a model and a text is left out of the names as long as it follows
    from the rest of them.
    """
    said = [phrases(experiment) for experiment in experiments]
    fields, differ = _compared(said)
    telling = [field for field in differ if field not in CHOSEN_FOR_US]
    for field in CHOSEN_FOR_US:
        if field in differ and not _follows(field, telling, said):
            telling.append(field)
    names = [" · ".join(_some(phrase, telling)) for phrase in said]
    if not all(names):  # nothing differs: call each by its architecture
        names = [name or phrase["kind"] for name, phrase in zip(names, said, strict=True)]
    same = [field for field in fields
            if field not in differ and all(field in phrase for phrase in said)
            and (field in MAIN or field not in _usual(experiments[0]))]
    return Told(names, _some(said[0], same) if said else [],
                [_some(phrase, differ) for phrase in said])


def alone(experiment: Experiment) -> str:
    """What to call a run that stands beside none: by its architecture, its size and its text."""
    return " · ".join(_some(phrases(experiment), ("kind", "hidden", "text")))


def differing(experiments: Sequence[Experiment]) -> list[list[str]]:
    """A row for each setting that differs: what it is in each of the experiments, "–" where there
    is no such setting."""
    said = [phrases(experiment) for experiment in experiments]
    fields, differ = _compared(said)
    partly = [field for field in fields if not all(field in phrase for phrase in said)]
    return [[phrase.get(field, "–") for phrase in said]
            for field in [*differ, *partly] if field != "content"]


def _compared(said: Sequence[Mapping[str, str]]) -> tuple[list[str], list[str]]:
    """All fields that are told of, and those of them that are told in different words."""
    fields = list(dict.fromkeys(field for phrase in said for field in phrase))
    return fields, [field for field in fields
                    if len({phrase[field] for phrase in said if field in phrase}) > 1]


def phrases(experiment: Experiment) -> dict[str, str]:
    """Each setting of an experiment as a few words, the most telling first."""
    model, data = experiment.model, experiment.data
    found = {"kind": model.title}
    found |= _settings(model) | _settings(experiment.task) | {"text": f"“{data.name}”"}
    found |= {"content": _("text {hash}", hash=data.sha256[:6])}
    found |= _settings(experiment.tokens, "tokens.") | _settings(data) | {
        "seed": _("seed {seed}", seed=experiment.seed)} | _settings(experiment.training)
    return found | {"changes": by_hand(experiment.training)}


def by_hand(training: Training) -> str:
    """What a hand changed while it trained, in words."""
    rates = [change for change in training.changes if change.factor != 1]
    clips = [change for change in training.changes if change.clip is not None]
    said = [_("rate changed by hand") + " (" + ", ".join(
        f"× {change.factor:g} @ {change.step}" for change in rates) + ")"] if rates else []
    said += [_("clipped at {norm} from step {step}", norm=f"{change.clip:g}", step=change.step)
             for change in clips]
    return " · ".join(said) or _("rate as it was set")


def distinct(names: Sequence[str]) -> list[str]:
    """The names, numbered where one stands for several: two curves must not become one."""
    counts, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if counts[name] > 1 else name)
    return found


def _settings(spec: Spec, prefix: str = "") -> dict[str, str]:
    """The settings of a spec that have a name for people."""
    found = {}
    for field, info in type(spec).model_fields.items():
        if info.title is not None:
            found[prefix + field] = _phrase(field, _(info.title), getattr(spec, field))
    return found


def _usual(experiment: Experiment) -> set[str]:
    """The fields that stand at their default."""
    parts = {"": (experiment.model, experiment.task, experiment.data, experiment.training),
             "tokens.": (experiment.tokens,)}
    usual = {prefix + field for prefix, specs in parts.items() for spec in specs
             for field, info in type(spec).model_fields.items()
             if getattr(spec, field) == info.default}
    return usual | {"content"}


def _phrase(field: str, title: str, value: object) -> str:
    title = title[:1].lower() + title[1:]
    if field == "hidden":
        return _("{count} units", count=value)
    if field == "steps":
        return _("{count} steps", count=f"{value:,}")
    if isinstance(value, bool):
        return title if value else _("no {what}", what=title)
    if isinstance(value, float):
        return f"{title} {value:g}"
    return f"{title} {_(CHOICES.get(str(value), str(value)))}"


def _follows(field: str, telling: Sequence[str], said: Sequence[Mapping[str, str]]) -> bool:
    """Whether those that agree in all that is told (but for the seed) agree in this field too."""
    met: dict[tuple[str | None, ...], str | None] = {}
    told = [other for other in telling if other != "seed"]
    return all(met.setdefault(tuple(map(phrase.get, told)), phrase.get(field)) == phrase.get(field)
               for phrase in said)


def _some(phrase: Mapping[str, str], fields: Sequence[str]) -> list[str]:
    """The words of some fields. A text is told by its name; by its content's hash only when names
    do not tell."""
    shown = [field for field in fields if field != "content" or "text" not in fields]
    return [phrase[field] for field in shown if field in phrase]
