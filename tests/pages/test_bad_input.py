"""Whatever comes, the page says in words which thing, where, and what cures it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.store import Run, Store
from explorer.text import CORPORA, corpus
from tests.engine.test_local import cpu_seconds, descendants
from tests.pages.conftest import OWNER, Open, component, said, trained, well
from tests.pages.test_train import TALE, can_train, counts, field, paste, press, upload
from tests.training.small import small

SEEDS = iter(range(100, 1000))

REFUSED = {
    "empty": (b"", ["is empty", "choose a text"]),
    "blanks": (b" \n\t\r\n", ["is empty"]),
    "one character": (b"a", ["single character", "some thousands"]),
    "one repeated character": (b"a" * 999, ["only the character 'a', 999 times", "Choose a text"]),
    "5 MB": (b"some words " * 460_000, ["is 5.1 MB; the limit is 5 MB", "use a part"]),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ["is a PNG file", "save its text"]),
    "a PDF": (b"%PDF-1.7\n...", ["is a PDF", "paste it"]),
    "null bytes": (b"a\0b\0\0\0" * 99, ["control characters, the first at position", "paste"]),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_no_text_is_refused_by_name_with_a_cure(opened: Open, what: str) -> None:
    data, words = REFUSED[what]
    page = upload(opened("train"), "my <book>.txt", data)
    assert len(page.error) == 1
    for word in ("my <book>.txt", *words):
        assert word in said(page)
    assert not can_train(page)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-16", "utf-16-le"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"),
     ("latin-1", "latin-1"), ("utf-8-sig", "utf-8")],
)
def test_encodings_are_found_and_shown(opened: Open, encoding: str, shown: str) -> None:
    page = upload(opened("train"), "tale.txt", TALE.encode(encoding))
    assert counts(page)["encoding"] == shown
    assert counts(page)["characters"] == f"{len(TALE.strip()):,}" or counts(page)[
        "characters"] == f"{len(TALE):,}"
    assert "".join(component(page, "pieces")["tokens"]) == TALE[:300]
    assert said(page) == ""
    assert can_train(page)


def test_a_paste_of_one_character_is_refused(opened: Open) -> None:
    page = paste(opened("train"), "x")
    assert "pasted text” has a single character" in said(page)
    assert not can_train(page)


def test_nothing_pasted_is_no_fault(opened: Open) -> None:
    page = well(opened("train").get("button_group")[0].set_value("paste").run())
    assert said(page) == ""
    assert not can_train(page)


@pytest.mark.parametrize("length", [3, 11, 40])
def test_a_text_shorter_than_a_window_still_trains(
    opened: Open, engine: LocalEngine, store: Store, length: int
) -> None:
    page = paste(opened("train", hidden=4, quality="quick"), TALE[:length])
    assert said(page) == ""
    press(page, "Train")
    key = page.query_params["run"]
    end = time.monotonic() + 60
    while not (job := engine.find(key)) or not job.over:
        assert time.monotonic() < end, job
        time.sleep(0.05)
    assert job.status == "finished", job
    assert said(well(page.run())) == ""
    assert component(page, "written")["tokens"]


def test_a_text_of_two_characters_holds_nothing_to_guess(opened: Open) -> None:
    page = press(paste(opened("train", hidden=4), "ab"), "Train")
    assert "longer text" in until_said(page)


def test_a_window_longer_than_the_text_is_said(opened: Open, engine: LocalEngine) -> None:
    page = paste(opened("train", hidden=4), TALE[:100])
    well(field(page, "Window").set_value(1024).run())
    press(page, "Train")
    assert "take a shorter window or a longer text" in until_said(page)


def until_said(page: AppTest) -> str:
    """What a page says in the end."""
    end = time.monotonic() + 60
    while not said(page):
        assert time.monotonic() < end
        time.sleep(0.1)
        well(page.run())
    return said(page)


def test_sixty_thousand_words_are_cut_to_the_cap_and_the_preview_says_so(opened: Open) -> None:
    words = " ".join(f"word{number}" for number in range(60_000))
    page = upload(opened("train"), "list.txt", words.encode())
    well(field(page, "Tokens").set_value("word").run())
    assert counts(page)["vocabulary"] == "8,000"
    captions = " ".join(caption.value for caption in page.caption)
    assert "52,001 different tokens" in captions
    assert "<unk>" in captions


@pytest.mark.parametrize("hidden", ["0", "99999999", "-4", "many", "nan", "1e3"])
def test_a_size_beyond_its_range_by_link_says_what_is_used(opened: Open, hidden: str) -> None:
    page = opened("train", hidden=hidden)
    assert f"hidden = {hidden}" in said(page)
    assert f"{page.number_input(key='hidden').value} is used" in said(page)
    assert can_train(page)


@pytest.mark.parametrize("key", ["0" * 32, "nonsense", "../../etc/passwd", "<b>"])
@pytest.mark.parametrize("name", ["train", "gates"])
def test_an_unknown_run_is_said(opened: Open, run: Run, name: str, key: str) -> None:
    message = said(opened(name, run=key))
    assert f"no run {key}" in message
    assert "train it again" in message


@pytest.fixture
def older(store: Store, run: Run) -> Iterator[str]:
    """A run as another version might have left it."""
    key, runs = "a" * 32, Path(store.url, "runs")
    shutil.copytree(runs / run.key, runs / key)
    file = runs / key / "experiment.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"format": 0}), "utf-8")
    store.claim(OWNER, key)
    yield key
    store.delete(OWNER, key)


@pytest.mark.parametrize("name", ["train", "gates"])
def test_a_run_of_another_version_is_said(opened: Open, name: str, older: str) -> None:
    message = said(opened(name, run=older))
    assert "another version" in message
    assert "train it again" in message


def test_a_run_of_another_version_harms_no_other_page(opened: Open, run: Run, older: str) -> None:
    assert said(opened("train")) == said(opened("home")) == ""
    opened("runs")


@pytest.fixture(params=["history.parquet", "tokenizer.json", "status.json"])
def damaged(
    request: pytest.FixtureRequest, engine: LocalEngine, store: Store
) -> Iterator[tuple[str, str]]:
    """A run one of whose files is garbage: its key, and the file."""
    key = trained(engine, store, small("rnn", steps=4, seed=next(SEEDS))).key
    Path(store.url, "runs", key, request.param).write_bytes(b"garbage")
    yield key, request.param
    store.delete(OWNER, key)


def test_a_damaged_run_is_said_and_harms_no_other_page(
    opened: Open, run: Run, damaged: tuple[str, str]
) -> None:
    key, file = damaged
    for name in ("train", "gates"):
        message = said(opened(name, run=key))
        assert file in message
        assert "rain it again" in message
    assert said(opened("train")) == said(opened("home")) == ""
    opened("runs")
    assert said(opened("gates")) == ""


def test_divergence_is_said_and_the_last_good_snapshot_writes(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    run = trained(engine, store, small("rnn-relu", steps=60, learning_rate=1000.0, clip=0.0,
                                       optimizer="sgd", schedule="constant"))
    assert run.status == "diverged"
    page = opened("train", run=run.key)
    assert "no longer a finite number" in said(page)
    assert "Lower the learning rate" in said(page)
    assert component(page, "written")["tokens"]
    offered = {button.label for button in page.button}
    assert {"Clip at 1", "Learning rate × 0.1", "Orthogonal start", "Another seed"} <= offered
    assert "Go on" not in offered, "it would break at the very same step"
    page = opened("runs")
    well(page.button(key=f"hand-{run.key}").click().run())
    assert "no longer a finite number" in said(page)
    assert "Clip at 1" in {button.label for button in page.button}


def underway(engine: LocalEngine, experiment: Experiment, owner: str = OWNER) -> str:
    """Submit, and wait until some steps are done: the job's id."""
    job = engine.submit(experiment, owner)
    end = time.monotonic() + 60
    while not any(point.step > 3 for point in engine.progress(job.id)):
        assert time.monotonic() < end, engine.job(job.id)
        time.sleep(0.02)
    return job.id


def over(engine: LocalEngine, id: str) -> None:
    end = time.monotonic() + 60
    while not engine.job(id).over:
        assert time.monotonic() < end, engine.job(id)
        time.sleep(0.02)


def endless() -> Experiment:
    return small("rnn", steps=200_000, seed=next(SEEDS), snapshots=200)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_training_process_killed_from_outside_is_said_and_goes_on(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    experiment = endless()
    id = underway(engine, experiment)
    assert engine._process
    os.kill(max(descendants(engine._process.pid), key=cpu_seconds), signal.SIGKILL)
    over(engine, id)
    page = opened("train", run=experiment.key)
    assert "ended from outside" in said(page)
    press(page, "Go on")
    job = engine.find(experiment.key)
    assert job is not None
    assert job.status == "running"


def test_a_run_whose_engine_was_killed_writes_and_goes_on(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    run = trained(engine, store, small("rnn", steps=30, seed=next(SEEDS)))
    store.mark(run.key, "running")  # as a killed engine leaves it
    page = opened("train", run=run.key)
    assert "Go on" in {button.label for button in page.button}
    assert component(page, "written")["tokens"]


def test_a_full_disk_is_said_and_what_was_written_is_kept(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    experiment = endless()
    full = Path(store.url, "full")
    try:
        id = underway(engine, experiment)
        full.touch()
        over(engine, id)
        page = opened("train", run=experiment.key)
        assert "disk" in said(page)
        assert "is full" in said(page)
        assert "free some space" in said(page)
        assert component(page, "written")["tokens"]
    finally:
        full.unlink(missing_ok=True)
    press(page, "Go on")
    over_or_running = engine.find(experiment.key)
    assert over_or_running is not None
    assert over_or_running.status == "running"


def test_the_page_itself_meets_a_full_disk(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    page = paste(opened("train", hidden=8), TALE[: 500 + next(SEEDS)])
    monkeypatch.setattr("explorer.store.files.Files._put", full)
    press(page, "Train")
    assert "is full" in said(page)


def test_two_visitors_with_one_experiment_share_its_run(
    opened: Open, engine: LocalEngine
) -> None:
    text = corpus(next(iter(CORPORA)))
    shared = Experiment.language_model(text, model={"kind": "rnn", "hidden": 128}, quality="best")
    theirs = engine.submit(shared, "somebody else")
    page = press(opened("train", model="rnn", quality="best"), "Train")
    assert page.query_params["run"] == shared.key
    status = engine.status()
    assert len(status.running) + len(status.queued) == 1
    if not engine.job(theirs.id).over:
        press(page, "Cancel")
        assert not engine.job(theirs.id).over  # it is still wanted


@pytest.mark.parametrize(
    ("owners", "words"),
    [(["b", "b", "b", "c"], "The queue is full: 4 runs"), ([OWNER] * 3, "already have 3 runs")],
)
def test_a_full_queue_is_said(
    opened: Open, engine: LocalEngine, owners: list[str], words: str
) -> None:
    page = opened("train")
    for owner in owners:
        engine.submit(endless(), owner)
    press(page, "Train")
    assert words in said(page)
    assert "run" not in page.query_params


def test_a_text_is_never_markup(opened: Open, run: Run) -> None:
    evil = '"><img src=x onerror=alert(1)><script>alert(1)</script> $x$ [a](http://b) '
    page = upload(opened("train"), evil + ".txt", (evil * 20).encode())
    assert said(page) == ""
    assert "".join(component(page, "pieces")["tokens"]).startswith(evil)
    opened("train", run=run.key, prefix=evil)
    page = opened("gates", run=run.key, text=evil)
    assert "".join(component(page, "strip")["tokens"]) == evil
    markdowns = [each for each in [*page.markdown, *page.caption] if each.proto.allow_html]
    assert not any("<img" in each.value or "<script" in each.value for each in markdowns)


