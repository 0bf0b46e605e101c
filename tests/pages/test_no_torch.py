"""The web process never imports torch, whatever is looked at."""

from __future__ import annotations

import os
import subprocess
import sys

from explorer.engine import LocalEngine
from explorer.store import Run
from tests.pages.conftest import PAGES

# In a process of its own: the one of the tests has loaded torch.
LOOK = """
import sys
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

components = manifest_scanner.scan_component_manifests()
manifest_scanner.scan_component_manifests = lambda: components  # once, as by a server
key, *files = sys.argv[1:]
for file in files:
    page = AppTest.from_file(file, default_timeout=60)
    page.query_params["run"] = key
    page.run()
    assert not page.exception, (file, page.exception)
    assert not page.error, (file, page.error)
    print(file, *sorted({"plotly_chart", "vega_lite_chart"} & {e.type for e in page.main}))
    for button in page.button:
        if button.label == "Train":
            button.click().run()
            assert page.query_params["run"] != key
            [cancel] = [each for each in page.button if each.label == "Cancel"]
            cancel.click().run()
    assert not page.exception, (file, page.exception)
    assert "torch" not in sys.modules, file
assert "xarray" in sys.modules
"""


def test_every_page_with_a_finished_run(engine: LocalEngine, run: Run) -> None:
    files = sorted(map(str, PAGES.glob("*.py")))
    done = subprocess.run(
        [sys.executable, "-c", LOOK, run.key, *files],
        env=os.environ | {"PYTHONPATH": str(PAGES.parent)},
        capture_output=True, text=True, timeout=240,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    drew = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)
    assert drew[str(PAGES / "train.py")] == "vega_lite_chart"
    assert drew[str(PAGES / "gates.py")] == "plotly_chart"
    assert drew[str(PAGES / "home.py")] == "plotly_chart"
