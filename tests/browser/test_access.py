"""The pages in use, not only as they open: for those who see little, or have no mouse. That each
chart is told in words, test_export looks at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled

Axe = Callable[[Page], list[str]]
LSTM = Store().pretrained()[0]
# Where the focus is, also inside a component's shadow tree: role, name or text.
FOCUSED = """() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    const name = at.getAttribute('aria-label') ?? at.innerText?.slice(0, 100) ?? '';
    return `${at.getAttribute('role') ?? at.tagName.toLowerCase()}: ${name.trim()}`;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_in_a_finished_run(visit: Visit, axe: Axe, scheme: str) -> None:
    page = visit(f"train?run={LSTM}", scheme=scheme)
    steps.trained(page)
    for closed in ("How the network reads it", "The code that ran"):
        page.get_by_text(closed).click()
    expect(steps.strip(page, "pieces")).to_be_visible()
    expect(page.get_by_test_id("stCode").first).to_be_visible()
    settled(page)
    assert axe(page) == []
    page.locator(".st-key-curve-below").get_by_role("button", name="Download").click()
    expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
    assert axe(page) == []


CONTRAST = """element => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
    const light = colours => {  // luminance of colours laid over each other (WCAG)
        colours.forEach(colour => {canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);});
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(value => value / 255)
            .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const below = [];
    for (let at = element; at; at = at.parentElement)
        below.unshift(getComputedStyle(at).backgroundColor);
    const [low, high] = [light(below), light([...below, getComputedStyle(element).color])]
        .sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_button_that_cannot_be_pressed_can_still_be_read(visit: Visit, scheme: str) -> None:
    """axe passes over what is disabled, and its label was once white on white."""
    page = visit("train?model=transformer&hidden=33", scheme=scheme)
    train = page.get_by_role("button", name="Train", exact=True)
    expect(train).to_be_disabled()
    assert train.locator("p").evaluate(CONTRAST) > 4.5
    assert page.get_by_text("each head needs an even number").is_visible()
    ready = visit("train", scheme=scheme).get_by_role("button", name="Train", exact=True)
    expect(ready).to_be_enabled()
    assert ready.locator("p").evaluate(CONTRAST) > 4.5


def walk(page: Page, most: int = 80) -> list[str]:
    """What Tab comes by, until the page's end."""
    found: list[str] = []
    while len(found) < most and (not found or found[-1] != "body:"):
        page.keyboard.press("Tab")
        found.append(page.evaluate(FOCUSED))
    return found


def test_tab_comes_by_everything_on_the_gates_page(visit: Visit) -> None:
    page = visit(f"gates?run={LSTM}&text=The lamp is lit.&token=4")
    expect(steps.strip(page, "strip").get_by_role("option")).to_have_count(16)
    found = walk(page)
    for wanted in (
        "combobox: Run",
        "textarea: Text to read",
        "forget gate",
        "Order units by",
        "input: Unit",
        "combobox: Draw as lines",
        "button: download",
        "option: l,",
        "What this does not show",
        "Train on it",
    ):
        assert any(wanted in each for each in found), f"{wanted} is not reached: {found}"


def test_the_network_is_made_to_go_on_by_keyboard_alone(visit: Visit) -> None:
    page = visit(f"train?run={LSTM}&prefix=The sea&length=40")
    strip = steps.strip(page, "written")
    expect(strip.get_by_role("option")).to_have_count(47)
    strip.get_by_role("option").first.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(strip.get_by_role("option").nth(10)).to_be_focused()
    expect(page.locator(".st-key-written button.candidate")).to_have_count(5)
    page.keyboard.press("3")
    settled(page)
    expect(page.get_by_role("button", name="Back to the prefix")).to_be_visible()
    expect(strip.get_by_role("option")).to_have_count(51)
