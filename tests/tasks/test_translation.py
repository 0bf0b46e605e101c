"""The masked loss, the split, the batches and the training of translators."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sacrebleu
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explorer.errors import DataError, Diverged
from explorer.experiment import Training
from explorer.store import Store
from explorer.tasks import translation
from explorer.tasks.pairing import Batch, Coded, alike, apart, coded
from explorer.tasks.translation import Translation, greedy, masked_loss, partly_told
from explorer.text.bleu import corpus_bleu, notes_bleu
from explorer.text.pairs import Pairs
from explorer.text.sentences import Sentences
from explorer.text.types import Tokenisation
from explorer.training.events import Progress, Snapshot
from explorer.training.learner import Learner
from explorer.training.loop import build, train
from explorer.work import work
from tests.training.small import PAIRS, TRANSLATORS, translating

torch.set_num_threads(1)
TASK = Translation()


def learnt(experiment: Any) -> Sentences:
    return experiment.task.tokenizer(experiment.text, experiment.tokens)


def run(experiment: Any, **options: Any) -> list[Any]:
    return list(train(experiment, learnt(experiment), **options))


SENTENCES = learnt(translating())
CODED = coded(SENTENCES, PAIRS.rows)


def fresh(model: str = "general", **settings: Any) -> Any:
    return build(translating(model, **settings), *SENTENCES.sizes).double().eval()


class TestMaskedLoss:
    def test_by_hand(self) -> None:
        """Two sentences of at most three tokens, of which three and one count."""
        logits = torch.tensor([[[1.0, 2.0], [0.0, 3.0], [4.0, 4.0]],
                               [[5.0, 1.0], [9.0, -9.0], [-9.0, 9.0]]])
        blank = torch.zeros(2, 1, dtype=torch.long)
        pairs = Coded(blank, blank[:, 0], torch.tensor([[1, 0, 1], [0, 1, 1]]),
                      torch.tensor([3, 1]), begin=0)
        expected = torch.tensor([
            [math.log(1 + math.e**-1), math.log(1 + math.e**3), math.log(2)],
            [math.log(1 + math.e**-4), 0.0, 0.0]])
        torch.testing.assert_close(masked_loss(logits, pairs), expected)

        class Fixed(nn.Module):
            output = nn.Identity()

            def shown(self, *_: Tensor) -> Tensor:
                return logits

        loss, state = Translation.loss(Fixed(), Batch(pairs, 1.0), pairs)
        assert state is None
        assert float(loss) == pytest.approx(float(expected.sum()) / 4)
        assert TASK.evaluate(Fixed(), pairs) == (pytest.approx(float(expected.sum()) / 4), 4)

    @pytest.mark.parametrize("model", TRANSLATORS)
    def test_it_is_that_of_each_sentence_weighted_by_its_tokens(self, model: str) -> None:
        network, rows = fresh(model), torch.tensor([0, 50, 2, 101, 60])
        pairs = CODED.rows(rows)
        with torch.no_grad():
            together, _ = Translation.loss(network, Batch(pairs, 1.0), pairs)
            paid = 0.0
            for row in rows.tolist():
                one = CODED.rows(torch.tensor([row]))
                logits = network(one.source, one.source_valid, one.given)[0]
                paid += float(F.cross_entropy(logits, one.target[0], reduction="sum"))
            logits = network(pairs.source, pairs.source_valid, pairs.given)
            masked = masked_loss(logits, pairs).sum() / pairs.mask.sum()
        assert float(together) == pytest.approx(paid / int(pairs.target_valid.sum()), rel=1e-12)
        assert float(together) == pytest.approx(float(masked), rel=1e-12)
        scored = TASK.evaluate(network, pairs)
        assert scored == (pytest.approx(float(together), rel=1e-12), int(pairs.mask.sum()))

    @pytest.mark.parametrize("model", TRANSLATORS)
    def test_the_width_of_the_padding_does_not_matter(self, model: str) -> None:
        network, pairs = fresh(model), CODED.rows(torch.tensor([0, 1, 2]))
        wider = Coded(F.pad(pairs.source, (0, 4), value=SENTENCES.source.pad), pairs.source_valid,
                      F.pad(pairs.target, (0, 3), value=7), pairs.target_valid, pairs.begin)
        losses = [Translation.loss(network, Batch(each, 1.0), each)[0] for each in (pairs, wider)]
        assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-12)
        gradients = [torch.autograd.grad(loss, list(network.parameters())) for loss in losses]
        for one, other in zip(*gradients, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)

    def test_what_is_given_is_the_truth_one_step_late(self) -> None:
        pairs = CODED.rows(torch.tensor([0, 2]))
        assert pairs.given[:, 0].tolist() == [SENTENCES.bos] * 2
        assert torch.equal(pairs.given[:, 1:], pairs.target[:, :-1])
        assert pairs.mask.sum(1).tolist() == pairs.target_valid.tolist()
        assert SENTENCES.decode(pairs.target[1].tolist()) == "je vois un chat , really !"

    def test_nothing_to_score(self) -> None:
        loss, count = TASK.evaluate(fresh(), coded(SENTENCES, []))
        assert math.isnan(loss)
        assert count == 0

    def test_a_limit_scores_pairs_spread_evenly(self) -> None:
        network = fresh()
        mean = float(CODED.target_valid.double().mean())
        few = CODED.rows(torch.tensor([0, 45, 90]))
        assert TASK.evaluate(network, CODED, limit=int(3.5 * mean)) == TASK.evaluate(network, few)
        assert TASK.evaluate(network, CODED, limit=10**9) == TASK.evaluate(network, CODED)


class TestApart:
    ROWS = tuple((f"source {i % 40}", f"target {i}") for i in range(100))

    def pairs(self, rows: Any) -> Pairs:
        return Pairs("rows", "".join(f"{a}\t{b}\n" for a, b in rows))

    @pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5])
    def test_no_source_stands_on_both_sides(self, share: float) -> None:
        kept, held = apart(self.pairs(self.ROWS), share)
        assert not {a for a, _ in kept} & {a for a, _ in held}
        assert len({a for a, _ in held}) == round(40 * share)
        assert sorted(kept + held) == sorted(self.ROWS)

    def test_the_order_of_the_file_does_not_matter(self) -> None:
        mixed = [self.ROWS[i] for i in np.random.RandomState(0).permutation(100)]
        one, other = (apart(self.pairs(rows), 0.3) for rows in (self.ROWS, mixed))
        assert [sorted(part) for part in one] == [sorted(part) for part in other]
        assert one == apart(self.pairs(self.ROWS), 0.3)
        assert [row for row in mixed if row in other[0]] == other[0]

    def test_a_sentence_that_only_looks_different_is_the_same(self) -> None:
        rows = [(f"{word} {i}{end}", f"{i}") for i in range(30) for word in ("See", "SEE", "see")
                for end in ("!", " !", "  !")]
        kept, held = apart(self.pairs(rows), 0.3)
        assert len(held) == 9 * 9
        assert not {b for _, b in kept} & {b for _, b in held}

    def test_the_pairs_of_a_sentence_are_found_wherever_they_stand(self) -> None:
        sources = ["a", "b", "a", "c", "d", "b"]
        assert alike(sources) == alike(sources, 9) == [[0, 2], [1, 5], [3], [4]]
        assert alike(sources, 2) == [[0, 2], [3]]

    def test_the_task_splits_so_and_knows_the_whole_references(self) -> None:
        kept, held = apart(PAIRS, 0.2)
        held_in, held_out = TASK.split(PAIRS, 0.2, Training(), SENTENCES)
        assert (len(held_in), len(held_out)) == (len(kept), len(held))
        assert held_out.sources == tuple(SENTENCES.source.prepare(source) for source, _ in held)
        assert held_out.references == tuple(SENTENCES.prepare(target) for _, target in held)
        assert SENTENCES.source.decode(held_out.source[3].tolist()) == SENTENCES.source.prepare(
            held[3][0])

    def test_a_text_that_is_no_pairs(self) -> None:
        for content in ("no tab", "a\tb\nno tab\n", "a\t\n", "\tb\n"):
            with pytest.raises(DataError, match="no pair of sentences"):
                TASK.material(Pairs("rows", content))


class TestBatches:
    TRAINING = Training(batch=8, steps=100)

    def batch(self, step: int, seed: int = 0, training: Training = TRAINING) -> Coded:
        return TASK.batch(CODED, training, seed, step)[1]

    @pytest.mark.parametrize("batch", [1, 8, 64, 500])
    def test_an_epoch_reads_every_pair_exactly_once(self, batch: int) -> None:
        steps = -(-len(CODED) // batch)
        for epoch in range(2):
            seen = []
            for step in range(steps):
                part = self.batch(epoch * steps + step, training=Training(batch=batch))
                assert len(part) <= batch
                seen += [(SENTENCES.source.decode(a), SENTENCES.decode(b)) for a, b in zip(
                    part.source.tolist(), part.target.tolist(), strict=True)]
            assert sorted(seen) == sorted((SENTENCES.source.prepare(a), SENTENCES.prepare(b))
                                          for a, b in PAIRS.rows)

    def test_they_are_a_pure_function_of_seed_and_step(self) -> None:
        before = torch.get_rng_state()
        first = [self.batch(step) for step in range(40)]
        again = [self.batch(step) for step in reversed(range(40))][::-1]
        assert all(torch.equal(a.source, b.source) and torch.equal(a.target, b.target)
                   for a, b in zip(first, again, strict=True))
        assert torch.equal(before, torch.get_rng_state())
        assert first[0].source.tolist() != self.batch(0, seed=1).source.tolist()

    def test_another_set_of_pairs_of_the_same_lengths_is_read_as_its_own(self) -> None:
        other = coded(SENTENCES, PAIRS.rows[::-1])
        assert other.lengths != CODED.lengths
        drawn = TASK.batch(other, self.TRAINING, 0, 0)[1]
        assert drawn.source.tolist() != self.batch(0).source.tolist()

    def test_rows_of_a_batch_are_about_equally_long_and_no_wider_than_they_are(self) -> None:
        padding = 0.0
        for step in range(17):
            part = self.batch(step)
            assert part.source.shape[1] == int(part.source_valid.max())
            assert part.target.shape[1] == int(part.target_valid.max())
            padding += float((~part.mask).double().mean()) / 17
        drawn = [CODED.rows(torch.from_numpy(np.random.RandomState(i).permutation(135)[:8]))
                 for i in range(17)]
        assert padding < 0.5 * np.mean([float((~part.mask).double().mean()) for part in drawn])

    def test_how_many_tokens_a_step_reads(self) -> None:
        whole = [int(self.batch(step).target_valid.sum()) for step in range(17)]
        assert sum(whole) / 17 == pytest.approx(TASK.step_tokens(CODED, self.TRAINING), rel=0.01)
        assert TASK.step_tokens(CODED, Training(batch=500)) == int(CODED.target_valid.sum())
        assert TASK.step_tokens(coded(SENTENCES, []), self.TRAINING) == 0

    def test_snapshots_score_few_tokens_beside_those_that_are_trained_on(self) -> None:
        """Sentences are much shorter than windows, which mean nothing here."""
        experiment = translating(steps=700, snapshots=7, batch=8)
        _, held_out = experiment.task.split(PAIRS, 0.2, experiment.training, SENTENCES)
        learner, mean = Learner(experiment, SENTENCES), held_out.target_valid.double().mean()
        assert learner._scored(held_out, along=True) == max(256, int(0.03 * 100 * 8 * mean))
        assert learner._scored(held_out, along=False) == int(0.03 * 700 * 8 * mean)


class TestTold:
    @pytest.mark.parametrize("decay", ["linear", "exponential", "inverse-sigmoid"])
    @pytest.mark.parametrize("last", [0.01, 0.25, 1.0])
    def test_a_schedule_falls_from_the_truth_to_its_last_share(
        self, decay: str, last: float
    ) -> None:
        task = Translation(forcing="scheduled", decay=decay, last_share=last)
        assert task.draws
        told = [task.told(x) for x in np.linspace(0, 1, 50)]
        assert told[0] == pytest.approx(1)
        assert told[-1] == pytest.approx(last)
        assert all(a >= b - 1e-12 for a, b in pairwise(told))
        assert last == 1 or len(set(told)) == 50

    def test_their_shapes(self) -> None:
        half = {decay: Translation(forcing="scheduled", decay=decay, last_share=0.25).told(0.5)
                for decay in ("linear", "exponential", "inverse-sigmoid")}
        assert half == {"linear": 0.625, "exponential": pytest.approx(0.5),
                        "inverse-sigmoid": pytest.approx(0.625)}
        early = Translation(forcing="scheduled", decay="inverse-sigmoid", last_share=0.25).told(0.1)
        assert early > 0.98  # flat at first

    @pytest.mark.parametrize(("forcing", "share"), [("teacher", 1.0), ("free", 0.0)])
    def test_without_a_schedule(self, forcing: str, share: float) -> None:
        task = Translation(forcing=forcing)
        assert not task.draws
        assert [task.told(x) for x in (0.0, 0.4, 1.0)] == [share] * 3

    @pytest.mark.parametrize("model", TRANSLATORS)
    def test_told_everything_it_is_teacher_forcing(self, model: str) -> None:
        network, pairs = fresh(model), CODED.rows(torch.tensor([0, 1, 2, 70]))
        whole = network(pairs.source, pairs.source_valid, pairs.given)
        torch.testing.assert_close(partly_told(network, pairs, 1.0), whole, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("model", TRANSLATORS)
    def test_told_nothing_it_reads_what_it_guessed(self, model: str) -> None:
        network, pairs = fresh(model), CODED.rows(torch.tensor([0, 1, 2, 70]))
        before = torch.get_rng_state()
        found = partly_told(network, pairs, 0.0)
        assert torch.equal(before, torch.get_rng_state())
        given = pairs.given.clone()
        for t in range(given.shape[1] - 1):
            logits = network(pairs.source, pairs.source_valid, given)
            given[:, t + 1] = logits[:, t].argmax(-1)
        torch.testing.assert_close(
            found, network(pairs.source, pairs.source_valid, given), rtol=0, atol=1e-12)

    def test_told_half_each_token_is_the_true_one_or_its_own(self) -> None:
        seen: list[Tensor] = []
        network, pairs = fresh(), CODED.rows(torch.arange(64))
        step = network.step
        network.step = lambda tokens, *rest: (seen.append(tokens), step(tokens, *rest))[1]
        torch.manual_seed(5)
        logits = partly_told(network, pairs, 0.5)
        own = logits.argmax(-1)
        truth, differ = [], []
        for t, tokens in enumerate(seen[1:]):
            true = pairs.target[:, t]
            assert bool(((tokens == true) | (tokens == own[:, t])).all())
            truth.append(tokens == true)
            differ.append(true != own[:, t])
        share = torch.stack(truth)[torch.stack(differ)].double().mean()
        assert float(share) == pytest.approx(0.5, abs=0.1)
        assert torch.equal(seen[0], pairs.given[:, 0])


class TestWriting:
    @pytest.mark.parametrize("model", TRANSLATORS)
    def test_many_at_once_are_as_each_alone(self, model: str) -> None:
        network = fresh(model)
        with torch.no_grad():
            network.output.bias[SENTENCES.eos] += 0.1  # so that some end before others
        together = greedy(network, CODED, SENTENCES.eos, 9)
        assert len(together) == len(CODED)
        for row in range(0, len(CODED), 9):
            one = coded(SENTENCES, [(PAIRS.rows[row][0], "")])
            alone = greedy(network, one, SENTENCES.eos, 9)[0]
            assert SENTENCES.said(together[row]) == SENTENCES.said(alone)
            assert len(alone) <= 9

    def test_measures_are_against_the_whole_sentence(self) -> None:
        """A guess of <unk> is not right, though the reference's word is unknown."""
        rows = [("a b", "x y z w v"), ("b a", "q y z w v"), ("a c", "x y z w v"),
                ("c a", "x y z w v"), ("c b", "r y z w v"), ("b c", "x y z w v")]
        task = Translation(longest=4)
        pairs = task.material(Pairs("rows", "".join(f"{a}\t{b}\n" for a, b in rows)))
        sentences = task.tokenizer(pairs, translating(tokens={
            "kind": "word", "min_frequency": 2}).tokens)
        _, held_out = task.split(pairs, 0.5, Training(), sentences)
        assert len(held_out) == 3
        lost = [sentences.unknown(int(row[0])) for row in held_out.target]

        class Parrot(nn.Module):
            """Writes the true ids, <unk> among them, as far as it may."""

        parrot: Any = Parrot()
        parrot.encode = lambda source, valid: len(source)
        parrot.begin = lambda memory: 0

        def step(tokens: Tensor, state: int, memory: int) -> tuple[Tensor, int, None]:
            return F.one_hot(held_out.target[:, state], sentences.size).double(), state + 1, None

        parrot.step = step
        found = task.measures(parrot, held_out, sentences, last=True)
        guesses = [("<unk>" if gone else "x") + " y z w" for gone in lost]
        true = list(held_out.references)
        assert all(len(each.split()) == 5 for each in true)
        assert found == {"bleu": pytest.approx(corpus_bleu(guesses, [[each] for each in true])),
                         "notes_bleu": pytest.approx(np.mean([notes_bleu(
                             a.split(), b.split(), 2) for a, b in zip(guesses, true,
                                                                      strict=True)]))}
        assert found["bleu"] < 100

    def test_a_sentence_is_translated_once_and_measured_against_all_its_translations(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = [("be calm .", "sois calme ."), ("go .", "va ."), ("Be calm.", "soyez calmes ."),
                ("be calm .", "restez calmes .")]
        pairs = Pairs("rows", "".join(f"{a}\t{b}\n" for a, b in rows))
        sentences = TASK.tokenizer(pairs, Tokenisation(kind="word", lowercase=True))
        held_out = translation.told_apart(sentences, rows)
        written = ["soyez calme .", "va ."]

        def wrote(network: Any, pairs: Coded, eos: int, longest: int) -> list[list[int]]:
            assert [sentences.source.decode(row) for row in pairs.source.tolist()] == [
                "be calm .", "go ."]
            return [sentences.written(text).ids.tolist() for text in written]

        monkeypatch.setattr(translation, "greedy", wrote)
        found = TASK.measures(None, held_out, sentences, last=True)
        true = ["sois calme .", "va .", "soyez calmes .", "restez calmes ."]
        theirs = sacrebleu.corpus_bleu(written, [[true[0], true[1]], [true[2], None],
                                                 [true[3], None]], force=True)
        assert theirs.counts[:2] == [5, 2]  # "soyez", "calme" and "." of two references, "va", "."
        own = [notes_bleu(written[place].split(), right.split(), 2)
               for place, right in zip((0, 1, 0, 0), true, strict=True)]
        assert found == {"bleu": pytest.approx(theirs.score),
                         "notes_bleu": pytest.approx(np.mean(own))}

    def test_nothing_held_out_measures_nothing(self) -> None:
        assert TASK.measures(fresh(), coded(SENTENCES, []), SENTENCES, True) == {}


FORCINGS = [{"forcing": "teacher"}, {"forcing": "free"},
            {"forcing": "scheduled", "decay": "exponential"}]


class TestTheSameRun:
    @pytest.mark.parametrize("model", TRANSLATORS)
    def test_twice_is_bit_identical_and_going_on_is_as_if_never_stopped(self, model: str) -> None:
        experiment = translating(model, steps=6)
        whole, again = run(experiment), run(experiment)
        kept, same = ([e.weights for e in events if isinstance(e, Snapshot)]
                      for events in (whole, again))
        assert kept == same
        half = run(experiment, until=4)[-1]
        torch.manual_seed(99)  # whatever else was drawn in between
        rest = run(experiment, resume=half)
        assert [e.step for e in rest if isinstance(e, Progress)] == [5, 6]
        assert rest[-1].weights == whole[-1].weights
        assert rest[-1].metrics == whole[-1].metrics
        assert rest[-1].metrics.keys() >= {"bleu", "notes_bleu", "validation_loss"}

    @pytest.mark.parametrize("task", FORCINGS, ids=lambda task: task["forcing"])
    def test_however_much_it_is_told_it_learns_and_goes_on(self, task: dict[str, Any]) -> None:
        experiment = translating(steps=50, task=task, learning_rate=0.02, snapshots=7)
        whole = run(experiment)
        losses = [e.loss for e in whole if isinstance(e, Progress)]
        assert losses[-1] < 0.6 * losses[0]
        *_, before, last = [e for e in whole if isinstance(e, Snapshot)]
        assert before.step == 37
        torch.manual_seed(99)
        assert run(experiment, resume=before)[-1].weights == last.weights

    def test_another_seed_another_run(self) -> None:
        one, other = (run(translating(steps=2, seed=seed))[-1].weights for seed in (0, 1))
        assert one != other

    def test_nothing_held_out_measures_nothing(self) -> None:
        kept = [e for e in run(translating(steps=2, held_out=0)) if isinstance(e, Snapshot)]
        assert all(not e.metrics for e in kept)
        assert [e.best for e in kept] == [False] * (len(kept) - 1) + [True]


@pytest.mark.parametrize("model", TRANSLATORS)
def test_a_run_that_diverges_says_of_what_and_stays_readable(model: str, tmp_path: Any) -> None:
    wild = translating(model, steps=30, learning_rate=1000, clip=0, schedule="constant",
                       optimizer="sgd", weight_decay=10, snapshots=10)
    store = Store(str(tmp_path), pretrained="")
    with pytest.raises(Diverged) as caught:
        work(store, wild)
    found = caught.value.values
    assert found["name"] != "loss", "a diagnosis names a weight, a state or a gradient"
    assert "Lower the learning rate" in str(caught.value)
    stored = store.run(wild.key)
    assert stored.status == "diverged"
    assert str(stored.error) == str(caught.value)
    assert stored.snapshots[-1] == found["last_good"] > 0
    assert stored.tokenizer.sizes == SENTENCES.sizes
