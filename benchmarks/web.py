"""The Gates page beside a bare Streamlit page with one Plotly heatmap of the same size, in the same
Chromium: from the address to the finished first picture, and from a control to the new picture.

Both servers and the browser are warm: each page was opened before. The first picture counts from
the frame that shows the heatmap's own image, by the page's own clock: Playwright's
`wait_for_selector` looks five times in the first quarter of a second and then every half second,
which makes of 0.9 seconds 1.3. "training": the same of ours, while a job is being trained by the
same server, over the bare page without any.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.rows import Row
from benchmarks.servers import bare
from tests.browser import chromium
from tests.browser.idle import settled, watched
from tests.browser.server import serving

REPETITIONS = 9
UNITS, TOKENS = 128, 76  # that the Gates page draws when it is opened
PATIENCE = 90_000  # milliseconds for whatever is waited for
IMAGE = ".heatmaplayer image"
TURN = ".st-key-view [role='radio']"  # the segments of the control

# Notes when the frame was drawn in which the first heatmap's image stood in the document.
NOTES = f"""new MutationObserver((changes, self) => {{
    if (!document.querySelector("{IMAGE}")) return;
    self.disconnect();
    requestAnimationFrame(() => setTimeout(() => {{ window.pictured = performance.now(); }}));
}}).observe(document, {{ childList: true, subtree: true }});"""


def first_picture(page: Page, url: str) -> float:
    """Seconds from the address to the heatmap. The page must have been given `NOTES`."""
    page.goto("about:blank")
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.pictured")
    milliseconds: float = page.evaluate("window.pictured")
    return milliseconds / 1000


def new_picture(page: Page, box: str, choice: int, turn: str = TURN) -> float:
    """Seconds from a click on another segment of a control to the heatmap that it draws."""
    image = page.locator(f"{box} {IMAGE}").first
    before = image.get_attribute("href")
    segment = page.locator(turn).nth(choice)
    began = time.perf_counter()
    segment.click()
    page.wait_for_function(
        "([box, before]) => { const i = document.querySelector(box);"
        " return i && i.getAttribute('href') !== before }", arg=[f"{box} {IMAGE}", before])
    return time.perf_counter() - began


class Side:
    """One of the two pages in its own tab. box: what holds the heatmap."""

    def __init__(self, context: BrowserContext, url: str, box: str) -> None:
        self.page, self.url, self.box = context.new_page(), url, box
        self.opened: list[float] = []
        self.turned: list[float] = []

    def visit(self, keep: bool = True) -> None:
        """Open the page, then turn its control there and back."""
        self.page.bring_to_front()  # a tab in the background is drawn late
        opened = first_picture(self.page, self.url)
        settled(self.page, PATIENCE)
        turned = []
        for choice in (1, 0):
            turned.append(new_picture(self.page, self.box, choice))
            settled(self.page, PATIENCE)
        self.page.goto("about:blank")  # no session of the one side disturbs the other
        if keep:
            self.opened.append(opened)
            self.turned.extend(turned)


def train_meanwhile(browser: Browser, url: str) -> str:
    """Start a long job by the button on the page, and leave that page: the job goes on. Its run's
    key."""
    context = watched(browser.new_context())
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{url}/train?model=lstm&hidden=512&quality=best")
    settled(page, PATIENCE)
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url("**run=*")
    page.get_by_role("button", name="Cancel").wait_for()
    key = parse_qs(urlsplit(page.url).query)["run"][0]
    context.close()
    return key


def compare(browser: Browser, ours_url: str, bare_url: str) -> Iterator[Row]:
    context = watched(browser.new_context(viewport={"width": 1280, "height": 900}))
    context.set_default_timeout(PATIENCE)
    context.add_init_script(NOTES)
    ours = Side(context, f"{ours_url}/gates", ".st-key-gates")
    theirs = Side(context, bare_url, ".stMain")
    busy = Side(context, ours.url, ours.box)
    for side in (ours, theirs):
        side.visit(keep=False)
    for _ in range(REPETITIONS):
        ours.visit()
        theirs.visit()
    train_meanwhile(browser, ours_url)
    for _ in range(REPETITIONS):
        busy.visit()
    for name, side, asked in (("", ours, (1.3, 1.5)), (", training", busy, (2.0, 2.0))):
        for what, mine, its, limit in (
            ("first picture", side.opened, theirs.opened, asked[0]),
            ("new picture", side.turned, theirs.turned, asked[1]),
        ):
            a, b = statistics.median(mine), statistics.median(its)
            yield Row(f"web {what}{name}", a / b, limit, False, f"{a * 1e3:.0f} ms",
                      f"{b * 1e3:.0f} ms")


def measure() -> Iterator[Row]:
    with (TemporaryDirectory() as folder, serving(Path(folder)) as server,
          bare(UNITS, TOKENS) as bare_url, sync_playwright() as playwright):
        browser = playwright.chromium.launch(executable_path=chromium.find(playwright),
                                             args=chromium.ARGUMENTS)
        yield from compare(browser, server.url, bare_url)
        browser.close()
