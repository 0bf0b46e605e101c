"""A learner steps through the tree, unfolds it, forces a word, widens the beam, and shares it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled


def tree(page: Page, key: str = "main") -> Locator:
    found = page.locator(f".st-key-{key}").get_by_role("tree")
    expect(found).to_be_visible()
    return found


def node(page: Page, words: str, state: str = "") -> Locator:
    name = re.compile(f"^{re.escape(words)} · {state}")
    return page.locator(".st-key-main").get_by_role("treeitem", name=name)


def says(page: Page) -> Locator:
    return page.locator(".st-key-main .says")


def begin(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Begin with")


def test_a_learner_steps_forces_and_widens(visit: Visit) -> None:
    page = visit("search")
    tree(page)
    expect(node(page, "A C B <eos>", "the best")).to_have_count(1)
    bar = page.locator(".st-key-main .bar")
    bar.get_by_role("button", name="To the first step").click()
    expect(bar.get_by_text("step 1 of 4")).to_be_visible()
    expect(tree(page).get_by_role("treeitem")).to_have_count(5)  # the start and four words
    bar.get_by_role("button", name="One step on").click()
    expect(node(page, "A C", "kept")).to_have_count(1)
    expect(node(page, "A C B")).to_have_count(0)
    bar.get_by_role("button", name="All steps").click()

    node(page, "A <eos>").hover()
    expect(says(page)).to_contain_text("log P −2.303 · score −1.369")
    expect(says(page)).to_contain_text("missed by 0.405")

    start = tree(page).get_by_role("treeitem", name="start", exact=True)
    start.focus()
    start.press("ArrowRight")
    expect(says(page)).to_contain_text(re.compile("^A · kept · log P −0.693"))
    page.keyboard.press("ArrowDown")
    expect(says(page)).to_contain_text(re.compile("^B · kept"))
    page.keyboard.press("f")
    settled(page)
    expect(begin(page)).to_have_value("B")
    expect(node(page, "A")).to_have_count(1)
    assert "ids=1" in page.url

    begin(page).fill("")
    begin(page).press("Enter")
    settled(page)
    steps.number(page, "Width", 3)
    page.wait_for_url(re.compile("width=3"))
    expect(node(page, "A <eos>", "finished")).to_have_count(1)
    again = visit(page.url.split("/", 3)[3])
    expect(node(again, "A <eos>", "finished")).to_have_count(1)


def test_a_wide_and_deep_tree_stays_readable(visit: Visit) -> None:
    page = visit("search?model=language_model&width=10&longest=40&against=0")
    items = tree(page).get_by_role("treeitem")
    assert 200 < items.count() < 600
    frame = page.locator(".st-key-main .frame")
    size = frame.evaluate("(f) => [f.scrollWidth > f.clientWidth, f.clientHeight <= 562]")
    assert size == [True, True], "it is panned inside its frame"
    bar = page.locator(".st-key-main .bar")
    bar.get_by_role("button", name="One step back").click()
    expect(bar.get_by_text("step 39 of 40")).to_be_visible()
    before = items.count()
    stub = page.locator(".st-key-main .stub:not(.fixed)").first
    stub.click()
    expect(items).not_to_have_count(before)
