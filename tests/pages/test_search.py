"""Page = figure = trace, on a typed table and on networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.store import Run, Store
from explorer.text.pairs import Pairs
from explorer.text.table import PRESETS
from tests.pages.conftest import Open, act, component, plotly, said, trained

PAIRS = Pairs("pairs", "\n".join(
    f"{number} {what}\t{theirs} {other}"
    for number, theirs in (("one", "un"), ("two", "deux"), ("three", "trois"))
    for what, other in (("cat", "chat"), ("dog", "chien"), ("house", "maison"))))


@pytest.fixture(scope="module")
def translator(engine: LocalEngine, store: Store) -> Run:
    return trained(engine, store, Experiment.translation(
        PAIRS, tokens="word", steps=20, batch=4, held_out=0.0,
        model={"kind": "seq2seq", "hidden": 12, "embedding": 8, "attention": "additive"}))


def notices(page: Any) -> str:
    return " ".join(each.value for each in page.markdown).replace("\\", "")


def drawn_first(nodes: dict[str, Any]) -> int:
    """How many samples passed the first step."""
    return sum(count for count, depth in zip(nodes["drawn"], nodes["depth"], strict=True)
               if depth == 1)


def asked(engine: LocalEngine, **settings: Any) -> xr.Dataset:
    return engine.ask("search_table", "", table=PRESETS["notes"],
                      **{"longest": 4, "length_penalty": 0.75} | settings)


def test_it_opens_on_the_notes_example(opened: Open, engine: LocalEngine) -> None:
    page = opened("search")
    assert said(page) == ""
    trace = asked(engine, width=2, method="beam", reference="A")
    drawn = component(page, "main-tree")["nodes"]
    np.testing.assert_allclose(drawn["total"], trace["total"].values, rtol=1e-4)
    np.testing.assert_allclose(drawn["score"], trace["score"].values, rtol=1e-4)
    assert drawn["label"] == trace["label"].values.tolist()
    assert "A C B <eos>**: P = 0.054" in notices(page)
    other = component(page, "other-tree")["nodes"]
    assert len(other["label"]) == asked(engine, width=1, reference="A").sizes["node"]


@pytest.mark.parametrize("method", ["greedy", "exhaustive", "sampling"])
def test_every_method_grows_a_tree(opened: Open, engine: LocalEngine, method: str) -> None:
    page = opened("search", method=method, alpha=0, against=0)
    assert said(page) == ""
    drawn = component(page, "main-tree")
    if method != "sampling":
        trace = asked(engine, method=method, length_penalty=0.0, reference="A")
        assert len(drawn["nodes"]["label"]) == trace.sizes["node"]
    else:
        assert drawn_first(drawn["nodes"]) == 10
        page.number_input("more-sampling-samples").set_value(25).run()
        assert drawn_first(component(page, "main-tree")["nodes"]) == 25


def test_the_prediction_is_answered(opened: Open) -> None:
    page = opened("search")
    page.radio("guess").set_value(page.radio("guess").options[1]).run()
    assert "No: word by word one gets" in said(page)


def test_a_node_is_opened_and_forced(opened: Open) -> None:
    page = opened("search", against=0)
    nodes = component(page, "main-tree")["nodes"]
    pruned = next(n for n, label in enumerate(nodes["label"])
                  if label == "C" and nodes["depth"][n] == 1)
    page = act(page, "main-tree", node=pruned)
    assert component(page, "strip")["tokens"] == ["C "]
    assert "It was pruned here" in notices(page)
    kept = nodes["label"].index("A")
    page = act(page, "main-tree", node=kept)
    assert "What could follow it: **B** 0.4 · **C** 0.3 · **<eos>** 0.2 · **A** 0.1." in notices(
        page)
    page = act(page, "main-tree", node=pruned, force=True)
    assert page.text_input("begin").value == "C"
    assert page.query_params["ids"] == "2"
    nodes = component(page, "main-tree")["nodes"]
    assert [label for label, forced in zip(nodes["label"], nodes["forced"], strict=True)
            if forced] == ["", "C"]
    page.text_input("begin").set_value("B").run()
    assert "ids" not in page.query_params
    nodes = component(page, "main-tree")["nodes"]
    assert [label for label, forced in zip(nodes["label"], nodes["forced"], strict=True)
            if forced] == ["", "B"]


def test_another_word_is_forced_from_the_strip(opened: Open) -> None:
    page = opened("search", against=0)
    offered = component(page, "strip")["candidates"]
    assert [each[0] for each in offered[1]] == ["B", "A"]  # beside C, after A; never <eos>
    page = act(page, "strip", index=1, candidate=offered[1][0][2])
    assert page.text_input("begin").value == "A B"


def test_another_example_replaces_the_table(opened: Open) -> None:
    page = opened("search")
    page.selectbox("example").set_value("late").run()
    assert page.text_area("table").value == PRESETS["late"]
    assert page.query_params["example"] == "late"
    assert "dog" in component(page, "main-tree")["nodes"]["label"]


def test_rows_that_do_not_sum_to_one_are_said_and_divided(opened: Open) -> None:
    page = opened("search", table="A B <eos>\n#1 .5 .5 .5\n#2 .2 .2 .4")
    assert "Row “#1” of the table sums to 1.5, not to 1" in said(page)
    assert not [each for each in page.get("bidi_component") if each.key == "main-tree"]
    next(each for each in page.button if each.label == "Divide each row by its sum").click().run()
    assert said(page) == ""
    assert component(page, "main-tree")["nodes"]["label"]
    assert "333" in page.text_area("table").value


@pytest.mark.parametrize(("link", "message"), [
    ({"width": 0}, "width = 0, which must lie between 1 and 50: 1 is used"),
    ({"width": 1000}, "width = 1000, which must lie between 1 and 50: 50 is used"),
    ({"longest": 0}, "longest = 0"), ({"alpha": 9}, "alpha = 9"), ({"method": "oracle"}, "oracle"),
    ({"model": "oracle"}, "oracle"), ({"example": "x"}, "there is only"),
    ({"begin": "D"}, "“D” is not one of the words: A B C <eos>"),
    ({"ids": "99", "begin": "A"}, "“99” is not one of the words"),
    ({"begin": "A <eos>"}, "Nothing can follow <eos>"),
    ({"begin": "A A A A"}, "4 words are forced, and the maximum length is 4"),
    ({"table": "A B\n#1 .5 x"}, "“x” is no number"), ({"reference": "D"}, "“D” is not one"),
    ({"method": "exhaustive", "longest": 60}, "Shorten the maximum length to 11"),
])
def test_bad_input_is_said(opened: Open, link: dict[str, Any], message: str) -> None:
    assert message in said(opened("search", **link))


def test_two_widths_stand_side_by_side(opened: Open) -> None:
    page = opened("search", width=3, against=2, example="late")
    assert "this one has a higher score" in notices(page)
    page.number_input("against").set_value(0).run()
    assert not [each for each in page.get("bidi_component") if each.key == "other-tree"]


def test_it_searches_translations(opened: Open, translator: Run, engine: LocalEngine) -> None:
    page = opened("search", model="translation", run=translator.key, longest=6)
    assert said(page) == ""
    assert page.text_input("source").value == "one cat"
    assert page.text_input("reference").value == "un chat"
    trace = engine.ask("search", translator.key, source="one cat", reference="un chat", width=2,
                       longest=6)
    np.testing.assert_allclose(
        component(page, "main-tree")["nodes"]["total"], trace["total"].values, rtol=1e-3, atol=1e-4)
    weights = trace["attention"].values[trace.attrs["best"]]
    assert component(page, "attention")["hover"] == [[f"α = {weight:.3f}"] for weight in weights]
    assert component(page, "attention")["tokens"] == ["one ", "cat ", "<eos> "]


def test_a_source_word_never_seen_is_said_and_an_empty_source_too(
    opened: Open, translator: Run
) -> None:
    page = opened("search", model="translation", run=translator.key, source="one elephant")
    assert "Never seen in training" in said(page)
    assert component(page, "main-tree")["nodes"]["label"]
    page = opened("search", model="translation", run=translator.key, source=" ")
    assert "nothing to translate" in said(page)


def test_it_goes_on_from_a_text(opened: Open, run: Run) -> None:
    page = opened("search", model="language_model", run=run.key, longest=8, width=3)
    assert said(page) == ""
    drawn = component(page, "main-tree")
    assert max(drawn["nodes"]["depth"]) == 8
    assert "finished" in drawn["legend"]


def test_the_figure_to_take_away_is_the_same_tree(opened: Open) -> None:
    page = opened("search", against=0)
    page.toggle("figure").set_value(True).run()
    points = next(each for each in plotly(page, "tree-figure")["data"]
                  if each.get("name") == "the best")
    assert list(points["text"]) == ["&lt;eos&gt;"]
    nodes = component(page, "main-tree")["nodes"]
    assert list(points["x"]) == [nodes["depth"][component(page, "main-tree")["best"]]]


def test_the_link_says_what_is_searched_in_and_all_of_how(opened: Open, translator: Run) -> None:
    page = opened("search", method="sampling", samples=25, top_p=0.5, against=0)
    assert drawn_first(component(page, "main-tree")["nodes"]) == 25
    assert page.number_input("more-sampling-top_p").value == 0.5
    assert page.query_params["model"] == "table"
    page.number_input("more-sampling-seed").set_value(7).run()
    assert {name: page.query_params[name] for name in ("samples", "top_p", "seed")} == {
        "samples": "25", "top_p": "0.5", "seed": "7"}
    again = opened("search", **dict(page.query_params))
    assert (component(again, "main-tree")["nodes"]["drawn"]
            == component(page, "main-tree")["nodes"]["drawn"])
    page.selectbox("method").set_value("beam").run()
    assert not {"samples", "top_p", "seed"} & set(page.query_params)
    page.checkbox("more-beam-refill").check().run()
    assert page.query_params["refill"] == "True"
    page.segmented_control("model").set_value("translation").run()
    assert page.query_params["model"] == "translation"


@pytest.mark.parametrize(("name", "given"), [("samples", "0"), ("top_p", "x"), ("seed", "-1")])
def test_a_setting_that_cannot_be_is_refused(opened: Open, name: str, given: str) -> None:
    page = opened("search", method="sampling", **{name: given})
    assert "The link cannot be followed" in said(page)
    assert component(page, "main-tree")["nodes"]["label"]
    assert name not in page.query_params


def test_from_a_translator_to_a_language_model_nothing_is_refused(
    opened: Open, translator: Run, run: Run
) -> None:
    page = opened("search", model="translation", run=translator.key, longest=6)
    page.segmented_control("model").set_value("language_model").run()
    assert said(page) == ""
    assert page.query_params["run"] != translator.key
    page.segmented_control("model").set_value("translation").run()
    assert said(page) == ""
    page.segmented_control("model").set_value("table").run()
    assert said(page) == ""
    assert "run" not in page.query_params
    assert "C" in component(page, "main-tree")["nodes"]["label"]


def test_a_forced_word_is_forgotten_where_its_number_means_another(opened: Open) -> None:
    page = opened("search", begin="B", ids=1, against=0)
    assert page.text_input("begin").value == "B"
    page.selectbox("example").set_value("late").run()
    assert page.text_input("begin").value == ""
    assert not {"begin", "ids"} & set(page.query_params)
    assert not any(component(page, "main-tree")["nodes"]["forced"][1:])
    page = act(page, "main-tree", node=1, force=True)
    assert "ids" in page.query_params


def test_a_table_that_is_right_is_not_to_be_divided(opened: Open) -> None:
    page = opened("search", method="exhaustive", longest=60)
    assert "Shorten the maximum length" in said(page)
    assert not [each for each in page.button if each.label == "Divide each row by its sum"]


def test_what_lies_beyond_the_longest_sentence_is_said(opened: Open, translator: Run) -> None:
    page = opened("search", model="translation", run=translator.key, source="one cat " * 30)
    assert "Of the source's 61 tokens only the first 32 are read." in [
        each.value for each in page.caption]
