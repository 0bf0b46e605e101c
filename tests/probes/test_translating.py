"""What the probes of a translator say: laws from the trace alone, then plain functions."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest
import sacrebleu
import torch
import xarray as xr
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.probes import Opened
from explorer.probes.translating import alignment, evaluation, forcing, longest, translate
from explorer.tasks.pairing import apart, coded
from explorer.tasks.translation import Translation, told_apart
from explorer.text.bleu import corpus_bleu, notes_bleu, sentence_bleu
from explorer.text.pairs import Pairs
from explorer.training.events import Snapshot
from explorer.training.loop import train
from tests.probes.conftest import in_double
from tests.training.small import PAIRS, TRANSLATORS, translating

SOURCE, TARGET = "Tom eat a cake, really!", "tom mange un gâteau, really!"


def opened_after(model: str = "general", steps: int = 25, **settings: Any) -> Opened:
    experiment = translating(model, steps=steps, learning_rate=0.02, **settings)
    sentences = experiment.task.tokenizer(experiment.text, experiment.tokens)
    last = [e for e in train(experiment, sentences) if isinstance(e, Snapshot)][-1]
    return Opened.from_weights(experiment, sentences, last.step, last.weights)


@pytest.fixture(scope="module", params=TRANSLATORS)
def any_model(request: pytest.FixtureRequest) -> Opened:
    return opened_after(request.param)


@pytest.fixture(scope="module")
def general() -> Opened:
    return opened_after(steps=80)


@pytest.mark.parametrize("target", [None, TARGET])
def test_the_laws_hold_from_the_trace_alone(any_model: Opened, target: str | None) -> None:
    found = alignment(in_double(any_model), SOURCE, target)
    attention, kind = found["attention"].values[0, 0], found.attrs["attention"]
    assert attention.shape == (found.sizes["query"], found.sizes["key"])
    logits = found["logits"].values
    guesses = np.exp(logits - logits.max(1, keepdims=True))
    guesses /= guesses.sum(1, keepdims=True)
    chosen = guesses[np.arange(len(guesses)), found["query_id"].values]
    np.testing.assert_allclose(found["probability"], chosen, rtol=1e-12)
    best = -np.sort(-guesses, axis=1)[:, : found.sizes["rank"]]
    np.testing.assert_allclose(found["candidate_probability"], best, rtol=1e-12)
    np.testing.assert_allclose(
        np.take_along_axis(guesses, found["candidate"].values, 1), best, rtol=1e-12)
    if kind == "none":
        assert "scores" not in found
        assert not attention.any()
        assert (found["context"] == found["context"][0]).all()
        return
    scores = found["scores"].values[0, 0]
    seen = np.ones_like(scores, bool)
    window = np.ones_like(scores)
    if "centre" in found:
        away = np.arange(scores.shape[1]) - found["centre"].values[:, None]
        seen, window = np.abs(away) <= 3, np.exp(-2 * (away / 3) ** 2)
        assert ((found["centre"] > 0) & (found["centre"] < scores.shape[1])).all()
    weights = np.where(seen, np.exp(scores - scores.max(1, keepdims=True)), 0)
    weights /= weights.sum(1, keepdims=True)
    np.testing.assert_allclose(attention, weights * window, rtol=1e-9, atol=1e-12)
    if "centre" not in found:
        np.testing.assert_allclose(attention.sum(1), 1, rtol=1e-12)


def test_the_context_is_what_the_weights_take_of_the_keys(any_model: Opened) -> None:
    """The keys by PyTorch's own encoder, of a sentence that needs no padding."""
    double = in_double(any_model)
    network: Any = double.network
    found = alignment(double, SOURCE)
    ids = torch.from_numpy(double.tokenizer.read(SOURCE).ids)
    with torch.no_grad():
        keys, last = network.encoder(network._read(network.source, ids)[:, None])
        last = last[0] if isinstance(last, tuple) else last
    attention = found["attention"].values[0, 0]
    expected = attention @ keys[:, 0].numpy()
    if found.attrs["attention"] == "none":
        expected = np.repeat(last[-1].numpy(), len(attention), 0)
    np.testing.assert_allclose(found["context"], expected, rtol=1e-9, atol=1e-12)


def test_what_it_writes_is_what_it_translates(any_model: Opened) -> None:
    sources = [SOURCE, "i see a dog", "She love a cat."]
    together = translate(any_model, sources)
    for source, translation in zip(sources, together["translation"].values, strict=True):
        found = alignment(any_model, source)
        assert found.attrs["translation"] == translation
        assert found.sizes["query"] <= longest(any_model)
        labels = found["query_label"].values.tolist()
        assert ("<eos>" in labels) == (labels[-1] == "<eos>")
        assert (found["candidate"].values[:, 0] == found["query_id"].values).all()
    assert together["source"].values.tolist() == [
        any_model.tokenizer.source.prepare(source) for source in sources]


def test_forced_with_its_own_translation_it_does_the_same(general: Opened) -> None:
    own = alignment(general, SOURCE)
    assert own["query_label"].values[-1] == "<eos>"
    forced = alignment(general, SOURCE, own.attrs["translation"])
    assert (own.attrs["forced"], forced.attrs["forced"]) == (0, 1)
    xr.testing.assert_identical(own.drop_attrs(), forced.drop_attrs())


def test_recorded_equals_unrecorded(any_model: Opened) -> None:
    """All steps at once, without a tape, over what was written."""
    double = in_double(any_model)
    network: Any = double.network
    found = alignment(double, SOURCE, TARGET)
    pairs = coded(double.tokenizer, [(SOURCE, TARGET)])
    with torch.no_grad():
        logits = network(pairs.source, pairs.source_valid, pairs.given)[0]
    np.testing.assert_allclose(found["logits"], logits, rtol=0, atol=1e-12)
    assert found["query_label"].values.tolist() == list(double.tokenizer.written(TARGET).labels)
    assert found["key_label"].values.tolist() == list(double.tokenizer.read(SOURCE).labels)
    assert found.attrs["run"] == double.key


def test_what_mistakes_cost(any_model: Opened) -> None:
    double = in_double(any_model)
    network: Any = double.network
    found = forcing(double, SOURCE, TARGET)
    pairs = coded(double.tokenizer, [(SOURCE, TARGET)])
    with torch.no_grad():
        loss, count = Translation().evaluate(network, pairs)
        given = pairs.given.clone()
        for t in range(count):
            logits = network(pairs.source, pairs.source_valid, given)[0]
            if t + 1 < count:
                given[0, t + 1] = logits[t].argmax()
        told = network(pairs.source, pairs.source_valid, pairs.given)[0]
    assert found.attrs["masked"] == pytest.approx(loss, rel=1e-12)
    assert float(found["told"].mean()) == pytest.approx(loss, rel=1e-12)
    paid = F.cross_entropy(logits, pairs.target[0], reduction="none")
    np.testing.assert_allclose(found["free"], paid, rtol=1e-9)
    labels = double.tokenizer.labels
    assert found["guess_told"].values.tolist() == [labels[i] for i in told.argmax(-1)]
    assert found["guess_free"].values.tolist() == [labels[i] for i in logits.argmax(-1)]
    wrong = [t for t in range(count) if int(logits[t].argmax()) != int(pairs.target[0, t])]
    first = found.attrs["first_error"]
    assert first == (wrong[0] if wrong else -1)
    assert np.flatnonzero(~found["right_free"].values).tolist() == wrong
    np.testing.assert_array_equal(found["right_told"], told.argmax(-1) == pairs.target[0])
    until = count if first < 0 else first + 1
    np.testing.assert_allclose(found["free"][:until], found["told"][:until], rtol=1e-9)


def test_without_an_error_there_is_no_avalanche(general: Opened) -> None:
    own = alignment(general, SOURCE).attrs["translation"]
    found = forcing(general, SOURCE, own)
    assert found.attrs["first_error"] == -1
    np.testing.assert_array_equal(found["told"], found["free"])


def test_no_guess_of_an_unknown_word_is_right(general: Opened) -> None:
    """Not even <unk>: here a network that writes nothing else."""
    network: Any = copy.deepcopy(general.network)
    with torch.no_grad():
        network.output.bias[0] = 1e3
    found = forcing(dataclasses.replace(general, network=network), SOURCE, "zibra tom")
    assert found["unknown"].values.tolist() == [True, False, False]
    assert found["guess_free"].values.tolist() == ["<unk>"] * 3
    assert float(found["free"][0]) == pytest.approx(0, abs=1e-6), "it is sure of <unk>"
    assert not found["right_free"].values.any()
    assert not found["right_told"].values.any()
    assert found.attrs["first_error"] == 0


def test_the_evaluation_can_be_computed_anew(general: Opened) -> None:
    found = evaluation(general)
    _, held_out = apart(PAIRS, 0.2)
    sentences: Any = general.tokenizer
    assert found.attrs["of"] == found.sizes["pair"] == len(held_out)
    assert found["source"].values.tolist() == [sentences.source.prepare(a) for a, _ in held_out]
    true = [sentences.prepare(b) for _, b in held_out]
    assert found["reference"].values.tolist() == true
    guessed = found["translation"].values.tolist()
    assert guessed == translate(general, [a for a, _ in held_out])["translation"].values.tolist()
    right = [[reference] for reference in true]  # each source has one translation
    assert found.attrs["bleu"] == pytest.approx(corpus_bleu(guessed, right))
    np.testing.assert_allclose(
        found["bleu"], [sentence_bleu(a, b) for a, b in zip(guessed, true, strict=True)])
    own = [notes_bleu(a.split(), b.split(), 2) for a, b in zip(guessed, true, strict=True)]
    np.testing.assert_allclose(found["notes_bleu"], own)
    assert found.attrs["notes_bleu"] == pytest.approx(np.mean(own))
    length = found["length"].values
    assert length.tolist() == [len(sentences.read(a)) - 1 for a, _ in held_out]
    assert int(found["bin_sentences"].sum()) == found.attrs["sentences"] == len(held_out)
    for low, high, count, bleu in zip(*(found[f"bin_{name}"].values for name in (
            "low", "high", "sentences", "bleu")), strict=True):
        inside = np.flatnonzero((length >= low) & (length <= high))
        assert len(inside) == count > 0
        assert bleu == pytest.approx(corpus_bleu([guessed[i] for i in inside],
                                                 [right[i] for i in inside]))
    assert (found["bin_low"].values[1:] > found["bin_high"].values[:-1]).all()


def test_a_sentence_counts_once_however_many_translations_it_has(general: Opened) -> None:
    """The same network on a file in which every source stands three times more."""
    sentences: Any = general.tokenizer
    rows = [(source, said) for a, b in PAIRS.rows for source, said in (
        (a, b), (a, f"mais {b}"), (a.replace(" ", "  "), f"{b} oui"), (a, "oui"))]
    more = Pairs("more", "".join(f"{source}\t{target}\n" for source, target in rows))
    text = general.experiment.task.material(more)
    data = general.experiment.data.model_copy(update={"sha256": text.sha256})
    experiment = general.experiment.model_copy(update={"data": data}).with_text(text)
    found = evaluation(dataclasses.replace(general, experiment=experiment))
    once = evaluation(general)
    count = once.sizes["pair"]
    assert found.attrs["sentences"] == once.attrs["sentences"] == count
    assert found.attrs["of"] == found.sizes["pair"] == 4 * count
    said = found["translation"].values.reshape(count, 4)
    assert (said == said[:, :1]).all()
    right = found["reference"].values.reshape(count, 4)
    theirs = sacrebleu.corpus_bleu(list(said[:, 0]), [list(column) for column in right.T],
                                   force=True)
    assert found.attrs["bleu"] == pytest.approx(theirs.score)
    assert found.attrs["bleu"] > once.attrs["bleu"]
    assert int(found["bin_sentences"].sum()) == count
    for i in range(found.sizes["pair"]):  # by itself each pair has its own reference
        assert found["bleu"].values[i] == pytest.approx(sentence_bleu(
            str(found["translation"].values[i]), str(found["reference"].values[i])))
    measured = experiment.task.measures(general.network, told_apart(
        sentences, apart(more, 0.2)[1]), sentences, last=True)
    assert measured == {name: pytest.approx(found.attrs[name]) for name in ("bleu", "notes_bleu")}


def test_the_last_snapshot_was_measured_likewise(general: Opened) -> None:
    _, held_out = general.experiment.task.split(
        general.experiment.text, 0.2, general.experiment.training, general.tokenizer)
    measured = general.experiment.task.measures(
        general.network, held_out, general.tokenizer, last=True)
    found = evaluation(general)
    assert measured == {name: pytest.approx(found.attrs[name]) for name in ("bleu", "notes_bleu")}


def test_a_part_of_the_held_out_pairs(general: Opened) -> None:
    found = evaluation(general, most=10)
    assert found.sizes["pair"] <= 10
    assert found.attrs["of"] == len(apart(PAIRS, 0.2)[1])
    assert set(found["source"].values) <= set(evaluation(general)["source"].values)


def test_a_word_never_seen_is_said(general: Opened) -> None:
    found = translate(general, ["tom eat a zebra", "tom eat a cake"])
    assert found["unknown"].values.tolist() == [1, 0]
    seen = alignment(general, "tom eat a zebra")
    assert seen["key_label"].values.tolist() == ["tom", "eat", "a", "zebra", "<eos>"]
    assert seen["key_unknown"].values.tolist() == [False, False, False, True, False]


def test_right_to_left_and_endless_sources_are_read(general: Opened) -> None:
    for source in ("שלום, עולם", "👩‍👩‍👧", "<eos> <pad>", "tom " * 5_000):
        found = alignment(general, source)
        assert found.sizes["key"] <= longest(general)
        assert np.isfinite(found["logits"].values).all()
        forcing(general, source, source)


def test_what_was_cut_off_of_either_side_is_said(general: Opened) -> None:
    most = longest(general)
    just, long = "tom " * (most - 1), "tom " * most  # <eos> is a token too
    for source, target, said in (
            (just, just, (most, most, most, most)),
            (long, f"{long} tom", (most + 1, most, most + 2, most))):
        for found in (alignment(general, source, target), forcing(general, source, target)):
            assert tuple(found.attrs[name] for name in (
                "source_of", "source_read", "target_of", "target_read")) == said
    assert "target_of" not in alignment(general, long).attrs
    whole = translate(general, [just, long])
    assert whole["source_of"].values.tolist() == [most, most + 1]
    assert whole["source_read"].values.tolist() == [most, most]


def test_nothing_to_translate_is_said(general: Opened) -> None:
    for source in ("", "  ", "\u3000"):
        with pytest.raises(DataError, match="nothing to translate"):
            alignment(general, source)
        with pytest.raises(DataError, match="nothing to translate"):
            translate(general, ["tom", source])
        with pytest.raises(DataError, match="nothing to translate"):
            forcing(general, source, TARGET)
        with pytest.raises(DataError, match="no target"):
            alignment(general, SOURCE, source)
        with pytest.raises(DataError, match="no target"):
            forcing(general, SOURCE, source)
    for many in ([], ["a"] * 1_001):
        with pytest.raises(DataError, match="cannot be translated at once"):
            translate(general, many)


def test_nothing_held_out_is_said(general: Opened) -> None:
    data = general.experiment.data.model_copy(update={"held_out": 0.0})
    experiment = general.experiment.model_copy(update={"data": data})
    with pytest.raises(DataError, match="nothing was held out"):
        evaluation(dataclasses.replace(general, experiment=experiment))
