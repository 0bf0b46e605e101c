"""A learner counts: looks at ranks, makes contexts longer, reads what was written, cuts batches."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Visit


def points(page: Page, key: str) -> list[dict[str, Any]]:
    """Every trace that Plotly draws, as the browser has it."""
    found: list[dict[str, Any]] = steps.plotted(
        page,
        key,
        """(plot) => plot._fullData.map(({ name, x, y, base }) =>
            ({ name, x: [...(x ?? [])], y: [...(y ?? [])], base: [...(base ?? [])] }))""",
    )
    return found


def lanes(page: Page) -> list[list[int]]:
    """Where each row of the batches begins, batch after batch, of stateful reading."""
    return [each["base"] for each in points(page, "minibatches") if each["base"]][2:]


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
    assert len(networks) == 4, "of each kind, the best of the shipped ones that learnt this text"
    for each in networks:
        who = "better than counting" if each["y"][0] < best else "counting is"
        note = page.get_by_role("listitem").filter(has_text=each["name"].split(":")[0])
        expect(note).to_contain_text(who)

    steps.radio(page, "Tokens", "words")
    steps.becomes(page, lambda: points(page, "ngrams")[1]["x"], [1, 2, 3])
    steps.number(page, "Window", 6)
    steps.number(page, "Batch", 2)
    read = steps.eventually(
        page,
        lambda: lanes(page),
        lambda found: len(found) == 2
        and all(lane[i + 1] == lane[i] + 6 for lane in found for i in range(3)),
    )
    first = steps.strip(page, "spans-sequential").get_by_role("option").nth(read[0][0])
    expect(first).to_have_attribute("style", re.compile("background-color: *[^;]"))

    link = steps.link(page, tokens="word", window=6, batch=2, corpus="story-en")
    again = visit(link)
    for key in ("zipf", "ngrams", "minibatches"):
        steps.alike(page, again, partial(points, key=key))


def test_markup_in_a_text_of_one_s_own_stays_text(visit: Visit) -> None:
    page = visit("counting")
    steps.paste(page, "<script>alert('x')</script> <b>灯</b> 👩‍👩‍👧 " * 30)
    steps.radio(page, "Count", "characters")
    grams = "(plot) => plot._fullData.flatMap(({ customdata }) => [...(customdata ?? [])])"
    steps.plotted(page, "zipf", grams, lambda found: "灯" in found)
    expect(page.locator("[data-testid=stMain] script, [data-testid=stMain] b")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("corpus"))
