"""The encoder–decoder: its parts against PyTorch's, its fused pass against its steps."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from explorer.models import Model
from explorer.models.scorers import Scorer
from explorer.models.seq2seq import Seq2Seq
from explorer.models.translator import Translator, select

torch.set_num_threads(1)  # so little is computed that sharing it costs more
VOCABULARY, SOURCE = 11, 9
SCORERS = ("none", *sorted(Scorer.family))


def made(**fields: Any) -> Translator:
    spec = Model.parse({"kind": "seq2seq", "hidden": 6, "embedding": 5} | fields)
    torch.manual_seed(1)
    return spec.build(VOCABULARY, SOURCE).double().eval()


def agreeing() -> list[dict[str, Any]]:
    """Every combination that a spec admits."""
    found = []
    for cell, layers, ways, attention, reach, feeding in product(
        ("rnn", "gru", "lstm"), (1, 2), (False, True), SCORERS, ("global", "local"), (False, True)
    ):
        fields = {"cell": cell, "layers": layers, "bidirectional": ways, "attention": attention,
                  "reach": reach, "feeding": feeding}
        try:
            Seq2Seq.model_validate({"kind": "seq2seq"} | fields)
        except ValidationError:
            continue
        found.append(fields)
    return found


SOURCES = torch.tensor([[3, 1, 4, 1], [5, 2, 0, 0], [6, 0, 0, 0]])
VALID = torch.tensor([4, 2, 1])
GIVEN = torch.tensor([[9, 2, 7, 1, 8], [9, 3, 3, 0, 0], [9, 5, 0, 0, 0]])


@pytest.mark.parametrize("fields", agreeing(), ids=lambda f: "-".join(map(str, f.values())))
def test_all_steps_at_once_equal_one_after_the_other(fields: dict[str, Any]) -> None:
    network = made(**fields)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes == network.spec.shapes(VOCABULARY, SOURCE)
    with torch.no_grad():
        whole = network(SOURCES, VALID, GIVEN)  # (B, T, V)
        memory = network.encode(SOURCES, VALID)
        state = network.begin(memory)
        for t in range(GIVEN.shape[1]):
            logits, state, weights = network.step(GIVEN[:, t], state, memory)
            torch.testing.assert_close(logits, whole[:, t], rtol=0, atol=1e-12)
            past = torch.arange(4) >= VALID[:, None]
            assert bool((weights[past] == 0).all())  # what is padding is never looked at
            if fields["attention"] != "none" and fields["reach"] == "global":
                torch.testing.assert_close(weights.sum(-1), torch.ones(3).double())


@pytest.mark.parametrize("fields", [{"bidirectional": True}, {"attention": "additive"},
                                    {"attention": "none"}, {"feeding": True}],
                         ids=lambda f: "-".join(f))
def test_one_matrix_reads_and_writes(fields: dict[str, Any]) -> None:
    """The logits by the embedding, by hand; and what is learnt of a token's writing is read."""
    network = made(shared=True, **fields)
    assert {name: tuple(value.shape) for name, value in network.named_parameters()
            } == network.spec.shapes(VOCABULARY, SOURCE)
    assert network.output.weight is network.target.weight
    memory = network.encode(SOURCES, VALID)
    state, found = network.begin(memory), []
    for t in range(GIVEN.shape[1]):
        logits, state, _ = network.step(GIVEN[:, t], state, memory)
        found.append(logits)
    whole = network(SOURCES, VALID, GIVEN)
    torch.testing.assert_close(torch.stack(found, 1), whole, rtol=0, atol=1e-12)
    s = network.shown(SOURCES, VALID, GIVEN)
    by_hand = (s @ network.output.narrow.mT) @ network.target.weight.mT + network.output.bias
    torch.testing.assert_close(whole, by_hand, rtol=0, atol=1e-12)
    torch.testing.assert_close(network._read(network.source, SOURCES),
                               network.source.weight[SOURCES] * 5**0.5)
    assert float(network.target.weight.detach().std()) == pytest.approx(5**-0.5, rel=0.3)


@pytest.mark.parametrize("fields", [{"attention": "general"}, {"attention": "additive"},
                                    {"shared": True},
                                    {"attention": "none"}, {"cell": "lstm", "layers": 2},
                                    {"bidirectional": True, "feeding": True}])
def test_padding_changes_nothing(fields: dict[str, Any]) -> None:
    network = made(**fields)
    with torch.no_grad():
        together = network(SOURCES, VALID, GIVEN)
        for row, length in enumerate(VALID.tolist()):
            alone = network(SOURCES[row : row + 1, :length], VALID[row : row + 1],
                            GIVEN[row : row + 1])
            torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-12)


def test_without_attention_it_is_two_of_pytorchs_networks() -> None:
    """Cho et al. 2014 by hand: nn.GRU reads, nn.GRU writes, the last state at every step."""
    network = made(attention="none")
    x = network.source(SOURCES[:1]).transpose(0, 1)
    _, last = network.encoder(x)
    y = torch.cat((network.target(GIVEN[:1]), last[-1][:, None].expand(-1, 5, -1)), -1)
    s, _ = network.decoder(y.transpose(0, 1), last)
    torch.testing.assert_close(network(SOURCES[:1], VALID[:1], GIVEN[:1]),
                               network.output(s.transpose(0, 1)), rtol=0, atol=1e-12)


def test_additive_attention_is_bahdanaus_by_hand() -> None:
    network = made(attention="additive")
    memory = network.encode(SOURCES[:1], VALID[:1])
    w, h = network.scorer.weights, memory.keys[0]
    s0 = memory.start[-1, 0]
    e = torch.stack([w["v"] @ torch.tanh(w["W_q"] @ s0 + w["W_k"] @ key) for key in h])
    alpha = torch.exp(e) / torch.exp(e).sum()
    c = sum(a * key for a, key in zip(alpha, h, strict=True))
    s1, _ = network.decoder(torch.cat((network.target(GIVEN[:1, 0])[0], c))[None, None],
                            memory.start)
    logits, _, weights = network.step(GIVEN[:1, 0], network.begin(memory), memory)
    torch.testing.assert_close(weights[0], alpha, rtol=0, atol=1e-12)
    torch.testing.assert_close(logits[0], network.output(s1[0, 0]), rtol=0, atol=1e-12)


def test_luongs_output_by_hand_with_input_feeding() -> None:
    network = made(attention="general", feeding=True)
    memory = network.encode(SOURCES[:1], VALID[:1])
    state, h, W = network.begin(memory), memory.keys[0], network.scorer.weights["W"]
    fed, core = torch.zeros(6).double(), memory.start
    for t in range(3):
        s, core = network.decoder(
            torch.cat((network.target(GIVEN[0, t]), fed))[None, None], core)
        alpha = torch.softmax(h @ (W.T @ s[0, 0]), 0)
        fed = torch.tanh(network.combine.weight @ torch.cat((alpha @ h, s[0, 0])))
        logits, state, _ = network.step(GIVEN[:1, t], state, memory)
        torch.testing.assert_close(logits[0], network.output(fed), rtol=0, atol=1e-12)


@pytest.mark.parametrize("fields", [{"cell": "lstm", "layers": 2}, {"feeding": True}])
def test_rows_can_be_taken_more_than_once_and_in_another_order(fields: dict[str, Any]) -> None:
    network = made(**fields)
    memory = network.encode(SOURCES, VALID)
    _, state, _ = network.step(GIVEN[:, 0], network.begin(memory), memory)
    rows = torch.tensor([2, 0, 0])
    there, beside = select(state, memory, rows)
    token = torch.tensor([1, 2, 3])
    logits, _, _ = network.step(token, there, beside)
    for place, row in enumerate(rows.tolist()):
        one, own = select(state, memory, torch.tensor([row]))
        alone, _, _ = network.step(token[place : place + 1], one, own)
        torch.testing.assert_close(alone[0], logits[place], rtol=0, atol=1e-12)


@pytest.mark.parametrize("fields", [
    {"attention": "additive"}, {"attention": "general", "feeding": True, "bidirectional": True},
    {"attention": "concat", "reach": "local", "cell": "lstm"},
], ids=lambda fields: fields["attention"])
def test_gradients_are_central_differences(fields: dict[str, Any]) -> None:
    """Of each of its numbers; there are few of them, and all parts."""
    spec = Model.parse({"kind": "seq2seq", "hidden": 2, "embedding": 1} | fields)
    torch.manual_seed(1)
    network = spec.build(3, 3).double().eval()
    names, parameters = zip(*network.named_parameters(), strict=True)
    source, valid = torch.tensor([[2, 0], [1, 0]]), torch.tensor([2, 1])
    given = torch.tensor([[2, 1], [2, 0]])

    def loss(*values: torch.Tensor) -> torch.Tensor:
        named = dict(zip(names, values, strict=True))
        return torch.func.functional_call(network, named, (source, valid, given)).square().sum()

    assert torch.autograd.gradcheck(loss, parameters, atol=1e-6, nondet_tol=1e-9)


@pytest.mark.parametrize(("fields", "said"), [
    ({"attention": "dot", "bidirectional": True}, "twice as long"),
    ({"attention": "additive", "feeding": True}, "Luong"),
    ({"attention": "none", "reach": "local"}, "Luong"),
])
def test_what_does_not_go_together_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        made(**fields)
