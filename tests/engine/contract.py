"""What every engine promises. An engine joins with one file:

    class TestMine(EngineContract):
        @staticmethod
        def start(store, **settings): return MyEngine(...)
"""

import time
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from explorer.engine import Engine, Job
from explorer.errors import DataError, Diverged, EngineError, QueueFull, RunError
from explorer.experiment import Experiment
from explorer.probes import Opened, trace
from explorer.store import Store
from explorer.text import Text
from explorer.training.events import Snapshot
from explorer.training.loop import train

TEXT = Text("hamlet.txt", "to be, or not to be: that is the question. " * 60)
SEEDS = iter(range(1, 10_000))
SMALL = {"batch": 4, "window": 8, "snapshots": 3}


def experiment(steps: int = 30, **training) -> Experiment:
    """A fresh one each time: nobody else trains it."""
    model = {"kind": "lstm", "hidden": 16}
    return Experiment.language_model(TEXT, model=model, steps=steps, seed=next(SEEDS),
                                     **SMALL | training)


def endless() -> Experiment:
    return experiment(steps=200_000)


def wait(engine: Engine, id: str, until: Callable[[Job], bool] = lambda job: job.over) -> Job:
    end = time.monotonic() + 60
    while not until(job := engine.job(id)):
        assert time.monotonic() < end, f"still {job}"
        time.sleep(0.02)
    return job


def underway(engine: Engine, id: str, step: int = 3) -> None:
    """Wait until training has passed a step."""
    end = time.monotonic() + 60
    while not any(point.step >= step for point in engine.progress(id)):
        assert time.monotonic() < end, engine.job(id)
        time.sleep(0.01)


def weights_of(events) -> bytes:
    return [event for event in events if isinstance(event, Snapshot)][-1].weights


class EngineContract:
    @staticmethod
    def start(store: str, **settings) -> Engine:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def url(cls, tmp_path_factory):
        return str(tmp_path_factory.mktemp("store"))

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, url):
        engine = cls.start(url, slots=2, limit=6, cap=4, probe_seconds=3.0,
                            modules=("tests.engine.extra_probes",))
        yield engine
        engine.close()

    @pytest.fixture
    def engine(self, shared):
        """The engine, left without work after each test."""
        yield shared
        status = shared.status()
        for job in (*status.queued, *status.running):
            while not shared.job(job.id).over:
                job = shared.job(job.id)
                shared.cancel(job.id, job.owner)

    @pytest.fixture
    def store(self, url):
        return Store(url)

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls, shared):
        """The key of a finished run."""
        job = shared.submit(experiment(), "anna")
        assert wait(shared, job.id).status == "finished"
        return job.key

    def test_a_run_trains_to_its_end(self, engine, store):
        asked = experiment()
        job = engine.submit(asked, "anna")
        assert (job.key, job.owner, job.message) == (asked.key, "anna", None)
        steps = [point.step for point in engine.watch(job.id)]
        assert steps == list(range(1, 31))
        job = engine.job(job.id)
        assert (job.status, job.over, job.position) == ("finished", True, 0)
        assert engine.find(asked.key) == job
        run = store.run(asked.key)
        assert (run.status, run.snapshots[-1]) == ("finished", 30)
        assert run.weights() == weights_of(train(asked, run.tokenizer))

    def test_a_finished_run_is_finished_at_once(self, engine, store, trained):
        again = engine.submit(store.run(trained).experiment, "bert")
        assert (again.status, again.key) == ("finished", trained)
        assert list(engine.watch(again.id)) == engine.progress(again.id)

    def test_who_asks_for_the_same_joins(self, engine):
        asked = endless()
        first, second = engine.submit(asked, "anna"), engine.submit(asked, "bert")
        assert first.id == second.id
        assert (first.owner, second.owner) == ("anna", "bert")
        assert engine.cancel(first.id, "anna").status == "running"  # bert still wants it
        with pytest.raises(EngineError, match="someone else"):
            engine.cancel(first.id, "anna")
        assert engine.pause(first.id, "bert").status == "paused"

    def test_cancelled_it_keeps_its_snapshots_and_goes_on_to_the_same_end(self, engine, store):
        asked = experiment(steps=300, snapshots=20)
        job = engine.submit(asked, "anna")
        underway(engine, job.id, 20)
        assert engine.cancel(job.id, "anna").status == "cancelled"
        run = store.run(asked.key)
        assert run.status == "cancelled"
        assert 0 < run.snapshots[-1] < 300
        again = engine.submit(asked, "anna")
        assert again.id != job.id
        assert wait(engine, again.id).status == "finished"
        run = store.run(asked.key)
        assert run.weights() == weights_of(train(asked, run.tokenizer))
        assert list(run.history["step"]) == list(range(1, 301))

    def test_paused_it_stands_at_the_very_step(self, engine, store):
        asked = experiment(steps=300)
        job = engine.submit(asked, "anna")
        underway(engine, job.id)
        assert engine.pause(job.id, "anna").status == "paused"
        run = store.run(asked.key)
        assert (run.status, run.snapshots[-1]) == ("paused", engine.progress(job.id)[-1].step)
        assert 3 <= run.snapshots[-1] < 300
        again = engine.submit(asked, "anna")
        assert [point.step for point in engine.watch(again.id)] == list(range(1, 301))
        run = store.run(asked.key)
        assert run.weights() == weights_of(train(asked, run.tokenizer))

    def test_single_steps(self, engine, store):
        asked = experiment()
        for step in (1, 2):
            job = wait(engine, engine.submit(asked, "anna", until=step).id)
            assert job.status == "paused"
            assert engine.progress(job.id)[-1].step == store.run(asked.key).snapshots[-1] == step

    def test_who_joins_a_single_step_and_wants_all_gets_all(self, engine):
        asked = experiment()
        engine.submit(asked, "anna", until=1)
        job = wait(engine, engine.submit(asked, "bert").id)
        assert job.status == "finished"
        assert [point.step for point in engine.progress(job.id)] == list(range(1, 31))

    def test_the_learning_rate_is_changed_by_hand(self, engine, store):
        asked = experiment(steps=60)
        assert wait(engine, engine.submit(asked, "anna", until=20).id).status == "paused"
        changed = asked.changed(20, 0.25)
        assert changed.key != asked.key
        job = wait(engine, engine.submit(changed, "anna").id)
        assert job.status == "finished"
        assert engine.progress(job.id, since=0)[-1].step == 60
        *_, begun = train(asked, store.run(asked.key).tokenizer, until=20)
        assert wait(engine, engine.submit(asked.changed(20, 3.0), "anna", until=10).id).over
        run = store.run(changed.key)
        goes_on = train(changed, run.tokenizer, resume=begun)
        assert run.weights() == weights_of(goes_on)
        rates = run.history.set_index("step")["learning_rate"]
        assert rates[21] == pytest.approx(0.25 * asked.training.rate(20))
        assert store.run(asked.key).status == "paused"  # the pure run can still go on

    def test_turns_and_caps(self, engine):
        jobs = [engine.submit(endless(), "anna") for _ in range(4)]
        assert [job.status for job in jobs] == ["running", "running", "queued", "queued"]
        with pytest.raises(QueueFull, match="You already have 4"):
            engine.submit(endless(), "anna")
        mine = engine.submit(endless(), "bert")
        assert (mine.status, mine.position) == ("queued", 2)
        engine.submit(endless(), "cleo")
        with pytest.raises(QueueFull, match="full: 6"):
            engine.submit(endless(), "dora")
        underway(engine, jobs[0].id, 50)
        underway(engine, jobs[1].id, 50)
        status = engine.status()
        assert [job.id for job in status.running] == [jobs[0].id, jobs[1].id]
        assert [job.owner for job in status.queued] == ["anna", "bert", "cleo", "anna"]
        assert [job.position for job in status.queued] == [1, 2, 3, 4]
        assert (status.slots, status.limit) == (2, 6)
        assert status.steps_per_second > 0
        etas = [job.eta for job in (*status.running, *status.queued)]
        assert all(eta > 0 for eta in etas)
        assert etas[2:] == sorted(etas[2:])
        assert engine.cancel(jobs[2].id, "anna").status == "cancelled"
        assert [engine.job(job.id).position for job in (jobs[3], mine)] == [1, 2]
        engine.cancel(jobs[0].id, "anna")
        assert wait(engine, jobs[3].id, lambda job: job.status == "running").position == 0
        engine.cancel(jobs[3].id, "anna")
        assert wait(engine, mine.id, lambda job: job.status == "running").position == 0

    def test_a_diverging_run_says_so(self, engine, store):
        asked = experiment(steps=200, optimizer="sgd", learning_rate=1000.0, clip=0.0,
                           schedule="constant", weight_decay=10.0)
        job = wait(engine, engine.submit(asked, "anna").id)
        assert job.status == "diverged"
        assert isinstance(Diverged.from_json(dict(job.message)), Diverged)
        assert "learning rate" in str(Diverged.from_json(dict(job.message)))
        assert store.run(asked.key).status == "diverged"

    def test_progress_after_a_step(self, engine, trained):
        job = engine.find(trained)
        assert [point.step for point in engine.progress(job.id, since=25)] == [26, 27, 28, 29, 30]
        assert engine.progress(job.id, since=30) == []
        assert "validation_perplexity" in engine.progress(job.id)[-1].metrics

    def test_what_is_not_there(self, engine):
        assert engine.find("0" * 32) is None
        for call in (engine.job, engine.progress, lambda id: engine.cancel(id, "anna"),
                     lambda id: engine.pause(id, "anna")):
            with pytest.raises(EngineError, match="no job nothing"):
                call("nothing")

    def test_a_probe_gives_what_it_gives_here(self, engine, store, trained):
        run = store.run(trained)
        opened = Opened.from_weights(run.experiment, run.tokenizer, 30, run.weights(30))
        asked = engine.ask("trace", trained, text="to be", step=-1)
        xr.testing.assert_identical(asked, trace(opened, "to be"))
        first = engine.ask("trace", trained, text="to be", step=0)
        assert first.attrs["step"] == 0
        assert not np.array_equal(first["hidden"], asked["hidden"])

    def test_a_probe_sees_the_newest_snapshot(self, engine):
        asked = experiment()
        for step in (1, 2):
            job = wait(engine, engine.submit(asked, "anna", until=step).id)
            assert engine.ask("nap", job.key).attrs["step"] == step

    def test_a_probe_has_a_time_limit(self, engine, trained):
        began = time.monotonic()
        with pytest.raises(EngineError, match=r"nap.* longer than 3 s"):
            engine.ask("nap", trained, seconds=60)
        assert time.monotonic() - began < 10
        assert engine.ask("nap", trained).attrs["step"] == 30

    def test_what_goes_wrong_in_a_probe_comes_back_in_words(self, engine, trained):
        with pytest.raises(DataError, match="nothing to read"):
            engine.ask("trace", trained, text="")
        with pytest.raises(RunError):
            engine.ask("trace", "f" * 32, text="to be")
        with pytest.raises(RunError, match="no snapshot of step 29; it has: 0"):
            engine.ask("trace", trained, text="to be", step=29)
        with pytest.raises(EngineError, match=r"no probe called 'dance'; there are: .*trace"):
            engine.ask("dance", trained)
        with pytest.raises(EngineError, match=r"trace.*loudly"):
            engine.ask("trace", trained, text="to be", loudly=True)
        with pytest.raises(EngineError, match="ZeroDivisionError: one over none"):
            engine.ask("stumble", trained)
        with pytest.raises(EngineError, match="broke off"):
            engine.ask("crash", trained)
        assert engine.ask("nap", trained).attrs["step"] == 30

    def test_a_probe_that_needs_no_run(self, engine, trained):
        found = engine.ask("double", "", numbers=[1.0, 2.5])
        assert found["doubled"].values.tolist() == [2.0, 5.0]
        assert engine.ask("double", "", step=0, numbers=[3.0])["doubled"].item() == 6.0
        with pytest.raises(EngineError, match=r"no probe called 'trace'; there are: .*double"):
            engine.ask("trace", "", text="to be")
        with pytest.raises(EngineError, match="no probe called 'double'"):
            engine.ask("double", trained, numbers=[1.0])
        with pytest.raises(EngineError, match=r"double.* cannot be asked like this.*loudly"):
            engine.ask("double", "", numbers=[1.0], loudly=True)
        with pytest.raises(EngineError, match=r"^“slip” failed \(ZeroDivisionError: none over"):
            engine.ask("slip", "")
