"""Experiments that train in a moment."""

from typing import Any

from explorer.experiment import Experiment
from explorer.text import Text

TEXT = Text("rhyme", 'the cat (a fat cat) sat on "the mat, the flat mat" and that was that. ' * 20)

MODELS: dict[str, dict[str, Any]] = {
    "rnn": {"kind": "rnn"},
    "rnn-relu": {"kind": "rnn", "activation": "relu"},
    "gru": {"kind": "gru"},
    "lstm": {"kind": "lstm"},
    "one-hot": {"kind": "gru", "input": "one-hot"},
    "tied": {"kind": "lstm", "embedding": 10, "tied": True},
    "dropout": {"kind": "lstm", "layers": 2, "dropout": 0.3},
}


def small(model: str | dict[str, Any] = "lstm", steps: int = 20, **settings: Any) -> Experiment:
    """A language model of ten units."""
    chosen = MODELS[model] if isinstance(model, str) else model
    settings = {"window": 8, "batch": 4, "snapshots": 4} | settings
    return Experiment.language_model(
        settings.pop("text", TEXT), model={"hidden": 10, "embedding": 6} | chosen, steps=steps,
        **settings)
