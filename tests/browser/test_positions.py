"""A learner turns pairs, looks at learnt places, and reads where each encoding breaks."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled

NAMES = """(plot) => plot._fullData.filter((line) => line.mode === "lines+markers")
    .map((line) => line.name)"""
TITLES = "(plot) => plot._fullLayout.annotations.map((title) => title.text)"


def heat(page: Page) -> list[list[float]]:
    found: list[list[float]] = steps.drawn(page, "encoding")["z"]
    return found


def test_a_learner_turns_pairs_and_shares_the_picture(visit: Visit) -> None:
    page = visit("positions?places=64&width=16")
    assert len(heat(page)) == 16
    assert len(heat(page)[0]) == 64
    assert steps.plotted(page, "circles", TITLES)[1] == "pair 1: 145°"
    expect(page.get_by_text(re.compile("All curves are"))).to_be_visible()
    steps.radio(page, "Positions", "rotary")
    expect(page.get_by_text(re.compile("They multiply, where others are added"))).to_be_visible()
    steps.number(page, "Places further on, k", 2)
    steps.plotted(page, "circles", TITLES, lambda titles: titles[0] == "pair 0: 115°")
    link = steps.link(page, kind="rotary", k=2)
    again = visit(link, width=390, height=844, scheme="dark")
    steps.plotted(again, "circles", TITLES, lambda titles: titles[0] == "pair 0: 115°")
    assert again.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_last_question_is_read_whole_on_a_phone(visit: Visit) -> None:
    page = visit("positions?kind=none", width=390, height=844)
    words = page.get_by_test_id("stPageLink").last.locator("p")
    expect(words).to_contain_text("Follow it step by step.")
    assert words.evaluate("each => each.scrollWidth <= each.clientWidth")


def test_where_each_breaks(visit: Visit) -> None:
    page = visit("positions?kind=learned")
    assert len(heat(page)) == 64  # the shipped run's width
    expect(page.get_by_text(re.compile("no gradient ever reached"))).to_be_visible()
    names = steps.plotted(page, "by-place", NAMES, lambda names: len(names) == 5)
    assert names == ["sinusoidal", "learned, up to place 128", "rotary", "ALiBi", "none"]
    expect(page.get_by_text(re.compile("the order changes nothing at all"))).to_be_visible()
    steps.write(page, "Text to measure on", "<i>too</i> short")
    expect(page.get_by_text(re.compile("This text has 16 tokens, but the network read 64"))
           ).to_be_visible()
    settled(page)
