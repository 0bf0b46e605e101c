"""Which Chromium the tests drive: one that is there, else one that is installed now."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
# No sandbox: in a container its user is root. No networking of the browser's own: whatever leaves
# the machine during a test would be the app's doing.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def find(playwright: Playwright) -> str:
    """The path of a Chromium: EXPLORER_BROWSER, the PATH's, Playwright's own, or a fresh one.

    Raises RuntimeError when none can be had: without a browser the suite fails, it never skips.
    """
    named = os.environ.get("EXPLORER_BROWSER")
    if named:
        if not shutil.which(named):
            raise RuntimeError(f"EXPLORER_BROWSER names {named}, which cannot be run")
        return named
    return _there(playwright) or _install(playwright)


def _there(playwright: Playwright) -> str | None:
    on_path = next((path for name in NAMES if (path := shutil.which(name))), None)
    own = playwright.chromium.executable_path
    return on_path or (own if Path(own).exists() else None)


def _install(playwright: Playwright) -> str:
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        attempts += [["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]]
    said = []
    for command in attempts:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        found = _there(playwright)
        if found:
            return found
        said.append(f"{' '.join(command)}: exit {done.returncode}: {done.stderr[-300:]}")
    raise RuntimeError(
        "the browser tests need a Chromium: install one, or name one in EXPLORER_BROWSER. Tried:\n"
        + "\n".join(said)
    )
