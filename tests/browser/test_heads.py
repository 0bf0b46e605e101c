"""A learner goes through the heads: all, one, a token of it, an earlier snapshot."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from explorer.experiment import Experiment
from explorer.library import train
from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled
from tests.browser.server import Server
from tests.training.small import TEXT

READ = "the cat <script>alert(1)</script> sat on a mat."


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    """A small run, trained into the server's store."""
    experiment = Experiment.language_model(
        TEXT, model={"kind": "transformer", "hidden": 16, "layers": 2, "heads": 4}, steps=30,
        window=32, batch=4, snapshots=2)
    return train(experiment, store=Store(str(server.store)), progress=False).key


def test_a_learner_chooses_a_head_and_reads_its_weights(
    visit: Visit, key: str, axe: Callable[[Page], list[str]]
) -> None:
    page = visit(f"heads?run={key}&text={READ}&layer=1&head=1")
    grid = page.get_by_role("group", name="All heads")
    pictures = grid.get_by_role("button")
    expect(pictures).to_have_count(8)
    assert grid.locator("img").evaluate_all(
        "all => all.every((img) => img.complete && img.naturalWidth > 0)")
    first = steps.drawn(page, "head-weights", lambda found: len(found["z"]) == len(READ))
    assert first["z"][0][0] == 1000

    pictures.nth(0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    link = steps.link(page, layer=2, head=2)
    settled(page)
    expect(pictures.nth(5)).to_have_attribute("aria-pressed", "true")
    second = steps.drawn(page, "head-weights", lambda found: bool(found["z"] != first["z"]))

    # The number of a cell is written as a weight, and its line is marked.
    plot = page.locator(".st-key-head-weights .nsewdrag").first
    box = plot.bounding_box()
    assert box
    cell = box["height"] / len(READ)
    query = len(READ) - 3
    plot.hover(position={"x": box["width"] / len(READ) * (query + 0.5), "y": cell * (query + 0.5)})
    hover = page.locator(".st-key-head-weights .hovertext")
    weight = second["z"][query][query] / 1000
    expect(hover).to_contain_text(f"α = {weight:.3f}")
    lines = page.locator(".st-key-lines")
    expect(lines.locator(".says")).to_contain_text("looks at:")
    expect(lines.locator(".written .lit")).to_have_count(1)
    plot.hover(position={"x": 2, "y": 2})
    expect(hover).to_contain_text("α = 1.000")

    lines.get_by_role("listbox", name="Looks").get_by_role("option").nth(3).click()
    steps.link(page, query=35)
    settled(page)
    expect(page.get_by_text(re.compile(r"^Token 35, “.”, asks; token \d+"))).to_be_visible()
    assert page.locator("script", has_text="alert(1)").count() == 0
    assert axe(page) == []

    page.get_by_role("slider", name="Snapshot after step").press("Home")
    steps.link(page, step=0)
    settled(page)
    steps.drawn(page, "head-weights", lambda found: bool(found["z"] != second["z"]))

    again = visit(link, width=390)
    steps.becomes(again, lambda: steps.drawn(again, "head-weights")["z"], second["z"])
    assert again.evaluate("document.documentElement.scrollWidth") <= 390
