"""Attention as a recurrence (Feng et al. 2024, “Attention as an RNN”): one query reads a sequence,
and after each token k its answer is

    o_k = Σ_{i≤k} e^{s_i} v_i / Σ_{i≤k} e^{s_i}

by a masked softmax, token by token with a memory of constant size, or by a parallel prefix scan
(Hillis & Steele 1986). The memory of a set of tokens A is

    m_A = max s_i,   u_A = Σ e^{s_i − m_A},   w_A = Σ e^{s_i − m_A} v_i,   o = w_A / u_A

and two sets that follow each other make one, in whatever order the pairs are formed:

    m = max(m_A, m_B),   u = u_A e^{m_A − m} + u_B e^{m_B − m},   w likewise

Scores s are finite, (…, T), values v (…, T, d), answers o (…, T, d); T is at least 1.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from explorer.models.attention import masked_softmax


class State(NamedTuple):
    """What is remembered of the tokens read: m, u (…), w (…, d), whatever their number."""

    m: Tensor
    u: Tensor
    w: Tensor

    @property
    def answer(self) -> Tensor:
        """o (…, d)"""
        return self.w / self.u.unsqueeze(-1)


def alone(s: Tensor, v: Tensor) -> State:
    """The memory of single tokens, one for each score: m = s, u = 1, w = v."""
    return State(s, torch.ones_like(s), v)


def nothing(like: Tensor) -> State:
    """The memory before the first token, for tokens of values `like` (…, d): joined with any
    other, it changes nothing."""
    m = like.new_full(like.shape[:-1], torch.finfo(like.dtype).min)  # not −∞: −∞ + ∞ is NaN
    return State(m, torch.zeros_like(m), torch.zeros_like(like))


def join(a: State, b: State) -> State:
    """a ⊕ b: the memory of the tokens of a, then those of b. No power is of more than 0, so that
    nothing overflows."""
    m = torch.maximum(a.m, b.m)
    of_a, of_b = (a.m - m).exp(), (b.m - m).exp()  # (…)
    u = a.u * of_a + b.u * of_b
    w = a.w * of_a.unsqueeze(-1) + b.w * of_b.unsqueeze(-1)
    return State(m, u, w)


def step(state: State, s_t: Tensor, v_t: Tensor) -> State:
    """The memory after one more token, of score s_t (…) and value v_t (…, d)."""
    return join(state, alone(s_t, v_t))


def whole(s: Tensor, v: Tensor) -> State:
    """The memory of all tokens at once."""
    m = s.amax(-1)
    e = (s - m.unsqueeze(-1)).exp()  # (…, T)
    return State(m, e.sum(-1), (e.unsqueeze(-1) * v).sum(-2))


def by_softmax(s: Tensor, v: Tensor) -> Tensor:
    """As attention is usually written: T × T weights, of which the upper triangle is hidden."""
    T = s.shape[-1]
    scores = s.unsqueeze(-2).expand(*s.shape, T)  # (…, T, T): a row for every k
    past = torch.ones(T, T, dtype=torch.bool, device=s.device).tril()
    return masked_softmax(scores, past) @ v  # (…, T, d)


def by_steps(s: Tensor, v: Tensor) -> Tensor:
    """As a recurrent network reads: T steps, one after the other, in constant memory."""
    state, answers = nothing(v[..., 0, :]), []
    for s_t, v_t in zip(s.unbind(-1), v.unbind(-2), strict=True):
        state = step(state, s_t, v_t)
        answers.append(state.answer)  # (…, d)
    return torch.stack(answers, -2)  # (…, T, d)


def by_scan(s: Tensor, v: Tensor) -> Tensor:
    """All at once, as `scan` does."""
    return scan(s, v).answer


def scan(s: Tensor, v: Tensor) -> State:
    """The memory after each token, m, u (…, T), w (…, T, d), in ⌈log₂ T⌉ rounds: after round r,
    each place remembers the last 2^r tokens."""
    state, T, reach = alone(s, v), s.shape[-1], 1
    while reach < T:
        near = State(state.m[..., reach:], state.u[..., reach:], state.w[..., reach:, :])
        far = State(state.m[..., :-reach], state.u[..., :-reach], state.w[..., :-reach, :])
        joined = join(far, near)
        state = State(torch.cat((state.m[..., :reach], joined.m), -1),
                      torch.cat((state.u[..., :reach], joined.u), -1),
                      torch.cat((state.w[..., :reach, :], joined.w), -2))
        reach *= 2
    return state
