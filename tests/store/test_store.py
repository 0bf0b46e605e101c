"""Runs on disk: what is written is what is read; what is damaged is said in words."""

import errno
import json
from pathlib import Path

import pytest
from safetensors.numpy import load

from explorer.errors import DataError, Diverged, RunError
from explorer.store import Store
from explorer.store.folder import COLUMNS
from explorer.text import Tokenizer
from explorer.training.events import Progress, Snapshot
from explorer.training.loop import train
from explorer.work import work
from tests.training.small import TEXT, small

KEY = small().key


def events(experiment, **options):
    return list(train(experiment, Tokenizer.learn(experiment.text, experiment.tokens), **options))


def path(store, name=""):
    return Path(store.url) / "runs" / KEY / name


class TestAFinishedRun:
    def test_it_is_what_was_trained(self, finished):
        run = finished.run(KEY)
        assert run.status == "finished"
        assert run.experiment == small()
        assert run.experiment.text == TEXT
        assert run.snapshots == tuple(small().training.snapshot_steps())
        assert run.message == ""
        assert run.seconds > 0
        assert run.tokenizer.encode("the cat").labels == tuple("the cat")

    def test_its_history_is_what_training_reported(self, finished):
        history = finished.run(KEY).history
        reported = [e for e in events(small()) if isinstance(e, Progress)]
        assert list(history.columns) == list(COLUMNS)
        assert list(history["step"]) == [e.step for e in reported]
        assert list(history["loss"]) == [e.loss for e in reported]
        validated = history.dropna(subset="validation_loss")
        assert list(validated["step"]) == small().training.snapshot_steps()[1:]

    def test_its_weights_are_those_that_training_yielded(self, finished):
        run = finished.run(KEY)
        for event in events(small()):
            if isinstance(event, Snapshot):
                assert run.weights(event.step) == event.weights

    def test_steps_count_back_like_a_list(self, finished):
        run = finished.run(KEY)
        assert run.weights() == run.weights(20) == run.weights(-1)
        assert run.weights(-len(run.snapshots)) == run.weights(0)
        for wrong in (3, 21, -6, -100):
            with pytest.raises(RunError, match="it has: 0, 1, 5, 11, 20"):
                run.weights(wrong)

    def test_its_best_is_the_lowest_validation_loss(self, finished):
        run = finished.run(KEY)
        lowest = run.history.loc[run.history["validation_loss"].idxmin(), "step"]
        assert run.best == lowest

    def test_it_is_not_trained_again(self, finished):
        before = path(finished, "status.json").stat().st_mtime_ns
        told = []
        assert work(finished, small(), report=told.append) == "finished"
        assert not told
        assert path(finished, "status.json").stat().st_mtime_ns == before

    def test_nothing_half_written_is_left(self, finished):
        assert not list(Path(finished.url).rglob("*.part"))


def test_two_empty_stores_hold_the_same_weights(finished, tmp_path):
    other = Store(str(tmp_path / "other"), pretrained="")
    work(other, small())
    for step in small().training.snapshot_steps():
        assert other.run(KEY).weights(step) == finished.run(KEY).weights(step)


def test_any_fsspec_url_will_do():
    store = Store("memory://somewhere", pretrained="")
    work(store, small(steps=3))
    run = store.run(small(steps=3).key)
    assert run.status == "finished"
    assert load(run.weights())
    store.claim("me", run.key)
    assert store.own("me") == [run.key]
    store.delete("me", run.key)
    assert run.key not in store


def test_the_url_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "from-environment"))
    assert Store().url == str(tmp_path / "from-environment")
    monkeypatch.delenv("EXPLORER_STORE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert "sequence-explorer" in Store().url


@pytest.mark.parametrize("url", ["nonsense://x", "s3nonsense://y/z"])
def test_a_url_that_nobody_knows_is_refused_in_words(url):
    with pytest.raises(RunError, match="cannot be opened"):
        Store(url)


class TestWhatCannotBeOpened:
    @pytest.mark.parametrize("key", ["", "0" * 32, "../" * 10 + "etc", "A" * 32, "é" * 32,
                                     "0" * 31, "0" * 33, "0" * 32 + "\n", "x" * 5000])
    def test_an_unknown_key(self, finished, key):
        assert key not in finished
        with pytest.raises(RunError, match="There is no run") as caught:
            finished.run(key)
        assert len(str(caught.value)) < 200

    def test_keys_of_other_types_are_not_in_it(self, finished):
        assert None not in finished
        assert 7 not in finished

    @pytest.mark.parametrize("name", ["text.json", "history.parquet", "status.json", "best.json",
                                      "experiment.json", "card.json"])
    @pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff\xfe\x00", b"17",
                                         b"[" * 100_000])
    def test_a_damaged_file(self, finished, name, content):
        path(finished, name).write_bytes(content)
        with pytest.raises(RunError) as caught:
            Store(finished.url, "").run(KEY)
        assert len(str(caught.value)) < 400

    def test_half_a_history(self, finished):
        data = path(finished, "history.parquet").read_bytes()
        path(finished, "history.parquet").write_bytes(data[: len(data) // 2])
        with pytest.raises(RunError, match=r"damaged \(history.parquet"):
            finished.run(KEY)

    def test_a_missing_text(self, finished):
        path(finished, "text.json").unlink()
        with pytest.raises(RunError, match=r"text.json: it is missing"):
            Store(finished.url, "").run(KEY)

    def test_a_text_that_was_altered(self, finished):
        said = json.loads(path(finished, "text.json").read_text())
        said["content"] = said["content"].replace("cat", "dog")
        path(finished, "text.json").write_text(json.dumps(said))
        with pytest.raises(RunError, match="its content differs"):
            Store(finished.url, "").run(KEY)

    def test_an_experiment_under_another_key(self, finished):
        said = json.loads(path(finished, "experiment.json").read_text())
        path(finished, "experiment.json").write_text(json.dumps(said | {"seed": 5}))
        with pytest.raises(RunError, match="not this run's"):
            Store(finished.url, "").run(KEY)

    def test_a_run_of_another_version(self, finished):
        said = json.loads(path(finished, "experiment.json").read_text())
        path(finished, "experiment.json").write_text(json.dumps(said | {"format": 0}))
        with pytest.raises(RunError, match="another version"):
            Store(finished.url, "").run(KEY)

    def test_a_status_of_another_version(self, finished):
        path(finished, "status.json").write_text('{"status": "dreaming"}')
        with pytest.raises(RunError, match="another version"):
            finished.run(KEY)

    def test_weights_that_were_cut_short(self, finished):
        snapshot = path(finished, "snapshots/20.safetensors")
        snapshot.write_bytes(snapshot.read_bytes()[:100])
        with pytest.raises(RunError, match="damaged"):
            finished.run(KEY).weights()

    def test_strangers_in_the_folder_of_snapshots_are_not_listed(self, finished):
        for name in ("x.safetensors", "7.safetensors.1234.part", "7.pickle", "-1.safetensors"):
            path(finished, f"snapshots/{name}").write_bytes(b"0" * 100)
        path(finished, "snapshots/7.safetensors").write_bytes(b"")
        assert finished.run(KEY).snapshots == tuple(small().training.snapshot_steps())


class TestShippedRuns:
    @pytest.fixture
    def both(self, finished, tmp_path):
        (Path(finished.url) / "runs" / KEY / "card.json").write_text(
            json.dumps({"name": "lstm-en", "title": "LSTM", "about": "A story."}))
        return Store(str(tmp_path / "own"), pretrained=finished.url)

    def test_they_open_like_any_other(self, both):
        assert both.pretrained() == [KEY]
        assert KEY in both
        assert both.run(KEY).card["title"] == "LSTM"
        assert both.run(KEY).weights() == both.run(KEY).weights(20)

    def test_they_are_nobodys_own(self, both):
        assert both.own("me") == []

    def test_deleting_one_only_takes_it_off_the_list(self, both):
        both.claim("me", KEY)
        both.delete("me", KEY)
        assert both.own("me") == []
        assert KEY in both

    def test_training_it_again_returns_at_once(self, both, tmp_path):
        assert work(both, small()) == "finished"
        assert not (tmp_path / "own" / "runs").exists()

    def test_without_any(self, store):
        assert store.pretrained() == []

    def test_the_repositorys_own_is_the_default(self, tmp_path):
        for key in Store(str(tmp_path)).pretrained():
            assert Store(str(tmp_path)).run(key).status == "finished"


class TestTroubleWhileTraining:
    def test_divergence_is_kept_in_words(self, store):
        wild = small("rnn-relu", steps=60, optimizer="sgd", learning_rate=1000, clip=0)
        with pytest.raises(Diverged) as caught:
            work(store, wild)
        run = store.run(wild.key)
        assert run.status == "diverged"
        assert run.message == str(caught.value)
        assert run.snapshots[-1] == caught.value.values["last_good"]
        assert load(run.weights())

    def test_a_full_disk_loses_nothing(self, store, monkeypatch):
        experiment = small()
        allowed = iter(range(12))

        def write(path, data, original=Path.write_bytes):
            if next(allowed, None) is None:
                original(path, data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
            return original(path, data)

        monkeypatch.setattr(Path, "write_bytes", write)
        with pytest.raises(RunError, match=r"is full.*free some space"):
            work(store, experiment)
        monkeypatch.undo()
        assert not list(Path(store.url).rglob("*.part"))
        run = store.run(KEY)
        assert run.snapshots
        assert all(load(run.weights(step)) for step in run.snapshots)
        assert work(store, experiment) == "finished"
        assert store.run(KEY).weights() == events(experiment)[-1].weights

    def test_a_store_that_may_not_be_written(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(RunError, match="cannot be written"):
            work(Store(str(tmp_path / "file"), ""), small())

    def test_ctrl_c_pauses(self, store):
        def interrupt(event):
            if event.step == 8:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            work(store, small(), report=interrupt)
        assert store.run(KEY).status == "paused"
        assert work(store, small()) == "finished"
        assert store.run(KEY).weights() == events(small())[-1].weights

    def test_any_other_fault_is_said_too(self, store):
        def fail(event):
            raise ZeroDivisionError("oops")

        with pytest.raises(ZeroDivisionError):
            work(store, small(), report=fail)
        run = store.run(KEY)
        assert run.status == "failed"
        assert "oops" in run.message

    def test_a_text_that_cannot_be_used_is_refused(self, store):
        with pytest.raises(DataError):
            work(store, small(window=1000, text=TEXT.__class__("short", "abcde" * 20)))

    def test_whoever_outlives_a_writer_can_say_how_it_ended(self, store):
        work(store, small(), until=3)
        store.mark(KEY, "failed", RunError("The process of {key} was killed.", key=KEY))
        run = store.run(KEY)
        assert (run.status, run.message) == ("failed", f"The process of {KEY} was killed.")
        assert run.seconds > 0


class TestOwners:
    def test_the_newest_first_with_their_names(self, finished, monkeypatch):
        clock = iter(range(100))
        monkeypatch.setattr("explorer.store.owners.time.time", lambda: next(clock))
        finished.claim("me", KEY)
        finished.claim("me", "0" * 32, name="second")
        assert [(owned.key, owned.name) for owned in finished.owned("me")] == [
            ("0" * 32, "second"), (KEY, "")]

    def test_claiming_twice_keeps_the_first_name_and_time(self, finished):
        finished.claim("me", KEY, "first")
        before = finished.owned("me")
        finished.claim("me", KEY, "again")
        assert finished.owned("me") == before

    def test_renaming(self, finished):
        finished.claim("me", KEY)
        created = finished.owned("me")[0].created
        finished.rename("me", KEY, "我的 <b>run</b>")
        assert finished.owned("me")[0].name == "我的 <b>run</b>"
        assert finished.owned("me")[0].created == created

    def test_nobody_sees_the_runs_of_others(self, finished):
        finished.claim("me", KEY)
        assert finished.own("you") == []
        for meddle in (lambda: finished.rename("you", KEY, "mine"),
                       lambda: finished.delete("you", KEY)):
            with pytest.raises(RunError, match="not on your list"):
                meddle()
        assert finished.own("me") == [KEY]

    def test_who_the_owner_is_stands_nowhere(self, finished):
        finished.claim("secret-token", KEY, "name")
        for file in Path(finished.url).rglob("*"):
            assert "secret-token" not in str(file)
            assert not file.is_file() or b"secret-token" not in file.read_bytes()

    @pytest.mark.parametrize("owner", ["../../etc", "", "a/b", "\0", "é" * 500])
    def test_an_owner_of_any_name(self, finished, owner):
        finished.claim(owner, KEY)
        assert finished.own(owner) == [KEY]
        assert set(Path(finished.url).iterdir()) == {
            Path(finished.url) / "runs", Path(finished.url) / "owners"}

    def test_a_run_is_removed_with_its_last_owner(self, finished):
        finished.claim("me", KEY)
        finished.claim("you", KEY)
        finished.delete("me", KEY)
        assert finished.run(KEY).status == "finished"
        finished.delete("you", KEY)
        assert KEY not in finished
        assert not path(finished).exists()
        with pytest.raises(RunError, match="There is no run"):
            finished.run(KEY)

    def test_a_deleted_run_can_be_trained_again(self, finished):
        weights = finished.run(KEY).weights()
        finished.claim("me", KEY)
        finished.delete("me", KEY)
        work(finished, small())
        assert finished.run(KEY).weights() == weights

    def test_a_damaged_entry_is_left_out(self, finished):
        finished.claim("me", KEY)
        entry = next((Path(finished.url) / "owners").rglob("*.json"))
        entry.write_text("{")
        assert finished.own("me") == []


def test_what_waits_to_be_trained_is_found_by_its_key_and_trained_from_there(tmp_path):
    store, experiment = Store(str(tmp_path), pretrained=""), small(steps=4)
    tokenizer = Tokenizer.learn(TEXT, experiment.tokens)
    store.announce(experiment, tokenizer)
    run = store.run(experiment.key)
    assert (run.status, run.snapshots, len(run.history)) == ("new", (), 0)
    assert run.experiment == experiment
    assert work(store, run.experiment) == "finished"
    done = store.run(experiment.key).history
    store.announce(experiment, tokenizer)
    assert store.run(experiment.key).history.equals(done), "what is there already stays"
