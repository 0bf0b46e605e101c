"""Attention in float64: against PyTorch's own, and by hand where PyTorch has none."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from explorer.errors import ExperimentError
from explorer.models.attention import LocalP, attend, masked_softmax
from explorer.models.scorers import Scorer
from explorer.models.scorers.base import Scorer as Base
from explorer.models.tape import Tape, record

KINDS = ("additive", "concat", "dot", "general", "scaled-dot")
Q, K, D, H = 3, 4, 5, 6


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scoring(kind: str, query: int = D, key: int = D, hidden: int = H) -> nn.Module:
    torch.manual_seed(1)
    return Scorer.parse(kind).build(query, key, hidden).double()


def test_each_file_is_a_scorer() -> None:
    assert set(Scorer.family) == set(KINDS)
    for kind in KINDS:
        spec = Scorer.parse(kind)
        assert isinstance(spec, Base)
        assert all((spec.title, spec.paper, spec.letters))
    with pytest.raises(ExperimentError, match="no scorer called 'cosine'"):
        Scorer.parse("cosine")


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_are_the_state_exactly(kind: str) -> None:
    spec, module = Scorer.parse(kind), scoring(kind)
    built = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    assert built == spec.shapes(D, D, H)
    assert sum(p.numel() for p in module.parameters()) == spec.parameters(D, D, H)


@pytest.mark.parametrize(("kind", "count"), [
    ("additive", 7 * 2 + 7 * 3 + 7), ("concat", 7 * (2 + 3) + 7), ("general", 2 * 3)])
def test_parameters_by_hand(kind: str, count: int) -> None:
    assert Scorer.parse(kind).parameters(2, 3, 7) == count


@pytest.mark.parametrize("kind", ["dot", "scaled-dot"])
def test_a_product_needs_vectors_of_one_length(kind: str) -> None:
    assert Scorer.parse(kind).parameters(3, 3, 7) == 0
    with pytest.raises(ExperimentError, match="a query has 2 and a key 3"):
        Scorer.parse(kind).build(2, 3, 7)


def one_by_one(kind: str, q: torch.Tensor, k: torch.Tensor, w: dict[str, torch.Tensor]) -> float:
    """The score of one query (D,) and one key (D,), number by number, without a tensor product."""
    dots = [a * b for a, b in zip(q.tolist(), k.tolist(), strict=True)]
    if kind == "dot":
        return math.fsum(dots)
    if kind == "scaled-dot":
        return math.fsum(dots) / math.sqrt(D)
    if kind == "general":
        return math.fsum(float(q[i] * w["W"][i, j] * k[j]) for i in range(D) for j in range(D))
    if kind == "additive":
        bent = [math.tanh(float(w["W_q"][h].dot(q) + w["W_k"][h].dot(k))) for h in range(H)]
    else:
        bent = [math.tanh(float(w["W"][h].dot(torch.cat((q, k))))) for h in range(H)]
    return math.fsum(float(w["v"][h]) * bent[h] for h in range(H))


@pytest.mark.parametrize("kind", KINDS)
def test_scores_pair_by_pair(kind: str) -> None:
    module, q, k = scoring(kind), drawn(2, Q, D), drawn(2, K, D, seed=1)
    found = module(q, k).detach()
    assert found.shape == (2, Q, K)
    w = module.state_dict()
    for b in range(2):
        for i in range(Q):
            for j in range(K):
                alone = one_by_one(kind, q[b, i], k[b, j], w)
                assert float(found[b, i, j]) == pytest.approx(alone, abs=1e-12)
    assert torch.equal(found, module.score(q, module.prepare(k)).detach())


def test_scores_of_sizes_that_differ() -> None:
    for kind in ("additive", "concat", "general"):
        module = scoring(kind, query=2, key=3)
        assert module(drawn(Q, 2), drawn(K, 3)).shape == (Q, K)


def test_concat_says_what_additive_says() -> None:
    concat, additive = scoring("concat"), scoring("additive")
    W = torch.cat((additive.W_q, additive.W_k), 1)
    concat.load_state_dict({"W": W, "v": additive.v})
    q, k = drawn(Q, D), drawn(K, D, seed=1)
    assert torch.allclose(concat(q, k), additive(q, k), atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_the_differences(kind: str) -> None:
    module = scoring(kind)
    q, k = drawn(Q, D).requires_grad_(), drawn(K, D, seed=1).requires_grad_()
    names = list(module.spec.shapes(D, D, H))
    weights = [getattr(module, name) for name in names]

    def score(q: torch.Tensor, k: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(module, dict(zip(names, weights, strict=True)), (q, k))

    assert torch.autograd.gradcheck(score, (q, k, *weights))


class TestMaskedSoftmax:
    def test_by_hand(self) -> None:
        scores = torch.tensor([[0.0, math.log(3), 5.0], [1.0, 1.0, 1.0], [7.0, 8.0, 9.0]],
                              dtype=torch.float64)
        valid = torch.tensor([[1, 1, 0], [1, 1, 1], [0, 0, 0]], dtype=torch.bool)
        assert masked_softmax(scores, valid).tolist() == [
            pytest.approx([0.25, 0.75, 0]), pytest.approx([1 / 3] * 3), [0, 0, 0]]

    def test_what_is_hidden_gets_nothing_exactly_however_large(self) -> None:
        scores = torch.tensor([-1e30, 1e30, 0.0])
        weights = masked_softmax(scores, torch.tensor([True, False, False]))
        assert weights.tolist() == [1, 0, 0]

    def test_a_row_without_anything_has_a_gradient_of_nothing(self) -> None:
        scores = drawn(2, 3).requires_grad_()
        valid = torch.tensor([[False] * 3, [True, True, False]])
        masked_softmax(scores, valid).square().sum().backward()
        assert scores.grad is not None
        assert scores.grad[0].tolist() == [0, 0, 0]
        assert scores.grad[1, 2] == 0 != scores.grad[1, 0]

    def test_gradients_are_the_differences(self) -> None:
        valid = torch.tensor([[True, False, True], [False] * 3])
        assert torch.autograd.gradcheck(
            lambda s: masked_softmax(s, valid), drawn(2, 3).requires_grad_())


class TestAttend:
    @pytest.mark.parametrize("masked", ["nothing", "lengths", "causal"])
    def test_equals_pytorchs_function(self, masked: str) -> None:
        q, k, v = drawn(2, K, D), drawn(2, K, D, seed=1), drawn(2, K, 7, seed=2)
        valid = {
            "nothing": None,
            "lengths": torch.arange(K) < torch.tensor([2, K])[:, None, None],  # (2, 1, K)
            "causal": torch.ones(K, K, dtype=torch.bool).tril(),
        }[masked]
        context, weights = attend(q, k, v, scoring("scaled-dot"), valid)
        theirs = F.scaled_dot_product_attention(q, k, v, valid)
        assert torch.allclose(context, theirs, atol=1e-12, rtol=0)
        assert torch.allclose(weights.sum(-1), torch.ones(2, K, dtype=torch.float64))

    def test_equals_pytorchs_layer_with_one_head(self) -> None:
        torch.manual_seed(0)
        theirs = nn.MultiheadAttention(D, 1, bias=False, batch_first=True).double()
        x, memory = drawn(2, Q, D), drawn(2, K, D, seed=1)
        hidden = torch.tensor([[False] * K, [False, False, True, True]])
        said, shown = theirs(x, memory, memory, key_padding_mask=hidden)
        W_q, W_k, W_v = theirs.in_proj_weight.chunk(3)
        context, weights = attend(x @ W_q.mT, memory @ W_k.mT, memory @ W_v.mT,
                                  scoring("scaled-dot"), ~hidden[:, None])
        assert torch.allclose(weights, shown, atol=1e-12, rtol=0)
        assert torch.allclose(theirs.out_proj(context), said, atol=1e-12, rtol=0)

    def test_keys_are_prepared_once_or_now(self) -> None:
        q, k, scorer = drawn(Q, D), drawn(K, D, seed=1), scoring("additive")
        once = attend(q, k, k, scorer, prepared=scorer.prepare(k))
        assert torch.equal(once[0], attend(q, k, k, scorer)[0])

    def test_the_tape_hears_scores_and_weights(self) -> None:
        q, k, tape = drawn(Q, D), drawn(K, D, seed=1), Tape()
        with record(tape):
            _, weights = attend(q, k, k, scoring("dot"), token=3)
        assert torch.equal(tape.kept["attention"][(("token", 3),)], weights)
        assert torch.equal(tape.kept["scores"][(("token", 3),)], q @ k.mT)

    def test_the_tape_may_answer(self) -> None:
        q, k = drawn(Q, D), drawn(K, D, seed=1)
        first = torch.eye(K, dtype=torch.float64)[:1].expand(Q, K)
        with record(Tape(changes={"attention": lambda value, axes: first})):
            context, _ = attend(q, k, k, scoring("dot"))
        assert torch.equal(context, k[:1].expand(Q, D))


class TestLocalP:
    def local(self, reach: int = 2) -> LocalP:
        torch.manual_seed(2)
        return LocalP(D, H, reach).double()

    def test_by_hand(self) -> None:
        local, q, scores = self.local(), drawn(Q, D), drawn(Q, 9, seed=1)
        weights = local(q, scores).detach()
        w = local.state_dict()
        assert {n: tuple(p.shape) for n, p in w.items()} == LocalP.shapes(D, H)
        for t in range(Q):
            inner = sum(float(w["v_p"][h]) * math.tanh(float(w["W_p"][h].dot(q[t])))
                        for h in range(H))
            p = 9 / (1 + math.exp(-inner))
            assert float(local.centre(q, 9).detach()[t]) == pytest.approx(p)
            seen = [s for s in range(9) if abs(s - p) <= 2]
            total = sum(math.exp(float(scores[t, s])) for s in seen)
            for s in range(9):
                alone = math.exp(float(scores[t, s])) / total * math.exp(-((s - p) ** 2) / 2)
                assert float(weights[t, s]) == pytest.approx(alone if s in seen else 0)
        assert (weights.sum(-1) < 1).all()

    def test_the_place_is_within_the_sentence_without_its_padding(self) -> None:
        local, q, scores = self.local(), drawn(2, Q, D), drawn(2, Q, 9, seed=1)
        valid = torch.arange(9) < torch.tensor([4, 9])[:, None, None]  # (2, 1, 9)
        padded, tape = local(q, scores, valid), Tape()
        alone = local(q[0], scores[0, :, :4])
        assert torch.allclose(padded[0, :, :4], alone)
        assert not padded[0, :, 4:].any()
        with record(tape):
            attend(q, drawn(2, 9, D), drawn(2, 9, D), scoring("general"), valid, local=local)
        (centre,) = tape.kept["centre"].values()
        assert (centre[0] < 4).all()
        assert (centre < 9).all()

    def test_gradients_are_the_differences(self) -> None:
        local = self.local()
        q, scores = drawn(Q, D).requires_grad_(), drawn(Q, 9, seed=1).requires_grad_()
        names = list(LocalP.shapes(D, H))

        def weights(*given: torch.Tensor) -> torch.Tensor:
            state = dict(zip(names, given[2:], strict=True))
            return torch.func.functional_call(local, state, given[:2])

        assert torch.autograd.gradcheck(weights, (q, scores, *(getattr(local, n) for n in names)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_filled_formula_ends_in_the_score(kind: str) -> None:
    module, q, k = scoring(kind), drawn(1, D), drawn(1, D, seed=1)
    w = {name: value.numpy() for name, value in module.state_dict().items()}
    said = module.spec.filled(q[0].numpy(), k[0].numpy(), w)
    assert said.endswith(f"= {float(module(q, k).detach()):.3f}")
    assert r"\dots" in said, "five numbers are more than are written"
