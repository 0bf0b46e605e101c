"""Bits of each token = cross-entropy by PyTorch in float64; their sum = log₂ of the perplexity."""

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.probes import Opened
from explorer.probes.capture import trace
from explorer.probes.surprisal import surprisal

SENTENCE = 'the cat (a fat cat) sat on "the mat"'


def test_against_the_cross_entropy_of_torch_in_double(opened: Opened) -> None:
    precise = dataclasses.replace(opened, network=copy.deepcopy(opened.network).double())
    found = surprisal(precise, SENTENCE)
    ids = torch.from_numpy(found["id"].values)
    with torch.no_grad():
        logits, _ = precise.network(ids[:, None])
    nats = F.cross_entropy(logits[:-1, 0], ids[1:], reduction="none")
    np.testing.assert_allclose(found["bits"].values[1:], nats.numpy() / math.log(2), rtol=1e-12)
    assert np.isnan(found["bits"].values[0])


def test_the_sum_is_the_perplexity_s_logarithm_times_the_tokens(opened: Opened) -> None:
    found = surprisal(opened, SENTENCE)
    perplexity = math.exp(float(trace(opened, SENTENCE)["loss"][1:].mean()))
    guessed = len(SENTENCE) - 1
    assert float(found["bits"].sum()) == pytest.approx(math.log2(perplexity) * guessed, rel=1e-5)


def test_one_token_is_guessed_by_nobody(lstm: Opened) -> None:
    assert np.isnan(surprisal(lstm, "a")["bits"].values).all()


def test_nothing_to_read_is_refused(lstm: Opened) -> None:
    with pytest.raises(DataError, match="nothing to read"):
        surprisal(lstm, "")
