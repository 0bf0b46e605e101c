"""What holds on every page: it opens, it is whole, it fits, and everybody can use it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.idle import settled
from tests.browser.places import PAGES, path
from tests.browser.server import Server

every_page = pytest.mark.parametrize("name", PAGES)
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
NIGHT = "rgb(20, 23, 28)"  # the background of [theme.dark]

# Elements that reach beyond the right edge of the window, unless something scrolls or clips them.
OVERFLOWING = """() => {
    const wide = document.documentElement.clientWidth;
    const held = (element) => {
        for (let up = element.parentElement; up; up = up.parentElement)
            if (/auto|scroll|hidden|clip/.test(getComputedStyle(up).overflowX)
                && up.getBoundingClientRect().right <= wide + 1) return true;
        return false;
    };
    return [...document.querySelectorAll('[data-testid="stMain"] *')]
        .filter((e) => e.getBoundingClientRect().right > wide + 1 && e.offsetParent && !held(e))
        .map((e) => e.outerHTML.slice(0, 200)).slice(0, 5);
}"""


def test_there_are_pages() -> None:
    assert {"home", "train", "gates", "runs"} <= set(PAGES)


@every_page
def test_it_is_whole_it_fits_and_everybody_can_use_it(
    visit: Visit, server: Server, axe: Callable[[Page], list[str]], name: str
) -> None:
    """In English and by day, then in Chinese and by night."""
    page = visit(path(name), width=PHONE["width"], height=PHONE["height"])
    assert_whole(page, "en")
    assert_fits(page, PHONE["width"])
    page.set_viewport_size(DESK)
    settled(page)
    assert axe(page) == []

    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="中文").click()
    assert_whole(page, "zh")
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", NIGHT)
    settled(page)
    assert axe(page) == []
    page.set_viewport_size(PHONE)
    settled(page)
    assert_fits(page, PHONE["width"])
    assert_without_torch(server)


def test_it_is_opened_in_chinese_and_by_night(
    visit: Visit, axe: Callable[[Page], list[str]]
) -> None:
    """As its browser says. How each page is opened so is asked of all by the pages' own tests."""
    page = visit(scheme="dark", locale="zh-CN")
    assert_whole(page, "zh")
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", NIGHT)
    assert axe(page) == []


def assert_whole(page: Page, language: str) -> None:
    """One title, in this language, and nothing that was raised."""
    steps.speaks(page, language)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def assert_fits(page: Page, width: int) -> None:
    """Nothing reaches beyond the right edge, once all has found its place."""
    steps.becomes(page, lambda: page.evaluate(OVERFLOWING), [])
    steps.eventually(page, lambda: page.evaluate("document.documentElement.scrollWidth"),
                     lambda wide: wide <= width)


def assert_without_torch(server: Server) -> None:
    """The process that runs the pages has never loaded torch, whatever was opened so far."""
    if sys.platform != "linux":
        return  # there is no /proc to read: the pages' own tests look at sys.modules
    web = listener(int(server.url.rsplit(":", 1)[1]))
    mapped = Path(f"/proc/{web}/maps").read_text()
    assert "numpy" in mapped, "this is not the process that runs the pages"
    assert "libtorch" not in mapped


def listener(port: int) -> int:
    """The process that listens on a TCP port of this machine."""
    rows = [
        row.split()
        for family in ("tcp", "tcp6")
        for row in Path(f"/proc/net/{family}").read_text().splitlines()[1:]
    ]
    sockets = {
        f"socket:[{row[9]}]"
        for row in rows
        if row[3] == "0A" and int(row[1].rsplit(":", 1)[1], 16) == port
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if sockets & {str(file.readlink()) for file in (process / "fd").iterdir()}:
                return int(process.name)
        except OSError:
            continue
    raise LookupError(f"nobody listens on port {port}")
