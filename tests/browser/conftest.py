"""A real server, a real Chromium, and an eye on what must never happen in either."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import chromium
from tests.browser.idle import PATIENCE, settled, watched
from tests.browser.server import Server, serving

FAILURES = Path(__file__).parent / "failures"
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
Visit = Callable[..., Page]
expect.set_options(timeout=30_000)  # what is expected may take its time on a busy machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield  # type: ignore[misc]
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


FAILED: pytest.StashKey[bool] = pytest.StashKey()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app, served to all tests of the session from one fresh store."""
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running
        assert "Traceback" not in running.log(), running.log()[-5000:]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium.find(playwright), args=chromium.ARGUMENTS
        )
        yield opened
        opened.close()


class Watch:
    """What a page did that it must not do: errors in its console, requests to elsewhere."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.home = urlsplit(home).netloc
        self.errors: list[str] = []
        self.foreign: list[str] = []
        context.on("request", lambda request: self._asked(request.url))
        context.on("console", lambda said: self._said(said.type, said.text, said.location["url"]))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.home:
            self.foreign.append(url)

    def _said(self, kind: str, text: str, place: str) -> None:
        # Opened at /gates, Streamlit's client first asks /gates/_stcore/…, then /_stcore/….
        looks_for_server = re.search(r"://[^/]+/[^/]+/_stcore/(health|host-config)$", place)
        if kind == "error" and not looks_for_server:
            self.errors.append(f"{text} ({place})")


@pytest.fixture
def visit(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """visit(path="", width=1280, height=900, scheme="light", locale="en-US") opens a page as a
    new visitor and waits until it is settled. Each page that was opened is checked at the end."""
    opened: list[tuple[BrowserContext, Watch]] = []

    def go(
        path: str = "",
        *,
        width: int = 1280,
        height: int = 900,
        scheme: Any = "light",
        locale: str = "en-US",
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale=locale,
            accept_downloads=True,
        )
        context.set_default_timeout(PATIENCE)
        opened.append((watched(context), Watch(context, server.url)))
        page = context.new_page()
        page.goto(f"{server.url}/{path.lstrip('/')}")
        return settled(page)

    yield go
    failed = request.node.stash.get(FAILED, True)
    for number, (context, _) in enumerate(opened):
        if failed:
            _keep(context, f"{request.node.name}-{number}")
        context.close()
    assert [error for _, watch in opened for error in watch.errors] == []
    assert [url for _, watch in opened for url in watch.foreign] == []


def _keep(context: BrowserContext, name: str) -> None:
    """A picture of each page of a test that failed."""
    FAILURES.mkdir(exist_ok=True)
    for number, page in enumerate(context.pages):
        file = re.sub(r"[^\w.-]+", "_", f"{name}-{number}")[:120] + ".png"
        page.screenshot(path=FAILURES / file, full_page=True)


@pytest.fixture
def page(visit: Visit) -> Page:
    """The first page, as a new visitor sees it."""
    return visit()


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """axe(page): every serious or critical fault, as "rule: help: the elements"."""

    def why(node: dict[str, Any]) -> str:
        return "".join(f" ({check['message']})" for check in node["any"][:1])

    def run(page: Page) -> list[str]:
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("() => axe.run({resultTypes: ['violations']})")
        return [
            f"{fault['id']}: {fault['help']}: "
            + " | ".join(node["html"][:200] + why(node) for node in fault["nodes"][:5])
            for fault in found["violations"]
            if fault["impact"] in ("serious", "critical")
        ]

    return run
