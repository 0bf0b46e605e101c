"""BLEU: the notes' formula against their own code, the usual one against hand and `sacrebleu`."""

from __future__ import annotations

import collections
import math
import subprocess
import sys

import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st

from explorer.text.bleu import brevity, corpus_bleu, notes_bleu, precisions, sentence_bleu


def theirs(pred_tokens: list[str], label_tokens: list[str], k: int) -> float:
    """`bleu` of d2l's chapter on sequence to sequence learning, as it stands in the book."""
    len_pred, len_label = len(pred_tokens), len(label_tokens)
    score = math.exp(min(0, 1 - len_label / len_pred))
    for n in range(1, min(k, len_pred) + 1):
        num_matches, label_subs = 0, collections.defaultdict(int)
        for i in range(len_label - n + 1):
            label_subs[" ".join(label_tokens[i : i + n])] += 1
        for i in range(len_pred - n + 1):
            if label_subs[" ".join(pred_tokens[i : i + n])] > 0:
                num_matches += 1
                label_subs[" ".join(pred_tokens[i : i + n])] -= 1
        score *= math.pow(num_matches / (len_pred - n + 1), math.pow(0.5, n))
    return score


TOKENS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=9)


@given(TOKENS, TOKENS, st.integers(1, 5))
def test_the_notes_formula_is_theirs(predicted: list[str], reference: list[str], k: int) -> None:
    assert notes_bleu(predicted, reference, k) == pytest.approx(theirs(predicted, reference, k),
                                                                abs=1e-12)


@given(TOKENS, st.integers(1, 5))
def test_the_reference_itself_is_perfect(tokens: list[str], k: int) -> None:
    assert notes_bleu(tokens, tokens, k) == 1.0
    assert sentence_bleu(" ".join(tokens), " ".join(tokens), "none") == pytest.approx(100)


def test_nothing_said_is_worth_nothing() -> None:
    assert notes_bleu([], ["a"], 2) == 0.0
    assert precisions([], ["a"], 2) == []
    assert notes_bleu(["a"], [], 2) == 0.0
    assert brevity(0, 0) == 1.0
    assert sentence_bleu("", "a b") == 0.0
    assert corpus_bleu([], []) == 0.0


def one_each(references: list[str]) -> list[list[str]]:
    return [[reference] for reference in references]


def test_a_corpus_by_hand() -> None:
    """Papineni's formula: 1-grams 8 of 9, 2-grams 5 of 7, 3-grams 3 of 5, 4-grams 1 of 3; the
    hypotheses have 9 tokens, the references 10."""
    said, right = ["the cat sat on mat", "he is at home"], ["the cat sat on the mat",
                                                            "he is at school"]
    by_hand = 100 * math.exp(1 - 10 / 9) * (8 / 9 * 5 / 7 * 3 / 5 * 1 / 3) ** 0.25
    assert corpus_bleu(said, one_each(right)) == pytest.approx(by_hand)
    assert corpus_bleu(said, one_each(right)) == pytest.approx(
        sacrebleu.corpus_bleu(said, [right]).score)


def test_several_references_by_hand() -> None:
    """A run of tokens counts where one of the references has it. Of the first sentence: 1-grams 5
    of 5 (three by the first reference, two by the second), 2-grams 4 of 4, 3-grams 2 of 3, 4-grams
    0 of 2; of the other 4 of 4, 3 of 3, 2 of 2, 1 of 1. It has 9 tokens; the references nearest in
    length have 5 and 6."""
    said = ["nous sommes très contents ici", "va au lit tout"]
    right = [["nous sommes très heureux ici", "on est très contents ici", "tous contents"],
             ["va au lit tout de suite"]]
    by_hand = 100 * math.exp(1 - 11 / 9) * (9 / 9 * 7 / 7 * 4 / 5 * 1 / 3) ** 0.25
    assert corpus_bleu(said, right) == pytest.approx(by_hand)
    alone = [corpus_bleu(said, [[right[0][i]], right[1]]) for i in range(3)]
    assert max(alone) < by_hand


SENTENCE = st.lists(st.sampled_from(["le", "chat", "dort", "ici", "."]), max_size=7).map(" ".join)


@given(st.lists(st.tuples(SENTENCE, st.lists(SENTENCE, min_size=1, max_size=4)), min_size=1,
                max_size=5))
def test_several_references_are_scored_as_sacrebleu_does(
    pairs: list[tuple[str, list[str]]]
) -> None:
    said, right = [hypothesis for hypothesis, _ in pairs], [some for _, some in pairs]
    streams = [[some[i] if i < len(some) else None for some in right] for i in range(4)]
    theirs = sacrebleu.corpus_bleu(said, streams, force=True).score
    assert corpus_bleu(said, right) == pytest.approx(theirs)
    assert corpus_bleu(said, [some[::-1] for some in right]) == pytest.approx(theirs)


def test_one_sentence_is_scored_as_sacrebleu_does() -> None:
    for said, right in (("il est calme .", "il est calme ."), ("je suis", "je suis calme ici ."),
                        ("va !", "cours !")):
        theirs = sacrebleu.sentence_bleu(said, [right]).score
        assert sentence_bleu(said, right) == pytest.approx(theirs)


def test_chinese_is_cut_by_character() -> None:
    said, right = ["他昨天在学校看了三本书。"], ["他昨天在学校看了两本书。"]
    assert corpus_bleu(said, one_each(right), "13a") == pytest.approx(0)
    assert corpus_bleu(said, one_each(right), "zh") == pytest.approx(
        sacrebleu.corpus_bleu(said, [right], tokenize="zh").score)
    assert 50 < corpus_bleu(said, one_each(right), "zh") < 100


def test_each_hypothesis_needs_its_reference() -> None:
    with pytest.raises(ValueError, match="2 hypotheses and references of 1"):
        corpus_bleu(["a", "b"], [["a"]])
    with pytest.raises(ValueError, match="at least one reference"):
        corpus_bleu(["a", "b"], [["a"], []])
    with pytest.raises(ValueError, match="needs a list"):
        corpus_bleu(["a", "b"], ["a", "b"])  # type: ignore[list-item]


def test_the_library_is_fetched_only_when_it_is_needed() -> None:
    code = "import sys, explorer.text.bleu as b; b.notes_bleu('ab', 'ab', 2)\n" \
           "print('sacrebleu' in sys.modules); b.sentence_bleu('a', 'a')\n" \
           "print('sacrebleu' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "True"]
