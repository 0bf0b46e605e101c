"""Attention with heads: the readable lines are PyTorch's function and layer, and the fused form."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explorer.models.heads import Attention, Sight
from explorer.models.positions import Position
from explorer.models.tape import Tape, record

B, T, S, W = 2, 5, 7, 12
EXACT: dict[str, Any] = {"atol": 1e-12, "rtol": 0}


def attention(heads: int = 3, positions: str = "none", split: bool = False) -> Attention:
    torch.manual_seed(heads)
    made = Attention(W, heads, Position.parse(positions), split).double()
    with torch.no_grad():
        made.in_bias.normal_()
        made.out.bias.normal_()
    return made


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def sight(queries: int = T, keys: int = T, causal: bool = True, valid: Tensor | None = None
          ) -> Sight:
    places = torch.arange(keys)
    return Sight(places[keys - queries :], places, causal, valid)


def looked(made: Attention, x: Tensor, seen: Sight, *past: Tensor) -> tuple[Tensor, Tape]:
    """Through the readable lines, with what was tapped."""
    tape = Tape()
    with record(tape):
        output, _ = made(x, seen, past)
    return output, tape


def one(tape: Tape, name: str) -> Tensor:
    [value] = tape.kept[name].values()
    return value


VALID = torch.tensor([[True] * 3 + [False] * 2, [True] * 5])


@pytest.mark.parametrize("positions", ["none", "rotary", "alibi"])
@pytest.mark.parametrize(("causal", "padded"), list(product((False, True), repeat=2)))
def test_the_readable_lines_are_pytorchs_function(
    positions: str, causal: bool, padded: bool
) -> None:
    made, x = attention(2, positions), drawn(B, T, W)
    seen = sight(causal=causal, valid=VALID if padded else None)
    _, tape = looked(made, x, seen)
    q, k, v = (one(tape, name) for name in "qkv")
    allowed = torch.ones(B, 1, T, T, dtype=torch.bool)
    allowed = allowed.tril() if causal else allowed
    allowed = allowed & VALID[:, None, None] if padded else allowed
    mask = torch.zeros(B, 2, T, T, dtype=torch.float64)
    bias = made.position.bias(seen.queries, seen.keys, 2)
    mask = mask if bias is None else mask + bias
    theirs = F.scaled_dot_product_attention(q, k, v, mask.masked_fill(~allowed, -torch.inf))
    torch.testing.assert_close(one(tape, "mixed"), theirs, **EXACT)
    weights = one(tape, "attention")
    assert (weights[~allowed.expand_as(weights)] == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]), **EXACT)


@pytest.mark.parametrize("heads", [1, 2, 3, 4, 6])
@pytest.mark.parametrize(("causal", "padded"), list(product((False, True), repeat=2)))
def test_it_is_pytorchs_layer_with_the_same_weights(
    heads: int, causal: bool, padded: bool
) -> None:
    made, x = attention(heads), drawn(B, T, W)
    theirs = nn.MultiheadAttention(W, heads, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(made.in_weight.flatten(0, 1))
        theirs.in_proj_bias.copy_(made.in_bias.flatten())
        theirs.out_proj.weight.copy_(made.out.weight)
        theirs.out_proj.bias.copy_(made.out.bias)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    said, shown = theirs(x, x, x, key_padding_mask=~VALID if padded else None,
                         attn_mask=future if causal else None, average_attn_weights=False)
    output, tape = looked(made, x, sight(causal=causal, valid=VALID if padded else None))
    torch.testing.assert_close(output, said, **EXACT)
    torch.testing.assert_close(one(tape, "attention"), shown, **EXACT)


def test_looking_at_a_source_is_pytorchs_layer_too() -> None:
    made, x, source = attention(3), drawn(B, T, W), drawn(B, S, W, seed=1)
    theirs = nn.MultiheadAttention(W, 3, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(made.in_weight.flatten(0, 1))
        theirs.in_proj_bias.copy_(made.in_bias.flatten())
        theirs.out_proj.weight.copy_(made.out.weight)
        theirs.out_proj.bias.copy_(made.out.bias)
    valid = torch.arange(S) < torch.tensor([4, S])[:, None]
    said, _ = theirs(x, source, source, key_padding_mask=~valid)
    keys = made.projected(source, 1, 3)
    seen = Sight(torch.arange(T), torch.arange(S), causal=False, valid=valid)
    torch.testing.assert_close(made.across(x, keys, seen)[0], said, **EXACT)
    shown, weights = made.across(x, keys, seen, shown=True)
    torch.testing.assert_close(shown, said, **EXACT)
    assert weights is not None
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, 3, T, dtype=torch.float64), **EXACT)
    assert not weights[~valid[:, None, None].expand_as(weights)].any()


@pytest.mark.parametrize("positions", ["none", "rotary", "alibi"])
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(("causal", "padded"), list(product((False, True), repeat=2)))
def test_fused_is_readable(positions: str, split: bool, causal: bool, padded: bool) -> None:
    made, x = attention(3, positions, split), drawn(B, T, W)
    seen = sight(causal=causal, valid=VALID if padded else None)
    torch.testing.assert_close(made(x, seen)[0], looked(made, x, seen)[0], **EXACT)


@pytest.mark.parametrize("positions", ["none", "rotary", "alibi"])
@pytest.mark.parametrize("readable", [False, True])
def test_token_by_token_with_what_was_kept_is_all_at_once(positions: str, readable: bool) -> None:
    made, x = attention(3, positions), drawn(B, T, W)
    whole, kept = made(x, sight())
    past: tuple[Tensor, ...] = ()
    for t in range(T):
        seen = Sight(torch.tensor([t]), torch.arange(t + 1), causal=True)
        if readable:
            with record(Tape()):
                output, past = made(x[:, t : t + 1], seen, past)
        else:
            output, past = made(x[:, t : t + 1], seen, past)
        torch.testing.assert_close(output, whole[:, t : t + 1], **EXACT)
    for mine, theirs in zip(past, kept, strict=True):
        torch.testing.assert_close(mine, theirs, **EXACT)


def test_several_tokens_after_what_was_kept_see_it_and_each_other() -> None:
    made, x = attention(3, "rotary"), drawn(B, T, W)
    whole, _ = made(x, sight())
    _, past = made(x[:, :2], sight(2, 2))
    torch.testing.assert_close(made(x[:, 2:], sight(3, T), past)[0], whole[:, 2:], **EXACT)


@pytest.mark.parametrize("positions", ["none", "rotary", "alibi"])
def test_the_future_does_not_change_the_past(positions: str) -> None:
    made, x = attention(3, positions), drawn(B, T, W)
    for t in range(T - 1):
        other = x.clone()
        other[:, t + 1 :] = drawn(B, T - t - 1, W, seed=9) * 100
        for form in (lambda each: made(each, sight())[0], lambda each: looked(
                made, each, sight())[0]):
            torch.testing.assert_close(form(other)[:, : t + 1], form(x)[:, : t + 1], **EXACT)
            assert not torch.allclose(form(other)[:, t + 1 :], form(x)[:, t + 1 :])


@pytest.mark.parametrize("heads", [1, 2, 3, 6, 12])
@pytest.mark.parametrize("positions", ["none", "alibi"])
def test_by_split_is_a_projection_that_is_block_diagonal(heads: int, positions: str) -> None:
    part, whole = attention(heads, positions, split=True), attention(heads, positions)
    with torch.no_grad():
        whole.in_weight.copy_(torch.stack([torch.block_diag(*W_) for W_ in part.in_weight]))
        whole.in_bias.copy_(part.in_bias)
        whole.out.load_state_dict(part.out.state_dict())
    x = drawn(B, T, W)
    torch.testing.assert_close(part(x, sight())[0], whole(x, sight())[0], **EXACT)


def test_what_is_tapped_is_what_is_computed() -> None:
    made, x = attention(3, "rotary"), drawn(B, T, W)
    _, tape = looked(made, x, sight())
    q, k, v = (one(tape, name) for name in "qkv")
    straight = made.projected(x, 0, 3)
    for mine, theirs, name in zip((q, k), straight[:2], "qk", strict=True):
        turned = made.position.turned(theirs, torch.arange(T))
        torch.testing.assert_close(mine, turned, **EXACT, msg=name)
    torch.testing.assert_close(v, straight[2], **EXACT)
    torch.testing.assert_close(one(tape, "scores"), q @ k.mT / 2, **EXACT)


def test_the_tape_may_answer() -> None:
    """Every query is made to look at the first key alone."""
    made, x = attention(3), drawn(B, T, W)
    first = torch.eye(T, dtype=torch.float64)[:1].expand(B, 3, T, T)
    tape = Tape(changes={"attention": lambda value, axes: first})
    with record(tape):
        output, _ = made(x, sight())
    torch.testing.assert_close(output, output[:, :1].expand_as(output), **EXACT)


def test_gradients_are_the_same_in_both_forms() -> None:
    made, x = attention(3, "alibi"), drawn(B, T, W).requires_grad_()
    found = []
    for form in (lambda: made(x, sight())[0], lambda: looked(made, x, sight())[0]):
        made.zero_grad()
        x.grad = None
        form().square().sum().backward()
        assert x.grad is not None
        found.append([x.grad.clone(), *(p.grad.clone() for p in made.parameters()
                                        if p.grad is not None)])
    for one_, other in zip(*found, strict=True):
        torch.testing.assert_close(one_, other, atol=1e-10, rtol=0)
