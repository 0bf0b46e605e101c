"""What a visitor does, step by step, and how to see that it is done."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pandas as pd
from playwright.sync_api import Locator, Page, expect

from tests.browser.idle import PATIENCE, settled

RUN = re.compile(r"[?&]run=([0-9a-f]{32})")


def bring(page: Page, name: str, content: str) -> None:
    """Upload a text."""
    radio(page, "Text", "upload")
    expect(page.get_by_test_id("stFileUploaderDropzone")).to_be_visible()
    page.locator('input[type="file"]').set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": content.encode()}
    )
    settled(page)


def paste(page: Page, content: str) -> None:
    """Paste a text."""
    radio(page, "Text", "paste")
    box = page.get_by_label("Paste a text of your own")
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


def drawn(page: Page, key: str) -> dict[str, Any]:
    """What Plotly draws: the first trace's values and axes, as the browser has them."""
    chart = page.locator(f".st-key-{key} .js-plotly-plot")
    expect(chart.locator(".main-svg").first).to_be_visible()
    found: dict[str, Any] = chart.evaluate(
        """(plot) => {
            const { z, x, y, colorscale, zmin, zmax } = plot._fullData[0];
            return { z: z.map((row) => [...row]), x: [...x], y: [...y], colorscale, zmin, zmax };
        }"""
    )
    return found


def download(page: Page, chart: str, button: str) -> bytes:
    """Press one of the buttons below a chart; gives the file."""
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
