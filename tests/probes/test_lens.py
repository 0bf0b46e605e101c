"""What would be guessed after each block: against the network itself, and by hand."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.models import Model
from explorer.probes import Opened
from explorer.probes.lens import CANDIDATES, guesses_by_depth, lens
from explorer.probes.stacks import AT_ONCE, read, stack_of
from tests.probes.conftest import in_double, open_trained

SENTENCE = "the cat sat on the mat"
KINDS: list[dict[str, object]] = [
    {}, {"norm": "post", "positions": "sinusoidal"}, {"norm": "none", "tied": False},
    {"residual": False, "positions": "alibi"}]


@pytest.fixture(scope="module", params=KINDS, ids=lambda each: "-".join(map(str, each)) or "plain")
def stack(request: pytest.FixtureRequest) -> Opened:
    model = {"kind": "transformer", "hidden": 16, "layers": 3, "heads": 2} | request.param
    return open_trained(Model.parse(model), steps=10)


def test_the_last_depth_is_the_network_s_own_output_to_the_bit(stack: Opened) -> None:
    ids = torch.from_numpy(stack.tokenizer.encode(SENTENCE).ids)
    with torch.no_grad():
        own, _ = read(stack, ids)
        found = guesses_by_depth(stack, ids)
    assert len(found) == 4
    assert torch.equal(found[-1], own)


def test_each_number_is_that_of_torch(stack: Opened) -> None:
    precise = in_double(stack)
    found = lens(precise, SENTENCE)
    ids = torch.from_numpy(found["id"].values)
    network = stack_of(precise)
    with torch.no_grad():
        x = network.read(ids[None])
        last = network.guess(network.through(x)[0])[0].log_softmax(-1)
        early = network.decoder(network.norm(x))[0].log_softmax(-1)
    p = early.exp()
    at = found.isel(depth=0)
    np.testing.assert_allclose(at["probability"][:-1], p[:-1].gather(1, ids[1:, None])[:, 0])
    np.testing.assert_allclose(at["entropy"], torch.distributions.Categorical(p).entropy())
    np.testing.assert_allclose(
        at["kl"], F.kl_div(early, last, log_target=True, reduction="none").sum(1), atol=1e-12)
    np.testing.assert_allclose(found["kl"][-1], 0, atol=1e-12)
    assert (found["kl"] > -1e-9).all()


def test_order_counts_those_that_are_likelier(stack: Opened) -> None:
    found = lens(stack, SENTENCE)
    first = found["order"].values == 1
    ids = found["id"].values
    likeliest = found["candidate"].values[:, :-1, 0] == ids[1:]
    np.testing.assert_array_equal(first[:, :-1], likeliest)
    assert np.isnan(found["order"].values[:, -1]).all()
    assert np.isnan(found["probability"].values[:, -1]).all()
    shares = found["candidate_probability"].values
    assert shares.shape == (4, len(SENTENCE), CANDIDATES)
    assert (np.diff(shares) <= 0).all()
    labels = found["vocabulary"].values[found["candidate"].values]
    assert labels.shape == shares.shape


def test_the_embedding_alone_knows_nothing_of_what_stood_before(stack: Opened) -> None:
    """At depth 0 of a network without added positions a token's guess is the token's alone."""
    added = stack.experiment.model.positions == "sinusoidal"  # type: ignore[attr-defined]
    entropy, same = lens(stack, "tattat")["entropy"].values[0], [0, 2, 3, 5]
    assert np.allclose(entropy[same], entropy[0], rtol=1e-5) is not added


def test_by_hand_of_equal_chances() -> None:
    """A network whose output matrix is zero guesses all alike: entropy log V, no distance."""
    opened = open_trained(Model.parse({"kind": "transformer", "hidden": 8, "layers": 1,
                                       "heads": 1, "tied": False}), steps=1)
    torch.nn.init.zeros_(stack_of(opened).decoder.weight)
    torch.nn.init.zeros_(stack_of(opened).decoder.bias)
    found = lens(opened, "the")
    V = opened.tokenizer.size
    np.testing.assert_allclose(found["entropy"], math.log(V), rtol=1e-6)
    np.testing.assert_allclose(found["probability"][:, :-1], 1 / V, rtol=1e-6)
    np.testing.assert_allclose(found["kl"], 0, atol=1e-12)


def test_one_token_and_too_many(stack: Opened) -> None:
    assert lens(stack, "t").sizes["token"] == 1
    long = lens(stack, "cat " * 501)
    assert (long.sizes["token"], long.attrs["of"]) == (AT_ONCE, 2004)
    with pytest.raises(DataError, match="nothing to read"):
        lens(stack, "")
