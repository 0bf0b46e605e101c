"""A learner sets networks side by side: the shipped ones at once, the toy with one click, and the
link shows a friend the same."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled

TEXT = "The lamp is lit."
TOY = "The toy: four sentences, three networks"


def heat(page: Page) -> dict[str, Any]:
    """What the toy's networks wrote, as the browser draws it."""
    return steps.drawn(page, "written")


def bars(page: Page) -> list[dict[str, Any]]:
    """Names and heights of the bars."""
    found: list[dict[str, Any]] = steps.plotted(
        page,
        "duel",
        "(plot) => plot._fullData.map(({ name, x, y }) => ({ name, x: [...x], y: [...y] }))",
    )
    return found


def test_the_shipped_networks_stand_side_by_side_at_once(visit: Visit) -> None:
    page = visit("side")
    expect(page.get_by_test_id("stTable").first).to_contain_text("LSTM")
    expect(page.get_by_text("With one seed each, nobody can say")).to_be_visible()
    expect(page.get_by_text("These do not read the same batches")).to_be_visible()
    steps.radio(page, "Over", "FLOPs")
    steps.link(page, x="flops")
    token = steps.strip(page, "winners").get_by_role("option").nth(3)
    expect(token).to_have_attribute("aria-label", re.compile(r"GRU: \d+\.\d\d bits"))
    steps.write(page, "Text to read", TEXT)
    steps.becomes(page, lambda: sum(len(bar["x"]) for bar in bars(page)), len(TEXT) - 1)

    again = visit(steps.link(page, x="flops", text=TEXT))
    steps.alike(page, again, bars)
    expect(again.get_by_role("radio", name="FLOPs")).to_be_checked()


def test_one_click_trains_the_toy_and_the_link_shows_it_to_a_friend(visit: Visit) -> None:
    page = visit("side?seeds=1")
    page.get_by_role("button", name=TOY).click()
    expect(page.get_by_role("heading", name="What do they write?")).to_be_visible()
    expect(page.get_by_text("1 finished")).to_have_count(3, timeout=90_000)
    settled(page)
    steps.becomes(page, lambda: heat(page)["y"], ["RNN", "GRU", "LSTM"])
    # five words after “This is”
    steps.becomes(page, lambda: [len(row) for row in heat(page)["z"]], [5, 5, 5])
    expect(page.get_by_role("textbox", name="Prefix")).to_have_value("This is")
    friend = visit(steps.link(page, seeds=1))
    steps.alike(page, friend, heat)
    friend.reload()
    settled(friend)
    steps.alike(page, friend, heat)
