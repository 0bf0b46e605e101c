"""A chart has room for what its axes say before it is drawn."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from plotly.subplots import make_subplots

from explorer.views import figure, palette
from explorer.views.margins import MOST, fit, width


def made(**axes: Any) -> go.Figure:
    chart = go.Figure(go.Scatter(x=[0, 1], y=[0, 1]))
    chart.update_layout(palette("light").layout(height=200))
    chart.update_layout(axes)
    return chart


def margins(chart: go.Figure) -> dict[str, int]:
    fit(chart)
    return {side: chart.layout.margin[side] for side in "lrtb"}


BARE = margins(made())


@given(st.text(), st.text())
def test_a_longer_text_is_never_narrower(one: str, other: str) -> None:
    both = (one + other).replace("<", "").replace("&", "")
    assert width(both, 12) >= width(one.replace("<", "").replace("&", ""), 12) >= 0


@pytest.mark.parametrize(("label", "as_wide_as"), [
    ("a<br>bbb", "bbb"), ("x<sub>1</sub>", "x1"), ("&lt;eos&gt;", "<eos>")])
def test_what_is_not_written_takes_no_room(label: str, as_wide_as: str) -> None:
    assert width(label, 12) == pytest.approx(
        width(as_wide_as.replace("<", "[").replace(">", "]"), 12))


def test_chinese_letters_are_wide() -> None:
    assert width("爷爷", 10) > 1.5 * width("ab", 10)


def test_a_title_and_labels_take_room_where_they_stand() -> None:
    titled = margins(made(yaxis_title_text="loss"))
    assert titled["l"] > BARE["l"]
    assert {side: titled[side] for side in "rtb"} == {side: BARE[side] for side in "rtb"}
    long = margins(made(yaxis_tickvals=[0, 1], yaxis_ticktext=["short", "a very long label of it"]))
    assert long["l"] > 100
    hidden = margins(made(yaxis_tickvals=[0], yaxis_ticktext=["a very long label"],
                          yaxis_showticklabels=False))
    assert hidden["l"] < BARE["l"]
    assert margins(made(yaxis_side="right"))["r"] == BARE["l"]
    assert margins(made(xaxis_side="top"))["t"] == BARE["b"]


def test_turned_labels_take_room_below() -> None:
    names = {"xaxis_tickvals": [0], "xaxis_ticktext": ["a very long label"]}
    level, turned, upright = (margins(made(**names, xaxis_tickangle=angle))["b"]
                              for angle in (0, -45, 90))
    assert BARE["b"] == level < turned < upright


def test_categories_are_labels() -> None:
    chart = made()
    chart.add_bar(x=[1, 2], y=["input", "the previous hidden state"], orientation="h")
    chart.data = chart.data[1:]
    assert margins(chart)["l"] > 100


def test_an_axis_between_two_fields_takes_no_room_at_the_edge() -> None:
    chart = make_subplots(rows=1, cols=2)
    for column in (1, 2):
        chart.add_scatter(x=[0], y=[0], row=1, col=column)
    axis = palette("light").layout(0)["yaxis"]
    chart.update_layout(margin=dict.fromkeys("lrtb", 0))
    chart.update_yaxes(axis)
    chart.update_yaxes(tickvals=[0], ticktext=["a very long label"], row=1, col=2)
    assert margins(chart)["l"] < 60


def test_a_margin_that_is_wider_stays() -> None:
    chart = made(margin={"l": 300, "r": 1, "t": 2, "b": 400})
    assert margins(chart) == {"l": 300, "r": 1, "t": 2, "b": 400}


def test_a_long_name_takes_no_more_than_a_part_of_a_small_screen() -> None:
    assert margins(made(yaxis_tickvals=[0], yaxis_ticktext=["endless " * 30]))["l"] == MOST


def test_every_figure_is_fitted(trace: xr.Dataset) -> None:
    chart = figure("gates", trace).chart
    assert isinstance(chart, go.Figure)
    assert chart.layout.margin.b > 8
    assert chart.layout.margin.l > 8
