"""The loop: what it yields, when it stops, and that stopping changes nothing."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.numpy import load

from explorer.errors import DataError, Diverged
from explorer.experiment import Experiment
from explorer.text import Text, Tokenizer
from explorer.training.events import Progress, Snapshot
from explorer.training.learner import Learner, clip, smooth
from explorer.training.loop import build, load_weights, split, train
from tests.training.small import MODELS, TEXT, small


def run(experiment, **options):
    tokenizer = Tokenizer.learn(experiment.text, experiment.tokens)
    return list(train(experiment, tokenizer, **options))


def snapshots(events):
    return [event for event in events if isinstance(event, Snapshot)]


@pytest.fixture(scope="module")
def events():
    return run(small(steps=20))


class TestWhatItYields:
    def test_one_progress_a_step(self, events):
        steps = [event.step for event in events if isinstance(event, Progress)]
        assert steps == list(range(1, 21))

    def test_a_snapshot_before_the_first_step_and_at_the_planned_ones(self, events):
        assert [s.step for s in snapshots(events)] == small(steps=20).training.snapshot_steps()
        assert isinstance(events[0], Snapshot)

    def test_each_snapshot_follows_the_progress_of_its_step_with_the_same_validation(self, events):
        for before, event in pairwise(events):
            if isinstance(event, Snapshot):
                assert before.step == event.step
                assert before.metrics.items() >= event.metrics.items()

    def test_the_rate_reported_is_the_rate_used(self, events):
        training = small(steps=20).training
        for event in events:
            if isinstance(event, Progress):
                assert event.metrics["learning_rate"] == training.rate(event.step - 1)

    def test_it_learns(self, events):
        long = [e for e in run(small(steps=150, learning_rate=0.02)) if isinstance(e, Progress)]
        assert long[-1].loss < long[0].loss / 2
        assert long[-1].metrics["validation_perplexity"] < 8

    def test_the_best_is_the_one_with_the_lowest_validation_loss(self, events):
        lowest = math.inf
        for snapshot in snapshots(events):
            assert snapshot.best == (snapshot.metrics["validation_loss"] < lowest)
            lowest = min(lowest, snapshot.metrics["validation_loss"])

    def test_the_perplexity_is_that_of_the_loss_smoothed(self, events):
        expected = math.nan
        for event in events:
            if isinstance(event, Progress):
                expected = smooth(expected, event.loss, event.step)
                assert event.metrics["perplexity"] == pytest.approx(math.exp(expected))

    def test_smoothing_follows_a_fall_and_steadies_what_stays(self):
        fall, steady = 5.0, 2.0
        for step in range(1, 1001):
            fall = smooth(fall, 5 - 3 * min(step / 500, 1), step)
            steady = smooth(steady, 2 + (-1) ** step, step)
        assert fall == pytest.approx(2, abs=0.01)
        assert steady == pytest.approx(2, abs=0.02)
        assert smooth(math.nan, 7.0, 1) == 7

    def test_the_last_is_scored_by_the_tokens_of_all_others_too(self):
        long = Text("long", TEXT.content * 30)
        experiment = Experiment.language_model(
            long, model={"kind": "rnn", "hidden": 8}, steps=200, window=16, batch=16, snapshots=4)
        *others, last = snapshots(run(experiment))
        assert {s.metrics["validation_tokens"] for s in others} == {256}
        assert last.metrics["validation_tokens"] > 256
        assert all("validation_along" not in s.metrics for s in others)
        tokenizer = Tokenizer.learn(long, experiment.tokens)
        network = build(experiment, tokenizer.size)
        load_weights(network, last.weights)
        loss, count = experiment.task.evaluate(network, split(experiment, tokenizer)[1], 256, 16)
        assert count == 256
        assert last.metrics["validation_along"] == pytest.approx(math.exp(loss), rel=1e-6)

    def test_nothing_held_out_means_no_validation_and_the_last_is_best(self):
        kept = snapshots(run(small(steps=8, held_out=0)))
        assert [s.best for s in kept] == [False] * (len(kept) - 1) + [True]
        assert all(not s.metrics for s in kept)


class TestTheSameRun:
    def test_twice_is_bit_identical(self):
        first, second = run(small("dropout", 6)), run(small("dropout", 6))
        assert [s.weights for s in snapshots(first)] == [s.weights for s in snapshots(second)]

    def test_another_seed_is_another_run(self):
        assert run(small(steps=3))[-1].weights != run(small(steps=3, seed=1))[-1].weights

    @pytest.mark.parametrize(("model", "sampling"), [
        (model, sampling) for model in MODELS for sampling in ("random", "sequential")
        if (model, sampling) != ("transformer", "sequential")  # it carries no state
    ])
    def test_going_on_is_as_if_never_stopped(self, model, sampling):
        experiment = small(model, steps=12, sampling=sampling)
        whole = run(experiment)[-1]
        half = run(experiment, until=7)[-1]
        assert half.step == 7
        torch.manual_seed(99)  # whatever else was drawn in between
        rest = run(experiment, resume=half)
        assert [e.step for e in rest if isinstance(e, Progress)] == list(range(8, 13))
        assert rest[-1].weights == whole.weights
        assert rest[-1].metrics == whole.metrics

    def test_going_on_with_sgd(self):
        experiment = small(steps=6, optimizer="sgd", learning_rate=0.5)
        half = run(experiment, until=3)[-1]
        assert run(experiment, resume=half)[-1].weights == run(experiment)[-1].weights

    @pytest.mark.parametrize("truncation", ["regular", "randomised"])
    @pytest.mark.parametrize("model", ["lstm", "dropout"])
    def test_going_on_with_a_cut_gradient(self, model, truncation):
        experiment = small(model, steps=8, sampling="sequential", truncation=truncation, truncate=3)
        whole = run(experiment)[-1]
        half = run(experiment, until=5)[-1]
        torch.manual_seed(99)
        assert run(experiment, resume=half)[-1].weights == whole.weights
        assert whole.weights != run(small(model, steps=8, sampling="sequential"))[-1].weights

    def test_cuts_beyond_the_window_change_nothing(self):
        cut = run(small(steps=4, truncation="regular", truncate=8))  # as long as the window
        for one, other in zip(snapshots(cut), snapshots(run(small(steps=4))), strict=True):
            for name, value in load(one.weights).items():
                np.testing.assert_allclose(value, load(other.weights)[name], atol=1e-6)

    def test_going_on_from_before_the_first_step(self):
        experiment = small(steps=5)
        start = run(experiment, until=0)[-1]
        assert run(experiment, resume=start)[-1].weights == run(experiment)[-1].weights

    def test_stopped_from_outside_it_leaves_a_snapshot_of_that_very_step(self):
        experiment = small(steps=12)
        asked = iter([False] * 4 + [True])
        stopped = run(experiment, stop=lambda: next(asked))
        assert [stopped[-2].step, stopped[-1].step] == [5, 5]
        rest = run(experiment, resume=stopped[-1])
        assert rest[-1].weights == run(experiment)[-1].weights

    def test_a_change_of_the_rate_counts_from_its_step_on(self):
        plain, changed = small(steps=8), small(steps=8).changed(5, 0.1)
        plain_events, changed_events = run(plain), run(changed)
        losses = [[e.loss for e in events if isinstance(e, Progress)]
                  for events in (plain_events, changed_events)]
        assert losses[0][:6] == losses[1][:6]  # step 6 is the first with the new rate
        assert losses[0][6:] != losses[1][6:]

    @pytest.mark.parametrize("model", MODELS)
    def test_a_snapshot_opens_as_the_network_it_was(self, model):
        experiment = small(model, steps=2)
        tokenizer = Tokenizer.learn(TEXT, experiment.tokens)
        last = list(train(experiment, tokenizer))[-1]
        network = build(experiment, tokenizer.size)
        load_weights(network, last.weights)
        for name, value in load(last.weights).items():
            assert np.array_equal(network.state_dict()[name].numpy(), value)

    def test_weights_of_another_network_are_refused(self):
        weights = run(small("gru", steps=1))[-1].weights
        with pytest.raises((ValueError, RuntimeError)):
            load_weights(build(small("one-hot"), 21), weights)


@pytest.fixture(scope="module")
def diverged():
    """What came before a run diverged, and how it said so."""
    wild = small("rnn-relu", steps=60, optimizer="sgd", learning_rate=1000, clip=0,
                 schedule="constant", snapshots=20)
    tokenizer = Tokenizer.learn(TEXT, wild.tokens)
    came: list = []
    with pytest.raises(Diverged) as caught:
        came.extend(train(wild, tokenizer))
    return came, caught.value


class TestWhatStopsIt:
    def test_a_rate_that_diverges_ends_with_the_last_good_snapshot_named(self, diverged):
        came, error = diverged
        assert error.values["last_good"] == snapshots(came)[-1].step
        assert error.values["step"] > came[-1].step or came[-1].step == 0
        assert "Lower the learning rate" in str(error)

    def test_every_snapshot_of_a_diverging_run_is_finite(self, diverged):
        for snapshot in snapshots(diverged[0]):
            assert all(np.isfinite(value).all() for value in load(snapshot.weights).values())
            assert all(math.isfinite(value) for value in snapshot.metrics.values())

    @pytest.mark.parametrize(("value", "tensor"), [(math.inf, "core.bias_hh_l0"),
                                                   (1e38, "decoder")])
    def test_weights_that_cannot_be_used_are_never_a_snapshot(self, value, tensor):
        tokenizer = Tokenizer.learn(TEXT, small().tokens)
        learner, ids = Learner(small(steps=5), tokenizer), torch.arange(200) % tokenizer.size
        learner.learn(ids)
        parameters = dict(learner._network.named_parameters())
        with torch.no_grad():
            parameters["core.bias_hh_l0"].fill_(value)
            parameters["decoder.weight"].fill_(3e38)
        with pytest.raises(Diverged) as caught:
            learner.snapshot(ids[:50])
        assert caught.value.values["name"] == tensor
        assert caught.value.values["last_good"] == 0

    def test_a_text_shorter_than_a_window(self):
        short = small(text=Text("short", "abcd" * 10), window=64)
        with pytest.raises(DataError, match="36 tokens"):
            run(short)

    def test_lanes_that_do_not_fit(self):
        few = small(text=Text("short", "abcd" * 10), window=16, sampling="sequential")
        with pytest.raises(DataError, match="lanes"):
            run(few)


def test_the_end_is_held_out():
    experiment = small(held_out=0.25)
    tokenizer = Tokenizer.learn(TEXT, experiment.tokens)
    held_in, held_out = split(experiment, tokenizer)
    assert tokenizer.decode([*held_in.tolist(), *held_out.tolist()]) == TEXT.content
    assert len(held_out) == round(0.25 * len(TEXT.content))


class TestClipping:
    @pytest.mark.parametrize("limit", [0.01, 1.0, 1e3, math.inf])
    @pytest.mark.parametrize("model", MODELS)
    def test_it_is_torch_s_bit_for_bit(self, model, limit):
        theirs, ours = (build(small(model), 12) for _ in range(2))
        for seed, (one, other) in enumerate(zip(theirs.parameters(), ours.parameters(),
                                                strict=True)):
            gradient = torch.randn(one.shape, generator=torch.Generator().manual_seed(seed))
            one.grad, other.grad = gradient, gradient.clone()
        whole = float(torch.nn.utils.clip_grad_norm_(theirs.parameters(), limit))
        assert clip(list(ours.parameters()), limit) == whole > 0.01
        for one, other in zip(theirs.parameters(), ours.parameters(), strict=True):
            assert torch.equal(one.grad, other.grad)

    def test_weights_without_a_gradient_are_left_out(self):
        with_one, without = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
        with_one.grad = torch.tensor([3.0, 4.0])
        assert clip([with_one, without], 2.5) == 5
        np.testing.assert_allclose(with_one.grad, [1.5, 2], rtol=1e-6)
        assert without.grad is None
