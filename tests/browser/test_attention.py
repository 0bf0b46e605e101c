"""A learner drags a key, types a query, hides keys, and hands on the link; then learns a width."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled


def weights(page: Page) -> list[list[float]]:
    found: list[list[float]] = steps.drawn(page, "weights-of")["z"]
    return found


def test_a_learner_drags_types_hides_and_shares(visit: Visit) -> None:
    page = visit("attention")
    first = weights(page)
    plane = page.locator(".st-key-plane")
    key = plane.get_by_role("button", name=re.compile("^key north at 0, 2"))
    key.scroll_into_view_if_needed()
    box, field = key.locator(".mark").bounding_box(), plane.locator("svg").bounding_box()
    assert box
    assert field
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(field["x"] + field["width"] * 0.75, field["y"] + field["height"] * 0.75,
                    steps=5)
    page.mouse.up()
    keys = page.get_by_label("Keys", exact=True)
    expect(keys).to_have_value(re.compile("^north: 2 -2\n"))
    settled(page)
    assert weights(page)[0] != first[0]

    moved = plane.get_by_role("button", name=re.compile("^key north at 2, -2"))
    moved.press("ArrowUp")
    expect(keys).to_have_value(re.compile("^north: 2 -1.9\n"))
    settled(page)

    queries = page.get_by_label("Queries", exact=True)
    queries.fill("<i>up</i>: 0 1\nnan 1")
    queries.press("Control+Enter")
    expect(page.get_by_text("Line 2 of the queries: “nan” is not a number")).to_be_visible()
    queries.fill("<i>up</i>: 0 1\n1 1")
    queries.press("Control+Enter")
    expect(plane.get_by_role("button", name="query <i>up</i> at 0, 1")).to_be_visible()
    steps.radio(page, "Hide", "all but the first")
    expect(page.get_by_text(re.compile("The mask leaves it 2 of 4 keys"))).to_be_visible()
    settled(page)
    shown = weights(page)
    assert [row[2:] for row in shown] == [[0, 0], [0, 0]]

    again = visit(page.url.split("/", 3)[3])
    assert weights(again) == shown


def test_the_scale_goes_with_the_slider_and_a_width_is_learnt(visit: Visit) -> None:
    page = visit("attention?width=2&d=64")
    expect(page.get_by_text(re.compile("At d = 64 the scores' variance"))).to_be_visible()
    slider = page.get_by_role("slider", name="Numbers of a vector, d")
    slider.press("End")
    expect(page.get_by_text(re.compile("At d = 1024 the scores' variance"))).to_be_visible()
    settled(page)
    page.get_by_text("Learn the width").click()
    expect(page.get_by_text(re.compile("Gradient descent took the width from 2"))).to_be_visible()
    expect(page).to_have_url(re.compile("d=1024.*learn=1|learn=1.*d=1024"))
