"""A link is the picture: opened elsewhere, it shows the same; a wrong one says what is wrong."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled

STORE = Store()
LSTM = STORE.pretrained()[0]
PICTURE = {
    "run": LSTM,
    "step": STORE.run(LSTM).snapshots[3],
    "text": 'Who said "the sea"?',
    "view": "cell",
    "order": "correlation",
    "unit": 17,
    "token": 4,
}


def test_a_link_holds_run_step_text_view_order_unit_and_token(visit: Visit) -> None:
    page = visit(f"gates?{urlencode(PICTURE)}")
    expect(page.get_by_role("textbox", name="Text to read")).to_have_value(str(PICTURE["text"]))
    expect(page.get_by_role("radio", name="cell state")).to_be_checked()
    expect(page.get_by_role("spinbutton", name="Unit")).to_have_value("17")
    expect(page.get_by_text("Token 4, “s”, unit 17 of layer 1")).to_be_visible()
    expect(page.get_by_text(f"at step {PICTURE['step']}, while it reads 19 tokens")).to_be_visible()
    # ordered by correlation with unit 17
    steps.drawn(page, "gates", lambda found: bool(found["y"][0] == "unit 17"))

    again = visit(steps.link(page, **PICTURE))
    steps.alike(page, again, lambda either: steps.drawn(either, "gates"))


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        ("train?hidden=99999", ["hidden = 99999, which must lie between 1 and 1024"]),
        (
            "train?hidden=many&run=../../etc",
            ["hidden = many, which cannot be read", "There is no run ../../etc here"],
        ),
        (f"gates?run={'0' * 32}", [f"There is no run {'0' * 32} here"]),
        (
            f"gates?run={LSTM}&view=soul&unit=500&step=5",
            [
                "view = soul, but there is only forget",
                "unit = 500, which must lie between 0 and 127",
                "step = 5, but there is only 0, 22",
            ],
        ),
    ],
)
def test_a_wrong_link_says_what_is_wrong_and_the_page_goes_on(
    visit: Visit, path: str, messages: list[str]
) -> None:
    page = visit(path)
    for message in messages:
        expect(page.get_by_role("alert").filter(has_text=message)).to_have_count(1)
    expect(page.get_by_role("heading", name="Before you look")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_language_of_a_link_goes_before_the_browser_s(visit: Visit) -> None:
    steps.speaks(visit("train?lang=zh"), "zh")
    steps.speaks(visit("train?lang=en", locale="zh-CN"), "en")


def test_a_chosen_language_goes_from_page_to_page(visit: Visit) -> None:
    page = visit("train")
    page.get_by_role("button", name="中文").click()
    page.wait_for_url("**lang=zh**")
    steps.speaks(page, "zh")
    settled(page)
    page.locator('[data-testid="stPageLink"] a').last.click()
    page.wait_for_url(re.compile("/gates\\?.*lang=zh"))
    steps.speaks(settled(page), "zh")
    page.reload()
    steps.speaks(settled(page), "zh")  # it stands in the link
    here = page.url
    page.go_back()
    page.wait_for_url(lambda url: url != here and "lang=zh" in url)
    steps.speaks(settled(page), "zh")


def test_the_browser_s_back_button_shows_the_picture_before(visit: Visit) -> None:
    page = visit(f"gates?run={LSTM}&text={quote('The sea')}")
    expect(page.get_by_role("radio", name="forget gate")).to_be_checked()
    steps.radio(page, "Gate or state", "hidden state")
    steps.link(page, view="hidden")
    page.goto(page.url.replace("view=hidden", "view=forget"))
    settled(page)
    expect(page.get_by_role("radio", name="forget gate")).to_be_checked()
    page.go_back()
    page.wait_for_url("**view=hidden**")
    settled(page)
    expect(page.get_by_role("radio", name="hidden state")).to_be_checked()
