"""The page of heads, of a Transformer of 6 layers of 8 heads that reads 256 tokens, beside a bare
Streamlit page with one Plotly heatmap of 256 × 256 numbers, in the same Chromium: from a click on
another head to the new picture.

Both servers and the browser are warm; no head is chosen twice, so none is remembered. The network
is as drawn: what its heads look at makes no difference to the time.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.rows import Row, book
from benchmarks.servers import bare
from benchmarks.web import IMAGE, PATIENCE, new_picture
from explorer.experiment import Experiment
from explorer.library import train
from explorer.store import Store
from tests.browser import chromium
from tests.browser.idle import settled, watched
from tests.browser.server import serving

LAYERS, HEADS, TOKENS = 6, 8, 256
WIDTH = 128
LOOKED_INTO = range(0, LAYERS, 2)


def turned(page: Page, box: str, control: str, choice: int) -> float:
    """Seconds from a click on a segment to the heatmap that it draws."""
    page.bring_to_front()  # a tab in the background is drawn late
    taken = new_picture(page, box, choice, f"{control} [role='radio']")
    settled(page, PATIENCE)
    return taken


def opened(browser: Browser, url: str) -> Page:
    """A page, warm."""
    context = watched(browser.new_context(viewport={"width": 1280, "height": 900}))
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(IMAGE, state="attached")
    return settled(page, PATIENCE)


def compare(browser: Browser, ours_url: str, bare_url: str) -> Iterator[Row]:
    ours, theirs = opened(browser, ours_url), opened(browser, bare_url)
    mine, its = [], []
    for layer, head in product(LOOKED_INTO, range(1, HEADS)):
        if head == 1 and layer:  # neither of these two is counted
            turned(ours, ".st-key-head-weights", ".st-key-layer", layer)
            turned(ours, ".st-key-head-weights", ".st-key-head", 0)
        mine.append(turned(ours, ".st-key-head-weights", ".st-key-head", head))
        its.append(turned(theirs, ".stMain", ".st-key-view", len(mine) % 2))
    a, b = statistics.median(mine), statistics.median(its)
    yield Row("heads new picture", a / b, 1.5, False, f"{a * 1e3:.0f} ms", f"{b * 1e3:.0f} ms")


def measure() -> Iterator[Row]:
    with (TemporaryDirectory() as folder, serving(Path(folder)) as server,
          bare(TOKENS, TOKENS) as bare_url, sync_playwright() as playwright):
        text = book()
        experiment = Experiment.language_model(
            text, model={"kind": "transformer", "hidden": WIDTH, "layers": LAYERS, "heads": HEADS},
            steps=1, window=TOKENS, batch=4, snapshots=1)
        run = train(experiment, store=Store(str(server.store)), progress=False)
        browser = playwright.chromium.launch(executable_path=chromium.find(playwright),
                                             args=chromium.ARGUMENTS)
        yield from compare(browser, f"{server.url}/heads?run={run.key}&layer=1&head=1", bare_url)
        browser.close()
