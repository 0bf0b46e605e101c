"""Page = Experiment, curve = history, what it writes = what the library writes."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

import explorer as ex
from explorer.engine.local import LocalEngine
from explorer.experiment import Experiment
from explorer.store import Run, Store
from explorer.tasks.language_model import LanguageModel
from explorer.text import CORPORA, Text, corpus
from explorer.ui.runs import called
from tests.pages.conftest import Open, act, component, said, trained, well

TALE = "Der alte Müller ging früh über die Brücke, und der Fuchs saß müde daneben. " * 30
Asked = list[Experiment]


@pytest.fixture
def asked(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What the page hands to the engine, which here does nothing with it."""
    found: Asked = []
    monkeypatch.setattr(
        LocalEngine, "submit", lambda self, experiment, owner, until=None: found.append(experiment)
    )
    return found


def press(page: AppTest, label: str) -> AppTest:
    return well(next(each for each in page.button if each.label == label).click().run())


def field(page: AppTest, label: str) -> Any:
    """The control with a label."""
    controls = [*page.number_input, *page.selectbox, *page.checkbox]
    return next(each for each in controls if each.label == label)


def upload(page: AppTest, name: str, data: bytes) -> AppTest:
    well(page.get("button_group")[0].set_value("upload").run())
    return well(page.file_uploader[0].set_value((name, data, "text/plain")).run())


def paste(page: AppTest, content: str) -> AppTest:
    well(page.get("button_group")[0].set_value("paste").run())
    return well(page.text_area(key="pasted").set_value(content).run())


def can_train(page: AppTest) -> bool:
    return not next(each for each in page.button if each.label == "Train").disabled


def counts(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


# Page = Experiment


@pytest.mark.parametrize("kind", sorted(LanguageModel.models))
@pytest.mark.parametrize("quality", ["quick", "best"])
def test_what_is_chosen_is_the_experiment_of_the_library(
    opened: Open, asked: Asked, kind: str, quality: str
) -> None:
    page = opened("train", model=kind, quality=quality, hidden=96)
    press(page, "Train")
    text = corpus(next(iter(CORPORA)))
    model = {"kind": kind, "hidden": 96}
    assert asked == [Experiment.language_model(text, model=model, quality=quality)]
    assert page.query_params["run"] == asked[0].key


def test_every_control_counts(opened: Open, asked: Asked) -> None:
    page = paste(opened("train", model="lstm"), TALE)
    chosen = {"Hidden units": 40, "Layers": 2, "Embedding size": 12, "Tokens": "word",
              "Minimum frequency": 2, "Lower case": True}
    for label, value in chosen.items():
        well(field(page, label).set_value(value).run())
    for label, value in {"Steps": 33, "Learning rate": 0.5, "Optimiser": "sgd", "Seed": 7}.items():
        well(field(page, label).set_value(value).run())
    press(page, "Train")
    assert asked == [
        Experiment.language_model(
            Text.paste(TALE),
            {"kind": "word", "min_frequency": 2, "lowercase": True},
            {"kind": "lstm", "hidden": 40, "layers": 2, "embedding": 12},
            steps=33, seed=7, learning_rate=0.5, optimizer="sgd",
        )
    ]


def test_a_width_that_fits_no_heads_is_said_outside_of_the_closed_settings(opened: Open) -> None:
    page = opened("train", model="transformer", hidden=33)
    assert not can_train(page)
    assert "each head needs an even number" in said(page)
    settings = next(each for each in page.get("popover") if each.proto.popover.label ==
                    "All settings")
    assert not settings.get("error")
    assert can_train(opened("train", model="transformer", hidden=100))


def test_the_budget_follows_the_architecture(opened: Open, asked: Asked) -> None:
    page = opened("train")
    well(page.get("button_group")[1].set_value("gru").run())
    well(field(page, "Layers").set_value(3).run())
    press(page, "Train")
    text = corpus(next(iter(CORPORA)))
    assert asked == [
        Experiment.language_model(text, model={"kind": "gru", "hidden": 128, "layers": 3})
    ]


def test_what_was_set_by_hand_stays_when_another_control_moves(
    opened: Open, asked: Asked
) -> None:
    page = opened("train")
    for label, value in {"Steps": 77, "Clip gradients at": 0.0, "Held out": 0.2}.items():
        well(field(page, label).set_value(value).run())
    well(field(page, "Hidden units").set_value(40).run())
    assert (field(page, "Steps").value, field(page, "Clip gradients at").value) == (77, 0)
    press(page, "Train")
    text = corpus(next(iter(CORPORA)))
    assert asked == [Experiment.language_model(
        text, model={"kind": "lstm", "hidden": 40}, steps=77, clip=0.0, held_out=0.2)]
    well(page.segmented_control("quality").set_value("quick").run())
    usual = Experiment.language_model(text, model={"kind": "lstm", "hidden": 40}, quality="quick")
    assert field(page, "Steps").value == usual.training.steps


def test_settings_that_contradict_each_other_are_said_and_cannot_be_trained(opened: Open) -> None:
    page = well(field(opened("train"), "Tied weights").set_value(True).run())
    assert "embedding" in said(page).lower()
    assert not can_train(page)


# Training and its curve


def trained_on_the_page(page: AppTest, steps: int, true: Callable[[AppTest], bool]) -> AppTest:
    well(field(page, "Hidden units").set_value(8).run())
    well(field(page, "Steps").set_value(steps).run())
    press(page, "Train")
    until(page, true)
    return page


@pytest.fixture
def finished(opened: Open, store: Store) -> tuple[AppTest, Run]:
    """A page on which a run was trained from a click to its end."""
    page = paste(opened("train"), TALE)
    trained_on_the_page(page, 30, lambda page: len(page.text) > 0 and "Step 30 of 30" in bar(page))
    return page, store.run(page.query_params["run"])


def bar(page: AppTest) -> str:
    return " ".join(each.proto.text for each in page.get("progress"))


def curves(page: AppTest) -> pd.DataFrame:
    """The data of the chart, as the browser gets it."""
    [chart] = page.get("vega_lite_chart")
    spec = json.loads(chart.proto.spec)
    tables = {each.name: pa.ipc.open_stream(io.BytesIO(each.data.data)).read_pandas()
              for each in chart.proto.datasets}
    named = {layer["data"]["name"] for layer in spec["layer"] if "data" in layer}
    return pd.concat([table for name, table in tables.items()
                      if name in named and "step" in table], ignore_index=True)


def test_from_the_click_to_the_end(finished: tuple[AppTest, Run], store: Store) -> None:
    page, run = finished
    assert (run.status, run.snapshots[-1]) == ("finished", 30)
    assert run.key in store.own("local")
    drawn = curves(page).drop_duplicates()
    for part, column in (("training", "perplexity"), ("held out", "validation_perplexity")):
        known = run.history.dropna(subset=[column])
        assert len(known) > 1
        line = drawn[drawn["curve"] == part].sort_values("step")
        assert line["step"].tolist() == known["step"].tolist()
        np.testing.assert_allclose(line["perplexity"], known[column], rtol=1e-6)
    last = run.history.iloc[-1]
    assert counts(page)["perplexity"] == f"{last['perplexity']:.2f}"
    assert counts(page)["blind guess"] == str(run.tokenizer.size)
    until(page, lambda page: len(page.text) > 3)  # they are asked for in the background
    samples = [each.value for each in page.text]
    written = ex.generate(run, TALE[:12], 120, temperature=0.7)
    assert samples[0] == written.attrs["text"].strip() or samples[0] == written.attrs["text"]


def test_it_writes_what_the_library_writes(opened: Open, run: Run) -> None:
    page = opened("train", run=run.key, prefix="the ", length=60, temperature=0.5, k=5, p=0.9,
                  draw=3)
    strip = component(page, "written")
    written = ex.generate(run, "the ", 60, temperature=0.5, top_k=5, top_p=0.9, seed=3)
    assert "".join(strip["tokens"]) == written.attrs["text"]
    assert [line for [line] in strip["hover"]][4:] == [
        f"probability {p:.1%}" for p in written["probability"].values[4:]
    ]
    first = strip["candidates"][4]
    assert [row[2] for row in first] == written["candidate"].values[4].tolist()
    assert first[0][0] == run.tokenizer.labels[first[0][2]]


def test_a_changed_control_writes_anew_and_changes_the_link(opened: Open, run: Run) -> None:
    page = opened("train", run=run.key, prefix="the ", length=30)
    well(page.text_input(key="prefix").set_value("a fat ").run())
    written = ex.generate(run, "a fat ", 30, temperature=0.8)
    assert "".join(component(page, "written")["tokens"]) == written.attrs["text"]
    assert page.query_params["prefix"] == "a fat "


def test_an_empty_prefix_is_no_fault(opened: Open, run: Run) -> None:
    page = opened("train", run=run.key)
    well(page.text_input(key="prefix").set_value("").run())
    assert said(page) == ""
    assert component(page, "written")["tokens"]


def test_a_token_put_in_its_way_is_gone_on_from(opened: Open, run: Run) -> None:
    page = opened("train", run=run.key, prefix="the ", length=20)
    before = component(page, "written")
    other = before["candidates"][6][1]  # the second likeliest
    act(page, "written", index=6, candidate=other[2])
    after = component(page, "written")
    assert after["tokens"][:7] == [*before["tokens"][:6], other[0]]
    assert len(after["tokens"]) == 7 + 20
    again = opened("train", **dict(page.query_params))
    assert component(again, "written")["tokens"] == after["tokens"]
    press(page, "Back to the prefix")
    assert component(page, "written")["tokens"] == before["tokens"]
    assert "forced" not in page.query_params


@pytest.mark.parametrize("forced", ["99999", "1.x.2", "-1"])
def test_a_link_forces_only_what_the_network_knows(opened: Open, run: Run, forced: str) -> None:
    page = opened("train", run=run.key, length=5, forced=forced)
    assert "that it does not know" in said(page)
    assert "forced" not in page.query_params
    assert component(page, "written")["tokens"]


def test_the_run_that_is_shown_is_named(opened: Open, run: Run) -> None:
    page = opened("train", run=run.key)
    [shown] = [each for each in (each.value.replace("\\", "") for each in page.markdown)
               if each.startswith("Shown: ")]
    assert called(run) in shown
    assert run.experiment.data.name in shown


def test_a_token_that_was_not_offered_is_not_taken(opened: Open, run: Run) -> None:
    page = opened("train", run=run.key, prefix="the ", length=20)
    before = component(page, "written")["tokens"]
    act(page, "written", index=6, candidate=10**9)
    assert component(page, "written")["tokens"] == before


def test_pause_step_and_go_on(opened: Open, engine: LocalEngine, store: Store) -> None:
    page = paste(opened("train", hidden=8), TALE + "once more")
    well(field(page, "Steps").set_value(100_000).run())
    press(page, "Train")
    key = page.query_params["run"]
    until(page, lambda page: "Pause" in labels(page) and "Step" in bar(page))
    press(page, "Pause")
    paused = store.run(key).snapshots[-1]
    assert {"Go on", "One step"} <= labels(page)
    assert component(page, "written")["tokens"]
    press(page, "One step")
    until(page, lambda page: "Go on" in labels(page))
    assert store.run(key).snapshots[-1] == paused + 1
    press(page, "× 0.1")
    changed = page.query_params["run"]
    assert changed != key
    until(page, lambda page: "changed by hand" in " ".join(c.value for c in page.caption))
    [change] = store.run(changed).experiment.training.changes
    assert (change.step, change.factor) == (paused + 1, 0.1)
    press(page, "Cancel")
    job = engine.find(changed)
    assert job is not None
    assert job.status == "cancelled"


def labels(page: AppTest) -> set[str]:
    return {button.label for button in page.button}


def until(page: AppTest, true: Callable[[AppTest], bool]) -> None:
    """Draw the page again, as its fragment does each second, until something is so."""
    end = time.monotonic() + 60
    while not true(page):
        assert time.monotonic() < end, said(page)
        time.sleep(0.1)
        well(page.run())


@pytest.mark.parametrize(("kind", "leads"), [("gru", "gates"), ("transformer", "heads"),
                                             ("cnn", "cost"), ("aaren", "cost")])
def test_it_leads_on_to_a_page_that_shows_such_a_network(
    opened: Open, engine: LocalEngine, store: Store, kind: str, leads: str
) -> None:
    text = Text("rhyme", TALE)
    run = trained(engine, store, Experiment.language_model(
        text, model={"kind": kind, "hidden": 16}, steps=4, window=16, batch=4))
    page = opened("train", run=run.key)
    assert [each.proto.page for each in page.get("page_link")] == [leads]
