"""The app: the engine's supervisor first, then Streamlit with our own settings."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import tomllib
import urllib.request
import webbrowser
from pathlib import Path
from typing import Any

from explorer.errors import EngineError
from explorer.views.palette import CONFIG
from explorer.words import N_, _

APP = Path(__file__).parent / "app.py"


def serve(
    port: int = 8501, address: str = "localhost", store: str | None = None, browser: bool = True
) -> None:
    """Run the app until it is stopped. Raises EngineError when the port is taken, or none."""
    import streamlit as st
    from starlette.middleware import Middleware

    from explorer.engine.local import start_local
    from explorer.head import Head
    from explorer.store import Store
    from explorer.ui.page import apologise

    _free(address, port)
    if store:
        os.environ["EXPLORER_STORE"] = store
    engine = start_local(Store().url)
    os.environ.update(engine.environment)
    url = f"http://{'localhost' if address in ('127.0.0.1', '::1') else address}:{port}"
    print(_("Sequence Explorer: {url} (Ctrl-C ends it)", url=url), file=sys.stderr)
    if browser:
        threading.Thread(target=_open_when_ready, args=(url,), daemon=True).start()
    try:
        app = st.App(APP, on_script_error=apologise, middleware=[Middleware(Head)])
        app.run(config=settings() | {"server.port": port, "server.address": address})
    finally:
        engine.close()


def settings() -> dict[str, Any]:
    """`streamlit_config.toml` as dotted names."""
    return _dotted(tomllib.loads(CONFIG.read_text(encoding="utf-8")))


def _dotted(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        inside = isinstance(value, dict)
        flat |= _dotted(value, f"{prefix}{name}.") if inside else {prefix + name: value}
    return flat


def _free(address: str, port: int) -> None:
    """Refuse early and in words when somebody else listens there, or nobody can."""
    if not 0 < port < 2**16:
        raise EngineError(N_("There is no port {port}: choose one from 1 to 65535 with --port."),
                          port=port)
    try:
        family, kind, _proto, _name, where = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        raise EngineError(
            N_("Port {port} on {address} cannot be used ({reason}): choose another with --port."),
            port=port, address=address, reason=(error.strerror or str(error)).lower()) from error


def _open_when_ready(url: str) -> None:
    for _attempt in range(100):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            webbrowser.open(url)
            return
