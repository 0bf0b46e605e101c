"""What a visitor does, step by step, and how to see that it is done."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import pandas as pd
from playwright.sync_api import Locator, Page, expect

from tests.browser.idle import PATIENCE, settled

RUN = re.compile(r"[?&]run=([0-9a-f]{32})")
FRAMES = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
Seen = TypeVar("Seen")


def eventually(
    page: Page, read: Callable[[], Seen], holds: Callable[[Seen], bool], timeout: float = 30
) -> Seen:
    """What is read from a page once `holds` says yes to it; AssertionError, with what was read
    last, when it has not within `timeout` seconds.

    For what `expect` has no words for: a picture is redrawn a while after the server has answered,
    so whatever an action changes is waited for, never read once.
    """
    end = time.monotonic() + timeout
    while not holds(found := read()):
        assert time.monotonic() < end, f"after {timeout} seconds there is still {found!r}"
        page.wait_for_timeout(50)
    return found


def becomes(page: Page, read: Callable[[], Seen], wanted: Seen) -> None:
    """Wait until what is read from a page equals `wanted`."""
    eventually(page, read, lambda found: found == wanted)


def alike(one: Page, other: Page, read: Callable[[Page], object]) -> None:
    """Wait until the same is read from two pages."""
    eventually(other, lambda: (read(one), read(other)), lambda both: both[0] == both[1])


def link(page: Page, **said: object) -> str:
    """The page's own link, from the path on, as soon as it says all of this."""
    wanted = {name: str(value) for name, value in said.items()}
    eventually(page, lambda: dict(parse_qsl(urlsplit(page.url).query)),
               lambda found: wanted.items() <= found.items())
    return page.url.split("/", 3)[3]


def speaks(page: Page, language: str) -> None:
    """Wait until the page's title is Chinese ("zh"), or is not ("en")."""
    title, chinese = page.get_by_role("heading", level=1), re.compile("[一-鿿]")
    if language == "zh":
        expect(title).to_have_text(chinese)
    else:
        expect(title).to_have_text(re.compile(r"^[^一-鿿]+$"))


def bring(page: Page, name: str, content: str) -> None:
    """Upload a text."""
    radio(page, "Text", "upload")
    expect(page.get_by_test_id("stFileUploaderDropzone")).to_be_visible()
    page.locator('input[type="file"]').set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": content.encode()}
    )
    expect(page.get_by_text(re.compile(r", read as \S+\.$"))).to_be_visible()
    settled(page)


def paste(page: Page, content: str) -> None:
    """Paste a text."""
    radio(page, "Text", "paste")
    write(page, "Paste a text of your own", content)


def write(page: Page, label: str, content: str) -> None:
    """Fill a box of several lines."""
    box = page.get_by_role("textbox", name=label, exact=True)
    box.fill(content)
    box.press("Control+Enter")
    settled(page)


def radio(page: Page, group: str, option: str) -> None:
    """Choose one of several."""
    chosen = page.get_by_role("radiogroup", name=group).get_by_role("radio", name=option)
    chosen.click()
    expect(chosen).to_be_checked()
    settled(page)


def number(page: Page, label: str, value: int) -> None:
    """Type a number."""
    box = page.get_by_role("spinbutton", name=label, exact=True)
    box.fill(str(value))
    box.press("Enter")
    settled(page)


def train(page: Page) -> str:
    """Press the button; gives the run's key as soon as the link has it."""
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url(RUN)
    return key(page)


def key(page: Page) -> str:
    """The run in the link."""
    found = RUN.search(page.url)
    assert found, page.url
    return found[1]


def trained(page: Page, timeout: float = 2 * PATIENCE) -> Page:
    """Wait until the page has a finished or a stopped run."""
    expect(page.get_by_role("heading", name="Now let it write")).to_be_visible(timeout=timeout)
    return settled(page, timeout)


def step_shown(page: Page) -> int:
    """How far the progress bar says that the training is."""
    said = page.get_by_text(re.compile(r"^Step \d+ of \d+")).first.inner_text()
    return int(said.split()[1])


def strip(page: Page, key: str) -> Locator:
    """A strip of tokens, by its component's key."""
    return page.locator(f".st-key-{key}").get_by_role("listbox")


def point(page: Page, key: str, index: int) -> Locator:
    """Point at a token of a strip; gives the card that opens beside it."""
    token = strip(page, key).get_by_role("option").nth(index)
    token.scroll_into_view_if_needed()
    page.evaluate(FRAMES)  # scrolling hides the card, and is told of in the next frame
    token.hover()
    card = page.locator(f".st-key-{key} .card")
    expect(card).to_be_visible()
    return card


def plotted(
    page: Page, key: str, take: str, holds: Callable[[Any], bool] = lambda found: True
) -> Any:
    """What Plotly draws, once it `holds`. take: a JavaScript function of the plot, whose
    `_fullData` are the traces as the browser has them: none while it draws anew, nor as long as
    Streamlit keeps the picture of the last run, hidden, beside that of the next."""
    charts = page.locator(f".st-key-{key} .js-plotly-plot")
    expect(charts.locator(".main-svg").first).to_be_visible()
    there = ("(plots) => plots.length === 1 && plots[0]._fullData?.length"
             f" ? [({take})(plots[0])] : []")
    [found] = eventually(page, lambda: charts.evaluate_all(there),
                         lambda found: bool(found) and holds(found[0]))
    return found


def drawn(
    page: Page, key: str, holds: Callable[[dict[str, Any]], bool] = lambda found: True
) -> dict[str, Any]:
    """The first trace's values and axes, of a heatmap that Plotly draws, once they are as `holds`
    asks."""
    found: dict[str, Any] = plotted(
        page,
        key,
        """(plot) => {
            const { z, x, y, colorscale, zmin, zmax } = plot._fullData[0];
            return { z: z.map((row) => [...row]), x: [...x], y: [...y], colorscale, zmin, zmax };
        }""",
        holds,
    )
    return found


def download(page: Page, chart: str, button: str) -> bytes:
    """Press one of the buttons below a chart; gives the file."""
    picture = page.locator(f".st-key-{chart} :is(.main-svg, .vega-embed svg)")
    expect(picture.first).to_be_visible()
    below = page.locator(f".st-key-{chart}-below")
    offered = page.get_by_test_id("stPopoverBody").get_by_role("button", name=button, exact=True)
    if not offered.is_visible():  # it stays open from one file to the next
        below.get_by_role("button", name="Download").click()
    with page.expect_download() as waiting:
        offered.click()
    file = waiting.value
    assert file.suggested_filename.endswith(button.lower().replace("netcdf", "nc"))
    return Path(file.path()).read_bytes()


def table(content: bytes) -> pd.DataFrame:
    """A downloaded CSV."""
    return pd.read_csv(io.BytesIO(content), keep_default_na=False)
