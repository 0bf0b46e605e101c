"""Ranks, held-out perplexity, what is copied, and minibatches: by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from explorer.errors import DataError
from explorer.tasks.language_model import LanguageModel
from explorer.text import Text, Tokenisation, Tokenizer, corpus, counting
from explorer.text.ngrams import WittenBell
from explorer.text.windows import cut
from explorer.training.loop import split
from tests.training.small import small

STORY = corpus("story-en")
TALE = Text("tale", "The cat sat. The cat, the dog & the cat ran!")


def test_words_are_ranked_in_lower_case_without_signs() -> None:
    trace = counting.ranks(TALE, "word")
    one = trace.isel(point=trace["n"].values == 1)
    assert dict(zip(one["gram"].values, one["count"].values.tolist(), strict=True)) == {
        "the": 4, "cat": 3, "sat": 1, "dog": 1, "ran": 1}
    assert one["rank"].values.tolist() == [1, 2, 3, 4, 5]
    two = trace.isel(point=trace["n"].values == 2)
    assert str(two["gram"].values[0]) == "the cat"
    assert two["count"].values.tolist() == [3, 1, 1, 1, 1, 1, 1]
    assert trace["distinct"].values.tolist() == [5, 7, 8]
    assert trace["total"].values.tolist() == [10, 9, 8]
    assert trace["once"].values.tolist() == [3, 6, 8]


@pytest.mark.parametrize("kind", ["word", "character"])
@pytest.mark.parametrize("name", ["story-en", "story-zh"])
def test_every_point_is_a_count_of_the_text(name: str, kind: counting.Kind) -> None:
    found = counting.pieces(corpus(name).content, kind)
    trace = counting.ranks(corpus(name), kind)
    glue = " " if (name, kind) == ("story-en", "word") else ""
    for n in (1, 2, 3):
        expected = Counter(glue.join(found[i : i + n]) for i in range(len(found) - n + 1))
        falling = sorted(expected.values(), reverse=True)
        one = trace.isel(point=trace["n"].values == n)
        assert len(one["rank"]) <= counting.POINTS
        assert one["rank"].values[[0, -1]].tolist() == [1, len(expected)]
        for rank, count, gram in zip(one["rank"].values, one["count"].values, one["gram"].values,
                                     strict=True):
            assert count == falling[rank - 1]
            assert len(gram) >= counting.SHORT or expected[str(gram)] == count


def test_the_line_is_found_where_it_is_known() -> None:
    exact = 1e6 * np.arange(1, 5000.0) ** -0.9
    slope, intercept, low, high = counting.line(exact)  # type: ignore[arg-type]
    assert (slope, intercept) == pytest.approx((-0.9, np.log(1e6)))
    assert (low, high) == (10, 1000)
    assert counting.line(exact[:20])[2:] == (1, 20)  # type: ignore[arg-type]
    assert np.isnan(counting.line(np.array([3, 1]))[0])


def test_a_text_without_words_says_so() -> None:
    with pytest.raises(DataError, match="“signs” has no words to count: count its characters"):
        counting.ranks(Text("signs", "?! ... —"), "word")
    assert counting.ranks(Text("signs", "?! ..."), "character")["total"][0] == 6


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_the_held_out_end_is_the_network_s(share: float) -> None:
    experiment = small("rnn", held_out=share)
    tokenizer = Tokenizer.learn(experiment.text, experiment.tokens)
    kept, held = split(experiment, tokenizer)
    if not share:
        with pytest.raises(DataError, match="too few to try a guess on"):
            counting.count(experiment.text, tokenizer, share)
        return
    made = counting.count(experiment.text, tokenizer, share)
    assert made.held.tolist() == held.tolist()
    assert made.counts.levels[0].counts.sum() == made.learnt == len(kept)


def test_counts_and_a_network_guess_the_same_tokens() -> None:
    """A network that shows what the bigram model says scores what the bigram model scores."""
    tokenizer = Tokenizer.learn(STORY, Tokenisation())
    made = counting.count(STORY, tokenizer, 0.1)
    from explorer.text.ngrams import distribution

    table = torch.tensor(np.stack([
        distribution(made.counts, WittenBell(), [i], 2) for i in range(tokenizer.size)])).log()
    loss, scored = LanguageModel.evaluate(
        lambda ids, state=None: (table[ids], state),  # type: ignore[arg-type]
        torch.from_numpy(made.held))
    assert np.exp(loss) == pytest.approx(made.perplexity(WittenBell())[1], rel=1e-9)
    assert scored == counting.best(made).guesses


def test_the_best_order_is_the_one_of_the_lowest_perplexity() -> None:
    made = counting.count(STORY, Tokenizer.learn(STORY, Tokenisation()), 0.1)
    scores = made.perplexity(WittenBell())
    found = counting.best(made)
    assert found.perplexity == scores.min() == scores[found.order - 1]


@pytest.mark.parametrize(("kind", "order"), [("character", 5), ("word", 3), ("bpe", 3)])
def test_orders_worth_counting(kind: str, order: int) -> None:
    how = Tokenisation(kind=kind, vocabulary=400)  # type: ignore[arg-type]
    assert counting.count(STORY, Tokenizer.learn(STORY, how), 0.1).order == order


def test_one_sentence_holds_too_little_out() -> None:
    text = Text("note", "Hello, you.")
    with pytest.raises(DataError, match="“note” has 11 tokens, of which 1 are held out"):
        counting.count(text, Tokenizer.learn(text, Tokenisation()), 0.1)


def test_what_is_copied_is_the_longest_stretch() -> None:
    assert counting.copied("xx the cat yy", "see the cat sat") == " the cat "
    assert counting.copied("abc", "zzz") == ""
    assert counting.copied("zz", "zzz") == "zz"


def test_guesses_say_how_often_a_context_was_unseen() -> None:
    text = Text("ab", "ababababab" * 4 + "cbcb")
    made = counting.count(text, Tokenizer.learn(text, Tokenisation()), 0.1)
    trace = counting.guesses(text, made, "character", 0.5)
    assert trace["unseen"].values[:2].tolist() == [0, pytest.approx(2 / 3)]  # c, b, c are read
    assert trace["unseen"].values[3:].tolist() == [pytest.approx(1 / 3), 0]  # cbc; no four before
    assert trace.attrs["guesses"] == 3
    np.testing.assert_allclose(trace["perplexity"].sel(smoothing="witten-bell"),
                               made.perplexity(WittenBell()))


def test_minibatches_are_those_of_the_training() -> None:
    labels = list("abcdefghijklmnopqrstuvwxyz") * 3
    trace = counting.minibatches(labels, 5, 3, seed=4)
    assert trace.sizes["step"] == 5 + 2
    ids, experiment = torch.arange(len(labels)), small(window=5, batch=3, held_out=0)
    for way in ("random", "sequential"):
        training = experiment.training.model_copy(update={"sampling": way})
        for step in range(trace.sizes["step"]):
            inputs, _targets, blank = LanguageModel.batch(ids, training, 4, step)
            one = trace.sel(sampling=way, step=step + 1)
            assert one["start"].values.tolist() == inputs[0].tolist()
            assert bool(one["blank"]) == blank
            assert int(one["epoch"]) == cut(len(labels), 5, 3, way, 4, step).epoch  # type: ignore[arg-type]


def test_a_text_too_short_for_a_batch_says_what_is_needed() -> None:
    with pytest.raises(DataError, match="12 tokens to train on, but 3 lanes of 5 tokens need 16"):
        counting.minibatches(list("abcdefghijkl"), 5, 3, 0)
