"""Text that would like to be a program stays text, wherever somebody puts it."""

from __future__ import annotations

from urllib.parse import urlencode

from playwright.sync_api import Page, expect

import explorer
from explorer.store import LOCAL, Store
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled
from tests.browser.server import Server
from tests.browser.test_every_page import OVERFLOWING

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
MARKUP = "[link](javascript:alert(1)) ![i](x) $x$ `code` :smile: **bold**"
TEXT = f"{SCRIPT} {IMAGE} {MARKUP}\n" * 40
UGLY = f"{'Donau' * 60} 你好，世界。🙂👩‍👩‍👧 {SCRIPT} {IMAGE}"

# What would be in the page, its shadow trees and its frames if some text had become mark-up.
INJECTED = """() => {
    const trees = [document];
    for (let i = 0; i < trees.length; i++)
        for (const element of trees[i].querySelectorAll('*'))
            if (element.shadowRoot) trees.push(element.shadowRoot);
    const bad = 'img[src="x"], [onerror], a[href^="javascript"], script:not([src])';
    return trees.flatMap((tree) => [...tree.querySelectorAll(bad)])
        .filter((e) => e.tagName !== 'SCRIPT' || e.textContent.includes('alert(1)'))
        .map((e) => e.outerHTML.slice(0, 200));
}"""

WORDS = """() => [document.body.innerText,
    ...[...document.querySelectorAll('input, textarea')].map((e) => e.value)].join('\\n')"""


def listening(page: Page) -> list[str]:
    """Every dialog that the page opens."""
    opened: list[str] = []

    def close(dialog: object) -> None:
        opened.append(dialog.message)  # type: ignore[attr-defined]
        dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", close)
    return opened


def assert_only_text(page: Page, opened: list[str], *shown: str) -> None:
    settled(page)
    assert page.evaluate(INJECTED) == []
    assert opened == []
    expect(page.get_by_test_id("stException")).to_have_count(0)
    words = page.evaluate(WORDS)
    for text in shown:
        assert text in words, f"{text!r} is not shown as it is"


def hostile_run(server: Server) -> str:
    """A run whose text, and its name, and what its owner calls it, are hostile."""
    store = Store(str(server.store))
    text = explorer.Text(f"{SCRIPT}{IMAGE}.txt", TEXT)
    experiment = explorer.Experiment.language_model(
        text, tokens="word", model=explorer.LSTM(hidden=8, layers=1), steps=6, seed=0
    )
    run = explorer.train(experiment, store, progress=False)
    store.rename(LOCAL, run.key, IMAGE)
    return run.key


def show_pieces(page: Page) -> None:
    page.get_by_text("How the network reads it").click()
    expect(steps.strip(page, "pieces")).to_be_visible()


def test_an_uploaded_and_a_pasted_text_stay_text(visit: Visit) -> None:
    page = visit("train")
    opened = listening(page)
    steps.bring(page, f"{IMAGE[2:-1].replace('/', '')}.txt", TEXT)
    show_pieces(page)
    assert_only_text(page, opened, "<img src=x onerror=alert(1)")
    pieces = steps.strip(page, "pieces")
    assert pieces.text_content().startswith(SCRIPT)

    steps.paste(page, TEXT + "pasted")
    show_pieces(page)
    assert_only_text(page, opened)
    assert pieces.text_content().startswith(SCRIPT)


def test_a_run_of_hostile_text_stays_text_on_every_page(visit: Visit, server: Server) -> None:
    key = hostile_run(server)
    page = visit("runs")
    opened = listening(page)
    page.goto(f"{server.url}/train?{urlencode({'run': key, 'prefix': SCRIPT + IMAGE})}")
    steps.trained(page)
    assert_only_text(page, opened, SCRIPT[:8])
    strip = steps.strip(page, "written")
    assert strip.text_content().startswith(SCRIPT)
    strip.get_by_role("option").nth(1).hover()
    assert_only_text(page, opened)

    for path, shown in {
        f"gates?{urlencode({'run': key, 'text': UGLY})}": IMAGE,
        f"runs?{urlencode({'runs': key})}": IMAGE,
        f"gates?{urlencode({'run': SCRIPT, 'view': IMAGE})}": SCRIPT,
        f"train?{urlencode({'run': IMAGE, 'hidden': SCRIPT, 'lang': IMAGE})}": SCRIPT,
    }.items():
        page.goto(f"{server.url}/{path}")
        assert_only_text(page, opened, shown)


def test_an_ugly_text_fits_a_phone(visit: Visit, server: Server) -> None:
    key = hostile_run(server)
    for path in (
        f"gates?{urlencode({'run': key, 'text': UGLY})}",
        f"train?{urlencode({'run': key, 'prefix': UGLY})}",
        f"runs?{urlencode({'runs': key})}",
    ):
        page = visit(path, width=390, height=844)
        assert page.evaluate(OVERFLOWING) == [], path
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390, path
