"""A learner counts: looks at ranks, makes contexts longer, reads what was written, cuts batches."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled


def points(page: Page, key: str) -> list[dict[str, Any]]:
    """Every trace that Plotly draws, as the browser has it."""
    chart = page.locator(f".st-key-{key} .js-plotly-plot")
    expect(chart.locator(".main-svg").first).to_be_visible()
    found: list[dict[str, Any]] = chart.evaluate(
        """(plot) => plot._fullData.map(({ name, x, y, base }) =>
            ({ name, x: [...(x ?? [])], y: [...(y ?? [])], base: [...(base ?? [])] }))""")
    return found


def test_from_the_first_count_to_a_link_of_the_picture(visit: Visit) -> None:
    page = visit("counting")
    words = points(page, "zipf")[0]
    assert words["y"] == sorted(words["y"], reverse=True)
    slope = re.search(r"slope (−\d\.\d\d)", words["name"])
    assert slope
    expect(page.get_by_text(f"the line falls with slope {slope[1]}")).to_be_visible()

    best = min(points(page, "ngrams")[1]["y"])
    expect(page.get_by_text(f"it hesitates among {best:.2f} of 72 tokens")).to_be_visible()
    networks = [each for each in points(page, "ngrams") if "story" in each["name"]]
    assert len(networks) == 3, "the shipped ones learnt this text"
    for each in networks:
        who = "better than counting" if each["y"][0] < best else "counting is"
        note = page.get_by_role("listitem").filter(has_text=each["name"].split(":")[0])
        expect(note).to_contain_text(who)

    steps.radio(page, "Tokens", "words")
    assert points(page, "ngrams")[1]["x"] == [1, 2, 3]
    steps.number(page, "Window", 6)
    steps.number(page, "Batch", 2)
    bars = [each for each in points(page, "minibatches") if each["base"]]
    lanes = [each["base"] for each in bars[2:]]
    assert all(lane[i + 1] == lane[i] + 6 for lane in lanes for i in range(3))
    first = steps.strip(page, "spans-sequential").get_by_role("option").nth(lanes[0][0])
    assert first.evaluate("(token) => token.style.backgroundColor")

    for part in ("tokens=word", "window=6", "batch=2", "corpus=story-en"):
        assert part in page.url
    again = visit(page.url.split("/", 3)[3])
    for key in ("zipf", "ngrams", "minibatches"):
        assert points(again, key) == points(page, key)


def test_markup_in_a_text_of_one_s_own_stays_text(visit: Visit) -> None:
    page = visit("counting")
    steps.paste(page, "<script>alert('x')</script> <b>灯</b> 👩‍👩‍👧 " * 30)
    steps.radio(page, "Count", "characters")
    settled(page)
    assert points(page, "zipf")
    assert page.locator("[data-testid=stMain] script, [data-testid=stMain] b").count() == 0
    assert "corpus" not in page.url
