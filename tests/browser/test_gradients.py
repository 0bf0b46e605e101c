"""A learner asks how far back a mistake reaches, cuts the tie to the past, and sends a link."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.idle import settled


def lines(page: Page, key: str) -> list[dict[str, Any]]:
    """The lines of a chart by their names, as the browser draws them."""
    chart = page.locator(f".st-key-{key} .js-plotly-plot")
    expect(chart.locator(".main-svg").first).to_be_visible()
    found: list[dict[str, Any]] = chart.evaluate(
        """(plot) => plot._fullData.map((t) => ({ name: t.name, y: Array.from(t.y || []) }))"""
    )
    return found


def test_how_far_back_a_mistake_reaches(visit: Visit) -> None:
    page = visit("gradients?text=The+sea+is+calm+tonight.")
    assert [line["name"] for line in lines(page, "gradients")][:3] == ["RNN", "GRU", "LSTM"]
    expect(page.get_by_test_id("stMetric")).to_have_count(3)

    page.locator(".st-key-strip").get_by_role("option").nth(10).click()
    page.wait_for_url("**at=10**")
    settled(page)
    assert len(lines(page, "gradients")[0]["y"]) == 10

    page.get_by_role("radio", name="fresh ones, of my making").click()
    page.wait_for_url("**look=fresh**")
    settled(page)
    page.goto(page.url + "&radius=0")
    settled(page)
    expect(page.get_by_text("exactly 0 from step 1 back on").first).to_be_visible()

    again = visit(page.url.split("/", 3)[3])
    assert lines(again, "gradients") == lines(page, "gradients")
    expect(again.get_by_text("exactly 0 from step 1 back on").first).to_be_visible()
