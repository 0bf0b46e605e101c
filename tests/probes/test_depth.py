"""What layers carry, what guesses see, and what a network of both directions writes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import DataError
from explorer.models import Model
from explorer.probes import Opened
from explorer.probes.capture import trace
from explorer.probes.depth import carried, epsilon_squared
from explorer.probes.generation import blind_guesses
from explorer.probes.misuse import PREFIX, SAMPLES, WRITTEN, known, misuse
from explorer.probes.sight import sight
from tests.probes.conftest import in_double, open_trained

SENTENCE = "the cat sat on the mat"


@pytest.fixture(scope="module")
def both() -> Opened:
    spec = {"kind": "lstm", "hidden": 12, "embedding": 6, "layers": 2, "bidirectional": True}
    return in_double(open_trained(Model.parse(spec)))


def test_epsilon_squared_by_hand() -> None:
    """Two groups of two: 0, 2 and 4, 6: between 16 of 20 in all, so η² = 0.8 and ε² = 0.7."""
    values = torch.tensor([[0.0], [2.0], [4.0], [6.0]], dtype=torch.float64)
    assert epsilon_squared(values, torch.tensor([5, 5, 9, 9])) == pytest.approx(0.7)
    assert epsilon_squared(values, torch.tensor([1, 1, 1, 1])) == pytest.approx(0.0)
    assert np.isnan(epsilon_squared(values, torch.tensor([1, 2, 3, 4])))
    assert np.isnan(epsilon_squared(torch.zeros(4, 1), torch.tensor([1, 1, 2, 2])))


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.integers(0, 99))
def test_epsilon_squared_says_nothing_of_chance(groups: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    values = torch.randn(1000, 20, generator=draw)
    labels = torch.randint(groups, (1000,), generator=draw)
    assert abs(epsilon_squared(values, labels)) < 0.02


def test_a_state_that_is_the_token_is_explained_by_it_alone(opened: Opened) -> None:
    found = carried(opened, lags=3, most=600)
    spec = opened.network.spec
    assert found["explained"].shape == (spec.layers, spec.directions, 7)
    seen = trace(opened, opened.experiment.text.content[-600:])["hidden"].values.astype(float)
    ids = opened.tokenizer.encode(opened.experiment.text.content[-600:]).ids
    for layer in range(spec.layers):
        for way in range(spec.directions):
            h = torch.from_numpy(seen[layer, way, 32:-32])
            for lag in (-2, 0, 3):
                shifted = torch.from_numpy(ids[32 + lag : 568 + lag])
                value = float(found["explained"].sel(lag=lag)[layer, way])
                assert value == pytest.approx(epsilon_squared(h, shifted), abs=1e-4)
            moved = np.linalg.norm(np.diff(seen[layer, way], axis=0), axis=1).mean()
            size = np.sqrt((seen[layer, way] ** 2).sum(1).mean())
            assert float(found["change"][layer, way]) == pytest.approx(moved / size, rel=1e-4)


def test_a_guess_sees_what_its_direction_has_read(opened: Opened) -> None:
    seen = sight(opened, SENTENCE)["gradient"].values  # (guess, token)
    ahead = np.triu(seen, 1)
    assert (np.tril(seen).sum(1) > 0).all()
    assert (ahead.any(1).all() if opened.network.spec.bidirectional else not ahead.any())
    writing = sight(opened, SENTENCE, writing=True)["gradient"].values
    assert not np.triu(writing, 1).any()
    if not opened.network.spec.bidirectional:
        np.testing.assert_allclose(writing, seen, rtol=1e-3, atol=1e-6)


def test_what_is_seen_is_a_central_difference(both: Opened) -> None:
    found = sight(both, SENTENCE)["gradient"].values
    ids = torch.from_numpy(both.tokenizer.encode(SENTENCE).ids)
    x = both.network.read(ids).detach()  # (T, inputs)

    def logit(moved: torch.Tensor, t: int) -> float:
        with torch.no_grad():
            return float(both.network.decoder(both.network.core(moved)[0][t])[ids[t + 1]])

    for t, s in ((3, 4), (7, 2), (0, 9)):
        slope = []
        for unit in range(x.shape[1]):
            push = torch.zeros_like(x)
            push[s, unit] = 1e-5
            slope.append((logit(x + push, t) - logit(x - push, t)) / 2e-5)
        assert found[t, s] == pytest.approx(np.linalg.norm(slope), rel=1e-6)


def test_the_shares_of_a_guess_add_up(opened: Opened) -> None:
    share = sight(opened, SENTENCE, most=10)["share"]
    assert share.shape == (9, 10)
    np.testing.assert_allclose(share.sum("token"), 1, rtol=1e-5)
    with pytest.raises(DataError, match="at least two"):
        sight(opened, "a")


def test_blind_guesses_read_nothing_that_follows(both: Opened) -> None:
    ids = torch.from_numpy(both.tokenizer.encode(SENTENCE).ids)
    with torch.no_grad():
        guesses = blind_guesses(both.network, ids, 6)
        for t in range(len(ids)):
            by_hand, _ = both.network(ids[max(0, t - 5) : t + 1, None])
            assert torch.allclose(guesses[t], by_hand[-1, 0], atol=1e-12)


def test_what_is_known_is_counted_once_by_hand() -> None:
    reference = {(1, 2), (2, 1)}
    assert known([[1, 2, 3]], reference, 2) == 1 / 2
    assert known([[1, 2, 1, 2, 1]], reference, 2) == 2 / 4  # who stammers gains nothing
    assert known([[1, 2], [1, 2]], reference, 2) == 1


def test_a_network_is_judged_by_what_it_writes(opened: Opened) -> None:
    found = misuse(opened, seed=1)
    spec = opened.network.spec
    assert found.sizes["sample"] == SAMPLES
    assert all(len(text) == PREFIX for text in found["begun"].values)
    assert all(len(text) >= WRITTEN for text in found["written"].values)  # <unk> is one token
    sources = found["source"].values.tolist()
    assert ("anew" in sources) is spec.bidirectional
    value = dict(zip(sources, found["known"].values.tolist(), strict=True))
    assert value["text"] > value["unigram"] > value["blind"]
    if spec.bidirectional:
        assert found.attrs["scored"] < found.attrs["honest"]
    else:  # to read all at once leaks nothing: only the window tells the two apart
        assert found.attrs["scored"] == pytest.approx(found.attrs["honest"], rel=0.05)


def test_the_same_seed_writes_the_same(lstm: Opened) -> None:
    one, two, other = (misuse(lstm, seed=s)["written"].values.tolist() for s in (0, 0, 1))
    assert one == two != other

