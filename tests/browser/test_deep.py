"""Depth and direction, as a learner goes through them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit

STORE = Store()
TEXT = "Who said <b>the sea</b>?"
SHIPPED = {STORE.run(key).card["name"]: key for key in STORE.pretrained()}


def test_a_learner_looks_at_layers_and_at_a_perfect_guesser_that_cannot_write(
    visit: Visit,
) -> None:
    page = visit("deep")
    assert steps.key(page) == SHIPPED["4.3-lstm-deep-4"], "it opens on the deepest"
    first = steps.drawn(page, "layers", lambda found: len(found["z"]) == 40)
    steps.radio(page, "Gate or state", "cell state")
    steps.drawn(page, "layers", lambda found: bool(found["z"] != first["z"]))
    steps.write(page, "Text to read", TEXT)
    drawn = steps.drawn(page, "layers", lambda found: len(found["z"][0]) == len(TEXT))
    expect(page.get_by_text("came out best: held-out perplexity")).to_be_visible()
    page.get_by_text("one in the middle").click()
    expect(page.get_by_test_id("stAlert").filter(has_text="changes least")).to_be_visible()

    both = page.locator(".st-key-sides")
    expect(both.locator(".annotation-text", has_text="← read from right to left")).to_have_count(1)
    expect(page.get_by_text("as scored").first).to_be_visible()
    expect(page.get_by_test_id("stMetricValue")).to_have_count(4)
    scored = [float(said) for said in page.get_by_test_id("stMetricValue").all_inner_texts()]
    assert scored[2] < 1.5 < scored[0], "guesses perfectly"
    assert scored[3] > scored[1], "with nothing to come, worse than one way"
    expect(page.get_by_text(re.compile("are the one that stood two before"))).to_be_visible()

    again = visit(steps.link(page, view="cell", text=TEXT))
    steps.becomes(again, lambda: steps.drawn(again, "layers"), drawn)
    steps.alike(page, again, lambda either: steps.drawn(either, "sight-1"))
