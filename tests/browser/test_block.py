"""A learner follows a token through the stack, opens boxes, and hands on what is seen."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled
from tests.browser.server import Server
from tests.browser.transformer import reader

UGLY = "<b>x</b> $y$ **z**"


def cells(page: Page) -> list[list[float]]:
    found: list[list[float]] = steps.drawn(page, "tensor")["z"]
    return found


def test_a_learner_opens_boxes_and_shares(visit: Visit, server: Server) -> None:
    page = visit(f"block?run={reader(server)}&depth=6")
    steps.write(page, "Text to read", UGLY)
    boxes = page.locator(".st-key-flow").get_by_role("radiogroup")
    boxes.get_by_role("radio", name=re.compile("^Block 2, folded")).click()
    expect(page.locator(".st-key-flow").get_by_text("Block 2 of 2, unfolded")).to_be_visible()
    boxes.get_by_role("radio", name=re.compile("^attention, ")).click()
    expect(page.get_by_role("heading", name="The box, opened: attention")).to_be_visible()
    settled(page)
    rows = steps.drawn(page, "tensor", lambda found: len(found["z"][0]) == len(UGLY))["z"]
    assert all(abs(sum(row) - 1) < 1e-5 for row in rows)

    steps.strip(page, "strip").get_by_role("option").nth(4).click()
    steps.link(page, token=4, box="attention", layer=2)
    boxes.get_by_role("radio", checked=True).press("ArrowRight")
    expect(page.get_by_role("heading", name="The box, opened: mixed values")).to_be_visible()
    settled(page)
    again = visit(steps.link(page, box="mixed", token=4))
    steps.alike(page, again, cells)


def test_a_translator_is_opened_on_both_sides(visit: Visit) -> None:
    store = Store("memory://")
    key = next(key for key in store.pretrained()
               if (made := store.run(key).experiment).task.kind == "translation"
               and made.model.kind == "transformer")
    page = visit(f"block?run={key}&box=look_attention&layer=2")
    rows = cells(page)
    assert all(abs(sum(row) - 1) < 1e-5 for row in rows)
    boxes = page.locator(".st-key-flow").get_by_role("radiogroup")
    boxes.get_by_role("radio", name=re.compile("^keys of the source, ")).click()
    expect(page.get_by_role("heading", name="The box, opened: keys of the source")).to_be_visible()
    settled(page)
    assert len(cells(page)) == len(rows[0]), "a row for each token of the source"
    page.get_by_role("radio", name="the encoder, which reads").click()
    expect(boxes.get_by_role("radio", name=re.compile("^what the encoder gives, "))).to_be_visible()
    expect(boxes.get_by_role("radio", name=re.compile("^attention to the source"))).to_have_count(0)
