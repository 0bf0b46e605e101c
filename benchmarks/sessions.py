"""Twenty visitors who watch a running job, each polling once a second, over one who does.

A visitor is a websocket that speaks Streamlit's own messages: it opens the Train page at the
run's link, and asks for the page's fragment as often as the page says. A fragment's time is from
that question to "script finished". Memory is what the web process grew by for each session.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.rows import Row
from benchmarks.web import train_meanwhile
from tests.browser import chromium
from tests.browser.server import serving

SESSIONS, LOOKS = 20, 12  # visitors; fragments of each that are timed
PATIENCE = 60.0  # seconds for a page or a fragment to be finished


class Visitor:
    """One session on the Train page."""

    def __init__(self, url: str, query: str) -> None:
        self._url = f"ws://{urlsplit(url).netloc}/_stcore/stream"
        self._query = query
        self._fragment = ""
        self._every = 1.0
        self.times: list[float] = []

    async def watch(self, delay: float) -> None:
        """Open the page, then look `LOOKS` times. Raises RuntimeError if nothing is to be polled.
        delay: seconds before, so that not all come at once."""
        await asyncio.sleep(delay)
        async with connect(self._url, subprotocols=["streamlit"], max_size=None) as socket:
            await self._run(socket, BackMsg())
            if not self._fragment:
                raise RuntimeError("the page polls nothing: is the job over?")
            for _ in range(LOOKS):
                await asyncio.sleep(self._every)
                question = BackMsg()
                question.rerun_script.fragment_id = self._fragment
                question.rerun_script.is_auto_rerun = True
                began = time.perf_counter()
                await self._run(socket, question)
                self.times.append(time.perf_counter() - began)

    async def _run(self, socket: ClientConnection, question: BackMsg) -> None:
        question.rerun_script.query_string = self._query
        question.rerun_script.page_name = "train"
        await socket.send(question.SerializeToString())
        while True:
            said = ForwardMsg.FromString(await asyncio.wait_for(socket.recv(decode=False),
                                                                PATIENCE))
            kind = said.WhichOneof("type")
            if kind == "auto_rerun":
                self._fragment = said.auto_rerun.fragment_id
                self._every = said.auto_rerun.interval
            if kind == "script_finished" and said.script_finished in (
                    ForwardMsg.FINISHED_SUCCESSFULLY,
                    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY):
                return


async def crowd(url: str, query: str, count: int) -> list[float]:
    """The times of all fragments of so many visitors."""
    visitors = [Visitor(url, query) for _ in range(count)]
    await asyncio.gather(*(visitor.watch(i / count) for i, visitor in enumerate(visitors)))
    return [seconds for visitor in visitors for seconds in visitor.times]


def resident(pid: int) -> float:
    """Megabytes of a process."""
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(pid)])) / 1024


def measure() -> Iterator[Row]:
    with TemporaryDirectory() as folder, serving(Path(folder)) as server:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.find(playwright),
                                                 args=chromium.ARGUMENTS)
            query = urlencode({"run": train_meanwhile(browser, server.url)})
            browser.close()
        one = asyncio.run(crowd(server.url, query, 1))
        before = resident(server.process.pid)
        many = asyncio.run(crowd(server.url, query, SESSIONS))
        memory = (resident(server.process.pid) - before) / SESSIONS
    a, b = statistics.median(many), statistics.median(one)
    yield Row(f"{SESSIONS} sessions polling", a / b, 3.0, False,
              f"{a * 1e3:.0f} ms, {memory:.1f} MB a session", f"{b * 1e3:.0f} ms")
