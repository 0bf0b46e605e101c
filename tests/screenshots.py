"""The pictures of the README, taken from the real server: `make screenshots`; of some pages only:
`python -m tests.screenshots gates train`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from explorer.store import Store
from explorer.ui.places import PLACES
from tests.browser import chromium
from tests.browser.idle import settled, watched
from tests.browser.places import path
from tests.browser.server import ROOT, serving

FOLDER = ROOT / "docs" / "screenshots"
PAGES = tuple(place.name for place in PLACES)
# A page that opens on a form is shown with what has been learnt.
STORE = Store("memory://")
TRANSLATOR = next(key for key in STORE.pretrained()
                  if STORE.run(key).experiment.task.kind == "translation")
LINKS = {"translation": f"?run={TRANSLATOR}"}
SIZES = {1280: 900, 390: 844}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def take(
    browser: Browser,
    url: str,
    name: str,
    scheme: Literal["light", "dark"],
    width: int,
) -> Path:
    """One picture of the first screen of a page."""
    file = FOLDER / f"{name}-{scheme}-{width}.png"
    context = browser.new_context(
        viewport={"width": width, "height": SIZES[width]},
        color_scheme=scheme,
        locale="en-US",
        reduced_motion="reduce",
    )
    page = watched(context).new_page()
    page.goto(f"{url}/{path(name)}{LINKS.get(name, '')}")
    settled(page)
    page.wait_for_timeout(1000)  # charts fade in
    page.screenshot(path=file)
    context.close()
    return file


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium.find(playwright), args=chromium.ARGUMENTS
        )
        for name in sys.argv[1:] or PAGES:
            for scheme in SCHEMES:
                for width in SIZES:
                    taken = take(browser, server.url, name, scheme, width)
                    print(taken.relative_to(ROOT), file=sys.stderr)
        browser.close()


if __name__ == "__main__":
    main()
