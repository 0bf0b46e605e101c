"""How logits become what is drawn by: by hand, and as the writer draws."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.probes.generation import choose
from explorer.sampling import stages

LOGITS = np.log([0.1, 0.4, 0.2, 0.3])


def test_each_stage_by_hand() -> None:
    found = stages(LOGITS, 1.0, top_k=3, top_p=0.65)
    assert found.order.tolist() == [1, 3, 2, 0]
    np.testing.assert_allclose(found.chance, [0.4, 0.3, 0.2, 0.1])
    np.testing.assert_allclose(found.in_top_k, [0.4, 0.3, 0.2, 0])
    np.testing.assert_allclose(found.in_top_p, [0.4, 0.3, 0, 0])
    np.testing.assert_allclose(found.drawn, [4 / 7, 3 / 7, 0, 0])
    cold = stages(LOGITS, 0.5)
    np.testing.assert_allclose(cold.scaled, 2 * LOGITS[cold.order])
    np.testing.assert_allclose(cold.drawn, np.array([16, 9, 4, 1]) / 30)


def test_without_heat_the_likeliest_has_all_as_in_the_limit() -> None:
    none, little = stages(LOGITS, 0.0), stages(LOGITS, 1e-3)
    assert none.drawn.tolist() == [1, 0, 0, 0]
    assert none.order[0] == little.order[0] == 1
    assert stages(LOGITS, 1e-310).drawn.tolist() == none.drawn.tolist()
    np.testing.assert_allclose(little.drawn, none.drawn, atol=1e-12)


def test_of_two_alike_the_first_stands_first() -> None:
    assert stages(np.zeros(4), top_k=2).order.tolist() == [0, 1, 2, 3]
    assert stages(np.zeros(4), top_k=1).drawn.tolist() == [1, 0, 0, 0]
    assert stages(np.zeros(4), 0).drawn.tolist() == [1, 0, 0, 0]


def test_with_nothing_to_cut_off_every_token_stays_however_small() -> None:
    """In float32 the sum of the likely ones reaches 1 long before the last."""
    logits = np.linspace(0, -60, 72, dtype=np.float32)
    found = stages(logits)
    assert (found.drawn > 0).all()
    np.testing.assert_array_equal(found.in_top_p, found.chance)
    assert (stages(logits, top_k=70).drawn > 0).sum() == 70


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 12), st.integers(0, 12), st.floats(0.05, 1),
    st.just(0.0) | st.floats(0.05, 3), st.integers(0, 99)
)
def test_the_stages_are_those_of_torch_s_own_softmax(
    size: int, top_k: int, top_p: float, temperature: float, seed: int
) -> None:
    """Another way to the same: rank by rank, in torch."""
    logits = torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    found = stages(logits.numpy(), temperature, top_k, top_p)
    if temperature == 0:
        assert int(found.order[0]) == int(logits.argmax())
        return
    p, order = (logits / temperature).softmax(0).sort(descending=True)
    kept, total = [], 0.0
    for rank, share in enumerate(p.tolist()):
        kept.append(share if (total < top_p or top_p == 1) and rank < (top_k or size) else 0.0)
        total += share if rank < (top_k or size) else 0.0
    assert found.order.tolist() == order.tolist()
    np.testing.assert_allclose(found.chance, p, rtol=1e-12)
    np.testing.assert_allclose(found.drawn, np.array(kept) / sum(kept), rtol=1e-9)


@pytest.mark.parametrize(("temperature", "top_k", "top_p"), [(1, 0, 1), (0.7, 3, 1), (1.5, 0, 0.6)])
def test_the_writer_draws_by_what_is_shown(temperature: float, top_k: int, top_p: float) -> None:
    logits = torch.from_numpy(LOGITS).float()
    shown = stages(logits.numpy(), temperature, top_k, top_p)
    draw = torch.Generator().manual_seed(0)
    drawn = [choose(logits, temperature, top_k, top_p, draw) for _ in range(4000)]
    share = np.bincount(drawn, minlength=4)[shown.order] / 4000
    np.testing.assert_allclose(share, shown.drawn, atol=0.03)
    assert (share[shown.drawn == 0] == 0).all()
