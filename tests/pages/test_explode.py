"""Page = figure = the histories of two real runs, one of which breaks."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.store import Run, Store
from explorer.ui.counting import baseline
from explorer.ui.explosion import pair
from tests.pages.conftest import OWNER, Open, plotly, said, trained, well
from tests.training.small import small


def frail(**settings: object) -> Experiment:
    """An RNN whose steps break soon unless its gradients are clipped."""
    chosen = {"optimizer": "sgd", "learning_rate": 5.0, "clip": 0.0, "schedule": "constant",
              "window": 64, "batch": 4, "steps": 40, "snapshots": 20, "held_out": 0.0}
    return small({"kind": "rnn", "activation": "relu", "spectral_radius": 1.5},
                 **(chosen | settings))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def broken(engine: LocalEngine, store: Store) -> Run:
    run = trained(engine, store, frail())
    assert run.status == "diverged"
    return run


@pytest.fixture(scope="module")
def clipped(engine: LocalEngine, store: Store) -> Run:
    return trained(engine, store, frail(clip=0.1))


def press(page: AppTest, label: str) -> AppTest:
    return well(next(each for each in page.button if each.label == label).click().run())


def at(page: AppTest) -> str:
    """The run in the link."""
    found = page.query_params["run"]
    return found[0] if isinstance(found, list) else str(found)


def labels(page: AppTest) -> set[str]:
    return {button.label for button in page.button}


def until(page: AppTest, true: Callable[[AppTest], bool]) -> None:
    end = time.monotonic() + 60
    while not true(page):
        assert time.monotonic() < end, said(page)
        time.sleep(0.1)
        well(page.run())


def curve(page: AppTest, name: str) -> list[dict[str, np.ndarray]]:
    return [each for each in plotly(page, "explosion")["data"]
            if each["name"] == name and each["mode"] == "lines"]


def test_the_curves_are_the_two_histories(opened: Open, broken: Run, clipped: Run) -> None:
    page = opened("explode", run=broken.key, clip=0.1)
    for run, name in ((broken, "without clipping"), (clipped, "clipped at 0.1")):
        norm, loss = curve(page, name)
        np.testing.assert_array_equal(norm["x"], run.history["step"])
        np.testing.assert_allclose(norm["y"], run.history["gradient_norm"])
        np.testing.assert_allclose(loss["y"], run.history["loss"])
    assert "no longer a finite number" in said(page)
    assert "Train it clipped at 0.1" not in labels(page), "both are there"


def test_either_of_the_two_opens_the_same_picture(
    opened: Open, broken: Run, clipped: Run
) -> None:
    one = plotly(opened("explode", run=broken.key, clip=0.1), "explosion")["data"]
    other = plotly(opened("explode", run=clipped.key), "explosion")["data"]
    assert [each["name"] for each in one] == [each["name"] for each in other]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a["y"], b["y"])


def test_the_window_is_the_probe_s_and_the_link_holds_its_step(
    opened: Open, engine: LocalEngine, broken: Run
) -> None:
    step = broken.snapshots[1]
    page = opened("explode", run=broken.key, step=step, clip=2)
    asked = engine.ask("explosion", broken.key, step=step, clip=2.0)
    size, *_ = plotly(page, "growth")["data"]
    np.testing.assert_allclose(size["y"], asked["size"].values[0])
    assert page.query_params["step"] == str(step)
    assert page.query_params["clip"] == "2"
    assert f"{asked.attrs['factor']:.4g}" in " ".join(each.value for each in page.latex)


def test_the_doctor_names_step_layer_and_tensor_and_says_where_to_go_back_to(
    opened: Open, broken: Run
) -> None:
    page = opened("explode", run=broken.key)
    assert broken.error is not None
    found = broken.error.values
    message = said(page)
    assert f"At step {found['step']} the " in message
    assert "of layer 1" in message
    assert {"Clip at 1", "Learning rate × 0.1", "Orthogonal start", "Another seed"} <= labels(page)
    captions = " ".join(caption.value for caption in page.caption)
    assert "good" in captions


def test_a_cure_starts_the_corrected_run_and_lays_it_over_the_old_one(
    opened: Open, engine: LocalEngine, store: Store, broken: Run
) -> None:
    page = press(opened("explode", run=broken.key), "Clip at 1")
    key = at(page)
    assert key != broken.key
    until(page, lambda page: (job := engine.find(key)) is not None and job.over)
    corrected = store.run(key)
    [change] = corrected.experiment.training.changes
    assert change.clip == 1.0
    assert change.step in broken.snapshots
    assert key in store.own(OWNER)
    before = broken.history[broken.history["step"] <= change.step]["loss"]
    np.testing.assert_array_equal(corrected.history["loss"][: len(before)], before)
    well(page.run())
    assert curve(page, f"clipped at 1 from step {change.step}")
    assert curve(page, "as it was set")
    other = opened("explode", run=key, clip=5)
    assert curve(other, f"clipped at 1 from step {change.step}"), "a clip of one's own moves none"
    assert "acts on the next step alone" in " ".join(each.value for each in other.caption)
    pure = opened("explode", run=broken.key)
    assert "changed by hand" not in " ".join(each.value for each in pure.caption)


def test_what_is_missing_of_the_two_is_trained_by_one_button(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    alone = trained(engine, store, frail(seed=5))
    page = press(opened("explode", run=alone.key, clip=0.2), "Train it clipped at 0.2")
    twin = pair(alone.experiment, 0.2)[1]
    until(page, lambda page: twin.key in store and store.run(twin.key).status == "finished")
    well(page.run())
    assert curve(page, "clipped at 0.2")
    assert at(page) == alone.key, "a newer run is no reason to leave the one that is shown"


def test_another_explosion_is_two_jobs(
    opened: Open, engine: LocalEngine, store: Store, broken: Run
) -> None:
    page = opened("explode", run=broken.key)
    well(page.number_input(key="blast-radius").set_value(0.0).run())  # cuts the tie to the past
    well(page.number_input(key="blast-steps").set_value(5).run())
    press(page, "Train both")
    until(page, lambda page: not any(engine.status().running))
    until(page, lambda page: bool(page.get("plotly_chart")))
    run = store.run(at(page))
    assert run.experiment.model.spectral_radius == 0.0  # type: ignore[attr-defined]
    assert run.experiment.training.clip == 0.0
    assert pair(run.experiment, 1.0)[1].key in store
    assert said(page) == ""


@pytest.mark.parametrize(("name", "value"), [("clip", "0"), ("clip", "x"), ("clip", "nan"),
                                             ("step", "7"), ("run", "0" * 32)])
def test_a_link_with_nonsense_is_said_and_the_page_goes_on(
    opened: Open, broken: Run, name: str, value: str
) -> None:
    page = opened("explode", **({"run": broken.key} | {name: value}))
    assert value in said(page)
    assert page.get("plotly_chart")


@pytest.mark.parametrize("both", [False, True])
def test_a_gated_network_of_two_layers_that_does_not_break(
    opened: Open, engine: LocalEngine, store: Store, both: bool
) -> None:
    calm = trained(engine, store, small(
        {"kind": "lstm", "layers": 2, "bidirectional": both}, steps=12, clip=0.0))
    page = opened("explode", run=calm.key, layer=2)
    assert said(page) == ""
    asked = engine.ask("explosion", calm.key, step=calm.snapshots[-1], clip=1.0)
    np.testing.assert_allclose(plotly(page, "growth")["data"][0]["y"], asked["size"].values[1])
    best = baseline(calm)
    assert best is not None
    named = {each.get("text") for each in plotly(page, "explosion")["layout"]["annotations"]}
    assert f"best n-gram (order {best.order})" in named
    words = "\n".join(each.value for each in page.markdown).replace("\\", "")
    first, *_, last = asked["gradient"].values[1]
    by = (first / last) ** (1 / (asked.sizes["position"] - 1))
    assert f"the whole window's loss changes by about × {by:.2f} with each token" in words
    assert "does not mean that the gradient of one guess survives" in words
    assert ("the longer of both directions" in words) == both
    well(page.radio[0].set_value(page.radio[0].options[0]).run())
    assert "cosine" in page.info[0].value


def test_without_any_run_the_page_is_friendly(
    opened: Open, engine: LocalEngine, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import streamlit as st

    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path))
    st.cache_resource.clear()
    assert "no trained run" in said(opened("explode"))
    st.cache_resource.clear()


def test_a_run_is_chosen_where_another_is_called_the_same(
    opened: Open, engine: LocalEngine, store: Store, broken: Run
) -> None:
    alone = trained(engine, store, frail(seed=6))
    page = opened("explode", run=alone.key)
    choice = page.selectbox(key="run")
    assert len(set(choice.options)) == len(choice.options)
    assert at(well(page.number_input(key="clip").set_value(0.3).run())) == alone.key
    well(choice.set_value(broken.key).run())
    assert at(page) == broken.key
