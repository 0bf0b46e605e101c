"""Every chart can be taken away, as a page, as a picture and as numbers, without a network."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xarray as xr
from playwright.sync_api import Browser, Page, expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit

TEXT = "The lamp is lit."
LSTM = next(key for key in Store(pretrained=None).pretrained())
# for each page its charts: the columns of its data, whether a trace comes with it
CHARTS: dict[str, dict[str, tuple[list[str], bool]]] = {
    f"gates?run={LSTM}&text={TEXT}": {
        "gates": (["token", "label", "unit", "forget"], True),
        "units": (["token", "label"], False),
        "saturation": (["unit"], True),
    },
    f"train?run={LSTM}": {"curve": (["step", "perplexity"], False)},
    "runs": {"curves": (["step", "perplexity", "curve"], False)},
}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.split("?")[0])
def test_every_chart_is_told_in_words_and_taken_away_in_every_form(
    visit: Visit, browser: Browser, tmp_path: Path, path: str
) -> None:
    page = visit(path)
    for chart, (columns, traced) in CHARTS[path].items():
        assert_told(page, chart)
        assert_taken_away(page, chart, columns, traced)
        (tmp_path / "chart.html").write_bytes(steps.download(page, chart, "HTML"))
        assert_drawn_offline(browser, tmp_path / "chart.html")
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)


def assert_told(page: Page, chart: str) -> None:
    box = page.locator(f".st-key-{chart}")
    told = box.locator('[role="figure"], [role="img"], [role="graphics-document"]').first
    expect(told).to_have_attribute("aria-label", re.compile(r"(\S+\s+){5}\S"))


def assert_taken_away(page: Page, chart: str, columns: list[str], traced: bool) -> None:
    picture = ElementTree.fromstring(steps.download(page, chart, "SVG"))
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(picture.iter())) > 20, "something is drawn in it"
    assert steps.download(page, chart, "PNG").startswith(PNG)
    data = steps.table(steps.download(page, chart, "CSV"))
    assert set(columns) <= set(data.columns)
    assert len(data)
    if traced:
        trace = xr.open_dataset(io.BytesIO(steps.download(page, chart, "NetCDF")))
        assert trace.attrs["run"] == LSTM
    else:
        offered = page.get_by_test_id("stPopoverBody")
        expect(offered.get_by_role("button", name="CSV")).to_be_visible()
        expect(offered.get_by_role("button", name="NetCDF")).to_have_count(0)


def assert_drawn_offline(browser: Browser, file: Path) -> None:
    """The page draws its chart and asks nobody for anything."""
    context = browser.new_context(offline=True)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    try:
        page = context.new_page()
        page.goto(file.as_uri())
        expect(page.locator(".main-svg, .vega-embed canvas, .vega-embed svg").first).to_be_visible()
        assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [file.as_uri()]
    finally:
        context.close()
