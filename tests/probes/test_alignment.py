"""What the alignment says can be computed from its own arrays, by the network's own weights."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from explorer.errors import DataError
from explorer.experiment import Experiment
from explorer.models import Model
from explorer.probes import Opened
from explorer.probes.scoring import scoring
from explorer.probes.translating import alignment, opened_pairs
from explorer.text.pairs import Pairs
from explorer.training.loop import build

PAIRS = Pairs("few", "a cat sat .\tun chat assis .\nthe cat ran .\tle chat court .\n" * 3)
LUONG = ("dot", "general", "concat", "scaled-dot")


def opened(**model: Any) -> Opened:
    """A network that has learnt nothing yet."""
    spec = Model.parse({"kind": "seq2seq", "hidden": 6, "embedding": 5} | model)
    experiment = Experiment.translation(PAIRS, {"kind": "word"}, spec, held_out=0)
    sentences = experiment.task.tokenizer(PAIRS, experiment.tokens)
    network: Any = build(experiment, *sentences.sizes).eval()
    return Opened(experiment.key, 0, experiment, sentences, network)


@pytest.mark.parametrize("attention", ["additive", *LUONG])
def test_scores_weights_and_context_follow_from_the_states(attention: str) -> None:
    network = opened(attention=attention)
    seen = alignment(network, "the cat sat .", "le chat .")
    translator, _ = opened_pairs(network)
    assert translator.scorer is not None
    q, k = (torch.from_numpy(seen[name].values) for name in ("query_state", "key_state"))
    with torch.no_grad():
        scores = translator.scorer(q, k).numpy()
    np.testing.assert_allclose(seen["scores"][0, 0], scores, atol=1e-6)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(seen["attention"][0, 0], weights, atol=1e-6)
    np.testing.assert_allclose(seen["context"], weights @ k.numpy(), atol=1e-6)


def test_bahdanau_asks_with_the_state_before_the_step_luong_with_the_one_after() -> None:
    """The first query of additive attention is the state in which the encoder left the decoder."""
    for attention, same in (("additive", True), ("general", False)):
        seen = alignment(opened(attention=attention), "a cat .", "un chat .")
        first, last = seen["query_state"].values[0], seen["key_state"].values[-1]
        assert np.allclose(first, last, atol=1e-6) == same, attention


def test_without_attention_every_step_gets_the_last_state() -> None:
    seen = alignment(opened(attention="none"), "a cat .", "un chat .")
    assert not seen["attention"].values.any()
    assert "query_state" not in seen
    np.testing.assert_allclose(
        seen["context"], np.tile(seen["key_state"].values[-1], (4, 1)), atol=1e-6)


@pytest.mark.parametrize("attention", ["additive", *LUONG])
def test_the_filled_formula_ends_in_the_score(attention: str) -> None:
    step = scoring(opened(attention=attention), "a cat sat .", query=1)
    for formula, score in zip(step["formula"].values, step["score"].values, strict=True):
        said = re.search(r"= (-?[\d.]+)$", str(formula))
        assert said is not None
        assert float(said[1]) == pytest.approx(float(score), abs=6e-4)


def test_a_step_that_is_not_there_is_refused() -> None:
    with pytest.raises(DataError, match="from 0 to 2"):
        scoring(opened(attention="dot"), "a cat .", "un chat", query=3)
    with pytest.raises(DataError, match="no attention"):
        scoring(opened(attention="none"), "a cat .")
