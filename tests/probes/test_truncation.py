"""The probe's lengths and angles, which never form a gradient, against gradients formed by autograd
through the fused network that training uses."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.models import Model
from explorer.probes import Opened
from explorer.probes.truncation import LONGEST, truncation
from tests.probes.conftest import open_trained

SENTENCE = "the cat (a fat cat) sat on"


@pytest.fixture(scope="module")
def tied() -> Opened:
    return open_trained(Model.parse({"kind": "lstm", "hidden": 10, "embedding": 10, "tied": True}))


def by_autograd(opened: Opened, link: np.ndarray, recurrent: bool) -> np.ndarray:
    """The gradient of the mean loss, all weights in one vector, for links (token,)."""
    network = opened.network
    ids = torch.from_numpy(opened.tokenizer.encode(SENTENCE).ids)
    passes = torch.from_numpy(link).to(network.decoder.weight.dtype)[:, None]
    logits, _ = network(ids[:-1, None], None, passes)
    named = {name: p for name, p in network.named_parameters()
             if not recurrent or "weight_hh" in name}
    found = torch.autograd.grad(F.cross_entropy(logits[:, 0], ids[1:]), list(named.values()))
    return torch.cat([g.flatten() for g in found]).numpy()


def check(opened: Opened) -> None:
    trace = truncation(opened, SENTENCE, every=4, draws=9, seed=3)
    ways = np.concatenate([trace["link"].values[:2], trace["links"].values])
    for weights in ("recurrent", "all"):
        here = trace.sel(weights=weights)
        full, regular, *draws = (by_autograd(opened, way, weights == "recurrent") for way in ways)
        estimates = [full, regular, np.mean(draws, 0), *draws]
        unit = full / np.linalg.norm(full)
        along = np.array([each @ unit for each in estimates]) / np.linalg.norm(full)
        across = [np.linalg.norm(each - (each @ unit) * unit) / np.linalg.norm(full)
                  for each in estimates]
        ours = np.concatenate([here["along"], here["draw_along"]])
        np.testing.assert_allclose(ours, along, rtol=2e-3, atol=2e-4)
        ours = np.concatenate([here["across"], here["draw_across"]])
        np.testing.assert_allclose(ours, across, rtol=2e-3, atol=1e-3)
        off = [np.linalg.norm(np.mean(draws[i : i + 4], 0) - full) for i in (0, 4)]
        expected = np.sqrt(np.mean(np.square(off))) / np.linalg.norm(full)
        assert float(here["error"].sel(count=4)) == pytest.approx(expected, rel=2e-3)
        spread = np.sqrt(np.var(draws, 0, ddof=1).sum()) / np.linalg.norm(full)
        assert float(here["spread"]) == pytest.approx(spread, rel=2e-3)


def test_against_gradients_that_are_formed(opened: Opened) -> None:
    if not opened.network.spec.bidirectional:
        check(opened)
        return
    with pytest.raises(DataError, match="reads from both ends"):
        truncation(opened, SENTENCE)


def test_against_gradients_that_are_formed_with_tied_weights(tied: Opened) -> None:
    check(tied)


def test_memory_grows_with_the_longest_piece_and_nothing_else(lstm: Opened) -> None:
    text = SENTENCE * 3
    saved = {every: truncation(lstm, text, every=every, draws=8)["saved"] for every in (4, 8)}
    for each in saved.values():
        assert float(each.sel(kind="regular")) < float(each.sel(kind="randomised"))
        assert float(each.sel(kind="randomised")) < float(each.sel(kind="full"))
    four, eight = (float(each.sel(kind="regular")) for each in saved.values())
    full = float(saved[4].sel(kind="full"))
    per_token = (eight - four) / 4
    assert full == pytest.approx(four + per_token * (len(text) - 1 - 4), rel=0.02)


def test_the_same_seed_gives_the_same_and_leaves_nothing_behind(lstm: Opened) -> None:
    first, second = (truncation(lstm, SENTENCE, draws=8, seed=5) for _ in range(2))
    for name in ("links", "along", "across", "error", "saved"):
        np.testing.assert_array_equal(first[name], second[name])
    assert all(p.grad is None for p in lstm.network.parameters())


def test_a_long_text_is_read_in_part_and_a_large_network_in_fewer_draws(lstm: Opened) -> None:
    trace = truncation(lstm, "the cat " * 40, draws=8)
    assert (trace.attrs["tokens"], trace.attrs["of"]) == (LONGEST, 319)
    large = open_trained(Model.parse({"kind": "lstm", "hidden": 400, "embedding": 6}), steps=1)
    assert truncation(large, SENTENCE, draws=10_000).attrs["draws"] < 10_000


def test_a_gradient_of_zero_measures_nothing(lstm: Opened) -> None:
    """Nothing is told to the output's own weights by a decoder of zeros, but to its bias."""
    own = dataclasses.replace(lstm, network=copy.deepcopy(lstm.network))
    with torch.no_grad():
        own.network.decoder.weight.zero_()
    trace = truncation(own, SENTENCE, draws=8)
    for name in ("along", "across", "draw_along", "draw_across", "error", "spread"):
        found = trace[name].sel(weights="recurrent")
        assert found.isnull().all(), name
        assert trace[name].sel(weights="all").notnull().all(), name


def test_a_text_without_a_link_is_refused(lstm: Opened) -> None:
    with pytest.raises(DataError, match="fewer than three tokens"):
        truncation(lstm, "th")


def test_full_cuts_are_the_full_gradient(lstm: Opened) -> None:
    trace = truncation(lstm, "the cat", every=64, draws=8)
    regular = trace.sel(kind="regular")
    np.testing.assert_allclose(regular["along"], 1, atol=1e-6)
    np.testing.assert_allclose(regular["across"], 0, atol=1e-6)


def test_it_does_not_change_the_network(lstm: Opened) -> None:
    own = dataclasses.replace(lstm, network=copy.deepcopy(lstm.network))
    truncation(own, SENTENCE, draws=8)
    for one, other in zip(own.network.parameters(), lstm.network.parameters(), strict=True):
        assert torch.equal(one, other)
