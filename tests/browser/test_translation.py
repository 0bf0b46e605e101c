"""A learner brings pairs, watches a network learn to translate them, and asks it for a sentence."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled
from tests.browser.server import Server
from tests.browser.test_every_page import OVERFLOWING
from tests.browser.test_hostile import IMAGE, SCRIPT, assert_only_text, listening
from tests.training.small_pairs import content, rows

HOSTILE = [(f"{SCRIPT} {IMAGE} n{i % 9} !", f"שלום <b>{i % 7}</b> 你好 مرحبا .") for i in range(90)]


def bring(page: Page, name: str, pairs: str) -> None:
    """Upload a file of pairs."""
    steps.radio(page, "Sentence pairs", "one file")
    expect(page.get_by_test_id("stFileUploaderDropzone")).to_be_visible()
    page.locator('input[type="file"]').set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": pairs.encode()})
    expect(page.get_by_text(re.compile(r", read as \S+: \d+ pairs\."))).to_be_visible()
    settled(page)


def train(page: Page, count: int) -> str:
    """A small network, for so many steps."""
    steps.number(page, "Hidden units", 16)
    page.get_by_role("button", name="All settings").click()
    steps.number(page, "Steps", count)
    page.keyboard.press("Escape")
    return steps.train(page)


def learnt(page: Page) -> Page:
    expect(page.get_by_role("heading", name="Now let it translate")).to_be_visible(timeout=120_000)
    return settled(page, 120_000)


def examples(page: Page) -> Locator:
    """The cards of the sentences that it translates better and better."""
    return page.get_by_role(
        "group", name="What it writes for some sentences after each snapshot").locator("table")


def bars(page: Page) -> list[list[float]]:
    """What each token costs, told and by itself, as the browser draws it."""
    found: list[list[float]] = steps.plotted(
        page, "forcing", "(plot) => plot._fullData.map(({ y }) => [...y])",
        lambda found: len(found) == 2)
    return found


def test_from_a_file_of_pairs_to_a_translation_in_a_link(visit: Visit, server: Server) -> None:
    page = visit("translation")
    bring(page, "pairs.tsv", content())
    key = train(page, 60)
    learnt(page)

    run = Store(str(server.store)).run(key)
    bleu = run.history["bleu"].dropna().iloc[-1]
    metric = page.get_by_test_id("stMetric").filter(has_text=re.compile("^BLEU(?! of)"))
    expect(metric.get_by_test_id("stMetricValue")).to_have_text(f"{bleu:.1f}")
    for chart in ("curve", "bleu"):
        expect(page.locator(f".st-key-{chart}").get_by_test_id("stVegaLiteChart")).to_be_visible()
    cards = examples(page)
    expect(cards).to_have_count(4)
    first = cards.first.get_by_role("rowheader")
    expect(first.nth(0)).to_have_text("source")
    newest = steps.eventually(page, lambda: [
        int(said.split()[1]) for said in first.all_inner_texts() if said.startswith("step")],
        lambda found: found[:1] == [60])
    assert newest == sorted(newest, reverse=True), "the newest stands first"

    box = page.get_by_role("textbox", name="A sentence to translate")
    box.fill("we see the <b>zebra</b>.")
    box.press("Enter")
    settled(page)
    expect(page.get_by_test_id("stAlert").filter(has_text="It does not know")).to_contain_text(
        "zebra")
    source, target = rows()[7]
    box.fill(source)
    box.press("Enter")
    settled(page)
    answer = page.get_by_role("group", name="The sentence, and its translation")
    expect(answer).to_contain_text("it writes")
    expect(answer).to_contain_text(target.replace(".", " ."))
    expect(answer).to_contain_text("sacrebleu")

    drawn = bars(page)
    expect(page.get_by_text(re.compile(r"^Pairs 1 to \d+ of \d+ translated"))).to_be_visible()

    again = visit(steps.link(page, run=key, source=source))
    expect(again.get_by_role("textbox", name="A sentence to translate")).to_have_value(source)
    expect(again.get_by_role("group", name="The sentence, and its translation")).to_have_text(
        answer.inner_text(), use_inner_text=True)
    steps.becomes(again, lambda: bars(again), drawn)


def test_hostile_pairs_stay_text_and_fit_a_phone(visit: Visit) -> None:
    page = visit("translation", width=390, height=844)
    opened = listening(page)
    bring(page, "pairs.tsv", content(HOSTILE))
    train(page, 6)
    learnt(page)
    assert_only_text(page, opened)
    card = examples(page).first
    expect(card).to_contain_text("שלום")
    sentence = card.locator(".sentence").nth(1)
    assert sentence.evaluate("(e) => getComputedStyle(e).direction") == "rtl"
    assert card.locator("b").count() == 0
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
