"""Dependencies against what a perturbation changes, and ways by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

from explorer.errors import DataError
from explorer.probes.bare_layers import layer
from explorer.probes.reach import Edge, into, reach, shortest, support


def of(trace: xr.Dataset, kind: str, name: str) -> int:
    return int(trace[name].sel(network=kind))


def edges(trace: xr.Dataset, kind: str, role: int = 0) -> set[Edge]:
    names = ("kind", "role", "from_level", "from_token", "to_level", "to_token")
    rows = zip(*(trace[name].values.tolist() for name in names), strict=True)
    return {Edge((a, b), (c, d)) for each, part, a, b, c, d in rows
            if each == kind and part >= role}


@pytest.mark.parametrize(("kind", "k", "dilation"), [
    ("cnn", 3, 1), ("cnn", 2, 4), ("attention", 2, 1), ("gru", 2, 1), ("aaren", 2, 1)])
def test_a_gradient_says_what_a_change_does(kind: str, k: int, dilation: int) -> None:
    torch.manual_seed(1)
    net, x = layer(kind, 8, k, dilation).double(), torch.randn(9, 8, dtype=torch.float64)
    changed = np.zeros((9, 9), bool)
    with torch.no_grad():
        before = net.read(x)[0]
        for token in range(9):
            other = x.clone()
            other[token] += 1
            changed[:, token] = (net.read(other)[0] != before).any(-1).numpy()
    np.testing.assert_array_equal(support(net, x), changed)


def test_a_convolution_by_hand() -> None:
    found = reach(5, 0, 4, k=3, growth=2, layers=2)
    assert {edge for edge in edges(found, "cnn") if edge.end == (1, 4)} == {
        Edge((0, token), (1, 4)) for token in (2, 3, 4)}
    assert {edge for edge in edges(found, "dilated") if edge.end == (2, 4)} == {
        Edge((1, token), (2, 4)) for token in (0, 2, 4)}
    assert of(found, "cnn", "needed") == of(found, "cnn", "path") == 2
    assert of(found, "cnn", "field") == 5
    assert edges(found, "cnn", 2) == {Edge((0, 0), (1, 2)), Edge((1, 2), (2, 4))}


def test_a_recurrence_walks_and_attention_jumps() -> None:
    found = reach(6, 1, 4)
    walk = {Edge((0, 1), (1, 1))} | {Edge((1, t), (1, t + 1)) for t in (1, 2, 3)}
    assert edges(found, "rnn", 2) == walk
    assert of(found, "rnn", "path") == 4
    assert edges(found, "attention", 2) == {Edge((0, 1), (1, 4))}
    assert edges(found, "attention", 1) == {Edge((0, t), (1, 4)) for t in range(5)}
    assert len(edges(found, "attention")) == 6 * 7 // 2
    assert of(found, "attention", "field") == of(found, "rnn", "field") == 5


def test_few_layers_have_no_way_and_say_how_many_it_takes() -> None:
    found = reach(20, 0, 19, k=2, growth=2, layers=3)
    assert (of(found, "cnn", "path"), of(found, "cnn", "needed")) == (-1, 19)
    assert of(found, "cnn", "field") == 4
    assert not edges(found, "cnn", 2)
    assert of(found, "dilated", "needed") == 5
    assert of(found, "dilated", "field") == 8


def test_a_dilation_that_grows_faster_than_the_kernel_skips_tokens_for_good() -> None:
    found = reach(20, 2, 19, k=2, growth=5, layers=6)
    assert of(found, "dilated", "needed") == of(found, "dilated", "path") == -1
    assert of(found, "dilated", "field") == 4, "0, 1, 5 and 6 tokens back"


def test_one_token_is_its_own_answer() -> None:
    found = reach(1, 0, 0, layers=2)
    assert found["field"].values.tolist() == [1, 1, 1, 1]
    assert found["needed"].values.tolist() == [1, 1, 1, 1]
    assert found["path"].values.tolist() == [1, 2, 2, 1]


def test_ways_by_hand() -> None:
    graph = [Edge((0, 0), (1, 0)), Edge((1, 0), (2, 0)), Edge((0, 0), (2, 0)),
             Edge((0, 1), (1, 1))]
    assert shortest(graph, (0, 0), (2, 0)) == [Edge((0, 0), (2, 0))]
    assert shortest(graph, (0, 1), (2, 0)) == []
    assert into(graph, (2, 0)) == {(0, 0), (1, 0), (2, 0)}


def test_chance_is_as_before() -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    reach(7, 0, 6, k=4, growth=4)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(("asked", "words"), [
    ((33, 0, 1), "1 to 32 tokens"), ((5, 3, 2), "3 to 2"), ((5, 0, 5), "0 to 5"),
    ((0, 0, 0), "0 tokens"), ((5, -1, 2), "-1 to 2"), ((5, 0, 1, 6), "for k from 2 to 5"),
    ((5, 0, 1, 3, 1), "for growth from 2 to 5"), ((5, 0, 1, 3, 3, 7), "for layers from 1 to 6")])
def test_out_of_range(asked: tuple[int, ...], words: str) -> None:
    with pytest.raises(DataError, match=words):
        reach(*asked)
