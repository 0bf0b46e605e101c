"""What the pages ask for: the engine, the store, and probes' answers, kept for as long as they are
likely to be asked for again. The web process never imports torch: the engine has it.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import streamlit as st
import xarray as xr

from explorer.engine import Engine
from explorer.engine.local import connect
from explorer.errors import ExplorerError
from explorer.store import Run, Store
from explorer.ui.session import language
from explorer.ui.text import plain
from explorer.views import Figure, figure

REMEMBERED = 128  # runs, answers, figures


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """The engine that was started before the app. Raises EngineError when nobody answers."""
    return connect()


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """The store of EXPLORER_STORE, beside the shipped runs."""
    return Store()


@st.cache_resource(show_spinner=False)
def _finished() -> dict[str, tuple[bytes, Run]]:
    """Finished runs by key, each with the status file that it was read with; the oldest are
    forgotten."""
    return {}


def open_run(key: str) -> Run:
    """A run by its key; one that can still change is read anew each time. Raises RunError.

    A finished run changes when it is deleted and trained again, or taken in as a zip: its status
    file tells, by how it stands and by its seconds.
    """
    kept, said = _finished(), store().folder(key).read("status.json")
    before, run = kept.get(key, (b"", None))
    if run is not None and said == before:
        return run
    run = store().run(key)
    if run.status == "finished" and said is not None:
        kept[key] = said, run
        while len(kept) > REMEMBERED:
            kept.pop(next(iter(kept)), None)
    return run


@st.cache_resource(show_spinner=False, max_entries=REMEMBERED)
def _asked(probe: str, key: str, step: int, parameters: str) -> xr.Dataset:
    return engine().ask(probe, key, step=step, **json.loads(parameters))


def ask(probe: str, key: str, step: int, **parameters: Any) -> xr.Dataset:
    """A probe's answer, kept by (run, step, parameters): whoever asks the same of the same run
    holds its key already. The dataset is shared: never change it. Raises ExplorerError.

    step: one of the run's snapshots (not −1, whose meaning changes while a run goes on). What
    needs no run is asked with key "" and step 0.
    """
    return _asked(probe, key, step, json.dumps(parameters, sort_keys=True))


@st.cache_resource(show_spinner=False)
def _promises() -> tuple[ThreadPoolExecutor, OrderedDict[str, Future[xr.Dataset]]]:
    """Who waits for answers in the background, and what was asked so, the oldest forgotten."""
    return ThreadPoolExecutor(1, "answers"), OrderedDict()


def ask_soon(probe: str, key: str, step: int, **parameters: Any) -> xr.Dataset | None:
    """As `ask`, but never waits: None as long as there is no answer. For a page that looks again
    in a moment anyway."""
    asked = json.dumps([probe, key, step, parameters], sort_keys=True)
    pool, promises = _promises()
    if asked not in promises:
        # Without Streamlit's cache, whose lock would hold up all who ask meanwhile.
        promises[asked] = pool.submit(engine().ask, probe, key, step=step, **parameters)
        while len(promises) > REMEMBERED:
            promises.popitem(last=False)
    promise = promises[asked]
    return promise.result() if promise.done() else None


def ask_or_stop(probe: str, key: str, step: int, **parameters: Any) -> xr.Dataset:
    """As `ask`; when there is no answer, says why and ends the page there."""
    try:
        return ask(probe, key, step, **parameters)
    except ExplorerError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.stop()


@st.cache_resource(show_spinner=False, max_entries=REMEMBERED)
def _drawn(name: str, asked: str, options: str, spoken: str, _trace: xr.Dataset) -> Figure:
    return figure(name, _trace, **json.loads(options))


def draw(name: str, trace: xr.Dataset, **options: Any) -> Figure:
    """A view of a probe's answer, kept by what it is a picture of: run, step and whatever else its
    attrs say was asked, tokens, options and language. The figure is shared: never change it."""
    tokens = [str(label) for label in trace["label"].values] if "label" in trace else []
    asked = json.dumps([{name: str(value) for name, value in trace.attrs.items()}, tokens])
    return _drawn(name, asked, json.dumps(options, sort_keys=True), language(), trace)
