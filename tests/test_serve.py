"""The app is served with our settings, or says why not."""

from __future__ import annotations

import socket

import pytest
from streamlit import config

from explorer import serve
from explorer.errors import EngineError
from explorer.text import LIMIT


def test_a_port_that_is_taken_is_refused_in_words() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EngineError, match=rf"Port {port} .*--port"):
            serve.serve(port, "127.0.0.1", browser=False)


def test_an_address_that_is_not_this_machines_is_refused_in_words() -> None:
    with pytest.raises(EngineError, match=r"203\.0\.113\.1 cannot be used"):
        serve.serve(8501, "203.0.113.1", browser=False)


@pytest.mark.parametrize("port", [-1, 0, 65536, 99999])
def test_a_number_that_is_no_port_is_refused_in_words(port: int) -> None:
    with pytest.raises(EngineError, match=rf"no port {port}: .*--port"):
        serve.serve(port, "127.0.0.1", browser=False)


def test_streamlit_knows_every_setting() -> None:
    config.get_config_options()
    assert set(serve.settings()) <= set(config._config_options_template)


def test_the_settings_are_safe() -> None:
    settings = serve.settings()
    assert settings["server.address"] == "localhost"
    assert settings["server.enableXsrfProtection"] is True
    assert settings["browser.gatherUsageStats"] is False
    assert settings["client.showErrorDetails"] == "none"
    assert settings["server.maxUploadSize"] == LIMIT // 10**6


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_scale_has_the_ten_colours_that_streamlit_wants(theme: str) -> None:
    settings = serve.settings()
    for name in ("chartSequentialColors", "chartDivergingColors"):
        assert len(set(settings[f"theme.{theme}.{name}"])) == 10
