"""What an experiment is made of when nobody says: settings found by measurement. No torch."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from explorer.models import Model
from explorer.text.pairs import Pairs
from explorer.text.segment import is_chinese
from explorer.text.types import Text, Tokenisation

Quality = Literal["quick", "good", "best"]

BUDGET = {"quick": 0.25, "good": 1.0, "best": 4.0}  # of about 15 s on two cores
KEEPING = 0.015  # share of a run's time that its snapshots may take, of which there are at most 10
SNAPSHOT = 4e-8  # seconds of a snapshot for each parameter: scored, and written with its optimiser
EPOCHS = 25  # readings of a text after which it is learnt by heart rather than understood

# By measurement (benchmarks/README.md): learning rate, batch, window, FLOPs a second of a core.
_MEASURED = {"rnn": (0.005, 32, 32, 3e10), "gru": (0.01, 32, 32, 3e10),
             "lstm": (0.02, 16, 64, 5e10), "transformer": (0.005, 16, 128, 5e10),
             "aaren": (0.005, 16, 128, 4e10), "cnn": (0.003, 32, 64, 5e10)}


def speed(kind: str) -> float:
    """FLOPs a second of one core, of an architecture's usual sizes."""
    return _MEASURED.get(kind, _MEASURED["gru"])[3]


def defaults(
    characters: int, model: Model, quality: Quality, vocabulary: int = 100
) -> dict[str, Any]:
    """Training settings for a text of so many characters, found by measurement (benchmarks/).

    vocabulary: how many different tokens there are, about: it counts for the time of a step.
    """
    rate, batch, window, speed = _MEASURED.get(model.kind, _MEASURED["gru"])
    longest = 1 << max(3, (characters // 30).bit_length() - 1)  # several windows in any text
    window = max(2, min(window, longest, characters // 2 - 1))
    step = batch * window
    seconds = step * 6 * model.parameters(vocabulary) / speed + 0.001  # of a step
    affordable = BUDGET[quality] * 15 / seconds
    sensible = EPOCHS * characters / step
    steps = max(60, round(min(affordable, sensible)))
    settings = {"batch": batch, "window": window, "learning_rate": rate, "steps": steps}
    kept = int(KEEPING * steps * seconds / (SNAPSHOT * model.parameters(vocabulary)))
    return settings | ({"snapshots": max(5, kept)} if kept < 10 else {})


SAMPLED = 1_000  # pairs by which it is decided whether what is written has words
MANY = 2_000  # pairs, from which on a step reads more of them
# Share of the words of so many pairs that stand nowhere else in them, from which on words are cut
# into pieces: of the built-in English–French pairs 0.014, of a file of real sentences 0.14.
RARE = 0.05
WORDS = Tokenisation(kind="word", lowercase=True, min_frequency=2)
PIECES = Tokenisation(kind="bpe", lowercase=True, vocabulary=2_000)


def usual_cut(pairs: Pairs, kind: str | None = None) -> Tokenisation:
    """How pairs are cut when nobody says how. In lower case: by word, without what is seen only
    once, if what is written has several words; many pairs of a natural language into pieces of
    words, of which none is unknown. Else, as dates or numbers, by character.

    kind: of the tokens, if that is said: then the rest is as usual for it.
    """
    some = [target for _, target in pairs.rows[:: max(1, len(pairs.rows) // SAMPLED)]]
    if sum(" " in target for target in some) * 2 < len(some) and not is_chinese(" ".join(some)):
        usual = Tokenisation(kind="character")
    else:
        usual = PIECES if _natural(pairs) else WORDS
    if kind is None or kind == usual.kind:
        return usual
    other = WORDS if usual == PIECES else usual  # there are more words than pieces
    return Tokenisation.model_validate(other.model_dump() | {"kind": kind})


def usual_translator(
    pairs: Pairs, attention: str = "general", kind: str = "seq2seq"
) -> dict[str, Any]:
    """What an encoder–decoder for some pairs has that is not as `Seq2Seq` says, when nobody says
    what: of many pairs of a natural language it learns most in the same time (by measurement,
    benchmarks/README.md) if its encoder reads both ways, as far as its attention goes together with
    that, and if one matrix reads and writes the target. A Transformer drops out likewise."""
    if not _natural(pairs):
        return {}
    if kind != "seq2seq":
        return {"dropout": 0.1}
    return {"embedding": 128, "dropout": 0.2, "shared": True,
            "bidirectional": attention not in ("dot", "scaled-dot")}


def _natural(pairs: Pairs) -> bool:
    """Whether there are many pairs, whose target sentences have words that stand nowhere else, as
    those of every natural language do, and those of a grammar do not. What is written in Chinese
    has no blanks, and is left to its own segmenter."""
    if len(pairs.rows) < MANY:
        return False
    count = len(pairs.rows)
    some = "\n".join(pairs.rows[i * count // MANY][1] for i in range(MANY))
    return not is_chinese(some) and _once(re.findall(r"\w+", some.lower())) > RARE


def _once(words: Sequence[str]) -> float:
    """The share of words that stand nowhere else."""
    return sum(count == 1 for count in Counter(words).values()) / max(1, len(words))


def pair_defaults(pairs: int, quality: Quality) -> dict[str, Any]:
    """Training settings for so many pairs, found by measurement (benchmarks/)."""
    batch = 64 if pairs >= MANY else 32
    steps = round(BUDGET[quality] * 1_000)
    return {"batch": batch, "steps": steps, "learning_rate": 0.005}


def vocabulary(text: Text, tokens: Tokenisation) -> int:
    """How many different tokens a text has, before it is cut into them: an estimate."""
    if tokens.kind == "character":
        return len(set(text.content))
    return min(tokens.vocabulary, len(text.content) // 20)
