"""Where a Transformer that translates looks: as its steps say, and nowhere but at its source."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import DataError, RunError
from explorer.experiment import Experiment
from explorer.probes import Opened, suit
from explorer.probes.across import across, trace_pair
from explorer.probes.stacks import AXES
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


@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_the_tensors_of_a_decoder_follow_from_one_another(norm: str) -> None:
    opened = fresh(norm)
    source, target = PAIRS.rows[1]
    found, read = (trace_pair(opened, source, target, side) for side in ("decoder", "encoder"))
    block = found.isel(layer=1)
    weights, values = block["look_attention"].values, block["look_v"].values
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(weights @ values, block["look_mixed"], atol=1e-6)
    scores = block["look_q"].values @ block["look_k"].values.swapaxes(-1, -2) / np.sqrt(8)
    np.testing.assert_allclose(scores, block["look_scores"], atol=1e-5)
    for made, parts in (("attended_sum", ("before", "attended")),
                        ("looks_sum", ("middle", "looks")), ("fed_sum", ("looked", "fed"))):
        np.testing.assert_allclose(block[made], sum(block[part].values for part in parts),
                                   atol=1e-6)
    network = opened.network
    across = network.decoder[1].across
    W, b = (value.detach().numpy() for value in (across.in_weight[1], across.in_bias[1]))
    keys = (read["final"].values @ W.T + b).reshape(-1, 2, 8).swapaxes(0, 1)
    np.testing.assert_allclose(keys, block["look_k"], atol=1e-5)
    out = network.output
    logits = found["final"].values @ out.weight.detach().numpy().T + out.bias.detach().numpy()
    np.testing.assert_allclose(logits, found["logits"], atol=1e-5)
    assert found["answer"].values[-1] == "<eos>"
    assert found["label"].values[0] == "<bos>"
    assert found["label"].values[1:].tolist() == found["answer"].values[:-1].tolist()
    rest = found["logits"].values.astype(float)
    right = rest[np.arange(len(rest)), found["answer_id"].values]
    np.testing.assert_allclose(found["loss"], np.log(np.exp(rest).sum(-1)) - right, atol=1e-5)


def test_a_decoder_does_not_see_what_it_will_write_and_an_encoder_sees_all() -> None:
    opened = fresh("pre")
    source, target = PAIRS.rows[1]
    assert not np.triu(trace_pair(opened, source, target)["attention"].values, 1).any()
    assert (trace_pair(opened, source, target, "encoder")["attention"].values > 0).all()


def test_only_what_is_asked() -> None:
    opened = fresh("pre")
    found = trace_pair(opened, "a b", side="encoder", only=("before", "attention"))
    assert set(found.data_vars) == {"before", "attention"}
    assert found.sizes["token"] == found.sizes["query"] == found.sizes["key"] == found.attrs["of"]
    every = trace_pair(opened, "a b")
    assert {name for name in AXES if name.startswith("look_")} <= set(every)
    assert set(every.data_vars) <= {*AXES, "logits", "loss"}


def fresh(norm: str) -> Opened:
    """Before training: its numbers are of no meaning, and follow from one another all the same."""
    experiment = Experiment.translation(
        PAIRS, model=MODEL | {"norm": norm, "positions": "sinusoidal"}, steps=1)
    tokenizer: Tokenizer = experiment.task.tokenizer(PAIRS, experiment.tokens)
    first = next(e for e in train(experiment, tokenizer) if isinstance(e, Snapshot))
    return Opened.from_weights(experiment, tokenizer, first.step, first.weights)
