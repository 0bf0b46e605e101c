"""A learner asks how far back a mistake reaches, cuts the tie to the past, and sends a link."""

from __future__ import annotations

from functools import partial
from typing import Any

from playwright.sync_api import Page, expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled

STORE = Store()
KINDS = {STORE.run(key).experiment.model.kind: key for key in reversed(STORE.pretrained())}
SHIPPED = [KINDS[kind] for kind in ("rnn", "gru", "lstm")]  # by character, on the same story


def lines(page: Page, key: str) -> list[dict[str, Any]]:
    """The lines of a chart by their names, as the browser draws them."""
    found: list[dict[str, Any]] = steps.plotted(
        page,
        key,
        "(plot) => plot._fullData.map((t) => ({ name: t.name, y: Array.from(t.y || []) }))",
    )
    return found


def test_how_far_back_a_mistake_reaches(visit: Visit) -> None:
    page = visit(f"gradients?runs={','.join(SHIPPED)}&text=The+sea+is+calm+tonight.")
    steps.becomes(page, lambda: [line["name"] for line in lines(page, "gradients")][:3],
                  ["RNN", "GRU", "LSTM"])
    expect(page.get_by_test_id("stMetric")).to_have_count(3)

    page.locator(".st-key-strip").get_by_role("option").nth(10).click()
    steps.link(page, at=10)
    steps.becomes(page, lambda: len(lines(page, "gradients")[0]["y"]), 10)

    page.get_by_role("radio", name="fresh ones, of my making").click()
    steps.link(page, look="fresh")
    settled(page)
    page.goto(page.url + "&radius=0")
    settled(page)
    expect(page.get_by_text("exactly 0 from step 1 back on").first).to_be_visible()

    again = visit(steps.link(page, look="fresh", radius=0))
    steps.alike(page, again, partial(lines, key="gradients"))
    expect(again.get_by_text("exactly 0 from step 1 back on").first).to_be_visible()
