"""A learner types a sentence, follows a token through four networks, turns the sliders, and hands
on the link."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled

WAYS = "(plot) => plot.layout.annotations.map((note) => note.text)"
LENGTHS = "(plot) => plot._fullData.map((line) => [line.name, line.y.length])"


def ways(page: Page, holds: str) -> list[str]:
    found: list[str] = steps.plotted(page, "reach", WAYS, lambda notes: holds in " ".join(notes))
    return found


def test_a_learner_follows_a_token_and_shares_the_way(visit: Visit) -> None:
    page = visit("cost")
    assert "15 steps" in ways(page, "way of")[0]
    steps.write(page, "Your sentence", "<i>see</i> the lamp that was lit and the sea that was dark")
    ways(page, "way of 19 steps")
    steps.number(page, "CNN layers", 6)
    assert "no way: it takes 9 layers" in ways(page, "it takes 9 layers")[1]
    steps.number(page, "Kernel", 5)
    assert "way of 5 layers" in ways(page, "way of 5 layers")[1]
    expect(page.get_by_text(re.compile("A CNN with kernel 5 needs 5 layers"))).to_be_visible()

    slider = page.get_by_role("slider", name="Tokens, n")
    slider.press("End")
    expect(page.get_by_text(re.compile("At n = 4,096 and d = 64"))).to_be_visible()
    settled(page)
    page.get_by_role("radiogroup", name=re.compile("^Which is dearer")).get_by_text(
        "the recurrence").click()
    expect(page.get_by_text(re.compile("as soon as n > d, here beyond 64"))).to_be_visible()

    link = steps.link(page, layers=6, kernel=5, n=4096)
    again = visit(link)
    steps.alike(page, again, lambda each: steps.plotted(each, "reach", WAYS))
    expect(again.get_by_text(re.compile("At n = 4,096 and d = 64"))).to_be_visible()


def test_what_is_measured_is_drawn_and_can_be_taken_away(visit: Visit) -> None:
    page = visit("cost?width=16&text=one+two+three")
    expect(page.get_by_text(re.compile("4,096 tokens: self-attention"))).to_be_visible()
    drawn = steps.plotted(page, "seconds", LENGTHS)
    assert drawn == [[name, 9] for name in (
        "RNN", "CNN", "self-attention", "self-attention, fused", "Aaren, by steps")]
    data = steps.table(steps.download(page, "seconds", "CSV"))
    assert len(data) == 45
    assert (data["seconds"] > 0).all()
