"""Two facts of recurrent translation (phenomena 15 and 26): without attention long sentences
suffer; and a sentence that was never read is not put together from its parts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from explorer.experiment import Experiment
from explorer.probes import Opened
from explorer.probes.translating import evaluation, translate
from explorer.text.pair_corpora import pair_corpus
from explorer.text.pairs import Pairs
from explorer.training.events import Snapshot
from explorer.training.loop import train
from tests.phenomena.seeds import SEEDS, held

FIRST = 601  # pairs of the notes' file
SEEN = {"Go.": ("va !",), "I lost.": ("j'ai perdu .", "je perdis ."),
        "I'm home.": ("je suis chez moi .", "je suis à la maison .")}
# Those of the shipped translators. After 400 steps neither has learnt enough for length to matter.
SMALL: dict[str, Any] = {"hidden": 96, "embedding": 48}
LONG: dict[str, Any] = {"steps": 1500, "batch": 64, "learning_rate": 0.01}
UNSEEN, TRUE = "He's calm.", "il est calme ."


def learnt(pairs: Pairs, seed: int, model: dict[str, Any], **settings: Any) -> Opened:
    experiment = Experiment.translation(pairs, model={"kind": "seq2seq"} | model, seed=seed,
                                        snapshots=1, **settings)
    tokenizer = experiment.task.tokenizer(pairs, experiment.tokens)
    last = b""
    for event in train(experiment, tokenizer):
        if isinstance(event, Snapshot):
            last = event.weights
    return Opened.from_weights(experiment, tokenizer, experiment.training.steps, last)


def file_pairs() -> Pairs | None:
    """The first pairs of the notes' file; None where `EXPLORER_TEST_DATA` does not name it."""
    folder = os.environ.get("EXPLORER_TEST_DATA")
    if not folder:
        return None
    lines = (Path(folder) / "eng-fra.tsv").read_text(encoding="utf-8").splitlines()[:FIRST]
    return Pairs("eng-fra", "\n".join(lines) + "\n")


@pytest.mark.phenomena
@pytest.mark.slow
@pytest.mark.parametrize("attention", ["none", "additive"])
def test_a_recurrent_network_does_not_put_a_new_sentence_together(attention: str) -> None:
    """On the notes' file: of their four sentences the three that were read come out right, and the
    one that was not does not. Without the file, on 600 short built-in pairs: of what was read at
    least 0.9 come out right, of what was held out less than half (measured there: see below)."""
    pairs, results = file_pairs(), []
    model = {"attention": attention, "hidden": 64, "embedding": 32}
    if pairs is None:
        results = [_by_heart(attention, seed) for seed in SEEDS]
    else:
        assert UNSEEN not in {source for source, _ in pairs.rows}
        assert set(SEEN) <= {source for source, _ in pairs.rows}
        for seed in SEEDS:
            opened = learnt(pairs, seed, model, steps=600, held_out=0.0, batch=32,
                            learning_rate=0.01)
            said = translate(opened, [*SEEN, UNSEEN])["translation"].values.tolist()
            right = [out in SEEN[source] for source, out in zip(SEEN, said[:-1], strict=True)]
            results.append(sum(right) >= 2 and said[-1] != TRUE)
    held(results)


def _by_heart(attention: str, seed: int) -> bool:
    short = [row for row in pair_corpus("english-french").rows if row[0].count(" ") < 4][:600]
    pairs = Pairs("short", "".join(f"{source}\t{target}\n" for source, target in short))
    opened = learnt(pairs, seed, {"attention": attention, "hidden": 64, "embedding": 32},
                    steps=600, held_out=0.15, batch=32, learning_rate=0.01)
    unseen = exact(evaluation(opened))
    known = translate(opened, [source for source, _ in short[:300]])
    read = [opened.tokenizer.prepare(target) for _, target in short[:300]]  # type: ignore[attr-defined]
    seen = sum(a == b for a, b in zip(known["translation"].values, read, strict=True)) / 300
    print(attention, seed, seen, unseen)
    return seen > 0.75 and unseen < 0.5


def exact(found: xr.Dataset) -> float:
    """The share of held-out pairs that come out exactly as they should."""
    return float((found["translation"] == found["reference"]).mean())


@pytest.mark.phenomena
@pytest.mark.slow
@pytest.mark.timeout(7200)  # minutes for each network, of which ten seeds have twenty
def test_without_attention_long_sentences_suffer() -> None:
    """Held-out BLEU of the shortest and of the longest fifth of sentences: the gap between additive
    attention and none grows with length."""
    pairs, results = pair_corpus("english-french"), []
    for seed in SEEDS:
        bleu = {}
        for attention in ("none", "additive"):
            opened = learnt(pairs, seed, SMALL | {"attention": attention}, **LONG)
            bleu[attention] = evaluation(opened)["bin_bleu"].values
        gap = bleu["additive"] - bleu["none"]
        print(seed, bleu)
        results.append(bool(gap[-1] > gap[0] and gap[-1] > 5))
    held(results)
