"""One layer of each kind, as bare as its formula, to be counted and timed: it reads n tokens of d
numbers and answers with as many, from left to right. Vaswani et al. 2017, Table 1, compares these.

`read(x)` gives the answers (n, d) and the tensors that must be kept to read the next token.
`apart(x)` runs the matrix products that see one token each: Table 1 leaves them out.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explorer.models.attention import attend
from explorer.models.scan import nothing, step
from explorer.models.scorers import Scorer

Kept = tuple[Tensor, ...]


class Layer(nn.Module):
    """What counting and timing need of a layer."""

    def read(self, x: Tensor) -> tuple[Tensor, Kept]:
        raise NotImplementedError

    def apart(self, x: Tensor) -> None:
        """Nothing, where every product mixes tokens."""


class Recurrent(Layer):
    """h(t) from x(t) and h(t−1), by PyTorch's own kernel."""

    def __init__(self, d: int, build: Callable[[int, int], nn.RNNBase]) -> None:
        super().__init__()
        self.net = build(d, d)

    def read(self, x: Tensor) -> tuple[Tensor, Kept]:
        h, last = self.net(x)  # (n, d)
        return h, tuple(last) if isinstance(last, tuple) else (last,)

    def apart(self, x: Tensor) -> None:
        F.linear(x, cast("Tensor", self.net.weight_ih_l0))  # (n, gates · d)

    def step(self, x: Tensor, h: Tensor) -> Tensor:
        """h(t) (d,) from x(t) (d,) and h(t−1) (d,)."""
        return cast("Tensor", self.net(x.unsqueeze(0), h.unsqueeze(0))[0].squeeze(0))


class Convolution(Layer):
    """y(t) from x(t), x(t − dilation), …: k tokens in all, none of them later than t."""

    def __init__(self, d: int, k: int, dilation: int = 1) -> None:
        super().__init__()
        self.net = nn.Conv1d(d, d, k, dilation=dilation)
        self.reach = (k - 1) * dilation

    def read(self, x: Tensor) -> tuple[Tensor, Kept]:
        y = self.net(F.pad(x.mT, (self.reach, 0))).mT  # (n, d)
        return y, (x[max(0, len(x) - self.reach) :].clone(),)


class SelfAttention(Layer):
    """One head over the tokens so far: softmax(Q Kᵀ / √d) V, and a projection on either side."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(d, d, bias=False) for _ in range(4))
        self.scorer = Scorer.parse("scaled-dot").build(d, d, 1)

    def read(self, x: Tensor) -> tuple[Tensor, Kept]:
        q, k, v = self.q(x), self.k(x), self.v(x)  # (n, d)
        return self.out(self.look(q, k, v)), (k, v)

    def look(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """By n × n scores, each of them written down."""
        past = torch.ones(len(q), len(k), dtype=torch.bool, device=q.device).tril()
        context, _weights = attend(q, k, v, self.scorer, past)
        return context  # (n, d)

    def apart(self, x: Tensor) -> None:
        for project in (self.q, self.k, self.v, self.out):
            project(x)  # (n, d)


class FusedAttention(SelfAttention):
    """The same by PyTorch's kernel, which never holds all the scores at once (Dao et al. 2022)."""

    def look(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = q[None, None], k[None, None], v[None, None]  # (1, 1, n, d)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)[0, 0]


class Aaren(Layer):
    """Attention of one learnt query, token by token with a state of constant size (Feng et al.
    2024)."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.q = nn.Parameter(torch.randn(d))
        self.k, self.v, self.out = (nn.Linear(d, d, bias=False) for _ in range(3))

    def scored(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores s (n,), keys k and values v (n, d)."""
        k = self.k(x)
        return k @ self.q / sqrt(len(self.q)), k, self.v(x)

    def read(self, x: Tensor) -> tuple[Tensor, Kept]:
        s, _k, v = self.scored(x)
        state, answers = nothing(v[0]), []
        for s_t, v_t in zip(s, v, strict=True):
            state = step(state, s_t, v_t)
            answers.append(state.answer)  # (d,)
        return self.out(torch.stack(answers)), state

    def apart(self, x: Tensor) -> None:
        for project in (self.k, self.v, self.out):
            project(x)  # (n, d)


def layer(kind: str, d: int, k: int = 3, dilation: int = 1) -> Layer:
    """A layer of width d, freshly initialised from torch's global generator; k, dilation: of a
    convolution. kind: rnn, gru, lstm, cnn, dilated, attention, fused,
    aaren."""
    recurrent = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
    if kind in recurrent:
        return Recurrent(d, recurrent[kind])
    if kind in ("cnn", "dilated"):
        return Convolution(d, k, dilation)
    return {"attention": SelfAttention, "fused": FusedAttention, "aaren": Aaren}[kind](d)


def size(tensors: Kept) -> int:
    """Bytes of tensors, counted on what is stored of them."""
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)
