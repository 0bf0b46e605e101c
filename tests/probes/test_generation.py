"""Writing follows the network's own probabilities."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import DataError
from explorer.models import Model
from explorer.probes import Opened
from explorer.probes.generation import choose, generate
from tests.probes.conftest import open_trained


def test_probabilities_are_the_networks_own(opened: Opened) -> None:
    written = generate(opened, prefix="the ", tokens=20, seed=3)
    ids = torch.from_numpy(written["id"].values)
    with torch.no_grad():
        logits, _ = opened.network(ids[:, None])  # (T, 1, vocabulary)
        if opened.network.spec.bidirectional:  # a window of 16 was trained: so many are read
            parts = [ids[max(0, t - 15) : t + 1, None] for t in range(len(ids))]
            logits = torch.stack([opened.network(part)[0][-1] for part in parts])
    own = logits[:-1, 0].softmax(-1).gather(1, ids[1:, None])[:, 0]
    np.testing.assert_allclose(written["probability"].values[1:], own, rtol=1e-4)
    assert written["generated"].values.tolist() == [False] * 4 + [True] * 20


def test_of_both_directions_nothing_that_follows_changes_a_guess() -> None:
    spec = {"kind": "lstm", "hidden": 12, "embedding": 6, "layers": 2, "bidirectional": True}
    opened = open_trained(Model.parse(spec))
    ids = opened.tokenizer.encode("the cat sat on the flat mat").ids.tolist()
    one = generate(opened, tokens=3, prefix_ids=ids)
    other = generate(opened, tokens=3, prefix_ids=[*ids[:20], *ids[:7]])
    np.testing.assert_array_equal(
        one["candidate_probability"][:21], other["candidate_probability"][:21])


def test_the_same_seed_writes_the_same(lstm: Opened) -> None:
    one, two, other = (generate(lstm, "the ", 60, seed=s).attrs["text"] for s in (1, 1, 2))
    assert one == two != other


def test_cold_takes_the_likeliest(lstm: Opened) -> None:
    written = generate(lstm, "the ", 30, temperature=0)
    new = written.isel(token=slice(4, None))
    np.testing.assert_array_equal(new["id"], new["candidate"].values[:, 0])
    one = generate(lstm, "the ", 30, temperature=1, top_k=1)
    np.testing.assert_array_equal(one["id"], written["id"])


def test_a_forced_token_goes_on_from_there(lstm: Opened) -> None:
    first = generate(lstm, "the ", 10, temperature=0)
    forced = [*first["id"].values[:7].tolist(), int(first["candidate"].values[7, 1])]
    on = generate(lstm, tokens=10, temperature=0, prefix_ids=forced)
    assert on["id"].values[:8].tolist() == forced
    assert on.sizes["token"] == 18


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 9), st.integers(0, 9), st.floats(0.05, 1), st.floats(0.1, 3), st.integers(0, 99)
)
def test_draws_stay_among_the_allowed(
    size: int, top_k: int, top_p: float, temperature: float, seed: int
) -> None:
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(size, generator=draw)
    p = (logits / temperature).softmax(0)
    order = p.argsort(descending=True)
    drawn = choose(logits, temperature, top_k, top_p, draw)
    rank = order.tolist().index(drawn)
    assert rank < (top_k or size)
    assert rank == 0 or float(p[order[:rank]].sum()) < top_p + 1e-6


def test_draws_follow_the_probabilities() -> None:
    draw = torch.Generator().manual_seed(0)
    logits = torch.tensor([0.5, 0.3, 0.2]).log()
    counts = np.bincount([choose(logits, 1, 0, 1.0, draw) for _ in range(3000)], minlength=3)
    np.testing.assert_allclose(counts / 3000, [0.5, 0.3, 0.2], atol=0.03)


@pytest.mark.parametrize("wrong", [{"tokens": 0}, {"tokens": 10**6}, {"prefix_ids": [10**6]}])
def test_impossible_wishes_are_refused(lstm: Opened, wrong: dict[str, object]) -> None:
    with pytest.raises(DataError, match=r"cannot be written|not of this run"):
        generate(lstm, **({"prefix": "the "} | wrong))  # type: ignore[arg-type]
