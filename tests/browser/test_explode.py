"""A run explodes: read where and why, press the cure, see the corrected run end, share it."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import PATIENCE, settled
from tests.browser.server import Server

STORE = Store()
EXPLODES = STORE.pretrained("explode")[0]


def lines(page: Page, key: str) -> list[dict[str, Any]]:
    """Names and values of the lines of a chart, as the browser has them."""
    found: list[dict[str, Any]] = steps.plotted(
        page,
        key,
        """(plot) => plot._fullData.filter((trace) => trace.mode !== 'markers+text').map(
            ({ name, x, y, line }) => ({ name, x: [...x], y: [...y], dash: line.dash }))""",
    )
    return found


@pytest.mark.timeout(240)
def test_a_run_breaks_is_cured_and_the_cured_run_is_shared(visit: Visit, server: Server) -> None:
    page = visit("explode")
    history = STORE.run(EXPLODES).history
    broke = STORE.run(EXPLODES).error
    assert broke is not None
    expect(page.get_by_role("alert")).to_contain_text(f"At step {broke.values['step']} the hidden")
    expect(page.get_by_role("alert")).to_contain_text(
        f"layer 1, at position {broke.values['position']} of the 64 in its window")
    first = lines(page, "explosion")[0]
    assert (first["name"], first["x"]) == ("without clipping", history["step"].tolist())
    assert first["y"] == pytest.approx(history["gradient_norm"].tolist())

    page.get_by_text("20 to 200", exact=True).click()
    expect(page.get_by_text(f"Step {broke.values['step']} breaks")).to_be_visible()

    page.get_by_role("button", name="Clip at 1").click()
    page.wait_for_url(lambda url: "run=" in url and EXPLODES not in url)
    key = steps.key(page)
    expect(page.get_by_text(re.compile("clipped at 1 from step 10: step")).or_(
        page.get_by_text("its steps were shortened")).first).to_be_visible(timeout=PATIENCE)
    trained = Store(str(server.store))
    steps.eventually(page, lambda: key in trained and trained.run(key).status,
                     lambda status: status == "finished", timeout=PATIENCE / 1000)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    page.reload()  # no longer live
    settled(page)
    corrected = trained.run(key)
    [change] = corrected.experiment.training.changes
    assert (change.clip, change.step) == (1.0, 10)
    steps.becomes(page, lambda: {each["name"] for each in lines(page, "explosion")},
                  {"as it was set", "clipped at 1 from step 10"})

    again = visit(steps.link(page, run=key))
    for chart in ("explosion", "growth"):
        steps.alike(page, again, partial(lines, key=chart))


def test_the_doctor_of_the_training_panel_leads_to_the_corrected_run(visit: Visit) -> None:
    page = visit(f"train?run={EXPLODES}")
    page.get_by_role("button", name="Learning rate × 0.1").click()
    page.wait_for_url(lambda url: "run=" in url and EXPLODES not in url)
    expect(page.get_by_text(re.compile(r"^Step \d+ of 160"))).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text(re.compile("A hand was on it while it trained")).first).to_be_visible()
