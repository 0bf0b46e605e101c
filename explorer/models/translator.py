"""The encoder–decoder that is trained: source in, target out, a look back at each step.

    encoder:   h_s = RNN(x_s, h_{s−1})
    Bahdanau:  c_t = Σ_s α(t, s) h_s  with the query s_{t−1};   s_t = RNN([y_{t−1}; c_t], s_{t−1})
    Luong:     s_t = RNN(y_{t−1}, s_{t−1});   c_t likewise with the query s_t;
               s̃_t = tanh(W_c [c_t; s_t]),  from which the next token is guessed
    without:   c_t = the encoder's last state, at every step (Cho et al. 2014)
    shared:    logits = E W s + b, where the target's embedding E is read as √d E (Press & Wolf
               2017; Vaswani et al. 2017, § 3.4)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from explorer.models.attention import LocalP, attend
from explorer.models.recurrent import Recurrent
from explorer.models.seq2seq import Seq2Seq
from explorer.models.tape import tap

REACH = 3  # tokens on either side of the place that local attention predicts


class Memory(NamedTuple):
    """What the encoder leaves of B sources of at most S tokens.

    keys (B, S, width): its top layer's states. prepared (B, S, …): what the scores need of them.
    valid (B, 1, S): which of them stand for a token. summary (B, width): the last one.
    start: the decoder's first state, (layers, B, hidden) or a pair of them.
    """

    keys: Tensor
    prepared: Tensor
    valid: Tensor
    summary: Tensor
    start: Any


class State(NamedTuple):
    """Where a decoder stands. core: (layers, B, hidden) or a pair of them. fed (B, hidden): s̃ of
    the step before, where it is fed to the next."""

    core: Any
    fed: Tensor | None


class Shared(nn.Module):
    """Logits from an embedding (vocabulary, d) and states of another length."""

    def __init__(self, hidden: int, embedding: nn.Embedding) -> None:
        super().__init__()
        self.weight = embedding.weight
        self.bias = nn.Parameter(torch.zeros(embedding.num_embeddings))
        bound = hidden**-0.5
        self.narrow = nn.Parameter(
            torch.empty(embedding.embedding_dim, hidden).uniform_(-bound, bound))

    def forward(self, s: Tensor) -> Tensor:
        return F.linear(F.linear(s, self.narrow), self.weight, self.bias)  # (…, vocabulary)


class Translator(nn.Module):
    """Embedding → encoder → decoder with attention → linear."""

    def __init__(self, spec: Seq2Seq, vocabulary: int, source: int) -> None:
        super().__init__()
        self.spec = spec
        cells: Recurrent = spec.recurrent
        H, W = spec.hidden, spec.width
        between = spec.dropout if spec.layers > 1 else 0.0
        self.source = nn.Embedding(source, spec.embedding)
        self.target = nn.Embedding(vocabulary, spec.embedding)
        self.drop = nn.Dropout(spec.dropout)
        self.encoder = cells.fused(spec.embedding, spec.layers, between, spec.bidirectional)
        self.decoder = cells.fused(spec.decoder_inputs, spec.layers, between)
        self.bridges = nn.ModuleList(
            nn.Linear(W, H) for _ in range(spec.bidirectional * (1 + cells.has_cell)))
        self.scorer = None if spec.scorer is None else spec.scorer.build(H, W, H)
        self.place = LocalP(H, H, REACH) if spec.reach == "local" else None
        self.combine = None if spec.looks_before else nn.Linear(W + H, H, bias=False)
        self.output = Shared(H, self.target) if spec.shared else nn.Linear(H, vocabulary)
        if spec.shared:
            for side in (self.source, self.target):
                nn.init.normal_(side.weight, std=spec.embedding**-0.5)

    def encode(self, source: Tensor, valid: Tensor) -> Memory:
        """Read sources (B, S), of which the first `valid` (B,) tokens count."""
        x = self._read(self.source, source).transpose(0, 1)  # (S, B, embedding)
        packed = pack_padded_sequence(x, valid.cpu(), enforce_sorted=False)
        read, last = self.encoder(packed)
        keys = pad_packed_sequence(read, total_length=source.shape[1])[0].transpose(0, 1)
        pair = last if isinstance(last, tuple) else (last,)
        start = tuple(self._bridge(part, place) for place, part in enumerate(pair))
        seen = torch.arange(source.shape[1], device=source.device) < valid[:, None]  # (B, S)
        ways = self.spec.directions
        return Memory(
            keys=keys, prepared=keys if self.scorer is None else self.scorer.prepare(keys),
            valid=seen[:, None], summary=pair[0][-ways:].transpose(0, 1).flatten(1),
            start=start if isinstance(last, tuple) else start[0])

    def begin(self, memory: Memory) -> State:
        """The decoder before its first step."""
        feeds = self.spec.feeding
        return State(memory.start,
                     memory.keys.new_zeros(len(memory.keys), self.spec.hidden) if feeds else None)

    def step(
        self, tokens: Tensor, state: State, memory: Memory, **axes: int
    ) -> tuple[Tensor, State, Tensor]:
        """One step: the tokens before (B,) -> logits (B, vocabulary), the state after it, and the
        weights of attention (B, S), all 0 without any."""
        y = self._read(self.target, tokens)  # (B, embedding)
        if self.spec.looks_before:
            context, weights = self._look(_top(state.core)[:, None], memory, **axes)
            s, core = self._cell(torch.cat((y, context[:, 0]), -1), state.core)
            return self.output(s), State(core, None), weights[:, 0]
        s, core = self._cell(y if state.fed is None else torch.cat((y, state.fed), -1), state.core)
        context, weights = self._look(s[:, None], memory, **axes)
        shown = self._combined(context, s[:, None])[:, 0]  # (B, hidden)
        fed = None if state.fed is None else shown
        return self.output(shown), State(core, fed), weights[:, 0]

    def forward(self, source: Tensor, valid: Tensor, given: Tensor) -> Tensor:
        """Teacher forcing: sources (B, S) and the true tokens before each step, given (B, T), ->
        logits (B, T, vocabulary)."""
        logits: Tensor = self.output(self.shown(source, valid, given))
        return logits

    def shown(self, source: Tensor, valid: Tensor, given: Tensor) -> Tensor:
        """Likewise what the logits are made of, (B, T, hidden), for where not all are wanted: they
        are the dearest part. Where no step waits for the attention of the one before, all steps
        are one fused pass."""
        memory = self.encode(source, valid)
        if self.spec.attention == "additive" or self.spec.feeding:
            return self._in_steps(given, memory)
        y = self._read(self.target, given)  # (B, T, embedding)
        if self.spec.looks_before:
            y = torch.cat((y, memory.summary[:, None].expand(-1, given.shape[1], -1)), -1)
        s: Tensor = self.decoder(y.transpose(0, 1), memory.start)[0]  # (T, B, hidden)
        s = s.transpose(0, 1)
        if self.combine is not None:
            s = self._combined(self._look(s, memory)[0], s)
        return s

    def _in_steps(self, given: Tensor, memory: Memory) -> Tensor:
        """Step by step."""
        y = self._read(self.target, given)  # (B, T, embedding)
        state, shown = self.begin(memory), []
        for t in range(given.shape[1]):
            if self.spec.looks_before:
                context, _ = self._look(_top(state.core)[:, None], memory)
                s, core = self._cell(torch.cat((y[:, t], context[:, 0]), -1), state.core)
                state = State(core, None)
            else:
                assert state.fed is not None
                s, core = self._cell(torch.cat((y[:, t], state.fed), -1), state.core)
                s = self._combined(self._look(s[:, None], memory)[0], s[:, None])[:, 0]
                state = State(core, s)
            shown.append(s)
        return torch.stack(shown, 1)

    def _read(self, side: nn.Embedding, tokens: Tensor) -> Tensor:
        """Tokens (…) -> what stands for them, (…, embedding)."""
        read: Tensor = side(tokens)
        if self.spec.shared:
            read = read * self.spec.embedding**0.5
        dropped: Tensor = self.drop(read)
        return dropped

    def _look(self, queries: Tensor, memory: Memory, **axes: int) -> tuple[Tensor, Tensor]:
        """Queries (B, T, hidden) -> contexts (B, T, width) and weights (B, T, S)."""
        if self.scorer is None:
            B, T = queries.shape[:2]
            blank = queries.new_zeros(B, T, memory.keys.shape[1])
            return memory.summary[:, None].expand(-1, T, -1), blank
        queries = tap("query", queries, layer=0, head=0, **axes)
        return attend(queries, memory.keys, memory.keys, self.scorer, memory.valid,
                      local=self.place, prepared=memory.prepared, layer=0, head=0, **axes)

    def _cell(self, x: Tensor, core: Any) -> tuple[Tensor, Any]:
        """One step of the decoder's layers: x (B, inputs) -> s (B, hidden), and their state."""
        s, core = self.decoder(x[None], core)
        return s[0], core

    def _combined(self, context: Tensor, s: Tensor) -> Tensor:
        assert self.combine is not None
        return torch.tanh(self.combine(torch.cat((context, s), -1)))  # (B, T, hidden)

    def _bridge(self, last: Tensor, place: int) -> Tensor:
        """From the encoder's last states (layers·directions, B, hidden) to the decoder's first,
        (layers, B, hidden)."""
        if not self.spec.bidirectional:
            return last
        ways = last.unflatten(0, (self.spec.layers, 2)).transpose(1, 2).flatten(2)  # (L, B, width)
        return torch.tanh(self.bridges[place](ways))


def select(state: State, memory: Memory, rows: Tensor) -> tuple[State, Memory]:
    """The same for some of the rows, in another order, some of them more than once."""
    return (State(_rows(state.core, rows), None if state.fed is None else state.fed[rows]),
            Memory(memory.keys[rows], memory.prepared[rows], memory.valid[rows],
                   memory.summary[rows], _rows(memory.start, rows)))


def _rows(core: Any, rows: Tensor) -> Any:
    return tuple(part[:, rows] for part in core) if isinstance(core, tuple) else core[:, rows]


def _top(core: Any) -> Tensor:
    """s of the top layer, (B, hidden)."""
    h: Tensor = core[0] if isinstance(core, tuple) else core
    return h[-1]
