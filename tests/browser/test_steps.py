"""A learner walks through the steps, clicks a cell, and hands on what is seen."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled
from tests.browser.server import Server
from tests.browser.transformer import reader

UGLY = "<b>x</b> $y$ **z**"


def cells(page: Page, key: str) -> list[list[float]]:
    found: list[list[float]] = steps.drawn(page, key)["z"]
    return found


def test_a_learner_walks_clicks_and_shares(visit: Visit, server: Server) -> None:
    page = visit(f"steps?run={reader(server)}")
    steps.write(page, "Text to read", UGLY)
    boxes = page.locator(".st-key-stages").get_by_role("radiogroup")
    boxes.get_by_role("radio", name=re.compile("^softmax")).click()
    expect(page.get_by_text("Step 7 of 8: softmax")).to_be_visible()
    settled(page)
    weights = cells(page, "matrix-1")
    assert len(weights) == len(UGLY)
    assert all(abs(sum(row) - 1) < 1e-5 for row in weights)

    plot = page.locator(".st-key-matrix-1 .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    # The third key of the query before the last.
    T = len(UGLY)
    x, y = box["x"] + box["width"] * 2.5 / T, box["y"] + box["height"] * (T - 1.5) / T
    expect(plot).to_have_css("cursor", "pointer")  # from then on it is listened to
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    steps.link(page, key=2, query=T - 2)
    expect(page.get_by_text(re.compile(f"^Token {T - 1}, “\\*”, looks at token 3"))).to_be_visible()
    settled(page)

    boxes.get_by_role("radio", checked=True).press("ArrowRight")
    expect(page.get_by_text("Step 8 of 8: weighted sum")).to_be_visible()
    again = visit(steps.link(page, stage="mixed"))
    steps.alike(page, again, lambda one: cells(one, "matrix-2"))
