"""Cut or weighed links: the same reading, and the gradient that autograd gives by other means."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from explorer.models import Model
from explorer.models.truncation import links, read_in_pieces, weigh

KINDS = [{"kind": "rnn"}, {"kind": "gru", "layers": 2}, {"kind": "lstm"}]


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def network(spec):
    torch.manual_seed(0)
    return Model.parse({"hidden": 5, "embedding": 4} | spec).build(7).double()


def gradients(net, ids, passes):
    logits, _ = net(ids[:-1], None, passes)
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), ids[1:].flatten())
    return [g.clone() for g in torch.autograd.grad(loss, list(net.core.parameters()))]


class TestLinks:
    @given(st.integers(1, 60), st.integers(2, 70))
    @settings(max_examples=40, deadline=None)
    def test_regular_cuts_stand_every_so_many_tokens(self, tokens, every):
        found = links("regular", tokens, every, 3, drawn())
        assert found.shape == (tokens, 1)
        assert found.flatten().tolist() == [float(t % every != 0) for t in range(tokens)]

    @pytest.mark.parametrize("every", [2, 5, 16])
    def test_randomised_links_are_zero_or_weighted_up_and_one_on_average(self, every):
        found = links("randomised", 400, every, 200, drawn())
        keep = 1 - 1 / every
        assert sorted(found.unique().tolist()) == pytest.approx([0, 1 / keep])
        spread = (1 / keep - 1) ** 0.5  # of one link
        assert float(found.mean()) == pytest.approx(1, abs=4 * spread / 80_000**0.5)

    def test_the_same_seed_draws_the_same(self):
        first, second, third = (links("randomised", 50, 4, 3, drawn(s)) for s in (1, 1, 2))
        assert torch.equal(first, second)
        assert not torch.equal(first, third)


def test_weighing_changes_no_value_and_multiplies_the_gradient():
    h = torch.randn(3, 4, requires_grad=True)
    weighed = weigh((h, h), torch.tensor([0.0, 1.0, 2.5]))
    assert all(torch.equal(part, h) for part in weighed)
    weighed[0].sum().backward()
    assert h.grad.tolist() == [[0] * 4, [1] * 4, [2.5] * 4]


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec["kind"])
class TestReadInPieces:
    def test_what_is_read_does_not_change(self, spec):
        net, ids = network(spec), torch.arange(36).view(12, 3) % 7
        whole, end = net(ids)
        pieces, other = net(ids, None, links("randomised", 12, 3, 3, drawn()))
        torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-12)
        torch.testing.assert_close(other, end, rtol=0, atol=1e-12)

    def test_links_of_one_give_the_whole_gradient(self, spec):
        net, ids = network(spec), torch.arange(39).view(13, 3) % 7
        for ours, theirs in zip(gradients(net, ids, torch.ones(12, 1)), gradients(net, ids, None),
                                strict=True):
            assert torch.equal(ours, theirs)

    def test_regular_cuts_are_pieces_read_one_after_the_other_from_a_detached_state(self, spec):
        net, ids = network(spec), torch.arange(39).view(13, 3) % 7
        ours = gradients(net, ids, links("regular", 12, 5, 3, drawn()))
        state, losses = None, []
        for start in (0, 5, 10):
            piece = ids[start : min(start + 5, 12)]
            logits, state = net(piece, state)
            state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
            losses.append(nn.functional.cross_entropy(
                logits.flatten(0, 1), ids[start + 1 : start + 1 + len(piece)].flatten(),
                reduction="sum"))
        theirs = torch.autograd.grad(sum(losses) / 36, list(net.core.parameters()))
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)

    def test_the_mean_over_all_draws_is_the_whole_gradient(self, spec):
        """Every way to cut four links, each as likely as it is: unbiased exactly, not on average
        over a sample."""
        net, ids = network(spec), torch.tensor([[1], [4], [2], [6], [3]])
        keep, mean = 0.75, None
        for cuts in range(8):
            passes, chance = torch.ones(4, 1, dtype=torch.float64), 1.0
            for t in range(1, 4):
                stays = bool(cuts >> (t - 1) & 1)
                passes[t] = stays / keep
                chance *= keep if stays else 1 - keep
            here = [chance * g for g in gradients(net, ids, passes)]
            mean = here if mean is None else [a + b for a, b in zip(mean, here, strict=True)]
        for one, other in zip(mean, gradients(net, ids, None), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_only_weighed_links_split_a_text():
    class Counting(nn.Module):
        lengths: list[int] = []  # noqa: RUF012

        def forward(self, x, state):
            self.lengths.append(len(x))
            return x, x[-1:]

    core = Counting()
    passes = torch.tensor([[1.0], [1.0], [0.0], [1.0], [2.0]])
    read_in_pieces(core, torch.zeros(5, 2, 3), None, passes)
    assert core.lengths == [2, 2, 1]
