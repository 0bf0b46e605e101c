"""The house's floors where import-linter cannot see them: pages, and what is really loaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "pages").glob("*.py"))
MATHS = {"torch", "numpy", "scipy", "pandas", "xarray", "plotly", "altair"}
WEB = [
    "explorer",
    "explorer.experiment",
    "explorer.text",
    "explorer.models",
    "explorer.tasks",
    "explorer.store",
    "explorer.views",
    "explorer.engine",
    "explorer.ui",
]


def imported(file: Path) -> set[str]:
    """The packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_pages_hold_no_maths_and_no_plotting() -> None:
    assert PAGES
    assert {page.name: imported(page) & MATHS for page in PAGES} == {
        page.name: set() for page in PAGES
    }


@pytest.mark.parametrize("module", WEB)
def test_importing_it_does_not_load_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or f"{module} loads torch"
