"""Small networks, trained for a moment, opened for the probes."""

import copy
import dataclasses

import pytest

from explorer.experiment import Experiment
from explorer.models import Model
from explorer.probes import Opened
from explorer.text import Text, Tokenizer
from explorer.training.events import Snapshot
from explorer.training.loop import train

TEXT = Text("rhyme", 'the cat (a fat cat) sat on "the mat, the flat mat" and that was that. ' * 40)
ONE_WAY: list[tuple[str, dict[str, object]]] = [
    ("rnn", {}),
    ("rnn", {"activation": "relu"}),
    ("gru", {"layers": 2}),
    ("lstm", {}),
    ("lstm", {"layers": 2, "input": "one-hot"}),
]
SETTINGS = [
    *ONE_WAY,
    ("gru", {"bidirectional": True}),
    ("lstm", {"layers": 2, "bidirectional": True}),
]


def open_trained(model: Model, steps: int = 30, seed: int = 0, last: bool = True) -> Opened:
    experiment = Experiment.language_model(
        TEXT, model=model, steps=steps, window=16, batch=8, seed=seed
    )
    tokenizer = Tokenizer.learn(TEXT, experiment.tokens)
    kept = [e for e in train(experiment, tokenizer) if isinstance(e, Snapshot)]
    chosen = kept[-1 if last else 0]
    return Opened.from_weights(experiment, tokenizer, chosen.step, chosen.weights)


def _of(setting: tuple[str, dict[str, object]]) -> Opened:
    kind, extra = setting
    return open_trained(Model.parse({"kind": kind, "hidden": 12, "embedding": 6} | extra))


def in_double(opened: Opened) -> Opened:
    """The same network in float64."""
    return dataclasses.replace(opened, network=copy.deepcopy(opened.network).double())


@pytest.fixture(scope="session", params=SETTINGS, ids=lambda p: f"{p[0]}-{len(p[1])}")
def opened(request: pytest.FixtureRequest) -> Opened:
    return _of(request.param)


@pytest.fixture(scope="session", params=ONE_WAY, ids=lambda p: f"{p[0]}-{len(p[1])}")
def ahead(request: pytest.FixtureRequest) -> Opened:
    """Those that read in one direction."""
    return _of(request.param)


@pytest.fixture(scope="session")
def lstm() -> Opened:
    return open_trained(Model.parse({"kind": "lstm", "hidden": 12, "embedding": 6}))
