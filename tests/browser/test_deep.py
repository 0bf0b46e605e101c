"""Depth and direction, as a learner goes through them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled

STORE = Store()
SHIPPED = {STORE.run(key).card["name"]: key for key in STORE.pretrained()}


def test_a_learner_looks_at_layers_and_at_a_perfect_guesser_that_cannot_write(
    visit: Visit,
) -> None:
    page = visit("deep")
    assert steps.key(page) == SHIPPED["4.3-lstm-deep-4"], "it opens on the deepest"
    first = steps.drawn(page, "layers")
    assert len(first["z"]) == 40
    steps.radio(page, "Gate or state", "cell state")
    assert steps.drawn(page, "layers")["z"] != first["z"]
    box = page.get_by_role("textbox", name="Text to read")
    box.fill("Who said <b>the sea</b>?")
    box.press("Control+Enter")
    settled(page)
    drawn = steps.drawn(page, "layers")
    assert len(drawn["z"][0]) == len("Who said <b>the sea</b>?")
    expect(page.get_by_text("came out best: held-out perplexity")).to_be_visible()
    page.get_by_text("one in the middle").click()
    settled(page)
    expect(page.get_by_test_id("stAlert").filter(has_text="changes least")).to_be_visible()

    both = page.locator(".st-key-sides")
    expect(both.locator(".annotation-text", has_text="← read from right to left")).to_have_count(1)
    expect(page.get_by_text("as scored").first).to_be_visible()
    scored = page.get_by_test_id("stMetricValue").all_inner_texts()
    assert float(scored[2]) < 1.5 < float(scored[0]), "guesses perfectly"
    assert float(scored[3]) > float(scored[1]), "with nothing to come, worse than one way"
    expect(page.get_by_text(re.compile("are the one that stood two before"))).to_be_visible()

    again = visit(page.url.split("/", 3)[3])
    assert steps.drawn(again, "layers") == drawn
    assert steps.drawn(again, "sight-1") == steps.drawn(page, "sight-1")
