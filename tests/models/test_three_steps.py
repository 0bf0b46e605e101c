"""Three steps by hand = three steps by autograd."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.models.three_steps import STEPS, along, drawn_numbers, three_steps

small = st.floats(-2, 2)
cuts = st.sets(st.sampled_from(STEPS))


def by_autograd(w_hx, w_hh, w_qh, seed, cut):
    """The same graph in PyTorch: every node a leaf or with its gradient retained."""
    node = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
            for name, value in drawn_numbers(seed).items()}
    weights = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
               for name, value in (("w_hx", w_hx), ("w_hh", w_hh), ("w_qh", w_qh))}
    node |= weights
    losses = []
    for t in STEPS:
        past = node[f"h{t - 1}"]
        node[f"h{t}"] = weights["w_hx"] * node[f"x{t}"] + weights["w_hh"] * (
            past.detach() if t in cut else past)
        node[f"o{t}"] = weights["w_qh"] * node[f"h{t}"]
        losses.append((node[f"o{t}"] - node[f"y{t}"]) ** 2 / 2)
        for name in (f"h{t}", f"o{t}"):
            node[name].retain_grad()
    node["L"] = torch.stack(losses).mean()
    node["L"].retain_grad()
    node["L"].backward()
    return node


@settings(deadline=None, max_examples=40)
@given(small, small, small, st.integers(0, 50), cuts)
def test_every_value_and_gradient_is_autograd_s(w_hx, w_hh, w_qh, seed, cut):
    given_to_both = (w_hx, w_hh, w_qh, seed, cut)
    ours, theirs = three_steps(*given_to_both), by_autograd(*given_to_both)
    for name in ours["node"].values:
        if str(name) in theirs:
            node = theirs[str(name)]
            here = ours.sel(node=name)
            assert float(here["value"]) == pytest.approx(node.item(), abs=1e-12)
            expected = 0.0 if node.grad is None else node.grad.item()
            assert float(here["gradient"]) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(small, small, small, st.integers(0, 50), cuts)
def test_edges_add_up_to_nodes_and_paths_to_the_weight(w_hx, w_hh, w_qh, seed, cut):
    graph = three_steps(w_hx, w_hh, w_qh, seed, cut)
    for t in (0, *STEPS):
        leaving = graph["along"].values[graph["source"].values == f"h{t}"]
        assert leaving.sum() == pytest.approx(float(graph["gradient"].sel(node=f"h{t}")), abs=1e-12)
    whole = float(graph["gradient"].sel(node="w_hh"))
    assert graph["product"].values.sum() == pytest.approx(whole, abs=1e-12)
    assert graph.sizes["path"] == 6


def test_a_cut_takes_away_exactly_the_paths_that_cross_it():
    whole, cut = three_steps(0.5, 0.8, 1.0), three_steps(0.5, 0.8, 1.0, cut=[3])
    for before, after, t, use in zip(whole["product"].values, cut["product"].values,
                                     whole["loss_step"].values, whole["use_step"].values,
                                     strict=True):
        crosses = ("h2", "h3") in along(int(t), int(use))
        assert before != 0
        assert after == (0 if crosses else before)


def test_by_hand():
    graph = three_steps(0.0, 0.5, 2.0)  # h(t) = h(0) / 2^t
    start, y = drawn_numbers(0)["h0"], [graph.attrs[f"y{t}"] for t in STEPS]
    states = [start / 2, start / 4, start / 8]
    assert [float(graph["value"].sel(node=f"h{t}")) for t in STEPS] == states
    assert float(graph["gradient"].sel(node="h3")) == pytest.approx(2 * (2 * states[2] - y[2]) / 3)
    assert np.all(np.array(list(drawn_numbers(0).values())) != 0)
