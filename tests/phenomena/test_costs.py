"""Costs cross over (phenomenon 21; Vaswani et al. 2017, Table 1): self-attention n²·d, recurrence
n·d², convolution k·n·d², counted on real layers; steps 1, n, 1; paths 1, n, n/k or log_k n."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from explorer.probes.bare_layers import Recurrent, layer
from explorer.probes.layer_costs import LENGTHS, count, layer_costs
from explorer.views.cost import crossing

WAY = 27  # tokens of the sentence on which paths are followed


@pytest.mark.phenomena
@pytest.mark.parametrize("d", [32, 64, 128])
def test_operations_are_the_formula_times_a_constant(d: int) -> None:
    for k in (2, 3, 5):
        found = layer_costs(d=d, k=k)
        ratio = (found["mixing"] / found["formula"]).values
        times = [2, 6, 8, 2, 2, 4]  # an addition each; gates; scores and sum
        np.testing.assert_array_equal(ratio, np.outer(times, np.ones(len(LENGTHS))))


@pytest.mark.phenomena
def test_a_recurrence_is_counted_token_by_token_too() -> None:
    d, n = 16, 64
    for kind, gates in {"rnn": 1, "gru": 3, "lstm": 4}.items():
        with torch.device("meta"):
            net = layer(kind, d)
        assert count(net, n, d) == (2 * gates * n * d * d, 2 * gates * n * d * d, n)


@pytest.mark.phenomena
@pytest.mark.parametrize("d", [32, 64, 128])
def test_attention_overtakes_the_recurrence_at_n_equal_to_d(d: int) -> None:
    found = layer_costs(d=d)
    attention, rnn = (found.sel(layer=kind) for kind in ("attention", "rnn"))
    n = found["length"].values
    assert crossing(n, attention["formula"].values, rnn["formula"].values) == pytest.approx(d)
    # By what is counted, its scores and its sum are two products where the RNN has one.
    assert crossing(n, attention["mixing"].values, rnn["mixing"].values) == pytest.approx(d / 2)


@pytest.mark.phenomena
def test_only_a_recurrence_must_wait_for_every_token() -> None:
    chain = layer_costs()["chain"]
    assert chain.sel(layer="rnn").values.tolist() == list(LENGTHS)
    assert set(chain.sel(layer="attention").values) == {4}  # projection, scores, sum, projection
    assert set(chain.sel(layer="cnn").values) == {1}


@pytest.mark.phenomena
@pytest.mark.parametrize("k", [2, 3])
def test_paths_are_one_n_and_n_over_k_or_its_logarithm(k: int) -> None:
    """How many layers (or steps) it takes until a change of the first token is felt at the last:
    tried, on layers with numbers of their own."""
    torch.manual_seed(0)
    x = torch.randn(WAY, 8, dtype=torch.float64)
    assert feels(lambda depth: 1, "attention", x, k) == 1
    assert feels(lambda depth: 1, "cnn", x, k) == -(-(WAY - 1) // (k - 1))
    assert feels(lambda depth: k**depth, "dilated", x, k) == {2: 5, 3: 3}[k]
    table = layer_costs(k=k, n=WAY)["path"].sel(length=WAY)
    assert table.sel(layer=["rnn", "cnn", "dilated", "attention"]).values.tolist() == [
        WAY, -(-(WAY - 1) // (k - 1)), {2: 5, 3: 3}[k], 1]


@pytest.mark.phenomena
def test_a_recurrence_hands_a_token_on_step_by_step() -> None:
    """A change of the first token is felt in every state, and by each only from the one before."""
    torch.manual_seed(0)
    net = layer("rnn", 8).double()
    assert isinstance(net, Recurrent)
    x = torch.randn(WAY, 8, dtype=torch.float64)
    before = after = torch.zeros(8, dtype=torch.float64)
    with torch.no_grad():
        after = net.step(x[0] + 1, after)
        before = net.step(x[0], before)
        for x_t in x[1:]:
            assert (before != after).any()
            kept = before
            before, after = net.step(x_t, before), net.step(x_t, after)
            assert torch.equal(net.step(x_t, kept), before), "the same state, the same answer"
        assert (before != after).any()


def feels(dilation: Callable[[int], int], kind: str, x: torch.Tensor, k: int) -> int:
    """The depth of a stack at which the last answer changes with the first token."""
    other, depth = x.clone(), 0
    other[0] += 1
    with torch.no_grad():
        while torch.equal(x[-1], other[-1]):
            net = layer(kind, x.shape[1], k, dilation(depth)).double()
            x, other, depth = net.read(x)[0], net.read(other)[0], depth + 1
    return depth
