"""Batches and the held-out perplexity, against computations simple enough to be seen through."""

import math

import pytest
import torch
from torch.nn import functional as F

from explorer.experiment import Training
from explorer.tasks.language_model import ABREAST, LANE, WARM_UP, LanguageModel
from explorer.training.loop import build
from tests.training.small import small

IDS = torch.arange(1000)  # each id is its own place, so that a batch says where it was cut


def settings(**more):
    return Training(**{"window": 8, "batch": 4} | more)


@pytest.mark.parametrize("sampling", ["random", "sequential"])
class TestBatches:
    def test_targets_are_the_next_tokens_of_whole_windows(self, sampling):
        for step in range(100):
            x, y, _ = LanguageModel.batch(IDS, settings(sampling=sampling), 0, step)
            assert x.shape == y.shape == (8, 4)
            assert torch.equal(y, x + 1)
            assert torch.equal(x, x[0] + torch.arange(8)[:, None])

    def test_it_is_a_pure_function_of_seed_and_step(self, sampling):
        def draw(seed, step):
            return LanguageModel.batch(IDS, settings(sampling=sampling), seed, step)[0]

        first = [draw(0, step) for step in range(70)]
        torch.manual_seed(5)
        again = [draw(0, step) for step in reversed(range(70))][::-1]
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
        assert not torch.equal(draw(0, 3), draw(1, 3))

    def test_it_leaves_the_global_generator_alone(self, sampling):
        before = torch.get_rng_state()
        LanguageModel.batch(IDS, settings(sampling=sampling), 0, 0)
        assert torch.equal(before, torch.get_rng_state())

    def test_an_epoch_reads_nearly_all_once(self, sampling):
        training = settings(sampling=sampling)
        seen = torch.cat([LanguageModel.batch(IDS, training, 0, step)[0].flatten()
                          for step in range((len(IDS) - 1) // 32)])
        assert len(seen.unique()) >= len(seen) - 32
        assert len(seen.unique()) > 0.94 * len(IDS)

    @pytest.mark.parametrize("length", [33, 34, 40, 65, 100])
    def test_the_shortest_texts_are_cut_within_their_bounds(self, sampling, length):
        for step in range(20):
            _, y, _ = LanguageModel.batch(IDS[:length], settings(sampling=sampling), 3, step)
            assert int(y.max()) < length

    def test_epochs_begin_at_different_places(self, sampling):
        steps = (len(IDS) - 1) // 32
        starts = {int(LanguageModel.batch(IDS, settings(sampling=sampling), 0, e * steps)[0].min())
                  for e in range(6)}
        assert len(starts) > 1


def test_one_window_of_text_is_enough_for_random_windows():
    x, _, blank = LanguageModel.batch(IDS[:9], settings(), 0, 5)
    assert blank
    assert torch.equal(x[:, 0], IDS[:8])


def test_sequential_lanes_go_on_where_they_stopped_until_the_epoch_ends():
    training = settings(sampling="sequential")
    before, fresh = None, 0
    for step in range(80):
        x, _, blank = LanguageModel.batch(IDS, training, 0, step)
        if blank:
            fresh += 1
        else:
            assert torch.equal(x[0], before[-1] + 1)
        before = x
    assert fresh == math.ceil(80 / (999 // 4 // 8))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return build(small("gru", steps=1), 12).double().eval()


def naive(network, ids, lanes, size=LANE):
    """Each lane alone, from a blank state: its loss, token by token."""
    total, count = 0.0, 0
    for lane in lanes:
        start = lane * size
        begin, end = max(0, start - WARM_UP), min(start + size, len(ids) - 1)
        logits, _ = network(ids[begin:end, None])
        losses = F.cross_entropy(logits[:, 0], ids[begin + 1 : end + 1], reduction="none")
        scored = losses[start - begin :]
        total, count = total + float(scored.sum()), count + len(scored)
    return total / count, count


class TestEvaluation:
    @pytest.mark.parametrize("length", [2, 5, WARM_UP, LANE, LANE + 1, LANE + 2, 1000])
    def test_it_is_the_mean_over_every_guess(self, network, length):
        ids = torch.randint(12, (length,), generator=torch.Generator().manual_seed(length))
        with torch.no_grad():
            expected, scored = naive(network, ids, range(math.ceil((length - 1) / 64)), 64)
        loss, count = LanguageModel.evaluate(network, ids)
        assert count == scored == length - 1
        assert loss == pytest.approx(expected, rel=1e-9)

    def test_a_limit_scores_lanes_spread_evenly(self, network):
        lanes = 2 * ABREAST  # twice as many as are scored
        ids = torch.randint(12, (lanes * LANE + 1,), generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            expected, scored = naive(network, ids, range(0, lanes, 2))
        loss, count = LanguageModel.evaluate(network, ids, limit=ABREAST * LANE)
        assert count == scored == ABREAST * LANE
        assert loss == pytest.approx(expected, rel=1e-9)

    def test_many_lanes_in_chunks(self, network):
        ids = torch.randint(12, (70 * LANE,), generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            expected, _ = naive(network, ids, range(70))
        assert LanguageModel.evaluate(network, ids)[0] == pytest.approx(expected, rel=1e-9)

    def test_a_network_that_knows_nothing_has_the_vocabulary_as_its_perplexity(self, network):
        with torch.no_grad():
            ignorant = build(small("lstm", steps=1), 12)
            ignorant.decoder.weight.zero_()
            ignorant.decoder.bias.zero_()
        loss, _ = LanguageModel.evaluate(ignorant, IDS % 12)
        assert math.exp(loss) == pytest.approx(12, rel=1e-5)

    def test_nothing_to_score(self, network):
        loss, count = LanguageModel.evaluate(network, IDS[:1])
        assert math.isnan(loss)
        assert count == 0


def test_the_loss_of_a_window_is_the_mean_over_its_tokens():
    network = build(small("lstm", steps=1), 12)
    x, y = IDS[:24].view(8, 3) % 12, IDS[1:25].view(8, 3) % 12
    loss, _ = LanguageModel.loss(network, x, y, None)
    logits, _ = network(x)
    picked = logits.log_softmax(-1).gather(2, y[:, :, None])
    torch.testing.assert_close(loss, -picked.mean())
