"""Every chart can be taken away, as a page, as a picture and as numbers, without a network."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xarray as xr
from playwright.sync_api import Browser, expect

from explorer.store import Store
from tests.browser import steps
from tests.browser.conftest import Visit

TEXT = "The lamp is lit."
LSTM = next(key for key in Store(pretrained=None).pretrained())
# page, chart, the columns of its data, whether a trace comes with it
CHARTS = [
    (f"gates?run={LSTM}&text={TEXT}", "gates", ["token", "label", "unit", "forget"], True),
    (f"gates?run={LSTM}&text={TEXT}", "units", ["token", "label"], False),
    (f"gates?run={LSTM}&text={TEXT}", "saturation", ["unit"], True),
    (f"train?run={LSTM}", "curve", ["step", "perplexity"], False),
    ("runs", "curves", ["step", "perplexity", "curve"], False),
]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(("path", "chart", "columns", "traced"), CHARTS, ids=lambda v: str(v)[:24])
def test_a_chart_is_taken_away_in_every_form(
    visit: Visit,
    browser: Browser,
    tmp_path: Path,
    path: str,
    chart: str,
    columns: list[str],
    traced: bool,
) -> None:
    page = visit(path)
    picture = ElementTree.fromstring(steps.download(page, chart, "SVG"))
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(picture.iter())) > 20, "something is drawn in it"
    assert steps.download(page, chart, "PNG").startswith(PNG)
    data = steps.table(steps.download(page, chart, "CSV"))
    assert set(columns) <= set(data.columns)
    assert len(data)
    (tmp_path / "chart.html").write_bytes(steps.download(page, chart, "HTML"))
    assert_drawn_offline(browser, tmp_path / "chart.html")
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
