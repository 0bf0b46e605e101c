"""Where the pages are: one path for each file of pages/."""

from __future__ import annotations

from tests.browser.server import ROOT

HOME = "home"  # its path is the empty one
PAGES = sorted(file.stem for file in (ROOT / "pages").glob("[!_]*.py"))


def path(page: str) -> str:
    return "" if page == HOME else page
