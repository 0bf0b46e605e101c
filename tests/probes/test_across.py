"""Where a Transformer that translates looks: as its steps say, and nowhere but at its source."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import DataError, RunError
from explorer.experiment import Experiment
from explorer.probes import Opened, suit
from explorer.probes.across import across
from explorer.probes.translating import evaluation, forcing, translate
from explorer.text import Tokenizer
from explorer.training.events import Snapshot
from explorer.training.loop import train
from tests.training.small_pairs import PAIRS

MODEL = {"kind": "transformer", "hidden": 16, "layers": 2, "heads": 2}


@pytest.fixture(scope="module")
def opened() -> Opened:
    experiment = Experiment.translation(PAIRS, model=MODEL, steps=60, learning_rate=0.01)
    tokenizer: Tokenizer = experiment.task.tokenizer(PAIRS, experiment.tokens)
    last = [e for e in train(experiment, tokenizer) if isinstance(e, Snapshot)][-1]
    return Opened.from_weights(experiment, tokenizer, last.step, last.weights)


def test_it_writes_what_it_translates(opened: Opened) -> None:
    source = PAIRS.rows[0][0]
    found = across(opened, source)
    assert found.attrs["translation"] == str(translate(opened, [source])["translation"].values[0])
    assert found["attention"].dims == ("layer", "head", "query", "key")
    assert dict(found.sizes)["layer"] == dict(found.sizes)["head"] == 2
    np.testing.assert_allclose(found["attention"].values.sum(-1), 1, atol=1e-6)
    ids = found["query_id"].values
    forced = across(opened, source, found.attrs["translation"])
    assert found["logits"].values.argmax(-1).tolist() == ids.tolist()
    np.testing.assert_allclose(forced["logits"].values[0], found["logits"].values[0], atol=1e-5)


def test_all_that_is_asked_of_a_translator_can_be_asked(opened: Opened) -> None:
    source, target = PAIRS.rows[0]
    assert forcing(opened, source, target)["told"].notnull().all()
    assert 0 <= evaluation(opened).attrs["bleu"] <= 100
    suit("across", opened.experiment)
    with pytest.raises(RunError, match="trained another architecture"):
        suit("alignment", opened.experiment)


def test_nothing_to_read(opened: Opened) -> None:
    with pytest.raises(DataError, match="nothing to translate"):
        across(opened, " ")
    with pytest.raises(DataError, match="no target"):
        across(opened, PAIRS.rows[0][0], " ")
