"""What is added to Streamlit's page, and that nothing else is touched."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Route

from explorer.head import DRAWN, SCRIPTS, Head, told

PAGE = SCRIPTS.parents[1] / "index.html"


async def index(request: Any) -> FileResponse:
    return FileResponse(PAGE)


async def pieces(request: Any) -> StreamingResponse:
    return StreamingResponse(iter(["<he", "ad></h", "ead>" + "é" * 2_000]), media_type="text/html")


async def data(request: Any) -> JSONResponse:
    return JSONResponse({"says": "</head>"})


async def bare(request: Any) -> HTMLResponse:
    return HTMLResponse("<p>no head</p>", 404)


APP = Starlette(
    routes=[Route(f"/{name}", answer) for name, answer in
            (("", index), ("pieces", pieces), ("data", data), ("bare", bare))],
    middleware=[Middleware(Head), Middleware(GZipMiddleware, minimum_size=10)])


def get(path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    sent: list[dict[str, Any]] = []
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "query_string": b"",
             "headers": [(name.replace("_", "-").encode(), value.encode())
                         for name, value in headers.items()]}

    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in asked:
            return message
        await asyncio.Event().wait()  # nobody hangs up
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(APP(scope, receive, send))
    start = next(each for each in sent if each["type"] == "http.response.start")
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], found, b"".join(each.get("body", b"") for each in sent)


BROWSER = {"accept": "text/html,*/*", "accept_encoding": "gzip"}


def test_the_page_has_the_lines_in_its_head_once() -> None:
    status, headers, body = get("/", **BROWSER)
    assert status == 200
    assert body.count(told()) == 1
    assert body.replace(told(), b"") == PAGE.read_bytes()
    assert body.index(told()) < body.index(b"</head>") < body.index(b"<body>")
    assert int(headers["content-length"]) == len(body)
    assert not {"etag", "last-modified", "content-encoding"} & set(headers)


def test_a_browser_that_knows_the_page_gets_it_all_the_same() -> None:
    etag = get("/", accept="*/*")[1]["etag"]
    status, _headers, body = get("/", **BROWSER, if_none_match=etag)
    assert status == 200
    assert told() in body


def test_a_page_that_comes_in_pieces() -> None:
    _status, headers, body = get("/pieces", **BROWSER)
    assert body.startswith(b"<head>" + told() + b"</head>")
    assert int(headers["content-length"]) == len(body)


def test_a_page_without_a_head_stays_as_it_is() -> None:
    status, _headers, body = get("/bare", **BROWSER)
    assert (status, body) == (404, b"<p>no head</p>")


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_what_is_no_page_stays_as_it_is(accept: str) -> None:
    body = get("/data", accept=accept)[2]
    assert body == b'{"says":"</head>"}'


def test_what_is_no_navigation_is_still_compressed() -> None:
    _status, headers, body = get("/", accept="*/*", accept_encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == PAGE.read_bytes()


@pytest.mark.parametrize("name", DRAWN)
def test_the_installed_streamlit_has_the_files(name: str) -> None:
    [file] = SCRIPTS.glob(f"{name}.*.js")
    assert f'href="./static/js/{file.name}"'.encode() in told()
