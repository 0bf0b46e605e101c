"""Searching networks: the same sentences as when each is read alone, from its first word."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch
import xarray as xr

from explorer.errors import DataError
from explorer.experiment import Experiment
from explorer.models.translator import Translator
from explorer.probes import PROBES, Opened
from explorer.probes.finding.tree import sentence
from explorer.probes.translating import admit_source, encode, opened_pairs, translate
from explorer.text.pairs import Pairs
from explorer.training.loop import build

search = PROBES["search"]
WORDS = {"one": "un", "two": "deux", "cats": "chats", "dogs": "chiens", "big": "gros"}
PAIRS = Pairs("pairs", "\n".join(
    f"{number} {size}{what}\t{WORDS[number]} {size and 'gros '}{WORDS[what]}"
    for number in ("one", "two") for size in ("", "big ") for what in ("cats", "dogs")))
SOURCE = "two big cats"


@pytest.fixture(scope="module", params=[
    {"attention": "additive", "cell": "gru"}, {"attention": "none", "cell": "lstm"},
    {"attention": "dot", "cell": "rnn", "layers": 2, "feeding": True},
], ids=lambda p: p["attention"])
def opened(request: pytest.FixtureRequest) -> Opened:
    model = {"kind": "seq2seq", "hidden": 12, "embedding": 8} | request.param
    experiment = Experiment.translation(PAIRS, tokens="word", model=model, steps=1, held_out=0.0)
    tokenizer = experiment.task.tokenizer(PAIRS, experiment.tokens)
    network = build(experiment, *tokenizer.sizes).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight *= 3  # so that it prefers some words to others
    return Opened(experiment.key, 0, experiment, tokenizer, cast("Any", network))


def read_alone(opened: Opened, tokens: list[int]) -> tuple[list[float], Any]:
    """log P of each word, and where the network looked, with the sentence read once, by itself."""
    translator, sentences = opened_pairs(opened)
    with torch.no_grad():
        memory = encode(translator, admit_source(sentences, SOURCE))
        state, found, looks = translator.begin(memory), [], []
        for before, token in zip([sentences.bos, *tokens], tokens, strict=False):
            logits, state, weights = translator.step(torch.tensor([before]), state, memory)
            found.append(float(logits[0].double().log_softmax(0)[token]))
            looks.append(weights[0].numpy())
    return found, looks


@pytest.mark.parametrize("method", ["beam", "greedy", "sampling"])
def test_every_node_is_what_the_network_says_of_it_alone(opened: Opened, method: str) -> None:
    trace = search(opened, SOURCE, method=method, width=4, longest=6)
    for node in range(1, trace.sizes["node"], 3):
        path = sentence(trace, node)
        alone, looks = read_alone(opened, path)
        assert trace["total"].values[node] == pytest.approx(sum(alone), abs=1e-4)
        assert trace["log_probability"].values[node] == pytest.approx(alone[-1], abs=1e-4)
        if "attention" in trace:
            np.testing.assert_allclose(trace["attention"].values[node], looks[-1], atol=1e-5)
    assert ("attention" in trace) == (opened.experiment.model.attention != "none")  # type: ignore[attr-defined]


def test_greedy_is_what_the_translation_s_own_greedy_writes(opened: Opened) -> None:
    trace = search(opened, SOURCE, method="greedy", longest=32)
    assert trace.attrs["text"] == str(translate(opened, [SOURCE])["translation"].values[0])


def test_attention_stands_over_the_source_s_words(opened: Opened) -> None:
    trace = search(opened, SOURCE, width=3, longest=5)
    if "attention" not in trace:
        return
    assert trace["source_label"].values.tolist() == ["two", "big", "cats", "<eos>"]
    np.testing.assert_allclose(trace["attention"].values[1:].sum(1), 1, atol=1e-5)


def test_a_word_that_was_never_seen_is_said_and_read_as_unknown(opened: Opened) -> None:
    trace = search(opened, "two purple cats", width=2, longest=5)
    assert trace.attrs["unknown"] == ["purple"] or trace.attrs["unknown"] == ["<unk>"]
    assert search(opened, SOURCE, width=2, longest=5).attrs["unknown"] == []
    twice = search(opened, "two purple purple cats", width=2, longest=5)
    assert twice.attrs["unknown"] == trace.attrs["unknown"]
    with pytest.raises(DataError, match="nothing to translate"):
        search(opened, "  ")


def test_what_was_cut_off_is_said(opened: Opened) -> None:
    most = opened_pairs(opened)[1].longest
    trace = search(opened, "two " * 40, reference="deux " * 50, width=2, longest=5)
    assert (trace.attrs["source_of"], trace.attrs["source_read"]) == (41, most)
    assert (trace.attrs["target_of"], trace.attrs["target_read"]) == (51, most)
    assert "target_of" not in search(opened, SOURCE, width=2, longest=5).attrs


@pytest.mark.parametrize("text", ["zzzz", "un zzzz", "<unk>"])
def test_nothing_unknown_is_forced(opened: Opened, text: str) -> None:
    with pytest.raises(DataError, match=r"is not one of the words: .*deux"):
        search(opened, SOURCE, prefix=text, width=2, longest=5)
    assert search(opened, SOURCE, prefix="un", width=2, longest=5).attrs["text"].startswith("un")


def test_the_reference_is_followed(opened: Opened) -> None:
    trace = search(opened, SOURCE, reference="deux gros chats", width=2, longest=6)
    assert trace["reference_label"].values.tolist() == ["deux", "gros", "chats", "<eos>"]
    tokens = trace["reference_token"].values.tolist()
    np.testing.assert_allclose(
        trace["reference_log_probability"], read_alone(opened, tokens)[0], atol=1e-4)


def test_forced_words_are_gone_on_from(opened: Opened) -> None:
    trace = search(opened, SOURCE, prefix=["un"], width=2, longest=6)
    assert trace.attrs["text"].startswith("un")
    assert isinstance(opened.network, Translator)
    assert cast("Any", trace)["forced"].values.sum() == 2


def test_a_language_model_goes_on_for_just_so_long(lstm: Opened) -> None:
    trace = search(lstm, "the cat", width=4, longest=8)
    path = sentence(trace, trace.attrs["best"])
    assert len(path) == 8
    assert trace.attrs["eos"] == -1
    ids = torch.from_numpy(lstm.tokenizer.encode("the cat").ids).tolist()
    with torch.no_grad():
        logits = lstm.network(torch.tensor(ids + path)[:, None])[0][:, 0].log_softmax(-1)
    alone = sum(float(logits[len(ids) - 1 + n, token]) for n, token in enumerate(path))
    assert trace.attrs["best_total"] == pytest.approx(alone, abs=1e-3)
    greedy = search(lstm, "the cat", method="greedy", longest=8)
    own = PROBES["generate"](lstm, "the cat", 8, temperature=0)
    assert sentence(greedy, greedy.attrs["best"]) == own["id"].values[len(ids):].tolist()


def test_what_a_language_model_never_saw_is_said(lstm: Opened) -> None:
    assert search(lstm, "😀 你好, 你 the cat", longest=3).attrs["unknown"] == ["😀", "你", "好"]
    assert search(lstm, "the cat", longest=3).attrs["unknown"] == []
    with pytest.raises(DataError, match="“你” is not one of the words"):
        search(lstm, "the cat", prefix="t你", longest=3)


def test_a_network_of_both_directions_is_refused() -> None:
    from explorer.models import Model
    from tests.probes.conftest import open_trained

    both = open_trained(Model.parse({"kind": "gru", "hidden": 6, "bidirectional": True}), steps=2)
    with pytest.raises(DataError, match="reads both ways"):
        search(both, "the cat")


def test_batched_is_one_by_one(opened: Opened) -> None:
    """The same totals whether a beginning shares its batch with others or has it to itself."""
    wide = search(opened, SOURCE, width=6, longest=5)
    totals = {tuple(sentence(wide, node)): float(wide["total"].values[node])
              for node in np.flatnonzero(wide["expanded"].values)}
    for path, total in totals.items():
        if path:
            alone: xr.Dataset = search(opened, SOURCE, prefix=list(path), method="greedy",
                                       longest=len(path) + 1)
            node = int(np.flatnonzero(alone["forced"].values)[-1])
            assert float(alone["total"].values[node]) == pytest.approx(total, abs=1e-4)
