"""A learner looks where a translator looks: by hover, by keyboard, step by step, side by side."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from explorer.experiment import Experiment
from explorer.library import train
from explorer.store import Store
from explorer.text.pair_corpora import pair_corpus
from explorer.text.pairs import Pairs
from explorer.text.sentences import EOS
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled
from tests.browser.server import Server

SOURCE = "<script>alert(1)</script> the cat"


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    """A small run, trained into the server's store."""
    rows = pair_corpus("english-french").rows[:200]
    pairs = Pairs("few", "".join(f"{source}\t{target}\n" for source, target in rows))
    model: dict[str, Any] = {"kind": "seq2seq", "hidden": 12, "embedding": 8,
                             "attention": "general"}
    experiment = Experiment.translation(pairs, model=model, steps=20, batch=8, snapshots=1)
    return train(experiment, Store(str(server.store)), progress=False).key


def test_looking_at_an_alignment(
    visit: Visit, key: str, axe: Callable[[Page], list[str]]
) -> None:
    source, target = (quote(side) for side in pair_corpus("english-french").rows[0])
    page = visit(f"alignment?run={key}&source={source}&target={target}")
    drawn = steps.drawn(page, "alignment")
    assert (drawn["zmin"], drawn["zmax"]) == (0, 1)
    assert all(abs(sum(row) - 1) < 1e-5 for row in drawn["z"])
    read = page.get_by_role("listbox", name="Read")
    written = page.get_by_role("listbox", name="Written")
    expect(read.get_by_role("option").last).to_have_text(EOS)
    assert read.get_by_role("option").count() == len(drawn["x"])

    assert axe(page) == []

    lines = page.locator(".st-key-lines")
    first = read.get_by_role("option").first
    first.hover()
    expect(lines.locator(".says")).to_contain_text("is looked at by")
    expect(page.locator(".st-key-alignment .linked-frame")).to_be_visible()
    expect(lines.locator("path.marked").first).to_be_attached()

    page.locator(".st-key-alignment .nsewdrag").first.hover()
    expect(lines.locator(".says")).to_contain_text("looks at:")
    expect(lines.locator(".read .lit")).to_have_count(1)
    expect(lines.locator(".written .lit")).to_have_count(1)

    written.get_by_role("option").nth(1).click()
    settled(page)
    assert "written=1" in page.url
    expect(written.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    written.get_by_role("option").nth(1).focus()
    page.keyboard.press("ArrowLeft")
    expect(lines.locator(".says")).to_contain_text("looks at:")
    page.keyboard.press("n")
    page.wait_for_url(re.compile("written=2"))
    settled(page)

    box = page.get_by_role("textbox", name="Source sentence")
    box.fill(SOURCE)
    box.press("Enter")
    settled(page)
    expect(read.get_by_role("option").first).to_have_text(re.compile("<"))
    assert page.locator("script", has_text="alert(1)").count() == 0

    again = visit(page.url.split("/", 3)[3], width=390)
    assert steps.drawn(again, "alignment")["z"] == steps.drawn(page, "alignment")["z"]
    width = again.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
