"""Experiments that train in a moment."""

from itertools import product
from typing import Any

from explorer.experiment import Experiment
from explorer.models.base import RECURRENT
from explorer.text import Text
from explorer.text.pairs import Pairs

TEXT = Text("rhyme", 'the cat (a fat cat) sat on "the mat, the flat mat" and that was that. ' * 20)

MODELS: dict[str, dict[str, Any]] = {
    "rnn": {"kind": "rnn"},
    "rnn-relu": {"kind": "rnn", "activation": "relu"},
    "gru": {"kind": "gru"},
    "lstm": {"kind": "lstm"},
    "one-hot": {"kind": "gru", "input": "one-hot"},
    "tied": {"kind": "lstm", "embedding": 10, "tied": True},
    "dropout": {"kind": "lstm", "layers": 2, "dropout": 0.3},
    "transformer": {"kind": "transformer", "heads": 1, "dropout": 0.3},
    "aaren": {"kind": "aaren", "heads": 2, "layers": 1},
    "cnn": {"kind": "cnn", "layers": 2},
}


def small(model: str | dict[str, Any] = "lstm", steps: int = 20, **settings: Any) -> Experiment:
    """A language model of ten units."""
    chosen = MODELS[model] if isinstance(model, str) else model
    settings = {"window": 8, "batch": 4, "snapshots": 4} | settings
    sizes = {"hidden": 10} | ({"embedding": 6} if chosen["kind"] in RECURRENT else {})
    return Experiment.language_model(
        settings.pop("text", TEXT), model=sizes | chosen, steps=steps, **settings)


SUBJECTS = {"i": "je", "you": "tu", "he": "il", "she": "elle", "tom": "tom"}
VERBS = {"see": "vois", "eat": "mange", "love": "aime"}
THINGS = {"cat": "chat", "dog": "chien", "cake": "gâteau"}
PAIRS = Pairs("phrases", "".join(
    f"{who} {does} a {thing}{end}\t{qui} {fait} un {chose}{end}\n"
    for (who, qui), (does, fait), (thing, chose), end in product(
        SUBJECTS.items(), VERBS.items(), THINGS.items(), ("", ".", ", really!"))))

TRANSLATORS: dict[str, dict[str, Any]] = {
    "general": {},
    "none": {"attention": "none", "cell": "rnn"},
    "additive": {"attention": "additive", "cell": "lstm", "bidirectional": True},
    "feeding": {"attention": "concat", "feeding": True, "layers": 2, "dropout": 0.3},
    "local": {"attention": "dot", "reach": "local"},
    "shared": {"shared": True, "bidirectional": True},
}


def translating(
    model: str | dict[str, Any] = "general", steps: int = 8, **settings: Any
) -> Experiment:
    """A translator of twelve units, of 135 pairs."""
    chosen = TRANSLATORS[model] if isinstance(model, str) else model
    settings = {"batch": 8, "snapshots": 2, "tokens": "word", "held_out": 0.2} | settings
    return Experiment.translation(
        settings.pop("pairs", PAIRS),
        model={"kind": "seq2seq", "hidden": 12, "embedding": 6} | chosen, steps=steps, **settings)
