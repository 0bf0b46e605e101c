"""A figure on the page carries its words and its numbers, and can be taken away."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray as xr
from streamlit.testing.v1 import AppTest

from explorer.ui.figure import netcdf


def drawn(kind: str) -> None:
    import altair as alt
    import pandas as pd
    import plotly.graph_objects as go
    import xarray as xr

    from explorer import ui
    from explorer.views import Figure

    data = pd.DataFrame({"x": [1, 2], "y": [3.5, 4.5]})
    chart = (go.Figure(go.Bar(x=data["x"], y=data["y"])) if kind == "plotly"
             else alt.Chart(data).mark_bar().encode(x="x", y="y"))
    trace = xr.Dataset({"y": ("x", data["y"])}) if kind == "plotly" else None
    ui.show(Figure(chart, data, "Two *bars*.", "Two bars, 3.5 and 4.5", "bars"), "one", trace)


@pytest.mark.parametrize(("kind", "forms"), [
    ("plotly", ["HTML", "CSV", "NetCDF"]), ("vega", ["HTML", "CSV"])])
def test_it_has_a_caption_as_text_and_its_downloads(kind: str, forms: list[str]) -> None:
    test = AppTest.from_function(drawn, args=(kind,), default_timeout=30).run()
    assert not test.exception
    assert test.caption[0].value == "Two \\*bars\\*\\."
    assert [button.label for button in test.get("download_button")] == forms


def test_a_chart_says_in_words_what_it_shows() -> None:
    test = AppTest.from_function(drawn, args=("plotly",), default_timeout=30).run()
    assert "Two bars, 3.5 and 4.5" in str(test.get("plotly_chart")[0].proto)


def test_a_trace_survives_its_file() -> None:
    values = np.arange(6, dtype="float32").reshape(2, 3)
    trace = xr.Dataset({"forget": (("token", "unit"), values), "label": ("token", ["a", "⏎"])},
                       attrs={"run": "0" * 32, "step": 7})
    again = xr.open_dataset(io.BytesIO(netcdf(trace)))
    assert again.attrs["step"] == 7
    assert list(again["label"].values) == ["a", "⏎"]
    np.testing.assert_array_equal(again["forget"].values, values)
