"""A training process is killed at 20 random moments: the store stays readable, the run goes on."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load

from explorer.store import Store
from explorer.store.folder import COLUMNS
from explorer.work import work
from tests.training.small import small

KILLS = 20
EXPERIMENT = small("lstm", steps=120, snapshots=30)

# Forks cost little, so that the moments of the kills are spread over training, not over imports.
NURSERY = """
import os, signal, sys, time
from explorer.store import Store
from explorer.work import work
from tests.store.test_kill import EXPERIMENT
import torch
torch.set_num_threads(1)
torch.optim.AdamW([torch.zeros(1)], fused=True)  # imports what the first step would import
for delay in sys.stdin:
    child = os.fork()
    if child == 0:
        work(Store(sys.argv[1], ""), EXPERIMENT)
        os._exit(0)
    time.sleep(float(delay))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_twenty_random_moments_it_goes_on_to_the_same_end(tmp_path: Path):
    reference, seconds = unbroken(tmp_path)
    store = Store(str(tmp_path / "store"), "")
    chance = random.Random(0)
    killed, reached = 0, [0]
    command = [sys.executable, "-c", NURSERY, store.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          cwd=Path(__file__).parents[2]) as nursery:
        assert nursery.stdin
        assert nursery.stdout
        while killed < KILLS:
            if reached[-1] == EXPERIMENT.training.steps:  # too fast for us: begin another
                shutil.rmtree(store.url)
            print(chance.uniform(0, seconds / 4), file=nursery.stdin, flush=True)
            killed += int(nursery.stdout.readline()) == -signal.SIGKILL
            reached.append(check(store))
        nursery.stdin.close()
    assert max(reached) > 0, "no kill came late enough to leave a snapshot"
    assert work(store, EXPERIMENT) == "finished"
    run = store.run(EXPERIMENT.key)
    assert run.snapshots == reference.snapshots
    assert all(run.weights(step) == reference.weights(step) for step in run.snapshots)
    assert list(run.history["loss"]) == list(reference.history["loss"])
    assert run.best == reference.best


def unbroken(tmp_path: Path):
    """The run as it should become, and how many seconds it takes once all is imported."""
    for name in ("imports", "unbroken"):
        store = Store(str(tmp_path / name), "")
        began = time.monotonic()
        work(store, EXPERIMENT)
    return store.run(EXPERIMENT.key), time.monotonic() - began


def check(store: Store) -> int:
    """Everything that is listed can be read. How far the run came."""
    if EXPERIMENT.key not in store:
        return 0
    run = store.run(EXPERIMENT.key)
    assert list(run.history.columns) == list(COLUMNS)
    assert run.history["step"].is_monotonic_increasing
    for step in run.snapshots:
        assert load(run.weights(step))
    assert run.best is None or run.best in run.snapshots
    return max(run.snapshots, default=0)
