"""The local engine keeps the contract, and some promises of its own."""

import errno
import json
import os
import re
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from explorer.engine import connect, start_local
from explorer.engine.local import VARIABLE, LocalEngine
from explorer.engine.training import attend
from explorer.engine.wire import pack_experiment, unpack
from explorer.errors import EngineError, RunError
from explorer.store import Store
from explorer.work import work
from tests.engine.contract import EngineContract, endless, experiment, underway, wait

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
ROOT = Path(__file__).parents[2]


class TestLocal(EngineContract):
    start = staticmethod(start_local)

    @pytest.mark.timing
    def test_cancel_takes_less_than_200_ms(self, engine):
        took = []
        for _ in range(3):
            job = engine.submit(endless(), "anna")
            underway(engine, job.id)
            began = time.perf_counter()
            engine.cancel(job.id, "anna")
            took.append(time.perf_counter() - began)
        assert sorted(took)[1] < 0.2  # 0.03 s even on a busy machine

    @pytest.mark.timing
    def test_the_first_progress_comes_within_a_second(self, engine, trained):
        took = []
        for _ in range(3):
            began = time.perf_counter()
            job = engine.submit(experiment(), "anna")
            next(iter(engine.watch(job.id)))
            took.append(time.perf_counter() - began)
            wait(engine, job.id)
        assert sorted(took)[1] < 1  # 0.25 s even on a busy machine

    @linux
    def test_killed_from_outside_it_says_so_and_goes_on(self, engine, shared, url):
        asked = endless()
        job = engine.submit(asked, "anna")
        underway(engine, job.id, 10)
        trainer = max(descendants(shared._process.pid), key=cpu_seconds)
        os.kill(trainer, signal.SIGKILL)
        job = wait(engine, job.id)
        assert job.status == "failed"
        assert "ended from outside" in str(EngineError.from_json(dict(job.message)))
        run = Store(url).run(asked.key)
        assert run.status == "failed"
        assert "ended from outside" in run.message
        again = engine.submit(asked, "anna")
        underway(engine, again.id, run.snapshots[-1] + 1)

    @linux
    def test_when_the_forkserver_is_killed_all_comes_back(self, engine, shared, trained):
        job = engine.submit(endless(), "anna")
        underway(engine, job.id)
        children = descendants(shared._process.pid)
        forkserver = next(pid for pid in children if len(descendants(pid)) >= 3)
        os.kill(forkserver, signal.SIGKILL)
        assert wait(engine, job.id).status == "failed"
        assert wait(engine, engine.submit(experiment(), "anna").id).status == "finished"
        assert engine.ask("nap", trained).attrs["step"] == 30

    @linux
    def test_a_probe_process_killed_while_idle_is_replaced(self, engine, shared, trained):
        before = {int(engine.ask("nap", trained)["process"]) for _ in range(4)}
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        after = {int(engine.ask("nap", trained)["process"]) for _ in range(4)}
        assert not before & after

    def test_many_talk_to_it_at_once(self, engine, trained):
        answers = []

        def ask():
            for _ in range(5):
                engine.status()
                answers.append(engine.ask("nap", trained).attrs["step"])

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [30] * 40

    def test_torch_stays_out_of_the_web_process(self, shared, url, trained):
        script = f"""
            import sys
            from explorer.engine import connect
            from explorer.store import Store
            engine = connect()
            job = engine.submit(Store({url!r}).run({trained!r}).experiment, "anna")
            assert job.status == "finished"
            trace = engine.ask("trace", {trained!r}, text="to be")
            assert trace.sizes["token"] == 5
            print("torch" in sys.modules)
        """
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], text=True, cwd=ROOT,
                              env=os.environ | shared.environment, stdout=subprocess.PIPE)
        assert done.stdout.strip() == "False"

    def test_nobody_else_may_talk_to_it(self, shared):
        address = json.loads(shared.environment[VARIABLE])["address"]
        if isinstance(address, str):
            assert stat.S_IMODE(Path(address).parent.stat().st_mode) == 0o700
        with pytest.raises(EngineError, match="does not answer"):
            LocalEngine(address, b"guess").status()
        with Client(address) as stranger:
            stranger.send_bytes(b"let me in")
            said = []
            with suppress(EOFError, OSError):
                while stranger.poll(10):
                    said.append(stranger.recv_bytes())
            assert len(said) == 2  # the challenge and the refusal, then it hung up
        assert shared.status().slots == 2


def test_without_an_engine_it_says_so(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(EngineError, match="No engine was started"):
        connect()
    for nonsense in ("{", "[]", '{"address": 3, "authkey": "00"}', '{"address": "x"}'):
        monkeypatch.setenv(VARIABLE, nonsense)
        with pytest.raises(EngineError, match="does not say where"):
            connect()
    monkeypatch.setenv(VARIABLE, json.dumps({"address": str(tmp_path / "x"), "authkey": "00"}))
    with pytest.raises(EngineError, match="start it again"):
        connect()


def test_a_store_that_cannot_be_opened_is_named():
    with pytest.raises(RunError, match="nosuch://place"):
        start_local("nosuch://place")


@pytest.mark.slow
def test_without_forkserver_and_unix_sockets(tmp_path):
    engine = start_local(str(tmp_path), slots=1, probes=1, probe_seconds=60.0, portable=True)
    try:
        job = wait(engine, engine.submit(experiment(), "anna").id)
        assert job.status == "finished"
        assert engine.ask("trace", job.key, text="to be").sizes["token"] == 5
    finally:
        engine.close()


def test_after_a_restart_runs_go_on(tmp_path):
    asked = endless()
    store = Store(str(tmp_path))
    assert work(store, asked, until=5) == "paused"  # in an earlier life
    engine = start_local(str(tmp_path), slots=1)
    try:
        assert engine.find(asked.key) is None
        job = engine.submit(asked, "anna")
        underway(engine, job.id, 8)
        assert engine.progress(job.id)[0].step == 6
        assert engine.pause(job.id, "anna").status == "paused"
    finally:
        engine.close()
    with pytest.raises(EngineError, match="does not answer"):
        engine.status()


@linux
@pytest.mark.parametrize("victim", ["parent", "supervisor"])
def test_nothing_outlives_a_kill(tmp_path, victim):
    script = f"""
        import time
        from explorer.engine import start_local
        from tests.engine.contract import endless, underway
        engine = start_local({str(tmp_path)!r}, slots=1)
        underway(engine, engine.submit(endless(), "anna").id)
        print(engine._process.pid, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT,
                          env=os.environ | {"TMPDIR": str(tmp_path)},
                          stdout=subprocess.PIPE) as parent:
        supervisor = int(parent.stdout.readline())
        family = [supervisor, *descendants(supervisor)]
        assert len(family) >= 5  # supervisor, forkserver, trainer, two probes
        os.kill(parent.pid if victim == "parent" else supervisor, signal.SIGKILL)
        end = time.monotonic() + 60
        while alive := [pid for pid in family if living(pid)]:
            assert time.monotonic() < end, alive
            time.sleep(0.05)
        parent.kill()


class Mute:
    """A pipe's near end that keeps what was sent."""

    def __init__(self, order):
        self.order, self.sent, self.asked = order, [], threading.Event()

    def recv_bytes(self):
        if self.asked.is_set():
            threading.Event().wait()  # nothing more comes
        self.asked.set()
        return self.order

    def send_bytes(self, message):
        self.sent.append(unpack(message)[0])


@pytest.mark.parametrize(("broken", "said"), [
    (OSError(errno.ENOSPC, "No space left on device"), "disk .*full.* Free|free"),
    (MemoryError("9 GB"), r"Training failed \(MemoryError: 9 GB\)"),
])
def test_a_full_disk_and_other_trouble_in_words(tmp_path, monkeypatch, caplog, broken, said):
    asked = experiment()
    real = Path.write_bytes

    def write(path, data):
        if "snapshots/13" in str(path):
            raise broken
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", write)
    pipe = Mute(pack_experiment(asked, until=30))
    attend(pipe, str(tmp_path))
    assert pipe.sent[-1]["end"] == "failed"
    assert re.search(said, str(EngineError.from_json(pipe.sent[-1]["message"])))
    run = Store(str(tmp_path)).run(asked.key)
    assert run.status == "failed"
    assert re.search(said, run.message)
    assert run.snapshots == tuple(s for s in asked.training.snapshot_steps() if s < 13)


def descendants(pid: int) -> list[int]:
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")")[-1].split()
            parents[int(folder.name)] = int(fields[1])
        except OSError:
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def cpu_seconds(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()
    return int(fields[11]) if int(fields[16]) > 0 else -1  # only trainers are nice


def living(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] != "Z"
    except OSError:
        return False
