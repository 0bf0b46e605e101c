"""How near a translation is to a reference: BLEU, as the notes write it and as everyone counts it.

The notes' formula, of one sentence: exp(min(0, 1 − len_label / len_pred)) · ∏_{n=1}^k p_n^(1/2^n),
where p_n is the share of the n-grams of the prediction that the label has too, each of the label's
used once (Zhang et al., Dive into Deep Learning, ch. 10.7). The usual BLEU (Papineni et al. 2002)
is a geometric mean over a whole corpus, by `sacrebleu` (Post 2018); of a source with several right
translations it takes all: a run of tokens counts if one of them has it, as often as one of them has
it, and the length that is asked for is that of the translation nearest in length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from math import exp, prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU


def notes_bleu(predicted: Sequence[str], reference: Sequence[str], k: int) -> float:
    """The notes' score of the tokens of one sentence, 0…1, by n-grams up to k (or up to the
    length of the prediction, where it is shorter)."""
    shares = precisions(predicted, reference, k)
    weighted = (float(share ** 0.5**n) for n, share in enumerate(shares, 1))
    return brevity(len(predicted), len(reference)) * prod(weighted)


def precisions(predicted: Sequence[str], reference: Sequence[str], k: int) -> list[float]:
    """p_1 … p_k, as many as the prediction has lengths of n-grams."""
    found = []
    for n in range(1, min(k, len(predicted)) + 1):
        tried = _ngrams(predicted, n)
        found.append((tried & _ngrams(reference, n)).total() / tried.total())
    return found


def brevity(predicted: int, reference: int) -> float:
    """The penalty of a prediction of fewer tokens than the reference: 1 when it is not shorter."""
    if predicted >= reference:
        return 1.0
    return exp(1 - reference / predicted) if predicted else 0.0


def corpus_bleu(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], tokenize: str = "13a"
) -> float:
    """BLEU of sentences, each against all of its references, 0…100, as `sacrebleu` prints it.
    tokenize: 13a for most languages, zh for Chinese, char for characters, none where blanks cut.
    Raises ValueError: a sentence without a reference."""
    if len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses and references of {len(references)}")
    if not all(references) or any(isinstance(some, str) for some in references):
        raise ValueError("each hypothesis needs a list of at least one reference")
    if not hypotheses:
        return 0.0
    streams = [list(stream) for stream in zip_longest(*references)]  # None where one has fewer
    return float(_metric(tokenize, False).corpus_score(list(hypotheses), streams).score)


def sentence_bleu(hypothesis: str, reference: str, tokenize: str = "13a") -> float:
    """BLEU of one sentence, 0…100, by n-grams up to its length."""
    return float(_metric(tokenize, True).sentence_score(hypothesis, [reference]).score)


@cache
def _metric(tokenize: str, effective_order: bool) -> BLEU:
    """force: without a warning that our sentences are cut already."""
    from sacrebleu.metrics.bleu import BLEU  # here, since it takes longer than all of `text`

    return BLEU(tokenize=tokenize, force=True, effective_order=effective_order)


def _ngrams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))
