"""The pictures of an alignment hold its numbers; what is said of it follows by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from explorer.text.sentences import EOS
from explorer.ui.lines import admit, picture
from explorer.views import alignment as pictures
from explorer.views import alignment_notices as notices

READ, WRITTEN = ["a", "<b>", "c", EOS], ["u", "v", "w", "x", EOS]


def aligned(weights: Any, **attrs: Any) -> xr.Dataset:
    """What the probe says of five tokens that were written while looking at four."""
    seen = np.asarray(weights, np.float32)
    T, S = seen.shape
    variables: dict[str, Any] = {
        "attention": (("layer", "head", "query", "key"), seen[None, None]),
        "scores": (("layer", "head", "query", "key"), np.log(seen + 1e-3)[None, None]),
        "query_state": (("query", "number"), np.arange(T * 3.0).reshape(T, 3)),
        "context": (("query", "unit"), np.arange(T * 2.0).reshape(T, 2) - 3),
        "probability": ("query", np.full(T, 0.1)),
        "candidate": (("query", "rank"), np.tile([0, 1], (T, 1))),
        "candidate_probability": (("query", "rank"), np.tile([0.5, 0.25], (T, 1)))}
    if attrs.get("local"):
        variables["centre"] = ("query", np.full(T, 1.5))
    return xr.Dataset(
        variables,
        {"query_label": ("query", WRITTEN[:T]), "key_label": ("key", READ[:S]),
         "query_id": ("query", [0, 1, 2, 0, 1][:T]), "vocabulary": ["u", "v", "w"],
         "key_unknown": ("key", [False, True, False, False][:S])},
        {"run": "r", "step": 7, "attention": "general", "forced": 0, "local": 0} | attrs)


STRAIGHT = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def test_the_heatmap_draws_the_weights_and_the_words_are_no_mark_up() -> None:
    drawn = pictures.alignment(aligned(STRAIGHT))
    np.testing.assert_allclose(drawn.data["attention"], STRAIGHT.ravel())
    np.testing.assert_allclose(drawn.chart.data[0].z, STRAIGHT)
    assert "&lt;b&gt;" in drawn.chart.layout.xaxis.ticktext
    assert "Each row sums to 1." in drawn.caption
    assert "x → c" in drawn.alt
    small = pictures.alignment(aligned(STRAIGHT), compact=True)
    assert small.chart.data[0].zmax == 1
    assert not small.chart.data[0].showscale


def test_one_step_has_its_scores_and_weights_in_the_order_of_the_source() -> None:
    trace = aligned(STRAIGHT)
    drawn = pictures.look(trace, query=2)
    assert drawn.data["key_label"].tolist() == READ
    np.testing.assert_allclose(drawn.data["attention"], STRAIGHT[2])
    np.testing.assert_allclose(drawn.chart.data[1].y, STRAIGHT[2])
    np.testing.assert_allclose(drawn.chart.data[0].y, trace["scores"][0, 0, 2])


def test_the_window_of_local_attention_is_drawn_where_its_centre_is() -> None:
    drawn = pictures.look(aligned(STRAIGHT, local=1), query=0)
    assert {shape.x0 for shape in drawn.chart.layout.shapes} == {1.5 - pictures.REACH, 1.5}
    np.testing.assert_allclose(drawn.data["bell"][1], np.exp(-2 * (0.5 / 3) ** 2))
    assert drawn.data["inside"].all()


@pytest.mark.parametrize(("attention", "asks"), [("additive", "s_1"), ("general", "s_2")])
def test_bahdanau_asks_with_the_state_before(attention: str, asks: str) -> None:
    drawn = pictures.vectors(aligned(STRAIGHT, attention=attention), query=1)
    data = drawn.data
    assert data[data["vector"] == asks]["value"].tolist() == [3, 4, 5]
    assert data[data["vector"] == "c_2"]["value"].tolist() == [-1, 0]


def test_what_was_written_is_among_the_candidates_even_if_it_was_not_likely() -> None:
    drawn = pictures.likeliest(aligned(STRAIGHT), query=2)
    assert drawn.data["label"].tolist() == ["u", "v", "w"]
    assert drawn.data["probability"].tolist() == [0.5, 0.25, 0.1]
    assert drawn.data["written"].tolist() == [False, False, True]


@pytest.mark.parametrize(("places", "found"), [
    ([0, 1, 2, 3], "along"), ([3, 2, 1, 0], "against"), ([0, 3, 0, 3], "neither"),
    ([1, 1, 1, 1], "neither"), ([0, 1], "few")])
def test_which_diagonal(places: list[int], found: str) -> None:
    assert notices.diagonal(aligned(np.eye(4)[places]))[0] == found


def test_what_is_noticed_follows_from_the_weights() -> None:
    weights = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0.25] * 4, [0, 0, 0, 1]])
    said = " ".join(notices.findings(aligned(weights)))
    assert "moves on (1×), stays (0×) or goes back (2×)" in said
    assert "“x” looks at the most places, as if at 4.0 equally" in said
    assert f"At “{EOS}” most of the weight goes to the source's {EOS}" in said
    assert "1 of the words that were read are unknown" in said
    assert "goes back at “w”" in notices.answer(aligned(weights[[0, 1, 2, 2, 3]]))


def test_what_was_not_read_is_said() -> None:
    attrs = {"source_of": 61, "source_read": 4, "target_of": 4, "target_read": 4}
    words = "Of the source's 61 tokens only the first 4 are read."
    trace = aligned(STRAIGHT, **attrs)
    assert pictures.alignment(trace).caption.endswith(f"sums to 1. {words}")
    assert notices.findings(trace)[-1] == words
    assert notices.findings(aligned(STRAIGHT, attention="none", **attrs))[-1] == words
    forced = aligned(STRAIGHT, **attrs | {"source_of": 4, "target_of": 9})
    assert notices.findings(forced)[-1] == "Of the target's 9 tokens only the first 4 are read."
    assert "are read" not in pictures.alignment(aligned(STRAIGHT)).caption


def test_of_no_attention_nothing_is_noticed_but_that() -> None:
    said = notices.findings(aligned(np.zeros((3, 4)), attention="none"))
    assert len(said) == 1
    assert "no attention" in said[0]


def test_the_lines_are_given_the_weights_and_their_words() -> None:
    data = picture(aligned(STRAIGHT), 1, "alignment")
    assert data["weights"] == STRAIGHT.tolist()
    assert data["unknown"] == [1]
    assert data["says"]["written"][2] == "“w” looks at: “<b>” 0.50, “c” 0.50"
    assert data["says"]["read"][3] == f"“{EOS}” is looked at by: “{EOS}” 1.00"


@pytest.mark.parametrize(("event", "chosen"), [
    ({"index": 2}, 2), ({"index": 5}, None), ({"index": -1}, None), ({"index": "2"}, None),
    ("2", None), (None, None)])
def test_only_a_word_that_is_there_can_be_chosen(event: object, chosen: int | None) -> None:
    assert admit(event, 5) == chosen
