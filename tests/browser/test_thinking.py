"""A learner reads a Transformer's mind: by depth, as a draw, with a head silent, and because of
what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

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

SENTENCE = "the <script>alert(1)</script> cat 爷爷"
BARS = "(plot) => (plot._fullData ?? []).map((t) => Array.from(t.x))"


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    """A small run, trained into the server's store."""
    model: dict[str, Any] = {"kind": "transformer", "hidden": 16, "layers": 2, "heads": 2}
    experiment = Experiment.language_model(TEXT, model=model, steps=20, window=16, batch=8,
                                           snapshots=1)
    return train(experiment, Store(str(server.store)), progress=False).key


def test_looking_at_what_it_thinks_so_far(
    visit: Visit, key: str, axe: Callable[[Page], list[str]]
) -> None:
    page = visit(f"thinking?run={key}&text={quote(SENTENCE)}&token=4")
    first = steps.drawn(page, "lens", lambda found: len(found["z"]) == 3)
    assert (first["zmin"], first["zmax"]) == (0, 1)
    assert axe(page) == []

    steps.strip(page, "text-strip").get_by_role("option").nth(31).click()
    steps.link(page, token=31)
    steps.drawn(page, "lens", lambda found: bool(found["z"] != first["z"]))
    expect(steps.strip(page, "attribution-strip").get_by_role("option")).to_have_count(32)

    drawn_by = steps.plotted(page, "sampling", BARS, bool)[2]
    page.get_by_role("slider", name="Top-k").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    steps.link(page, top_k=2)
    kept = steps.plotted(
        page, "sampling", BARS, lambda found: bool(found) and found[2][2] == 0)[2]
    assert sum(share > 0 for share in kept) == 2 < sum(share > 0 for share in drawn_by)

    settled(page)
    box = page.get_by_role("combobox", name="Silence heads and feed-forward layers")
    box.scroll_into_view_if_needed()
    page.evaluate(steps.FRAMES)  # scrolling closes its list
    box.fill("layer 1, feed")
    page.get_by_role("option", name="layer 1, feed-forward", exact=True).click()
    steps.link(page, silent="1.ff")
    settled(page)
    before, after = steps.plotted(page, "silenced", BARS, bool)
    assert before != after
    expect(page.get_by_text("The mean loss goes from")).to_be_visible()

    again = visit(steps.link(page, silent="1.ff", token=31), width=390, scheme="dark")
    steps.alike(page, again, lambda either: steps.drawn(either, "lens")["z"])
    steps.becomes(again, lambda: steps.plotted(again, "silenced", BARS), [before, after])
    assert again.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("script", has_text="alert(1)").count() == 0
