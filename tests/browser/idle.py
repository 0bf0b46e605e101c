"""When a page is done: nothing runs, nothing is stale, nothing is still a placeholder."""

from __future__ import annotations

from playwright.sync_api import Page

PATIENCE = 120_000  # milliseconds: a cold page on a busy machine

SETTLED = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    if (!app || app.dataset.testConnectionState !== 'CONNECTED') return false;
    if (app.dataset.testScriptState !== 'notRunning') return false;
    return !document.querySelector(
        '[data-testid="stSkeleton"], [data-testid="stAppSkeleton"], [data-stale="true"],' +
        '.st-key-half-drawn');
}"""


def settled(page: Page, timeout: float = PATIENCE) -> Page:
    """Wait until the page is drawn whole and the server is idle."""
    for _ in range(2):  # a click has yet to reach the server; what was drawn may ask for one more
        page.wait_for_timeout(100)
        page.wait_for_function(SETTLED, timeout=timeout)
    return page
