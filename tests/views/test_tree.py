"""The picture of a search is its trace: who is drawn, where, how, and what is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from explorer.probes.search import search_table
from explorer.text.bleu import sentence_bleu
from explorer.text.table import END, PRESETS, Table
from explorer.views import figure, palette
from explorer.views.searching import (
    candidates,
    compared,
    ended,
    fallen,
    findings,
    greedy_answer,
)
from explorer.views.tree import (
    LANES,
    NAMES,
    hidden,
    layers,
    look,
    path,
    placed,
    reference_path,
    tidy,
    written,
)

NOTES = PRESETS["notes"]


def search(table: str = NOTES, **asked: Any) -> xr.Dataset:
    return search_table(table, **{"longest": 4} | asked)


def wide(steps: int = 40) -> str:
    """Six words, another distribution at each step, none of which ends a sentence soon."""
    draw = np.random.default_rng(1)
    words = (*"ABCDE", END)
    rows = [0.98 * draw.dirichlet(np.ones(5)) for _ in range(steps)]
    return Table(words, tuple((*row, 1 - sum(row)) for row in rows), {}).text


def test_all_that_is_in_the_trace_is_in_the_data() -> None:
    trace = search(width=2, reference="A C B")
    data = figure("tree", trace).data
    assert len(data) == trace.sizes["node"]
    for name in ("parent", "token", "log_probability", "total", "score", "rank", "margin", "more"):
        np.testing.assert_array_equal(data[name], trace[name].values)
    assert data.loc[data["on_best"], "label"].tolist() == ["", "A", "C", "B", END]
    assert data.loc[data["on_reference"], "label"].tolist() == ["", "A", "C", "B", END]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_state_has_a_look_of_its_own(theme: Any) -> None:
    looks = [look(state, palette(theme)) for state in NAMES]
    assert len({(each.marker, each.dash) for each in looks}) >= 4
    assert len({(each.colour, each.marker) for each in looks}) == len(looks)
    chart = figure("tree", search(width=2), theme=theme).chart
    drawn = {each.name: each.marker.symbol for each in chart.data if each.name}
    assert drawn == {"kept": "circle", "pruned": "circle-open", "finished": "square",
                     "the best": "star"}


def test_points_stand_where_the_data_say() -> None:
    shown = figure("tree", search(width=2))
    for state, name in (("kept", "kept"), ("best", "the best"), ("finished", "finished")):
        points = next(each for each in shown.chart.data if each.name == name)
        own = shown.data[shown.data["drawn_as"].eq(state) & (shown.data["depth"] > 0)]
        np.testing.assert_allclose(points.x, own["depth"])
        np.testing.assert_allclose(points.y, -own["height"])


@pytest.mark.parametrize("asked", [
    {"width": 10, "longest": 40, "table": wide(), "early": False},
    {"method": "sampling", "samples": 200, "longest": 20, "table": wide()},
    {"method": "exhaustive", "longest": 4}, {"method": "greedy"}, {"width": 3}])
def test_nothing_lies_over_anything_else_and_levels_stay_narrow(asked: dict[str, Any]) -> None:
    data = tidy(search(**asked))
    heights = placed(data)
    assert np.isfinite(heights[data["visible"]]).all()
    for _, level in data[data["visible"]].groupby("depth"):
        own = np.sort(heights[level.index])
        assert (np.diff(own) > 0.999).all()
        assert len(level) <= LANES + 2  # the best's and the reference's way come on top
    parents = data.loc[data["visible"] & (data["depth"] > 0), "parent"]
    assert data.loc[parents, "visible"].all()
    assert data.loc[data["on_best"], "visible"].all()


def test_a_deep_tree_folds_what_was_pruned_and_says_how_much() -> None:
    trace = search(wide(), width=10, longest=40, early=False)
    data = tidy(trace)
    assert not (data["visible"] & (data["state"] == "pruned")).any()
    away = hidden(data)
    opened = data["expanded"] & data["visible"]
    listed = data[data["visible"] & (data["depth"] > 0)].groupby("parent").size()
    for node in data.index[opened]:
        assert away[node] == 6 - listed.get(node, 0)
    assert "Left out" in figure("tree", trace).caption


def test_one_s_children_keep_the_order_of_their_rank() -> None:
    data = tidy(search(width=3))
    data["height"] = placed(data)
    for _, family in data[data["visible"] & (data["depth"] > 0)].groupby("parent"):
        assert family.sort_values("height")["rank"].is_monotonic_increasing


def test_layers_are_plain_data() -> None:
    trace = search(width=2)
    found = layers(tidy(trace))
    assert {len(values) for values in found.values()} == {trace.sizes["node"]}
    assert found["margin"][0] is None
    assert all(isinstance(value, int) for value in found["rank"])
    assert found["state"].count("best") == 1


def test_sentences_the_best_first() -> None:
    trace = search(method="exhaustive", length_penalty=0.0)
    found = ended(trace)
    assert found["sentence"].tolist()[:3] == ["A <eos>", "<eos>", "A C B <eos>"]
    assert found["p"].tolist()[:3] == pytest.approx([0.1, 0.1, 0.054])
    assert found["node"].iloc[0] == trace.attrs["best"]
    assert not found["cut"].iloc[0]


def test_candidates_are_what_the_table_says() -> None:
    trace = search(width=2)
    node = int(np.flatnonzero(trace["label"].values == "A")[0])
    found = candidates(trace, node).set_index("word")
    assert found["p"].to_dict() == pytest.approx({"B": 0.4, "C": 0.3, END: 0.2, "A": 0.1})
    assert found.loc["B", "state"] == "kept"


def test_notices_say_the_numbers_of_the_notes() -> None:
    beam = " ".join(findings(search(width=2, reference="A")))
    assert "**A C B <eos>**: P = 0.054" in beam
    assert "−2.919 / 4^0.75 = −1.032" in beam
    assert "scored 28 continuations" in beam
    assert "score 160" in beam
    assert "fell off in step 2, at **<eos>**: its beginning was number 3" in beam
    assert "0.405 short in log P" in beam
    assert "The model's own taste: it scores the reference −1.369" in beam


def test_the_trap_is_said_from_both_sides() -> None:
    fair = " ".join(findings(search(method="exhaustive")))
    assert "by probability alone **A <eos>** would win, with P = 0.1 against 0.054" in fair
    short = " ".join(findings(search(method="exhaustive", length_penalty=0.0)))
    assert "With α = 0.75 it would be **A C B <eos>**: −1.032 against −1.369" in short
    assert "nothing better exists" in short


def test_a_search_s_mistake_is_told_from_the_model_s_taste() -> None:
    late = PRESETS["late"]
    missed = fallen(search(late, width=2, reference="a dog barks"))
    assert "fell off in step 1, at **a**" in missed[0]
    assert "The search's mistake: the model itself scores the reference higher" in missed[1]
    assert fallen(search(late, width=3, reference="a dog barks")) == [
        "The reference is what was found."]
    assert fallen(search(late, width=3)) == []
    [forced] = fallen(search(late, width=2, prefix=["one"], reference="a dog barks"))
    assert "left when another word was forced in its step 1" in forced
    ranked = fallen(search(method="exhaustive", reference="A C B", length_penalty=0.0))
    assert "comes as number 3" in ranked[0]


def test_what_could_not_be_found_is_nobody_s_mistake() -> None:
    for method in ("beam", "exhaustive", "greedy"):
        said = fallen(search(method=method, longest=2, reference="A C B"))
        assert said[-1].startswith(
            "The reference has 4 words, and the search goes no further than 2")
        assert "Of all sentences" not in said[0]
    for method in ("beam", "exhaustive"):
        assert fallen(search(PRESETS["five"], method=method, reference="A B")) == [
            "What was found begins with the reference."]
    [said] = fallen(search(PRESETS["five"], method="exhaustive", reference="C"))
    assert said.startswith("Nothing ends the reference here: it is only a beginning")


def test_of_draws_no_beam_is_said_to_be_too_narrow() -> None:
    drawn = search(method="sampling", samples=2, seed=1, reference="A C B")
    assert drawn.attrs["best_score"] < drawn.attrs["reference_score"]
    assert fallen(drawn)[-1].endswith("More draws, or a beam, may find it.")


def test_what_a_network_rounds_is_no_mistake() -> None:
    """A reference is read alone, a beam side by side: float32 adds up a little differently."""
    late = PRESETS["late"]
    found = search(late, width=3, reference="a dog barks")
    near = found.assign_attrs(reference_score=found.attrs["best_score"] + 2e-6)
    assert fallen(near) == ["The reference is what was found."]
    other = search(late, width=2, reference="a dog barks")
    near = other.assign_attrs(reference_score=other.attrs["best_score"] + 2e-6)
    assert "scores the reference like what was found" in fallen(near)[-1]
    greedy = search(late, method="greedy")
    rounded = greedy.assign_attrs(best_total=greedy.attrs["best_total"] - 2e-6)
    assert greedy_answer(rounded, greedy).startswith("As far as this search saw")


def test_each_sentence_has_its_bleu_against_the_one_hoped_for() -> None:
    found = ended(search(width=2, reference="A C B")).set_index("sentence")["bleu"]
    assert found.to_dict() == pytest.approx({
        "A C B <eos>": 100, "A B C <eos>": sentence_bleu("A B C", "A C B", "none")})
    assert "bleu" not in ended(search(width=2))


def test_two_widths_are_compared() -> None:
    two, one = search(width=2), search(width=1)
    said = compared(two, one)[0]
    assert "found **A B C <eos>**: this one has a higher score, −1.032 against −1.074" in said
    assert "part in step 2" in said
    assert "Both searches found" in compared(two, search(width=2, early=False))[0]


def test_the_answer_to_the_prediction() -> None:
    greedy = search(method="greedy")
    no = greedy_answer(greedy, search(method="exhaustive"))
    assert no.startswith("No: word by word one gets **A B C <eos>**, P = 0.048; but **A <eos>**")
    sure = "A B\n#1 .9 .1"
    assert "Here it does" in greedy_answer(
        search(sure, method="greedy"), search(sure, method="exhaustive"))
    assert "As far as this search saw" in greedy_answer(
        search(sure, method="greedy"), search(sure, width=2))


def test_a_cut_sentence_is_drawn_and_said_to_be_cut() -> None:
    trace = search(width=2, longest=2)
    assert "It was cut off: at 2 words" in findings(trace)[0]
    assert ended(trace)["cut"].all()
    assert "cut" in set(tidy(trace)["drawn_as"])
    whole = search(PRESETS["five"], longest=3)  # where nothing ends a sentence, its length does
    assert not ended(whole)["cut"].any()
    assert "cut" not in set(tidy(whole)["drawn_as"])


def test_paths() -> None:
    trace = search(width=2, reference="A")
    assert written(trace, path(trace, trace.attrs["best"])[-1]) == "A C B <eos>"
    assert [str(trace["label"].values[node]) for node in reference_path(trace)] == ["", "A", END]
    assert reference_path(search(width=2)) == []
