"""Figure = trace."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explorer.errors import DataError
from explorer.views import figure
from explorer.views.gates import CELLS
from explorer.views.order import ORDERS, order_units
from tests.views.conftest import LABELS, make_trace


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("observation", ["forget", "cell"])
def test_the_heatmap_draws_the_trace(trace: xr.Dataset, observation: str, order: str) -> None:
    drawn = figure("gates", trace, observation=observation, layer=1, order=order, unit=2)
    values = trace[observation].values[1, 0]  # (token, unit)
    rows = order_units(values, order, 2)
    assert sorted(rows) == list(range(5))
    np.testing.assert_array_equal(np.array(drawn.chart.data[0].z), values[:, rows].T)
    back = drawn.data.pivot(index="token", columns="unit", values=observation).to_numpy()
    np.testing.assert_array_equal(back, values)


def test_gates_fill_the_whole_domain_and_signed_values_are_centred(trace: xr.Dataset) -> None:
    gate, cell = (figure("gates", trace, observation=n).chart.data[0] for n in ("forget", "cell"))
    assert (gate.zmin, gate.zmax) == (0, 1)
    most = float(np.abs(trace["cell"]).max())  # over all layers: panels can be compared
    assert (cell.zmin, cell.zmax) == (pytest.approx(-most), pytest.approx(most))


def test_tokens_are_text_never_markup(trace: xr.Dataset) -> None:
    drawn = figure("gates", trace)
    ticks = list(drawn.chart.layout.xaxis.ticktext)
    assert len(ticks) == len(LABELS)
    assert "&lt;" in ticks
    assert "␣" in ticks
    assert "⏎" in ticks
    assert not any("<" in str(x) for x in drawn.chart.data[0].x)
    assert drawn.data["label"].tolist()[:5] == ["a"] * 5


def test_a_long_text_is_cropped_and_said() -> None:
    long = make_trace(T=1500, H=300, layers=1)
    drawn = figure("gates", long, start=100)
    z = np.array(drawn.chart.data[0].z)
    assert z.size <= CELLS
    assert len(drawn.chart.to_json()) < 300_000
    first, last = drawn.data["token"].min(), drawn.data["token"].max()
    assert f"tokens {first} to {last}" in drawn.caption
    assert f"{z.shape[0]} of 300 units" in drawn.caption
    assert first == 100


def test_nothing_left_out_is_said_too(trace: xr.Dataset) -> None:
    assert "every value as computed" in figure("gates", trace).caption


def test_lines_draw_the_chosen_units(trace: xr.Dataset) -> None:
    drawn = figure("units", trace, observation="cell", layer=0, chosen=[4, 1])
    for line, unit in zip(drawn.chart.data, (4, 1), strict=True):
        np.testing.assert_array_equal(line.y, trace["cell"].values[0, 0, :, unit])
    assert drawn.chart.layout.legend.yanchor == "bottom", "rows more push the plot down"


def test_lines_of_a_part_of_the_text_say_which() -> None:
    long = make_trace(T=1500, H=3, layers=1)
    for start, last in ((0, 399), (1300, 1499)):
        drawn = figure("units", long, start=start)
        assert (drawn.data["token"].min(), drawn.data["token"].max()) == (start, last)
        assert f"Drawn: tokens {start} to {last} of 1,500, counted from 0." in drawn.caption
    assert "Drawn" not in figure("units", make_trace(T=400, H=3, layers=1)).caption


def test_orders_by_hand() -> None:
    values = np.array([[0.0, 0.5, 0.2], [1.0, 0.5, 0.0], [0.0, 0.6, 0.2]])
    assert order_units(values, "mean").tolist() == [1, 0, 2]
    assert order_units(values, "variance").tolist() == [0, 2, 1]
    assert order_units(values, "correlation", 0).tolist() == [0, 1, 2]
    assert order_units(values, "number").tolist() == [0, 1, 2]


def test_saturation_draws_left_against_right() -> None:
    dims = ("observation", "layer", "unit")
    left, right = np.array([[[0.1, 0.2]]]), np.array([[[0.5, 0.8]]])
    seen = xr.Dataset(
        {"left": (dims, left), "right": (dims, right)},
        {"observation": ["forget"]},
        {"run": "0", "step": 1, "model": "LSTM", "tokens": 10, "of": 20},
    )
    drawn = figure("saturation", seen)
    assert list(drawn.chart.data[0].x) == [0.1, 0.2]
    assert list(drawn.chart.data[0].y) == [0.5, 0.8]
    assert "10 of the 20 tokens" in drawn.caption
    assert drawn.chart.layout.legend.yanchor == "bottom", "rows more push the plot down"


def test_a_view_says_what_it_needs(trace: xr.Dataset) -> None:
    with pytest.raises(DataError, match="needs one of: left"):
        figure("saturation", trace)
    with pytest.raises(DataError, match="no view called"):
        figure("gate", trace)


def test_a_figure_is_saved_whole_and_offline(trace: xr.Dataset, tmp_path) -> None:
    drawn = figure("gates", trace)
    drawn.save(str(tmp_path / "gates.html"))
    page = (tmp_path / "gates.html").read_text(encoding="utf-8")
    assert "plotly" in page
    assert 'src="http' not in page
    drawn.save(str(tmp_path / "gates.csv"))
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "gates.csv"), drawn.data, check_exact=False, check_dtype=False
    )
    with pytest.raises(DataError, match=r"gates\.docx"):
        drawn.save(str(tmp_path / "gates.docx"))
