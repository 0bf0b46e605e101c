"""Three ways to the same answer: by hand, against each other, and at their limits."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor
from torch.nn import functional as F

from explorer.models.scan import (
    State,
    alone,
    by_scan,
    by_softmax,
    by_steps,
    join,
    nothing,
    step,
)

FORMS = (by_softmax, by_steps, by_scan)
Form = Callable[[Tensor, Tensor], Tensor]
forms = pytest.mark.parametrize("form", FORMS)


def drawn(*shape: int, seed: int = 0, times: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return times * torch.randn(shape, generator=generator, dtype=torch.float64)


def agree(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, atol=1e-12, rtol=1e-12)


@forms
def test_by_hand(form: Form) -> None:
    s = torch.tensor([0.0, math.log(3), math.log(4)], dtype=torch.float64)
    v = torch.tensor([[8.0, 0.0], [0.0, 4.0], [-2.0, 1.0]], dtype=torch.float64)
    # Weights 1; 1, 3 of 4; 1, 3, 4 of 8.
    wanted = torch.tensor([[8.0, 0.0], [2.0, 3.0], [0.0, 2.0]], dtype=torch.float64)
    assert agree(form(s, v), wanted)


@forms
def test_one_token_is_its_own_answer(form: Form) -> None:
    v = drawn(1, 3)
    assert torch.equal(form(drawn(1), v), v)


@forms
@pytest.mark.parametrize("T", [1, 2, 3, 7, 8, 9, 33])
def test_is_the_causal_attention_of_one_query(form: Form, T: int) -> None:
    """PyTorch's own: the same query at every place, over the keys so far."""
    q, k, v = drawn(4), drawn(2, 3, T, 4, seed=1), drawn(2, 3, T, 5, seed=2)
    theirs = F.scaled_dot_product_attention(q.expand_as(k), k, v, is_causal=True)
    assert agree(form(k @ q / 2, v), theirs)


@given(some.integers(1, 40), some.integers(1, 5), some.integers(0, 2**31),
       some.sampled_from([1e-3, 1.0, 30.0, 1e4]))
@settings(max_examples=100, deadline=None)
def test_all_agree_however_large_the_scores(T: int, d: int, seed: int, size: float) -> None:
    s, v = drawn(T, seed=seed, times=size), drawn(T, d, seed=seed + 1)
    one, *others = (form(s, v) for form in FORMS)
    assert one.isfinite().all()
    assert all(agree(one, other) for other in others)


@forms
@pytest.mark.parametrize("scores", [[-1e4, 1e4, 0.0], [1e4, -1e4, 1e4], [-1e4, -1e4, -1e4]])
def test_huge_scores_neither_overflow_nor_vanish(form: Form, scores: list[float]) -> None:
    s, v = torch.tensor(scores, dtype=torch.float64), drawn(3, 2)
    last = {(-1e4, 1e4, 0.0): v[1], (1e4, -1e4, 1e4): (v[0] + v[2]) / 2,
            (-1e4, -1e4, -1e4): v.mean(0)}[tuple(scores)]
    assert agree(form(s, v)[-1], last)
    single = form(s.float(), v.float())
    assert torch.allclose(single[-1], last.float())


def states(seed: int, size: float) -> tuple[State, State, State]:
    return tuple(alone(drawn(4, seed=seed + i, times=size), drawn(4, 3, seed=seed + i + 9))
                 for i in range(3))  # type: ignore[return-value]


@given(some.integers(0, 2**31), some.sampled_from([1.0, 1e4]))
@settings(max_examples=50, deadline=None)
def test_the_operator_is_associative_and_has_a_neutral_element(seed: int, size: float) -> None:
    a, b, c = states(seed, size)
    left, right = join(join(a, b), c), join(a, join(b, c))
    assert all(agree(one, other) for one, other in zip(left, right, strict=True))
    empty = nothing(a.w)
    for same in (join(empty, a), join(a, empty)):
        assert all(torch.equal(one, other) for one, other in zip(same, a, strict=True))
    assert all(torch.equal(one, other)
               for one, other in zip(join(empty, empty), empty, strict=True))


def test_a_step_is_what_the_whole_says_and_its_state_stays_as_small() -> None:
    s, v = drawn(2, 50), drawn(2, 50, 3, seed=1)
    state, whole = nothing(v[:, 0]), by_softmax(s, v)
    shapes = [part.shape for part in state]
    for t in range(50):
        state = step(state, s[:, t], v[:, t])
        assert agree(state.answer, whole[:, t])
        assert [part.shape for part in state] == shapes
        assert torch.equal(state.m, s[:, : t + 1].max(-1).values)


@forms
def test_gradients_are_the_differences(form: Form) -> None:
    s, v = drawn(5, times=3).requires_grad_(), drawn(5, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(form, (s, v))
    level = torch.zeros(4, dtype=torch.float64, requires_grad=True)  # all are the maximum at once
    slopes = [torch.autograd.grad(each(level, v[:4]).square().sum(), level)[0] for each in FORMS]
    assert all(agree(slopes[0], slope) for slope in slopes[1:])
    assert torch.equal(slopes[0].isfinite(), torch.ones(4, dtype=torch.bool))


@forms
def test_what_comes_later_changes_nothing(form: Form) -> None:
    s, v = drawn(9), drawn(9, 2, seed=1)
    changed = s.clone()
    changed[6:] = 40.0
    assert agree(form(changed, v)[:6], form(s, v)[:6])


def test_a_scan_takes_as_many_rounds_as_the_length_has_doublings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rounds: list[int] = []

    def counting(a: State, b: State) -> State:
        rounds.append(b.m.shape[-1])
        return join(a, b)

    monkeypatch.setattr("explorer.models.scan.join", counting)
    for T, wanted in ((1, 0), (2, 1), (3, 2), (8, 3), (9, 4), (1000, 10)):
        rounds.clear()
        by_scan(drawn(T), drawn(T, 2))
        assert len(rounds) == wanted
