"""What preparation makes of pairs, by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import xarray as xr

from explorer.text import Pairs, Tokenisation, pair_corpus
from explorer.text.pair_statistics import KINDS, STEPS, batch, statistics, steps
from explorer.text.sentences import Sentences, encoded

PAIRS = Pairs.paste("Go now.\tVa !\nGo home.\tRentre !\nI'm home, now.\tJe suis <b> !\n"
                    "Go go go now.\tVa va !\n")
WORDS = Tokenisation(kind="word", lowercase=True, min_frequency=2)


@pytest.fixture(scope="module")
def sentences() -> Sentences:
    return Sentences.learnt(PAIRS, WORDS, spaced=True, longest=5)


def row(trace: xr.Dataset, step: str) -> str:
    return " ".join(label for label in trace["step_label"].sel(step=step).values if label)


def kinds(values: np.ndarray) -> list[str]:
    return [KINDS[kind] for kind in values if kind >= 0]


def test_a_sentence_step_by_step(sentences: Sentences) -> None:
    trace = steps(sentences, "I'm home, now.", "source", 7)
    assert [str(step) for step in trace["step"].values] == list(STEPS)
    assert row(trace, "raw") == "I'm home, now."
    assert row(trace, "lowercase") == "i'm home, now."
    assert row(trace, "spaced") == row(trace, "tokens") == "i'm home , now ."
    assert row(trace, "rare") == "<unk> home <unk> now ."
    assert row(trace, "ended") == "<unk> home <unk> now . <eos>"
    assert kinds(trace["step_kind"].sel(step="ended").values) == [
        "unknown", "word", "unknown", "word", "word", "cut"]
    assert row(trace, "padded") == "<unk> home <unk> now . <eos> <pad>"
    assert trace["valid"].values.tolist() == [3, 3, 5, 5, 5, 5, 5]
    short = steps(sentences, "Va !", "target", 5)
    assert row(short, "padded") == "va ! <eos> <pad> <pad>"
    assert int(short["valid"][-1]) == 3


def test_characters_are_steps_of_their_own() -> None:
    made = Sentences.learnt(Pairs.paste("ab c\tba\nba\tab\n"),
                            Tokenisation(kind="character"), spaced=False, longest=9)
    trace = steps(made, "ab c", "source", 6)
    assert trace["step_label"].sel(step="raw").values[:4].tolist() == ["a", "b", " ", "c"]
    assert row(trace, "padded") == "a b   c <eos> <pad>"


def test_a_batch_is_what_the_network_is_given(sentences: Sentences) -> None:
    trace = batch(sentences, PAIRS.rows)
    assert trace["batch_label"].sel(side="given").values[0].tolist()[:3] == ["<bos>", "va", "!"]
    assert trace["batch_label"].sel(side="target").values[0].tolist()[:3] == ["va", "!", "<eos>"]
    for side, padded, tokenizer in zip(("source", "target"), encoded(sentences, PAIRS.rows),
                                       (sentences.source, sentences), strict=True):
        assert trace["valid"].sel(side=side).values.tolist() == padded.valid.tolist()
        labels = trace["batch_label"].sel(side=side).values[:, : padded.ids.shape[1]]
        assert labels.tolist() == [[tokenizer.labels[i] for i in ids] for ids in padded.ids]
    cut = trace["batch_kind"].sel(side="source") == KINDS.index("cut")
    assert int(cut.any("position").sum()) == 2, "I'm home, now. and Go go go now."
    assert not (trace["batch_kind"].sel(side="given") == KINDS.index("cut")).any()


def test_lengths_and_words_by_hand(sentences: Sentences) -> None:
    trace = statistics(sentences, PAIRS.rows)
    assert trace["length_pairs"].sel(side="source").values.tolist() == [0, 0, 0, 2, 0, 2, 0]
    assert trace["cut"].values.tolist() == [2, 1]
    assert trace["distinct"].values.tolist() == [6, 8]  # go now . home i'm , / va ! rentre je …
    assert trace["kept"].values.tolist() == [4, 2]
    assert trace["unknown"].values[0] == pytest.approx(2 / 16)
    points = trace.to_dataframe()[["word", "word_count", "word_rank"]].drop_duplicates()
    assert ("go", 5) in set(zip(points["word"], points["word_count"], strict=True))
    assert trace.attrs["counted"] == trace.attrs["pairs"] == 4


def test_of_many_pairs_some_are_counted_and_it_says_so(sentences: Sentences) -> None:
    trace = statistics(sentences, PAIRS.rows * 100, most=10)
    assert (trace.attrs["pairs"], trace.attrs["counted"]) == (400, 10)
    assert int(trace["length_pairs"].sel(side="source").sum()) == 10


def test_the_counts_are_those_of_the_built_in_pairs() -> None:
    pairs = pair_corpus("reversal")
    made = Sentences.learnt(pairs, Tokenisation(kind="character"), spaced=False, longest=8)
    trace = statistics(made, pairs.rows, most=len(pairs.rows))
    letters = Counter("".join(source for source, _ in pairs.rows))
    lengths = Counter(len(source) + 1 for source, _ in pairs.rows)
    for side in ("source", "target"):
        one = trace.isel(point=trace["word_side"].values == side)
        assert dict(zip(one["word"].values, one["word_count"].values, strict=True)) == letters
        assert {n: c for n, c in zip(trace["length"].values,
                                     trace["length_pairs"].sel(side=side).values, strict=True)
                if c} == lengths
    assert int(trace["cut"][0]) == sum(len(source) > 7 for source, _ in pairs.rows)
