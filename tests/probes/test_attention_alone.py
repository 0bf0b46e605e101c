"""Attention by hand, on numbers small enough to check on paper."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from explorer.errors import DataError, ExperimentError
from explorer.models.scorers import Scorer
from explorer.probes import BARE
from explorer.probes.attention_alone import attention_alone

Q, K, V = [[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0], [0.0, 1.0], [3.0, 3.0]], [[1.0], [2.0], [4.0]]


def test_it_needs_no_run() -> None:
    assert BARE["attention_alone"] is attention_alone


def test_by_hand() -> None:
    found = attention_alone(Q, K, V, scorer="dot", mask="first", first=2)
    assert found["scores"].values.tolist() == [[1, 0, 3], [2, 2, 6]]
    assert found["masked"].values.tolist() == [[1, 0, -math.inf], [2, 2, -math.inf]]
    a = math.e / (1 + math.e)
    np.testing.assert_allclose(found["attention"], [[a, 1 - a, 0], [0.5, 0.5, 0]])
    np.testing.assert_allclose(found["context"], [[a + 2 * (1 - a)], [1.5]])
    assert found["q"].values.tolist() == Q
    assert list(found["key_label"].values) == ["k1", "k2", "k3"]


def test_the_scale_divides_by_the_root_of_the_length() -> None:
    plain, scaled = (attention_alone(Q, K, V, scorer=kind) for kind in ("dot", "scaled-dot"))
    np.testing.assert_allclose(scaled["scores"], plain["scores"] / math.sqrt(2))


def test_causal_zeros_above_the_diagonal() -> None:
    found = attention_alone(K, K, V, mask="causal")["attention"].values
    assert (found[np.triu_indices(3, 1)] == 0).all()
    np.testing.assert_allclose(found.sum(1), 1)


@pytest.mark.parametrize("first", [0, -3])
def test_a_mask_that_hides_everything_leaves_nothing(first: int) -> None:
    found = attention_alone(Q, K, V, mask="first", first=first)
    assert not found["attention"].values.any()
    assert not found["context"].values.any()


@pytest.mark.parametrize("kind", Scorer.family)
def test_the_seed_alone_draws_the_weights(kind: str) -> None:
    state = torch.random.get_rng_state()
    one, same, other = (attention_alone(Q, K, V, scorer=kind, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(state, torch.random.get_rng_state())
    assert one.identical(same)
    assert one["scores"].equals(other["scores"]) == (not Scorer.parse(kind).shapes(2, 2, 3))
    for name, shape in Scorer.parse(kind).shapes(2, 2, 3).items():
        assert one[f"learnt_{name}"].shape == shape


def test_what_is_asked_otherwise_has_another_name() -> None:
    digests = {attention_alone(Q, K, V, **more).attrs["asked"] for more in (
        {}, {"mask": "causal"}, {"names": [["a", "b"], ["c", "d", "e"]]}, {"scorer": "dot"})}
    assert len(digests) == 4


@pytest.mark.parametrize(("change", "words"), [
    ({"values": V[:2]}, "There are 3 keys and 2 values"),
    ({"queries": []}, "The queries must be vectors"),
    ({"keys": [[1.0], [1.0, 2.0]]}, "The keys must be vectors of one length"),
    ({"values": [[math.nan]] * 3}, "The values hold a number that is not finite"),
    ({"mask": "half"}, "There is no mask called “half”"),
])
def test_what_does_not_go_together_is_said(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        attention_alone(**({"queries": Q, "keys": K, "values": V} | change))


def test_a_product_of_unequal_lengths_is_refused() -> None:
    with pytest.raises(ExperimentError, match="a query has 2 and a key 1"):
        attention_alone(Q, V, V, scorer="dot")
    assert attention_alone(Q, V, V, scorer="general").sizes["key"] == 3
