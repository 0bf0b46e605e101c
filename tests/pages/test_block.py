"""Page = figure = what the engine computes, along the whole way, and everything in the link."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.models.stacked import Stacked
from explorer.store import Run, Store
from explorer.ui import block
from explorer.ui.block_numbers import numbers
from explorer.ui.clicks import Cell
from explorer.views.block import LIKELIEST
from explorer.views.block_parts import TENSORS, order, plane, row, sums, whole
from tests.pages.conftest import Open, act, component, plotly, said, trained, well
from tests.training.small import TEXT as RHYME
from tests.training.small_pairs import PAIRS

TEXT = "the cat sat"
SIZES = {"kind": "transformer", "hidden": 12, "heads": 3, "layers": 2}
BUILT: dict[str, dict[str, Any]] = {
    "pre": {}, "post": {"norm": "post", "positions": "sinusoidal"},
    "bare": {"norm": "none", "residual": False, "positions": "learned", "context": 300,
             "tied": False}}


@pytest.fixture(scope="module")
def runs(engine: LocalEngine, store: Store) -> dict[str, Run]:
    """Small Transformers that are built in different ways."""
    return {name: trained(engine, store, Experiment.language_model(
        RHYME, model=SIZES | settings, steps=12, window=16, batch=4, snapshots=2))
        for name, settings in BUILT.items()}


@pytest.fixture(scope="module")
def translators(engine: LocalEngine, store: Store) -> dict[str, Run]:
    return {name: trained(engine, store, Experiment.translation(
        PAIRS, model=SIZES | {key: value for key, value in settings.items() if key != "context"}
        | {"positions": "sinusoidal"}, steps=12, batch=8, snapshots=2))
        for name, settings in BUILT.items()}


def traced(engine: LocalEngine, run: Run, text: str = TEXT) -> Any:
    return whole(engine.ask("trace", run.key, step=run.snapshots[-1], text=text,
                            only=block.ASKED))


def cells(page: AppTest, key: str) -> np.ndarray:
    return np.array(plotly(page, key)["data"][0]["z"], dtype=float)


def boxes(page: AppTest) -> list[dict[str, Any]]:
    return [box for row in component(page, "flow")["rows"] for box in row["boxes"]]


@pytest.mark.parametrize("name", BUILT)
def test_every_box_opens_the_tensor_that_the_engine_computes(
    opened: Open, engine: LocalEngine, runs: dict[str, Run], name: str
) -> None:
    run = runs[name]
    spec, found = cast("Stacked", run.experiment.model), traced(engine, run)
    page = opened("block", run=run.key, text=TEXT, layer=2, head=3)
    ids = [box["id"] for box in boxes(page)]
    inside = [each for each, _sign in order(spec.norm, spec.residual)]
    assert ids == ["token", "embedding", *(["position"] if "position" in found else []), "block-1",
                   *inside, *(["final"] if spec.norm == "pre" else []), "logits", "probability"]
    assert ("position" in ids) == (name != "pre")
    for box in ("embedding", "q", "attention", "active", "after", "logits", "probability"):
        act(page, "flow", box=box)
        assert said(page) == "", box
        head = int(page.selectbox(key="head").value) - 1 if "head" in found[box].dims else 0
        values = plane(found, box, 1, head).values
        if box in ("logits", "probability"):
            best = np.argsort(-values[-1], kind="stable")[:LIKELIEST]
            values = values[:, best]
        np.testing.assert_allclose(cells(page, "tensor"), values, atol=1e-6)
        assert page.query_params.get("box") in ((box, [box]) if box != "after" else (None,))


def test_a_folded_block_is_unfolded(opened: Open, runs: dict[str, Run]) -> None:
    page = opened("block", run=runs["pre"].key, text=TEXT)
    assert "block-2" in [box["id"] for box in boxes(page)]
    act(page, "flow", box="block-2")
    assert page.selectbox(key="layer").value == 2
    assert "block-1" in [box["id"] for box in boxes(page)]
    act(page, "flow", box="block-7")
    assert said(page) == ""


def test_the_token_itself_is_a_box_that_opens(
    opened: Open, engine: LocalEngine, runs: dict[str, Run]
) -> None:
    number = int(traced(engine, runs["pre"])["id"].values[4])
    page = opened("block", run=runs["pre"].key, text=TEXT, token=4)
    act(page, "flow", box="token")
    assert page.query_params["box"] in ("token", ["token"])
    assert f"“c” is number {number} of the vocabulary" in " ".join(
        each.value for each in page.markdown)
    assert rf"E_{{{number}}} \in \mathbb{{R}}^{{12}}" in " ".join(
        each.value for each in page.latex)
    assert component(opened("block", run=runs["pre"].key, text=TEXT, box="token"),
                     "flow")["selected"] == "token"


@pytest.mark.parametrize("name", BUILT)
def test_every_number_of_every_formula_is_right(
    engine: LocalEngine, runs: dict[str, Run], name: str
) -> None:
    """What is written left of an equals sign comes to what stands right of it."""
    spec, found = cast("Stacked", runs[name].experiment.model), traced(engine, runs[name])
    for box in TENSORS:
        if box not in found or (box == "final" and spec.norm != "pre"):
            continue
        written = numbers(found, spec, box, 1, 0, 4, 2)
        if "gamma" in written:
            mean, sigma, x, again, below, ratio, made = map(
                float, re.findall(r"-?\d+\.\d+", written))
            assert (mean, sigma) == (again, below)
            assert abs((x - mean) / sigma - ratio) < 5e-3
            assert abs(made - float(plane(found, box, 1).values[4, 2])) < 1e-3
        elif box in sums(found):
            *_letters, left, right = written.split(" = ")
            assert left != right
            if not spec.residual:
                assert re.fullmatch(r"[fg]_\{5,3\}", left), "nothing is added"
                left = right
            parts = list(map(float, re.findall(r"-?\d+\.\d+", left)))
            assert len(parts) == 1 + spec.residual
            assert abs(sum(parts) - float(right)) < 1e-9, "as written it adds up"
            assert abs(float(right) - float(plane(found, box, 1).values[4, 2])) < 1e-3
    for first, second in pairwise(("attention", "probability")):
        share = float(numbers(found, spec, second, 1, 0, 4, 0).rsplit("= ", 1)[1])
        assert abs(share - float(found["probability"][4].max())) < 1e-3
        assert r"= 1.000" in numbers(found, spec, first, 1, 0, 4, 0)


@pytest.mark.parametrize("side", ["", "decoder", "encoder"])
def test_without_residual_paths_nothing_is_added_and_there_is_no_stream(
    opened: Open, runs: dict[str, Run], translators: dict[str, Run], side: str
) -> None:
    run, given = ((translators["bare"], {"source": PAIRS.rows[2][0], "side": side}) if side else
                  (runs["bare"], {"text": TEXT}))
    page = opened("block", run=run.key, box="attended", **given)
    told = " ".join(box["says"] + box["name"] for box in boxes(page))
    words = [told, *(each.value for each in page.subheader),
             *(line["name"] for line in plotly(page, "stream")["data"])]
    assert "takes the place of what was given" in told
    assert not re.search("stream|adds|added to", " ".join(words))
    letters = " ".join(each.value for each in page.latex)
    assert "x + f" not in letters
    assert "y = f(x)" in letters


def test_a_click_on_a_cell_follows_its_token_and_number(
    opened: Open, runs: dict[str, Run]
) -> None:
    page = opened("block", run=runs["pre"].key, text=TEXT)
    act(page, "cell", figure="tensor", row=3, column=7)
    assert page.number_input(key="number").value == 8
    assert page.query_params["token"] in ("3", ["3"])
    assert component(page, "strip")["selected"] == 3
    act(page, "strip", index=5)
    assert page.query_params["token"] in ("5", ["5"])
    assert said(page) == ""


def test_a_click_in_a_crop_is_of_its_token(engine: LocalEngine, runs: dict[str, Run]) -> None:
    found = traced(engine, runs["pre"], "abcdefgh" * 25)
    cell = Cell("tensor", 10, 3)
    assert block.chosen(found, "active", 199, cell, 50) == {"token": 160, "number": 4}
    assert block.chosen(found, "attention", 0, cell, 50) == {"token": 10}


def test_gradients_of_networks_as_deep_as_one_likes(
    opened: Open, engine: LocalEngine, runs: dict[str, Run]
) -> None:
    run = runs["post"]
    page = opened("block", run=run.key, text=TEXT, depth=8)
    found = engine.ask("gradient_by_layer", run.key, step=run.snapshots[-1], text=TEXT, layers=8)
    drawn = plotly(page, "gradients")["data"]
    np.testing.assert_allclose(drawn[0]["y"], found["gradient"].values[0, :2])
    np.testing.assert_allclose(drawn[-1]["y"], found["alike"].sel(variant="neither"))
    assert "times as long as at the last" in " ".join(each.value for each in page.markdown)


def test_one_token_has_a_way_but_no_loss(opened: Open, runs: dict[str, Run]) -> None:
    page = opened("block", run=runs["pre"].key, text="t")
    assert said(page) == "There is no token to guess: type a text of at least two tokens."
    assert cells(page, "tensor").shape == (1, 12)


def test_a_long_text_is_cropped_and_the_caption_says_so(
    opened: Open, runs: dict[str, Run]
) -> None:
    page = opened("block", run=runs["pre"].key, text="abcdefghij" * 200 + "k", depth=1)
    captions = " ".join(each.value for each in page.caption).replace("\\", "")
    assert "The first 256 of 2001 tokens were read" in captions
    assert said(page) == ""


NONSENSE = {"layer": "0", "token": "99", "box": "cell", "number": "13", "depth": "0", "step": "7"}


def test_nonsense_in_the_link_is_said_and_replaced(opened: Open, runs: dict[str, Run]) -> None:
    page = opened("block", run=runs["pre"].key, text=TEXT, **NONSENSE)
    for name, value in NONSENSE.items():
        assert f"{name} = {value}" in said(page)
    assert plotly(page, "tensor")["data"]


def test_another_run_keeps_the_page_whole(opened: Open, runs: dict[str, Run]) -> None:
    page = opened("block", run=runs["pre"].key, text=TEXT, box="attention_reads")
    well(page.selectbox(key="run").set_value(runs["post"].key).run())
    assert not page.error
    assert plotly(page, "tensor")["data"]


def test_guessing_opens_the_answer(opened: Open, runs: dict[str, Run]) -> None:
    page = opened("block", run=runs["pre"].key, text=TEXT, depth=1)
    well(page.radio(key="guess").set_value("attention").run())
    assert "times as long as" in page.info[0].value


@pytest.mark.parametrize("side", ["decoder", "encoder"])
@pytest.mark.parametrize("name", BUILT)
def test_a_translator_is_opened_on_either_side(
    opened: Open, engine: LocalEngine, translators: dict[str, Run], name: str, side: str
) -> None:
    run = translators[name]
    spec, (source, target) = cast("Stacked", run.experiment.model), PAIRS.rows[2]
    found = whole(engine.ask("trace_pair", run.key, step=run.snapshots[-1], source=source,
                             target=target, side=side, only=block.ASKED))
    writes = side == "decoder"
    page = opened("block", run=run.key, source=source, target=target, side=side, layer=2, head=3)
    inside = [each for each, _sign in order(spec.norm, spec.residual, writes)]
    assert [box["id"] for box in boxes(page)] == [
        "token", "embedding", "position", "block-1", *inside,
        *(["final"] if spec.norm == "pre" else []), *(["logits", "probability"] if writes else [])]
    ways = ("look_k", "look_attention", "looks", "looked") if writes else ("attention", "after")
    for box in ways:
        act(page, "flow", box=box)
        assert said(page) == "", box
        head = int(page.selectbox(key="head").value) - 1 if "head" in found[box].dims else 0
        np.testing.assert_allclose(cells(page, "tensor"), plane(found, box, 1, head).values,
                                   atol=1e-6)
    labels = component(page, "strip")["tokens"]
    assert len(labels) == found.sizes["token"]
    for box in inside:
        written = numbers(found, spec, box, 1, 0, 2, 2)
        if box in sums(found) and "gamma" not in written:
            *_letters, left, right = written.split(" = ")
            parts = list(map(float, re.findall(r"-?\d+\.\d+", left if spec.residual else right)))
            assert abs(sum(parts) - float(right)) < 1e-9, box
            assert abs(float(right) - float(plane(found, box, 1).values[2, 2])) < 1e-3
        elif "gamma" in written:
            *_rest, made = map(float, re.findall(r"-?\d+\.\d+", written))
            assert abs(made - float(plane(found, box, 1).values[2, 2])) < 1e-3


def test_a_click_among_the_keys_of_the_source_leaves_the_token(
    opened: Open, engine: LocalEngine, translators: dict[str, Run]
) -> None:
    run = translators["pre"]
    page = opened("block", run=run.key, box="look_k")
    before = component(page, "strip")["selected"]
    act(page, "cell", figure="tensor", row=1, column=2)
    assert component(page, "strip")["selected"] == before
    assert page.number_input(key="number").value == 3
    found = engine.ask("trace_pair", run.key, step=run.snapshots[-1], source=PAIRS.rows[0][0],
                       only=block.ASKED)
    assert block.chosen(found, "look_attention", 0, Cell("tensor", 1, 0), 2) == {"token": 1}
    assert row(found, "look_q", 0, 1) == 1


def test_another_kind_of_run_keeps_the_page_whole(
    opened: Open, runs: dict[str, Run], translators: dict[str, Run]
) -> None:
    page = opened("block", run=translators["pre"].key, box="look_mixed", side="decoder")
    well(page.selectbox(key="run").set_value(runs["pre"].key).run())
    assert not page.error
    assert plotly(page, "tensor")["data"]
    assert "side" not in page.query_params
    well(page.selectbox(key="run").set_value(translators["post"].key).run())
    well(page.segmented_control(key="side").set_value("encoder").run())
    assert not page.error
    assert "look_k" not in [box["id"] for box in boxes(page)]


def test_the_answer_to_the_guess_is_who_adds_most(
    opened: Open, engine: LocalEngine, translators: dict[str, Run]
) -> None:
    run, source = translators["post"], PAIRS.rows[2][0]
    page = opened("block", run=run.key, source=source)
    names = list(page.radio(key="guess").options)
    assert names == ["attention", "the looks at the source", "the feed-forward networks"]
    found = engine.ask("trace_pair", run.key, step=run.snapshots[-1], source=source)
    sums_of = [float(np.linalg.norm(found[name].values[:, -1], axis=-1).sum())
               for name in ("attended", "looks", "fed")]
    well(page.radio(key="guess").set_value(names[0]).run())
    assert f"**{names[int(np.argmax(sums_of))].capitalize()}**" in page.info[0].value


@pytest.mark.parametrize(("asked", "words"), [
    ({"source": " "}, "nothing to translate"), ({"side": "both"}, "side = both"),
    ({"side": "encoder", "box": "look_q"}, "box = look_q"), ({"layer": "0"}, "layer = 0"),
    ({"token": "99"}, "token = 99")])
def test_nonsense_about_a_pair_is_said(
    opened: Open, translators: dict[str, Run], asked: dict[str, str], words: str
) -> None:
    page = opened("block", run=translators["pre"].key, **({"source": PAIRS.rows[2][0]} | asked))
    assert words in said(page)
