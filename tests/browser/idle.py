"""When a page is done: nothing is owed to it, nothing is stale, nothing is still a placeholder."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, Page

PATIENCE = 120_000  # milliseconds: a cold page on a busy machine
OWED = Path(__file__).with_name("owed.js")

SETTLED = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    if (!app || app.dataset.testConnectionState !== 'CONNECTED') return false;
    if (window.owed() || app.dataset.testScriptState !== 'notRunning') return false;
    return !document.querySelector(
        '[data-testid="stSkeleton"], [data-testid="stAppSkeleton"], [data-stale="true"],' +
        '.st-key-half-drawn');
}"""
DRAWN = "() => new Promise((done) => requestIdleCallback(() => done(true), { timeout: 2000 }))"


def watched(context: BrowserContext) -> BrowserContext:
    """Let the pages of a context know what the server owes them: `settled` asks them."""
    context.add_init_script(path=OWED)
    return context


def settled(page: Page, timeout: float = PATIENCE) -> Page:
    """Wait until the server has answered all that the page has asked, and the browser has drawn it.

    What stands on the page is not thereby what one waits for: a chart may take its time after that.
    Expect it (`expect`, `steps.becomes`, `steps.eventually`), never read it once.
    """
    for _ in range(2):  # what was drawn may ask for one more
        page.wait_for_function(SETTLED, timeout=timeout)
        page.evaluate(DRAWN)
    return page
