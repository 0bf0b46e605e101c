"""Text that would like to be a program stays text, wherever somebody puts it."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

import explorer
from explorer.store import LOCAL, Store
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled
from tests.browser.server import Server
from tests.browser.test_every_page import assert_fits

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
MARKUP = "[link](javascript:alert(1)) ![i](x) $x$ `code` :smile: **bold**"
TEXT = f"{SCRIPT} {IMAGE} {MARKUP}\n" * 40
BEGINNING = re.compile("^" + re.escape(SCRIPT))
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
    steps.eventually(page, lambda: page.evaluate(WORDS),
                     lambda words: all(text in words for text in shown))
    assert page.evaluate(INJECTED) == []
    assert opened == []
    expect(page.get_by_test_id("stException")).to_have_count(0)


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
    expect(pieces).to_contain_text(BEGINNING)

    steps.paste(page, "pasted: " + TEXT)
    show_pieces(page)
    assert_only_text(page, opened)
    expect(pieces).to_contain_text(re.compile("^pasted: " + re.escape(SCRIPT)))


def test_a_run_of_hostile_text_stays_text_on_every_page(visit: Visit, server: Server) -> None:
    key = hostile_run(server)
    page = visit("runs")
    opened = listening(page)
    page.goto(f"{server.url}/train?{urlencode({'run': key, 'prefix': SCRIPT + IMAGE})}")
    steps.trained(page)
    assert_only_text(page, opened, SCRIPT[:8])
    strip = steps.strip(page, "written")
    expect(strip).to_contain_text(BEGINNING)
    steps.point(page, "written", 1)
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
        assert_fits(page, 390)
