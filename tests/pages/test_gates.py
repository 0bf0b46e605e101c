"""Page = figure = trace."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import explorer as ex
from explorer.engine import LocalEngine
from explorer.store import Run, Store
from explorer.text import Text
from explorer.views.gates import plane
from explorer.views.order import ORDERS, order_units
from tests.pages.conftest import Open, act, component, plotly, report, said, trained, well
from tests.training.small import small

TEXT = 'the "cat" sat'
MODELS = {
    "rnn": {"kind": "rnn"},
    "gru": {"kind": "gru"},
    "lstm of two layers": {"kind": "lstm", "layers": 2},
}


@pytest.fixture(scope="module")
def runs(engine: LocalEngine, store: Store) -> dict[str, Run]:
    return {name: trained(engine, store, small(model)) for name, model in MODELS.items()}


@pytest.mark.parametrize("name", MODELS)
def test_the_heatmap_of_every_view_is_the_trace(
    opened: Open, runs: dict[str, Run], name: str
) -> None:
    run = runs[name]
    trace = ex.trace(run, TEXT)
    layer = trace.sizes["layer"]
    page = opened("gates", run=run.key, text=TEXT, order="number", layer=layer)
    observes = run.experiment.model.observes  # type: ignore[attr-defined]
    assert page.get("button_group")[0].options
    for view in observes:
        well(page.get("button_group")[0].set_value(view).run())
        [heatmap] = plotly(page, "gates")["data"]
        np.testing.assert_allclose(
            np.array(heatmap["z"]), plane(trace, view, layer - 1).T, rtol=1e-4, atol=1e-6
        )
        assert page.query_params["view"] == view
    assert said(page) == ""


def test_at_first_the_picture_stands_alone_and_then_among_all_else(
    opened: Open, run: Run
) -> None:
    page = opened("gates", never_seen=True, run=run.key, text=TEXT, view="cell", order="soul",
                  unit=3)
    [alone] = plotly(page, "gates")["data"]
    assert not page.selectbox
    assert not page.text_area
    assert not page.get("button_group")
    assert "order = soul" in said(page)

    report(page, "gates-drawn", "drawn", " drawn")
    [heatmap] = plotly(page, "gates")["data"]
    np.testing.assert_array_equal(heatmap["z"], alone["z"])
    assert page.text_area[0].value == TEXT
    assert page.get("button_group")[0].value == "cell"
    assert page.number_input[0].value == 3
    assert "order = soul" in said(page), "nobody has read it yet"
    assert said(well(page.run())) == "", "it is said once"


@pytest.mark.parametrize("order", ORDERS)
def test_rows_are_ordered_as_asked_and_named_by_their_unit(
    opened: Open, run: Run, order: str
) -> None:
    values = plane(ex.trace(run, TEXT), "cell")
    page = opened("gates", run=run.key, text=TEXT, view="cell", order=order, unit=3)
    [heatmap] = plotly(page, "gates")["data"]
    rows = [int(str(name).split()[-1]) for name in heatmap["y"]]
    assert rows == order_units(values, order, 3).tolist()
    np.testing.assert_allclose(np.array(heatmap["z"]), values.T[rows], rtol=1e-4, atol=1e-6)


def test_any_snapshot_is_opened(opened: Open, run: Run) -> None:
    first = plane(ex.trace(run, TEXT, step=0), "forget")
    page = opened("gates", run=run.key, text=TEXT, view="forget", order="number", step=0)
    [heatmap] = plotly(page, "gates")["data"]
    np.testing.assert_allclose(np.array(heatmap["z"]), first.T, rtol=1e-4, atol=1e-6)


def test_lines_are_the_chosen_units(opened: Open, run: Run) -> None:
    values = plane(ex.trace(run, TEXT), "hidden")
    page = opened("gates", run=run.key, text=TEXT, view="hidden", unit=7)
    well(page.multiselect[0].set_value([7, 2]).run())
    lines = plotly(page, "units")["data"]
    assert len(lines) == 2
    for line, unit in zip(lines, (7, 2), strict=True):
        np.testing.assert_allclose(np.array(line["y"]), values[:, unit], rtol=1e-4, atol=1e-6)


def lines(page: AppTest) -> list[int]:
    """The units that are drawn as lines, in order."""
    return [int(line["name"].split()[-1]) for line in plotly(page, "units")["data"]]


def test_lines_stand_in_the_link_and_stay_when_the_unit_changes(opened: Open, run: Run) -> None:
    page = opened("gates", run=run.key, text=TEXT)
    assert lines(page) == [0]
    assert "lines" not in page.query_params
    well(page.multiselect[0].set_value([0, 7]).run())
    assert page.query_params["lines"] == "0,7"
    page = act(page, "strip", key="next")
    assert lines(page) == page.multiselect[0].value == [0, 7, 1], "the one looked at comes along"
    page = act(page, "strip", key="next")
    assert lines(page) == [0, 7, 2], "what was walked past does not pile up"
    well(page.number_input[0].set_value(7).run())
    assert lines(page) == [0, 7]
    assert lines(opened("gates", **dict(page.query_params))) == [0, 7]


def test_the_unit_looked_at_is_always_a_line_and_alone_goes_along(opened: Open, run: Run) -> None:
    page = opened("gates", run=run.key, text=TEXT, unit=4)
    assert lines(act(page, "strip", key="next")) == [5]
    well(page.multiselect[0].set_value([]).run())
    assert lines(page) == [5]
    well(page.multiselect[0].set_value([9, 3]).run())
    assert lines(page) == page.multiselect[0].value == [5, 9, 3]


def test_a_seventh_line_steps_back_for_the_unit_looked_at(opened: Open, run: Run) -> None:
    page = opened("gates", run=run.key, text=TEXT, unit=8, lines="0,1,2,3,4,5")
    assert lines(page) == [0, 1, 2, 3, 4, 8]
    assert page.query_params["lines"] == "0,1,2,3,4,5"


def test_a_smaller_network_has_only_its_own_lines(
    opened: Open, engine: LocalEngine, store: Store, run: Run
) -> None:
    tiny = trained(engine, store, small({"kind": "gru", "hidden": 5}))
    page = opened("gates", run=run.key, text=TEXT, unit=2, lines="2,9")
    well(page.selectbox(key="run").set_value(tiny.key).run())
    assert lines(page) == [2]
    page = opened("gates", run=run.key, text=TEXT, unit=2, lines="8,9")
    well(page.selectbox(key="run").set_value(tiny.key).run())
    assert lines(page) == [2]
    assert "lines" not in page.query_params


def test_the_strip_says_the_value_of_the_unit_at_every_token(opened: Open, run: Run) -> None:
    values = plane(ex.trace(run, TEXT), "output")[:, 4]
    strip = component(opened("gates", run=run.key, text=TEXT, view="output", unit=4), "strip")
    assert strip["tokens"] == list(TEXT)
    assert [line for [line] in strip["hover"]] == [f"o = {value:.4f}" for value in values]


@pytest.mark.parametrize("name", MODELS)
def test_the_step_inspector_ends_at_the_numbers_of_the_trace(
    opened: Open, runs: dict[str, Run], name: str
) -> None:
    run, token, unit = runs[name], 5, 2
    trace = ex.trace(run, TEXT)
    page = opened("gates", run=run.key, text=TEXT, token=token, unit=unit)
    filled = "\n".join(formula.value for formula in page.latex)
    for view in run.experiment.model.observes:  # type: ignore[attr-defined]
        value = float(plane(trace, view, 0)[token, unit])
        assert f"{value:.3f}" in filled or f"{value:.2f}" in filled, (view, value, filled)


def test_unknown_tokens_are_counted_and_marked(opened: Open, run: Run) -> None:
    page = opened("gates", run=run.key, text="the щat")
    assert "1 of the 7 tokens are read as <unk>" in said(page)
    hover = component(page, "strip")["hover"]
    assert [len(lines) for lines in hover] == [1, 1, 1, 1, 2, 1, 1]
    assert "read as <unk>" in hover[4][1]
    assert "<unk>" not in said(opened("gates", run=run.key, text=TEXT))


def test_a_run_opens_on_what_it_can_read(opened: Open, engine: LocalEngine, store: Store) -> None:
    russian = Text("сказка", "Жил старик со своею старухой у самого синего моря. " * 20)
    page = opened("gates", run=trained(engine, store, small("gru", text=russian)).key)
    assert russian.content.startswith(page.text_area[0].value)
    assert said(page) == ""


def test_the_meaning_of_every_view_is_one_hover_away(opened: Open, run: Run) -> None:
    help = opened("gates", run=run.key).get("button_group")[0].proto.help
    for name in ("forget", "input", "output", "candidate", "cell", "hidden"):
        assert name in help.lower()


def test_a_text_that_is_too_long_is_refused_in_words(opened: Open, run: Run) -> None:
    message = said(opened("gates", run=run.key, text="the cat " * 300))
    assert "2,400" in message or "2400" in message
    assert "2,000" in message or "2000" in message


def test_an_empty_text_is_refused_in_words(opened: Open, run: Run) -> None:
    page = opened("gates", run=run.key)
    well(page.text_area[0].set_value("").run())
    assert len(page.error) == 1
    assert "nothing to read: type a sentence" in said(page)


def test_two_thousand_tokens_are_drawn_in_part_and_it_says_so(opened: Open, run: Run) -> None:
    page = opened("gates", run=run.key, text="the cat " * 250, start=700)
    captions = " ".join(caption.value for caption in page.caption).replace("\\", "")
    assert "tokens 700 to" in captions
    assert len(page.slider) == 1


def test_an_unknown_run_is_said_and_another_is_shown(opened: Open, run: Run) -> None:
    page = opened("gates", run="0" * 32)
    assert "no run " + "0" * 32 in said(page)
    assert plotly(page, "gates")["data"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("unit", "99999"), ("unit", "x"), ("view", "nonsense"), ("order", "'"), ("step", "7"),
     ("token", "-5"), ("lines", "0,99"), ("lines", "a"), ("lines", "0,1,2,3,4,5,6")],
)
def test_a_link_with_nonsense_says_what_is_used_instead(
    opened: Open, run: Run, name: str, value: str
) -> None:
    message = said(opened("gates", run=run.key, text=TEXT, **{name: value}))
    assert f"{name} = {value}" in message
    assert "is used" in message


def test_a_click_on_a_token_opens_its_step(opened: Open, run: Run) -> None:
    page = act(opened("gates", run=run.key, text=TEXT), "strip", index=5)
    assert page.query_params["token"] == "5"
    assert component(page, "strip")["selected"] == 5
    assert any("Token 5" in each.value for each in page.markdown)


def test_keys_turn_to_the_next_unit_and_around_the_end(opened: Open, run: Run) -> None:
    page = act(opened("gates", run=run.key, text=TEXT, unit=8), "strip", key="next")
    assert page.query_params["unit"] == "9"
    assert act(page, "strip", key="next").query_params["unit"] == "0"
    assert act(page, "strip", key="previous").query_params["unit"] == "9"
    assert "unit 9" in component(page, "strip")["label"]


@pytest.mark.parametrize("event", [{"index": 9999}, {"index": "x"}, {"key": "nonsense"}, {}])
def test_a_forged_event_does_nothing(opened: Open, run: Run, event: dict[str, object]) -> None:
    page = opened("gates", run=run.key, text=TEXT, unit=2)
    before = dict(page.query_params)
    assert dict(act(page, "strip", **event).query_params) == before


def test_a_shorter_text_and_a_smaller_network_keep_the_page_whole(
    opened: Open, runs: dict[str, Run], run: Run
) -> None:
    page = opened("gates", run=runs["lstm of two layers"].key, text=TEXT, token=11, layer=2)
    well(page.text_area[0].set_value("a").run())
    assert page.query_params["text"] == "a"
    well(page.selectbox(key="run").set_value(runs["rnn"].key).run())
    assert said(page) == ""
    assert plotly(page, "gates")["data"]


def test_guessing_opens_the_answer(opened: Open, run: Run) -> None:
    page = opened("gates", run=run.key, text=TEXT)
    assert not page.info
    well(page.radio[0].set_value(page.radio[0].options[0]).run())
    assert len(page.info) == 1
