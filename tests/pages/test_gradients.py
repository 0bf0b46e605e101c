"""Page = figure = trace, for the page of gradients."""

from __future__ import annotations

import time

import numpy as np
import pytest

import explorer as ex
from explorer.engine import LocalEngine
from explorer.library import _open
from explorer.probes import PROBES
from explorer.store import Run, Store
from tests.pages.conftest import Open, act, component, plotly, said, trained, well
from tests.training.small import small

TEXT = 'the "cat" sat'
KINDS = ("rnn", "gru", "lstm")


@pytest.fixture(scope="module")
def runs(engine: LocalEngine, store: Store) -> list[Run]:
    return [trained(engine, store, small({"kind": kind}, steps=30)) for kind in KINDS]


def keys(runs: list[Run]) -> str:
    return ",".join(run.key for run in runs)


def share(run: Run, at: int = -1, step: int = -1) -> np.ndarray:
    found = ex.gradients(run, TEXT, at, step)
    norm = found["norm"].values[0, -1, : found.attrs["at"]]
    return norm / norm[-1]


def test_the_lines_are_the_gradients_of_every_network(opened: Open, runs: list[Run]) -> None:
    page = opened("gradients", runs=keys(runs), text=TEXT)
    lines = plotly(page, "gradients")["data"][:3]
    assert [line["name"] for line in lines] == ["RNN", "GRU", "LSTM"]
    for line, run in zip(lines, runs, strict=True):
        np.testing.assert_allclose(np.array(line["y"]), share(run), rtol=1e-4)
    assert len(page.metric) == 3
    assert said(page) == ""


def test_a_guess_and_a_snapshot_are_chosen(opened: Open, runs: list[Run]) -> None:
    step = runs[0].snapshots[1]
    page = opened("gradients", runs=keys(runs), text=TEXT, at=5, step=step)
    [line] = plotly(page, "gradients")["data"][:1]
    np.testing.assert_allclose(np.array(line["y"]), share(runs[0], 5, step), rtol=1e-4)
    page = act(page, "strip", index=8)
    assert page.query_params["at"] == "8"
    assert component(page, "strip")["selected"] == 8
    assert page.number_input(key="at").value == 8


def test_the_closer_pictures_are_of_the_chosen_network(opened: Open, runs: list[Run]) -> None:
    page = opened("gradients", runs=keys(runs), text=TEXT, network="GRU")
    opened_run = _open(runs[1], runs[1].step(-1))
    every = PROBES["gradient_map"](opened_run, TEXT)
    norms = every["norm"].values[0]
    heat = plotly(page, "map")["data"][0]
    row = np.array(heat["z"], dtype=float)[-1]
    np.testing.assert_allclose(row[:12], np.log10(norms[-1, :12] / norms[-1, 11]), atol=1e-4)
    largest = PROBES["jacobians"](opened_run, TEXT)["singular"].values[:, 0]
    np.testing.assert_allclose(
        np.array(plotly(page, "jacobians")["data"][0]["y"]), largest, rtol=1e-4)
    real = PROBES["recurrent_eigenvalues"](opened_run)["real"].values
    for points, block in zip(plotly(page, "eigenvalues")["data"][1:], real, strict=True):
        np.testing.assert_allclose(np.array(points["x"]), block, rtol=1e-4, atol=1e-6)


def test_fresh_networks_follow_the_knobs(opened: Open, runs: list[Run]) -> None:
    page = opened("gradients", runs=keys(runs), text=TEXT, look="fresh", radius="0.9", hidden=8,
                  activation="linear", seed=3)
    model = {"kind": "rnn", "hidden": 8, "initial": "uniform", "spectral_radius": 0.9,
             "activation": "linear"}
    opened_run = _open(runs[0], runs[0].step(-1))
    found = PROBES["gradients"](opened_run, TEXT, model=model, seed=3)
    norm = found["norm"].values[0, 0, :12]
    [line] = plotly(page, "gradients")["data"][:1]
    np.testing.assert_allclose(np.array(line["y"]), norm / norm[-1], rtol=1e-4)
    assert said(page) == ""


def test_a_radius_of_zero_is_said_in_words(opened: Open, runs: list[Run]) -> None:
    page = opened("gradients", runs=keys(runs), text=TEXT, look="fresh", radius="0", hidden=8)
    words = "\n".join(each.value for each in page.markdown).replace("\\", "")
    assert "**RNN**: exactly 0 from step 1 back on" in words
    assert said(page) == ""


def test_a_network_that_overflows_is_said_to(opened: Open, runs: list[Run]) -> None:
    page = opened("gradients", runs=keys(runs), text="the cat sat " * 30, look="fresh", radius="2",
                  hidden=8, activation="linear", network="RNN")
    words = "\n".join(each.value for each in page.markdown).replace("\\", "")
    assert "**RNN**: its states grow beyond single precision" in words
    assert "second half: – steps until 1 %" in "\n".join(each.value for each in page.caption)
    assert said(page) == ""


def test_fresh_networks_are_trained_and_drawn_as_they_learn(
    opened: Open, runs: list[Run], engine: LocalEngine, store: Store
) -> None:
    page = opened("gradients", runs=keys(runs), text=TEXT, look="fresh", hidden=6, steps=20)
    button = next(each for each in page.button if each.label == "Train these")
    page = well(button.click().run())
    assert page.query_params.get("look") is None
    wanted = page.query_params["runs"].split(",")
    assert len(wanted) == 3
    end = time.monotonic() + 60
    while not all(key in store and store.run(key).status == "finished" for key in wanted):
        assert time.monotonic() < end
        time.sleep(0.1)
    page = well(page.run())
    lines = plotly(page, "gradients")["data"][:3]
    for line, key in zip(lines, wanted, strict=True):
        np.testing.assert_allclose(np.array(line["y"]), share(store.run(key)), rtol=1e-4)


@pytest.mark.parametrize("text", ["a", ""])
def test_too_short_a_text_is_refused_in_words(opened: Open, runs: list[Run], text: str) -> None:
    page = opened("gradients", runs=keys(runs), text=TEXT)
    well(page.text_area[0].set_value(text).run())
    assert "type a" in said(page)


@pytest.mark.parametrize(
    ("name", "value"),
    [("at", "999"), ("at", "x"), ("step", "7"), ("network", "soul"), ("part", "x"),
     ("scale", "1"), ("look", "no")],
)
def test_a_link_with_nonsense_says_what_is_used_instead(
    opened: Open, runs: list[Run], name: str, value: str
) -> None:
    message = said(opened("gradients", runs=keys(runs), text=TEXT, **{name: value}))
    assert f"{name} = {value}" in message
    assert "is used" in message


def test_an_unknown_run_is_said_and_others_are_shown(opened: Open, runs: list[Run]) -> None:
    page = opened("gradients", runs="0" * 32, text=TEXT)
    assert "no run " + "0" * 32 in said(page)
    assert plotly(page, "gradients")["data"]


def test_a_network_that_reads_both_ways_is_not_offered(
    opened: Open, runs: list[Run], engine: LocalEngine, store: Store
) -> None:
    both = trained(engine, store, small({"kind": "lstm", "bidirectional": True}, steps=2))
    page = opened("gradients", runs=keys([runs[0], both]), text=TEXT)
    assert "reads from both ends" in said(page)
    assert not any("both ways" in name for name in page.multiselect(key="runs").options)
    assert page.multiselect(key="runs").value == [runs[0].key]
    assert plotly(page, "gradients")["data"][0]["name"] == "RNN"


def test_networks_with_other_tokens_are_left_out_and_it_is_said(
    opened: Open, runs: list[Run], engine: LocalEngine, store: Store
) -> None:
    other = trained(engine, store, small({"kind": "gru"}, steps=2, text=ex.Text(
        "numbers", "0123456789 " * 60)))
    page = opened("gradients", runs=keys([runs[0], other]), text=TEXT)
    assert "left out" in said(page)
    assert len(page.metric) == 1


def test_guessing_opens_the_answer(opened: Open, runs: list[Run]) -> None:
    page = opened("gradients", runs=keys(runs), text=TEXT)
    well(page.radio(key="guess").set_value("GRU").run())
    assert "most left" in said(page)
