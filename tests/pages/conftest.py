"""Pages in Streamlit's own test runner, before a real engine and a store of their own."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from numpy.typing import NDArray
from streamlit.components.v2 import manifest_scanner
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine, start_local
from explorer.experiment import Experiment
from explorer.store import Run, Store
from explorer.ui.page import SEEN
from tests.training.small import small

PAGES = Path(__file__).parents[2] / "pages"


class Everywhere(set[str]):
    """A visitor who was at every page before: each is drawn whole at once."""

    def __contains__(self, place: object) -> bool:
        return True


Open = Callable[..., AppTest]
OWNER = "local"


@pytest.fixture(scope="session", autouse=True)
def packages() -> Iterator[None]:
    """All that is installed is searched for components once, as by a server, not for each page."""
    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        yield


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    """The engine that the pages find; its store is empty at first, and has no shipped runs."""
    url = str(tmp_path_factory.mktemp("pages"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_STORE", url)
        patch.setattr("explorer.store.store.SHIPPED", tmp_path_factory.mktemp("shipped"))
        st.cache_resource.clear()
        running = start_local(url, slots=1, limit=4, cap=3, modules=("tests.pages.full_disk",))
        for name, value in running.environment.items():
            patch.setenv(name, value)
        yield running
        running.close()
        st.cache_resource.clear()


@pytest.fixture(scope="session")
def store(engine: LocalEngine) -> Store:
    """The store behind the pages."""
    return Store(os.environ["EXPLORER_STORE"], pretrained="")


def trained(engine: LocalEngine, store: Store, experiment: Experiment) -> Run:
    """Train to the end (or to whatever end it comes to), as the page's own visitor."""
    job = engine.submit(experiment, OWNER)
    end = time.monotonic() + 60
    while not engine.job(job.id).over:
        assert time.monotonic() < end, engine.job(job.id)
        time.sleep(0.02)
    store.claim(OWNER, experiment.key)
    return store.run(experiment.key)


@pytest.fixture(scope="session")
def run(engine: LocalEngine, store: Store) -> Run:
    """A finished run of a small LSTM."""
    return trained(engine, store, small("lstm", steps=40))


@pytest.fixture
def opened(engine: LocalEngine) -> Iterator[Open]:
    """opened("gates", run=…, text=…) opens a page at a link. What was left training ends.

    context: the browser's locale and theme. never_seen: as one who was never there."""

    def go(
        name: str, *, context: dict[str, Any] | None = None, never_seen: bool = False,
        **link: object,
    ) -> AppTest:
        page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=60)
        page.context = context or {}
        for key, value in link.items():
            page.query_params[key] = str(value)
        page.session_state[SEEN] = set() if never_seen else Everywhere()
        return well(page.run())

    yield go
    status = engine.status()
    for job in (*status.queued, *status.running):
        while not (now := engine.job(job.id)).over:
            engine.cancel(now.id, now.owner)


def well(page: AppTest) -> AppTest:
    """The page, on which nothing was raised."""
    assert not page.exception, [error.stack_trace for error in page.exception]
    return page


def said(page: AppTest) -> str:
    """All messages of a page, as plain words."""
    alerts = [*page.error, *page.warning, *page.info]
    return "\n".join(alert.value for alert in alerts).replace("\\", "")


def plotly(page: AppTest, key: str) -> dict[str, Any]:
    """What a Plotly chart was drawn from, its arrays as arrays."""
    chart = next(chart for chart in page.get("plotly_chart") if chart.key == f"{key}-chart")
    found: dict[str, Any] = json.loads(chart.proto.spec, object_hook=_array)
    return found


def _array(value: dict[str, Any]) -> dict[str, Any] | NDArray[Any]:
    """Plotly's packed arrays."""
    if "bdata" not in value:
        return value
    flat = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
    shape = [int(part) for part in str(value.get("shape", len(flat))).split(",")]
    return flat.reshape(shape)


def component(page: AppTest, key: str) -> dict[str, Any]:
    """What one of our own components was given to draw."""
    found = next(each for each in page.get("bidi_component") if each.key == key)
    data: dict[str, Any] = json.loads(found.proto.json)
    return data


def act(page: AppTest, key: str, /, **event: object) -> AppTest:
    """Do on one of our own components what its script in the browser reports."""
    return report(page, key, "event", event)


def report(page: AppTest, key: str, name: str, value: object) -> AppTest:
    """Let the script of one of our own components say something."""
    found = next(each for each in page.get("bidi_component") if each.key == key)
    states = page._tree.get_widget_states()
    trigger = states.widgets.add()
    trigger.id = _make_trigger_id(found.proto.id, "events")
    trigger.json_trigger_value = json.dumps([{"event": name, "value": value}])
    return well(page._run(states))
