"""What the benchmarks of the app in use stand on: the bare server beside the real one."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.browser.server import free_port, healthy

BARE = Path(__file__).with_name("bare.py")
PATIENCE = 60.0  # seconds until the bare server answers


@contextmanager
def bare(rows: int, columns: int) -> Iterator[str]:
    """Serve the bare page with a heatmap of this size; its URL. Raises RuntimeError if it does not
    come up."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(BARE), f"--server.port={port}",
         "--server.headless=true", "--server.fileWatcherType=none", "--server.address=localhost",
         "--browser.gatherUsageStats=false", "--", str(rows), str(columns)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url, end = f"http://localhost:{port}", time.monotonic() + PATIENCE
    try:
        while not healthy(url):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the bare Streamlit page did not come up")
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()
