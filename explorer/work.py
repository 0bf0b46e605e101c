"""Train into a store: what the engine, the library and the command line do. Imports torch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from explorer.errors import Diverged, ExplorerError
from explorer.experiment import Experiment
from explorer.store import Status, Store
from explorer.training.events import Progress, Snapshot
from explorer.training.loop import train


def work(
    store: Store,
    experiment: Experiment,
    *,
    until: int | None = None,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[Progress | Snapshot], None] = lambda event: None,
) -> Status:
    """Train from the run's last snapshot to its end, or to `until`, or until `stop()`: "finished"
    or "paused". A finished run is left as it is.

    report: told each event after it was recorded. Raises what training and the store raise, after
    the run was marked "diverged" or "failed" with the reason; its good snapshots are kept.
    """
    if experiment.key in store and store.run(experiment.key).trained:
        return "finished"
    recorder = store.recorder(experiment)
    reached = recorder.step
    try:
        for event in train(experiment, recorder.tokenizer, resume=recorder.resume, until=until,
                           stop=stop):
            recorder.record(event)
            report(event)
            reached = event.step
    except BaseException as error:
        with suppress(ExplorerError):  # of a full disk, say: the first reason is what counts
            recorder.close(*_ending(error))
        raise
    status: Status = "finished" if reached >= experiment.training.steps else "paused"
    recorder.close(status)
    return status


def _ending(error: BaseException) -> tuple[Status, str | ExplorerError]:
    """How a run stands after an error, and the reason."""
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return "paused", ""
    if isinstance(error, Diverged):
        return "diverged", error
    if isinstance(error, ExplorerError):
        return "failed", error
    return "failed", f"{type(error).__name__}: {error}"
