"""What the browser is told before Streamlit's own script runs, so that a page's first picture comes
sooner.

Streamlit's page asks at two addresses for its server, since its own may be a page's (the first is
refused, and an eighth of a second is lost); and fetches what draws a chart when the first chart has
come. Both are known beforehand. Where a newer Streamlit calls its files otherwise, the page is left
as it is.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

# Parts of Streamlit's page that it fetches when they are first drawn.
DRAWN = ("PlotlyChart", "withFullScreenWrapper", "printWidthCap", "resolveDefaultExport",
         "BidiComponent")
SCRIPTS = Path(st.__file__).parent / "static" / "static" / "js"
# Relative, as the page's own files are: so it holds behind a proxy too.
SERVER = ("<script>window.__streamlit = {BACKEND_BASE_URL: new URL('./', location.href).href}"
          "</script>")


@cache
def told() -> bytes:
    """The lines that are added to the page's head."""
    found = [file.name for name in DRAWN for file in sorted(SCRIPTS.glob(f"{name}.*.js"))]
    links = [f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in found]
    return "\n".join([SERVER, *links]).encode()


class Head:
    """ASGI middleware that adds `told()` to the head of each HTML page, and changes nothing else.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        asked = dict(scope.get("headers", ()))
        if scope["type"] != "http" or b"text/html" not in asked.get(b"accept", b""):
            await self.app(scope, receive, send)
            return
        # Not compressed, and not "as you know it": what is known was put together here.
        spared = (b"accept-encoding", b"if-none-match", b"if-modified-since")
        scope = scope | {"headers": [(name, value) for name, value in scope["headers"]
                                     if name not in spared]}
        start: dict[str, Any] = {}
        body = bytearray()

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            page = bytes(body)
            headers = list(start["headers"])
            if dict(headers).get(b"content-type", b"").startswith(b"text/html"):
                page = page.replace(b"</head>", told() + b"</head>", 1)
                kept = [(name, value) for name, value in headers
                        if name not in (b"content-length", b"etag", b"last-modified")]
                headers = [*kept, (b"content-length", str(len(page)).encode())]
            await send(start | {"headers": headers})
            await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, answer)
