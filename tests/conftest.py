"""What every test stands on: a store of its own, and cores shared fairly between workers."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

STORE = tempfile.mkdtemp(prefix="explorer-tests-")
os.environ["EXPLORER_STORE"] = STORE  # never the user's own runs
os.environ["EXPLORER_CACHE"] = os.path.join(STORE, "cache")
os.environ["STREAMLIT_RUNNER_MAGIC_ENABLED"] = "false"  # as the app is served; it is dear, too
os.environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by torch when it is imported


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(STORE, ignore_errors=True)
