"""What is learnt with when nobody says: by the look of the pairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.defaults import (
    MANY,
    PIECES,
    WORDS,
    usual_cut,
    usual_translator,
)
from explorer.experiment import Experiment
from explorer.models.seq2seq import Seq2Seq
from explorer.pretrain import PAIRED, SHIPPED, experiment
from explorer.text.pair_corpora import pair_corpus
from explorer.text.pairs import Pairs
from explorer.text.types import Tokenisation
from tests.training.small_pairs import drawn


def test_many_pairs_of_a_natural_language_are_cut_in_pieces_and_read_both_ways() -> None:
    natural = drawn(MANY, 0.15)
    assert usual_cut(natural) == PIECES
    usual = usual_translator(natural)
    assert usual["bidirectional"]
    made = Experiment.translation(natural)
    assert made.model == Seq2Seq(**usual)
    assert made.tokens == PIECES
    assert made == Experiment.translation(natural, PIECES, {"kind": "seq2seq"} | usual)


def test_who_says_the_tokens_gets_the_rest_as_usual_for_them() -> None:
    natural = drawn(MANY, 0.15)
    assert usual_cut(natural, "bpe") == PIECES
    assert usual_cut(natural, "word") == WORDS
    assert usual_cut(drawn(3 * MANY, 0.01), "bpe").vocabulary == WORDS.vocabulary


@pytest.mark.parametrize("other", [drawn(MANY - 1, 0.15), drawn(3 * MANY, 0.01)],
                         ids=["few", "a grammar"])
def test_others_are_cut_by_word_for_a_plain_network(other: Pairs) -> None:
    assert usual_cut(other) == WORDS
    assert usual_translator(other) == {}
    assert Experiment.translation(other).model == Seq2Seq()


@pytest.mark.parametrize("attention", ["dot", "scaled-dot", "general", "concat", "additive",
                                       "none"])
def test_it_goes_together_with_every_attention(attention: str) -> None:
    usual = usual_translator(drawn(MANY, 0.15), attention)
    made = Seq2Seq(attention=attention, **usual)
    assert made.bidirectional is (attention not in ("dot", "scaled-dot"))


def test_the_built_in_pairs_are_learnt_as_the_shipped_runs_were() -> None:
    assert PAIRED
    for card in PAIRED:
        pairs = pair_corpus(card.text)
        assert usual_translator(pairs) == {}
        assert usual_cut(pairs) == (
            Tokenisation(kind="character") if card.text == "dates" else WORDS)
        assert (Path(SHIPPED) / "runs" / experiment(card).key).is_dir()


def test_what_is_written_in_chinese_is_left_to_its_segmenter() -> None:
    assert usual_cut(drawn(MANY, 0.15, "你好我们在学校看书吃饭睡觉")) == WORDS
