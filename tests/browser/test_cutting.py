"""A learner cuts the chain shorter, reads what is left, and follows one path through the graph."""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.sync_api import Page, expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit

RNN = next(key for key in Store().pretrained()
           if Store().run(key).experiment.model.kind == "rnn")
TEXT = "The lamp is lit, and the sea is calm."


def cosine(page: Page) -> float:
    said = page.get_by_text(re.compile(r"cosine of \d")).first.inner_text()
    found = re.search(r"cosine of (\d\.\d+)", said)
    assert found, said
    return float(found[1])


def points(page: Page) -> list[list[float]]:
    """Where each draw stands in the plane of gradients."""
    found: list[list[float]] = steps.plotted(
        page, "gradients", "(plot) => [[...plot._fullData[0].x], [...plot._fullData[0].y]]")
    return found


def test_a_learner_cuts_shorter_and_shares_what_is_seen(visit: Visit) -> None:
    page = visit(f"cutting?run={RNN}&text={quote(TEXT)}&every=16")
    long = cosine(page)
    slider = page.get_by_role("slider", name="Tokens from cut to cut")
    slider.press("Home")
    steps.link(page, every=2)
    # shorter pieces leave less of the gradient
    steps.eventually(page, lambda: cosine(page), lambda short: short < long)
    steps.radio(page, "Gradient of", "all weights")
    expect(page.get_by_text("Gradients of all weights")).to_be_visible()

    page.get_by_role("button", name=re.compile("^o₃ → h₃ → h₂ [+−-]")).hover()
    graph = page.locator(".st-key-graph")
    expect(graph.get_by_text(re.compile("one of six parts"))).to_be_visible()
    expect(graph.locator(".edge.marked")).to_have_count(4)
    page.mouse.move(0, 0)
    edge = graph.get_by_role("img", name=re.compile("^h₂, h₃"))
    edge.focus()
    expect(graph.get_by_text(re.compile("∂L/∂h₃ · ∂h₃/∂h₂ ="))).to_be_visible()

    again = visit(steps.link(page, every=2, weights="all"))
    steps.alike(page, again, points)
    steps.alike(page, again, cosine)
