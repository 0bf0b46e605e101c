"""A learner looks at states, brushes a span, compares two texts, and hands the link on."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from playwright.sync_api import Page, expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled

LSTM = Store().pretrained()[0]
OTHER = "The lamp is out, and so on."
TEXT = '"The lamp is lit," said Wren. <script>alert(1)</script>'


def path(page: Page) -> dict[str, Any]:
    """Where the browser has drawn the texts, and what stands along the axes."""
    found: dict[str, Any] = steps.plotted(
        page,
        "trajectory",
        """(plot) => ({
            lines: plot._fullData.filter((part) => part.mode === 'lines')
                .map((part) => [part.name, [...part.x], [...part.y]]),
            axis: plot.layout.xaxis.title.text,
        })""",
    )
    return found


def test_from_a_span_to_the_places_where_its_units_fire(visit: Visit) -> None:
    page = visit(f"states?run={LSTM}&text={quote(TEXT)}&span=5-8")
    [line] = path(page)["lines"]
    assert len(line[1]) == len(TEXT)
    assert "of the variance" in path(page)["axis"]
    places = page.get_by_role("list", name="Places where these units fire together").locator("li")
    expect(places).to_have_count(12)
    before = places.first.inner_text()

    steps.strip(page, "strip").get_by_role("option").nth(5).press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    steps.link(page, span="1-8")
    settled(page)
    expect(page.get_by_text("No unit is on throughout this span")).to_be_visible()

    page.goto(page.url.replace("span=1-8", "span=5-8"))
    settled(page)
    expect(places).to_have_count(12)
    steps.becomes(page, places.first.inner_text, before)

    steps.write(page, "Second text, to compare", OTHER)
    steps.becomes(page, lambda: len(path(page)["lines"]), 2)
    steps.radio(page, "Seen by", "chosen units")
    steps.becomes(page, lambda: path(page)["axis"], "unit 0")

    again = visit(steps.link(page, second=OTHER, method="units", span="5-8"))
    steps.alike(page, again, path)
    expect(again.get_by_label("Second text, to compare")).to_have_value(OTHER)
