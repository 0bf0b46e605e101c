"""The recorder: what is written in which order, what is dropped, what is inherited."""

from pathlib import Path

import pytest

from explorer.errors import Diverged
from explorer.store import Store
from explorer.store.recorder import ROWS
from explorer.training.events import Progress, Snapshot
from explorer.training.loop import train
from explorer.work import work
from tests.training.small import small


def drive(store, experiment, until=None):
    return work(store, experiment, until=until)


def whole(tmp_path, experiment):
    """The same experiment's run, trained without a break."""
    store = Store(str(tmp_path / "whole"), pretrained="")
    work(store, experiment)
    return store.run(experiment.key)


class TestGoingOn:
    def test_a_new_run_begins_at_nothing(self, store):
        recorder = store.recorder(small())
        assert (recorder.step, recorder.resume) == (0, None)
        assert store.run(small().key).status == "new"

    def test_in_pieces_it_is_the_same_run(self, store, tmp_path):
        for until in (3, 9, 10):
            assert drive(store, small(), until) == "paused"
            assert store.run(small().key).snapshots[-1] == until
        assert drive(store, small()) == "finished"
        run, unbroken = store.run(small().key), whole(tmp_path, small())
        assert run.weights() == unbroken.weights()
        assert list(run.history["loss"]) == list(unbroken.history["loss"])
        assert list(run.history["step"]) == list(range(1, 21))

    def test_the_snapshots_of_pauses_are_dropped_when_training_goes_on(self, store, tmp_path):
        for until in (3, 9, 10):
            drive(store, small(), until)
        drive(store, small())
        kept = set(store.run(small().key).snapshots)
        assert kept <= set(whole(tmp_path, small()).snapshots) | {store.run(small().key).best}

    def test_the_best_of_the_pauses_is_kept(self, store):
        recorder = store.recorder(small())
        first = next(iter(train(small(), recorder.tokenizer)))
        assert isinstance(first, Snapshot)
        for step, best in ((0, True), (3, True), (4, False), (6, False)):
            recorder.record(Snapshot(step, first.weights, first.resume,
                                     {"validation_loss": 3.0 - step * best}, best))
        run = store.run(small().key)
        assert run.snapshots == (0, 3, 6)
        assert run.best == 3

    def test_what_came_after_resume_is_dropped(self, store, tmp_path):
        drive(store, small(), 11)
        folder = Path(store.url) / "runs" / small().key
        before = (folder / "resume.safetensors").read_bytes()
        drive(store, small())
        (folder / "resume.safetensors").write_bytes(before)  # as if killed just before its writing
        store.recorder(small())
        run = store.run(small().key)
        assert run.snapshots == (0, 1, 5, 11)
        assert list(run.history["step"]) == list(range(1, 12))
        assert run.best in run.snapshots
        (folder / "status.json").unlink()
        drive(store, small())
        assert store.run(small().key).weights() == whole(tmp_path, small()).weights()

    def test_killed_between_the_last_snapshot_and_the_end_it_is_finished(self, store):
        drive(store, small())
        (Path(store.url) / "runs" / small().key / "status.json").write_text('{"status": "running"}')
        assert drive(store, small()) == "finished"
        assert store.run(small().key).status == "finished"

    @pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:50],
                                        lambda data: data[:-1], lambda data: b"x" * 200])
    def test_with_a_damaged_resume_it_begins_anew(self, store, tmp_path, damage):
        drive(store, small(), 11)
        resume = Path(store.url) / "runs" / small().key / "resume.safetensors"
        resume.write_bytes(damage(resume.read_bytes()))
        recorder = store.recorder(small())
        assert (recorder.step, recorder.resume) == (0, None)
        assert store.run(small().key).snapshots == ()
        assert store.run(small().key).best is None
        drive(store, small())
        assert store.run(small().key).weights() == whole(tmp_path, small()).weights()

    def test_without_the_weights_that_belong_to_it_it_begins_anew(self, store, tmp_path):
        drive(store, small(), 11)
        (Path(store.url) / "runs" / small().key / "snapshots" / "11.safetensors").unlink()
        assert store.recorder(small()).resume is None
        drive(store, small())
        assert store.run(small().key).weights() == whole(tmp_path, small()).weights()

    def test_leftovers_of_a_half_deleted_run_are_not_taken_over(self, store):
        drive(store, small(), 11)
        (Path(store.url) / "runs" / small().key / "experiment.json").unlink()
        assert small().key not in store
        assert store.recorder(small()).step == 0

    def test_half_written_files_are_swept(self, store):
        drive(store, small(), 3)
        folder = Path(store.url) / "runs" / small().key
        for name in ("status.json.00.part", "snapshots/5.safetensors.00.part"):
            (folder / name).write_bytes(b"half")
        assert store.run(small().key).snapshots[-1] == 3
        store.recorder(small())
        assert not list(folder.rglob("*.part"))

    def test_the_seconds_add_up(self, store):
        drive(store, small(), 3)
        first = store.run(small().key).seconds
        drive(store, small(), 11)
        assert store.run(small().key).seconds > first > 0


class TestHistory:
    def test_a_long_one_is_thinned_but_keeps_every_validation_and_the_last(self, store):
        experiment = small(steps=10_001)
        recorder = store.recorder(experiment)
        for step in range(1, 10_001):
            metrics = {"perplexity": 1.0, "learning_rate": 0.1}
            if step in (7, 4_321):
                metrics["validation_loss"] = 2.0
            recorder.record(Progress(step, 10_001, float(step), metrics, 1.0, 1.0, 1.0))
        recorder.close("paused")
        history = store.run(experiment.key).history
        assert len(history) <= ROWS + 3
        assert list(history["step"]) == sorted({*range(5, 10_001, 5), 7, 4_321})
        assert list(history["loss"]) == list(history["step"])

    def test_the_last_row_is_there_when_it_stopped_between(self, store):
        experiment = small(steps=10_001)
        recorder = store.recorder(experiment)
        for step in range(1, 14):
            recorder.record(Progress(step, 10_001, 1.0, {}, 1.0, 1.0, 1.0))
        recorder.close("paused")
        assert list(store.run(experiment.key).history["step"]) == [5, 10, 13]


class TestChanges:
    def test_a_changed_run_takes_over_what_came_before_the_change(self, store, tmp_path):
        drive(store, small(), 9)
        changed = small().changed(9, 0.5)
        recorder = store.recorder(changed)
        assert recorder.step == 9
        run = store.run(changed.key)
        assert run.snapshots == store.run(small().key).snapshots
        assert list(run.history["step"]) == list(range(1, 10))
        drive(store, changed)
        assert store.run(changed.key).weights() == whole(tmp_path, changed).weights()
        assert store.run(small().key).status == "paused"
        assert not store.run(changed.key).experiment.pure

    def test_a_run_that_diverged_is_clipped_from_its_last_snapshot_on(self, store, tmp_path):
        wild = small("rnn-relu", steps=60, optimizer="sgd", learning_rate=1000, clip=0,
                     schedule="constant", snapshots=20)
        with pytest.raises(Diverged) as caught:
            drive(store, wild)
        run = store.run(wild.key)
        assert run.error is not None
        assert run.error.values == caught.value.values
        assert str(run.error) == run.message
        last = run.snapshots[-1]
        cured = wild.changed(last, clip=1e-4)
        recorder = store.recorder(cured)
        assert recorder.step == last
        assert drive(store, cured) == "finished"
        again = whole(tmp_path, cured)
        assert store.run(cured.key).weights() == again.weights()

    def test_a_second_change_takes_over_from_the_first(self, store, tmp_path):
        drive(store, small(), 5)
        drive(store, small().changed(5, 0.5), 9)
        twice = small().changed(5, 0.5).changed(9, 2.0)
        assert store.recorder(twice).step == 9
        drive(store, twice)
        assert store.run(twice.key).weights() == whole(tmp_path, twice).weights()

    def test_from_an_earlier_stop_if_the_nearer_run_is_not_there(self, store):
        drive(store, small(), 5)
        assert store.recorder(small().changed(7, 0.5).changed(9, 2.0)).step == 5

    def test_a_run_that_is_past_the_change_is_of_no_use(self, store):
        drive(store, small())
        assert store.recorder(small().changed(9, 0.5)).step == 0
