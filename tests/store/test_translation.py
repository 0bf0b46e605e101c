"""A translator in the store: there and back, on disk and as a zip, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save

from explorer.errors import RunError
from explorer.experiment import Experiment
from explorer.store import Store, admit, export
from explorer.store.folder import COLUMNS, MEASURES
from explorer.text.pairs import Pairs
from explorer.text.sentences import Sentences
from explorer.work import work
from tests.store.test_archive import refused, rezipped, unzipped
from tests.training.small import PAIRS, TRANSLATORS, translating

EXPERIMENT = translating("additive", steps=6)
KEY = EXPERIMENT.key
KILLED = translating(steps=400, snapshots=100)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(str(tmp_path_factory.mktemp("translations")), pretrained="")
    assert work(store, EXPERIMENT) == "finished"
    return store


@pytest.fixture(scope="module")
def zipped(trained: Store) -> bytes:
    return export(trained, KEY)


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "other"), pretrained="")


def test_it_is_opened_as_it_was_trained(trained: Store) -> None:
    run = Store(trained.url, pretrained="").run(KEY)
    assert isinstance(run.tokenizer, Sentences)
    assert isinstance(run.experiment.text, Pairs)
    assert run.experiment.text.rows == PAIRS.rows
    assert (run.status, run.experiment) == ("finished", EXPERIMENT)
    fresh = EXPERIMENT.task.tokenizer(PAIRS, EXPERIMENT.tokens)
    assert run.tokenizer.to_json() == fresh.to_json()
    shapes = {name: value.shape for name, value in load(run.weights()).items()}
    assert shapes == run.experiment.model.shapes(*run.tokenizer.sizes)
    assert list(run.history.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert {"bleu", "notes_bleu"} <= set(run.history.columns[len(COLUMNS) :]) <= set(MEASURES)
    measured = run.history.dropna(subset=["bleu"])
    assert measured["step"].tolist() == list(run.snapshots[1:])
    assert measured["bleu"].between(0, 100).all()
    assert measured["notes_bleu"].between(0, 1).all()


def test_paused_it_goes_on_to_the_same_end(trained: Store, other: Store) -> None:
    assert work(other, EXPERIMENT, until=4) == "paused"
    assert work(other, EXPERIMENT) == "finished"
    assert other.run(KEY).weights() == trained.run(KEY).weights()
    here, there = (store.run(KEY).history.drop(columns="tokens_per_second")
                   for store in (other, trained))
    pd.testing.assert_frame_equal(here.drop(index=3), there.drop(index=3))  # 4 was measured too


@pytest.mark.parametrize("settings", [
    {"model": model} for model in TRANSLATORS] + [{"tokens": kind} for kind in (
        "character", "bpe", {"kind": "wordpiece", "byte_fallback": True})], ids=str)
def test_every_kind_as_a_zip(other: Store, tmp_path: Path, settings: dict[str, Any]) -> None:
    store, experiment = Store(str(tmp_path / "one"), ""), translating(steps=2, **settings)
    work(store, experiment)
    assert admit(other, export(store, experiment.key), "me") == experiment.key
    here, there = other.run(experiment.key), store.run(experiment.key)
    assert here.weights() == there.weights()
    assert here.tokenizer.to_json() == there.tokenizer.to_json()
    pd.testing.assert_frame_equal(here.history, there.history)


def forged(zipped: bytes, content: str) -> bytes:
    """A zip whose experiment, text and key agree, with another text."""
    files = {name.partition("/")[2]: data for name, data in unzipped(zipped).items()}
    said = json.loads(files["experiment.json"])
    said["data"] |= {"sha256": hashlib.sha256(content.encode()).hexdigest(),
                     "characters": len(content)}
    files["experiment.json"] = json.dumps(said).encode()
    files["text.json"] = json.dumps({"name": "phrases", "content": content}).encode()
    key = Experiment.parse(said).key
    return rezipped({f"{key}/{name}": data for name, data in files.items()})


@pytest.mark.parametrize(("content", "said"), [
    ("no tab at all", "no pair of sentences"), ("a\tb\nno tab\n", "no pair of sentences"),
    ("a\tb\n\tb\n", "no pair of sentences"), ("a\t\nb\t\n", "no pair of sentences"),
    ("a\tb\nc\td\n", "tokenizer.json"), ("\t\n\t\n", "is empty"),
    ("a\ta\n", "fewer than two")])
def test_a_text_that_is_no_pairs_is_refused(
    other: Store, zipped: bytes, content: str, said: str
) -> None:
    refused(other, forged(zipped, content), said)


def test_the_text_of_another_run_is_refused(other: Store, zipped: bytes) -> None:
    files = unzipped(zipped)
    name = f"{KEY}/text.json"
    refused(other, rezipped(files | {name: files[name].replace(b"chat", b"rat")}), "differs")


@pytest.mark.parametrize("change", [
    lambda read: read | {"longest": 5}, lambda read: read | {"spaced": False},
    lambda read: read | {"source": read["target"]}, lambda read: read["target"]])
def test_another_tokenizer_is_refused(other: Store, zipped: bytes, change: Any) -> None:
    files, name = unzipped(zipped), f"{KEY}/tokenizer.json"
    damaged = json.dumps(change(json.loads(files[name])), ensure_ascii=False).encode()
    refused(other, rezipped(files | {name: damaged}), "tokenizer.json")


@pytest.mark.parametrize("change", [
    lambda tensors: tensors | {"source.weight": tensors["source.weight"][1:]},
    lambda tensors: {name: value for name, value in tensors.items() if "scorer" not in name},
    lambda tensors: tensors | {"combine.weight": np.zeros((12, 36), np.float32)},
    lambda tensors: tensors | {"output.bias": tensors["output.bias"] * np.float32("nan")}])
def test_tensors_of_another_network_are_refused(other: Store, zipped: bytes, change: Any) -> None:
    files, name = unzipped(zipped), f"{KEY}/snapshots/6.safetensors"
    refused(other, rezipped(files | {name: save(change(load(files[name])))}), "6.safetensors: it")


def test_a_damaged_tokenizer_is_said(trained: Store, other: Store, zipped: bytes) -> None:
    admit(other, zipped, "me")
    other.folder(KEY).write("tokenizer.json", b'{"source": [], "target": {}}')
    with pytest.raises(RunError, match=r"damaged \(tokenizer.json"):
        Store(other.url, "").run(KEY).tokenizer.size


CHILD = """
import sys
from explorer.store import Store
from explorer.work import work
from tests.store.test_translation import KILLED
work(Store(sys.argv[1], ""), KILLED, report=lambda event: print(event.step, flush=True))
"""


def test_killed_it_stays_readable_and_goes_on_to_the_same_end(other: Store, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD, other.url], stdout=subprocess.PIPE,
                          text=True, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout
        while int(child.stdout.readline()) < 12:
            pass
        os.kill(child.pid, signal.SIGKILL)
    run = Store(other.url, "").run(KILLED.key)
    assert run.status == "running"
    reached = max(run.snapshots)
    assert 4 <= reached < 400
    assert all(load(run.weights(step)) for step in run.snapshots)
    assert run.history["step"].is_monotonic_increasing
    assert run.tokenizer.sizes == run.experiment.task.tokenizer(PAIRS, KILLED.tokens).sizes
    until = reached + 3
    reference = Store(str(tmp_path / "unbroken"), "")
    for store in (other, reference):
        assert work(store, KILLED, until=until) == "paused"
    assert other.run(KILLED.key).weights() == reference.run(KILLED.key).weights()
