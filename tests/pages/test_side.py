"""Side by side: figure = histories and probes, runs fill in as places free up, a link is enough."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import explorer as ex
from explorer.comparison import Comparison, toy, varied, vary
from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.models import Model
from explorer.store import Run, Store
from explorer.text import Text
from explorer.ui import versus
from explorer.ui.counting import baseline
from explorer.ui.language_model import KINDS
from explorer.ui.runs import describe
from tests.pages.conftest import OWNER, Open, component, plotly, said, trained, well
from tests.training.small import TEXT, small, translating

READ = 'the fat cat sat on "the mat"'


@pytest.fixture(scope="module")
def runs(engine: LocalEngine, store: Store) -> list[list[Run]]:
    """A GRU and an LSTM, two seeds each."""
    chosen = Comparison(small("gru", steps=30), vary({"model.kind": ["gru", "lstm"]}), (0, 1))
    return [[trained(engine, store, experiment) for experiment in group]
            for group in chosen.experiments]


def link(*runs: Run) -> str:
    return ".".join(run.key for run in runs)


@pytest.fixture
def page(opened: Open, runs: list[list[Run]]) -> AppTest:
    return opened("side", runs=link(*runs[0], *runs[1]), text=READ, prefix="the ", length=5,
                  temperature=0.0)


def press(page: AppTest, label: str) -> AppTest:
    return well(next(each for each in page.button if each.label == label).click().run())


def until(page: AppTest, true: Callable[[AppTest], bool]) -> AppTest:
    """Draw the page again, as its fragment does, until something is so."""
    end = time.monotonic() + 120
    while not true(page):
        assert time.monotonic() < end, (said(page), [b.label for b in page.button],
                                        [t.value.to_string() for t in page.table[:1]])
        time.sleep(0.1)
        well(page.run())
    return page


def curve(page: AppTest) -> pd.DataFrame:
    """The data of the chart, as the browser gets it."""
    [chart] = page.get("vega_lite_chart")
    found: pd.DataFrame = pa.ipc.open_stream(
        io.BytesIO(chart.proto.datasets[0].data.data)).read_pandas()
    assert json.loads(chart.proto.spec)["layer"]
    return found


def test_the_curves_are_the_histories(page: AppTest, runs: list[list[Run]]) -> None:
    drawn = curve(page)
    for name, group in zip(("GRU", "LSTM"), runs, strict=True):
        histories = [run.history.dropna(subset=["validation_perplexity"]) for run in group]
        values = np.array([h["validation_perplexity"] for h in histories])
        line = drawn[(drawn["variation"] == name) & (drawn["part"] == "held_out_perplexity")]
        line = line.sort_values("step")
        assert line["step"].tolist() == histories[0]["step"].tolist()
        np.testing.assert_allclose(line["mean"], np.exp(np.log(values).mean(0)), rtol=1e-6)
        np.testing.assert_allclose(line["low"], values.min(0))
        np.testing.assert_allclose(line["high"], values.max(0))


def test_counting_is_a_line_in_the_chart_and_a_sentence(
    page: AppTest, runs: list[list[Run]]
) -> None:
    [chart] = page.get("vega_lite_chart")
    lines = [pa.ipc.open_stream(io.BytesIO(each.data.data)).read_pandas()
             for each in chart.proto.datasets]
    named = {name: value for data in lines if "curve" in data
             for name, value in zip(data["curve"], data["perplexity"], strict=True)}
    counting = baseline(runs[0][0])
    assert counting is not None
    assert named == {"blind guess": runs[0][0].tokenizer.size,
                     f"best n-gram (order {counting.order}): {counting.perplexity:.2f}":
                         counting.perplexity}
    best = min((run.history["validation_perplexity"].min(), run.experiment.model.title)
               for group in runs for run in group)
    told = "\n".join(each.value for each in page.markdown).replace("\\", "")
    assert f"The best single run is one of **{best[1]}**. **Counting beats it:**" in told
    assert f"the network among {best[0]:.2f}" in told


def test_the_strip_and_the_bars_are_the_surprisals(page: AppTest, runs: list[list[Run]]) -> None:
    bits = np.array([
        np.mean([ex.surprisal(run, READ, step=run.best)["bits"].values for run in group], axis=0)
        for group in runs])
    drawn = component(page, "winners")
    assert "".join(drawn["tokens"]) == READ
    assert drawn["hover"][5][0].startswith(f"GRU: {bits[0, 5]:.2f} bits")
    assert drawn["hover"][5][1].startswith(f"LSTM: {bits[1, 5]:.2f} bits")
    bars = plotly(page, "duel")["data"]
    heights = {int(x.split()[0]): y for bar in bars for x, y in zip(bar["x"], bar["y"],
                                                                    strict=True)}
    assert [heights[t] for t in range(1, len(READ))] == pytest.approx(
        np.abs(bits[0] - bits[1])[1:].tolist())
    table = page.table[2].value
    assert table["bits in all"].tolist() == [f"{np.nansum(row):.1f}" for row in bits]


def test_what_they_write_is_what_the_library_writes(
    page: AppTest, runs: list[list[Run]]
) -> None:
    drawn = plotly(page, "written")["data"][0]
    for row, run in enumerate(run for group in runs for run in group):
        written = ex.generate(run, "the ", 5, temperature=0, step=run.best)
        np.testing.assert_allclose(drawn["z"][row], written["probability"].values[4:], rtol=1e-6)


def test_the_table_says_what_each_costs(page: AppTest, runs: list[list[Run]]) -> None:
    table, differs = page.table[0].value, page.table[1].value
    assert table.index.tolist() == ["GRU", "LSTM"]
    sizes = [group[0].experiment.model.parameters(group[0].tokenizer.size) for group in runs]
    assert table["parameters"].tolist() == [f"{size:,}" for size in sizes]
    assert table["seeds"].tolist() == ["2 finished"] * 2
    assert "forget" in differs.to_string()


def test_two_of_them_are_set_against_each_other(page: AppTest) -> None:
    well(page.selectbox(key="one").set_value(1).run())
    assert (page.query_params["one"], page.query_params["other"]) == ("1", "0")
    assert {bar["name"] for bar in plotly(page, "duel")["data"]} == {"GRU", "LSTM"}
    heights = [y for bar in plotly(page, "duel")["data"] for y in bar["y"]]
    assert min(heights) < 0 < max(heights)


@pytest.mark.parametrize("axis", ["seconds", "flops"])
def test_seconds_and_flops_are_another_axis(
    opened: Open, runs: list[list[Run]], axis: str
) -> None:
    drawn = curve(opened("side", runs=link(*runs[0], *runs[1]), x=axis))
    end = drawn[(drawn["variation"] == "LSTM")].sort_values("step").iloc[-1]
    if axis == "flops":
        from explorer.library import _ask

        cost = _ask("flops", runs[1][0], 0)
        assert end["x"] == 30 * float(cost["forward"] + cost["backward"])
    else:
        assert end["x"] == pytest.approx(end["seconds"])
        assert end["seconds"] > 0


def test_runs_of_different_texts_are_refused_with_the_reason(
    opened: Open, engine: LocalEngine, store: Store, runs: list[list[Run]]
) -> None:
    fable = small("gru", steps=10, text=Text("fable", TEXT.content + "And a fox."))
    page = opened("side", runs=link(runs[0][0], trained(engine, store, fable)))
    assert "“rhyme”" in said(page)
    assert "perplexities compare only on the same text" in said(page)
    assert not page.get("vega_lite_chart")


def test_what_guesses_no_next_token_is_refused_once_with_the_reason(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    translators = [trained(engine, store, translating(kind)) for kind in ("general", "none")]
    writer = trained(engine, store, small("transformer"))
    filler = trained(engine, store, Experiment.masked(
        TEXT, model={"kind": "transformer", "hidden": 8, "heads": 1}, steps=5, window=8, batch=4))
    for pair in (translators, [writer, filler]):
        page = opened("side", runs=link(*pair))
        [error] = page.error
        assert "This run learnt something else" in error.value
        assert not page.get("vega_lite_chart")


def test_a_ruined_network_spoils_nothing_and_is_named_where_it_is_left_out(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    mended, ruined = (trained(engine, store, small("lstm", steps=10, learning_rate=rate))
                      for rate in (0.01, 900))
    assert (ruined.status, ruined.best) == ("finished", 0)
    assert re.search(r"perplexity \d\.\de\d+$", describe(ruined))
    page = opened("side", runs=link(mended, ruined))
    assert ("learning rate 900 is not asked to guess or to write" in
            said(page).replace("**", ""))
    assert "learning rate 0.01 is not asked" not in said(page).replace("**", "")
    assert len(page.table[0].value["training perplexity"].iloc[1]) < 12
    assert "What differs" not in [each.value for each in page.subheader], "their names say it"


def test_a_link_to_runs_that_are_not_here_says_so(opened: Open) -> None:
    assert f"There is no run {'0' * 32} here" in said(opened("side", runs="0" * 32))
    assert "There is no run /etc/x here" in said(opened("side", runs="/etc/x"))


# Training


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparisons of a small text, whatever else is set."""
    base = small("rnn-relu", steps=25, clip=0, optimizer="sgd", schedule="constant")
    monkeypatch.setattr(Experiment, "language_model", lambda *_settings, **_more: base)


def keys(page: AppTest) -> list[str]:
    return page.query_params["runs"].split(".")


def over(page: AppTest) -> bool:
    return not page.get("progress")


def test_more_runs_than_the_queue_takes_fill_in_by_and_by(
    opened: Open, quick: None, store: Store
) -> None:
    page = opened("side", **{"differ": "model.hidden", "model.hidden": "5,6,7", "seeds": 2})
    press(page, "Compare")
    assert len(keys(page)) == 6, "more than the three that one person may have in the queue"
    until(page, over)
    assert {store.run(key).status for key in keys(page)} == {"finished"}
    assert set(keys(page)) <= set(store.own(OWNER))
    assert page.table[0].value["seeds"].tolist() == ["2 finished"] * 3


def test_of_six_one_diverges_and_the_others_go_on(
    opened: Open, quick: None, store: Store
) -> None:
    rates = "0.001,0.002,0.003,0.004,0.005,1000"
    page = opened("side", **{"differ": "training.learning_rate", "seeds": 1,
                             "training.learning_rate": rates})
    press(page, "Compare")
    until(page, over)
    assert [store.run(key).status for key in keys(page)] == ["finished"] * 5 + ["diverged"]
    assert "learning rate 1000, seed 0: At step" in said(page).replace("**", "")
    table = page.table[0].value
    assert table["seeds"].tolist() == ["1 finished"] * 5 + ["1 diverged"]
    costs = [float(number) * {"k": 1e3, "M": 1e6}[prefix] for number, prefix in
             map(str.split, table["FLOPs of a run"])]
    taken = store.run(keys(page)[-1]).history["step"].iloc[-1]
    assert taken < 25
    assert costs[5] == pytest.approx(costs[0] * taken / 25, rel=0.01), "of the steps that it took"


def test_cancel_all_then_go_on(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    base = small("rnn", steps=20_000)
    monkeypatch.setattr(Experiment, "language_model", lambda *_settings, **_more: base)
    page = opened("side", **{"differ": "model.hidden", "model.hidden": "5,6", "seeds": 2})
    press(page, "Compare")
    until(page, lambda page: "Cancel all" in {button.label for button in page.button})
    press(page, "Cancel all")
    until(page, lambda page: "Go on" in {button.label for button in page.button})
    again = opened("side", runs=page.query_params["runs"])
    assert "Go on" in {button.label for button in again.button}, "what was stopped stays stopped"
    press(page, "Go on")
    assert "Cancel all" in {button.label for button in page.button}
    press(page, "Cancel all")


def test_whoever_opens_the_link_again_sees_it_go_on(
    opened: Open, quick: None, store: Store
) -> None:
    first = opened("side", **{"differ": "model.hidden", "model.hidden": "8,9,11", "seeds": 2})
    press(first, "Compare")
    again = opened("side", runs=first.query_params["runs"])  # and `first` is never drawn again
    until(again, over)
    assert {store.run(key).status for key in keys(again)} == {"finished"}


def test_the_toy_is_one_click(opened: Open, store: Store) -> None:
    page = opened("side", seeds=1)
    press(page, "The toy: four sentences, three networks")
    assert keys(page) == [e.key for group in toy((0,)).experiments for e in group]
    until(page, over)
    drawn = plotly(page, "written")["data"][0]
    assert drawn["y"] == ["RNN", "GRU", "LSTM"]
    assert np.shape(drawn["z"]) == (3, 5)
    for row, key in enumerate(keys(page)):
        run = store.run(key)
        written = ex.generate(run, "This is", 5, temperature=0)
        np.testing.assert_allclose(drawn["z"][row], written["probability"].values[2:], rtol=1e-6)


def test_values_that_make_no_sense_are_said_and_cannot_be_started(opened: Open) -> None:
    page = opened("side", **{"differ": "model.hidden", "model.hidden": "many,64"})
    assert "hidden must be a whole number" in said(page)
    assert next(each for each in page.button if each.label == "Compare").disabled
    page = opened("side", **{"differ": "model.hidden", "model.hidden": "64"})
    assert "Choose 2 to 6" in said(page)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_offered_can_be_compared(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {"model": kind})
    family = Model.family[kind]
    offered = versus.fields()
    assert "model.bidirectional" not in offered
    for path in offered:
        needs = {f"{path.partition('.')[0]}.{name}": value
                 for name, value in versus.needed(path, family).items()}
        base = varied(Experiment.language_model(TEXT, model=kind, quality="quick"), needs)
        given = vary({path: versus.suggested(path)})
        assert len(Comparison(base, given).experiments) == len(given) > 1, path


@pytest.mark.parametrize("path", ["training.warmup", "training.truncate", "model.dropout"])
def test_a_setting_comes_with_what_it_needs(opened: Open, path: str) -> None:
    page = opened("side", differ="other", field=path)
    assert not [*page.error, *page.warning]
    assert not next(each for each in page.button if each.label == "Compare").disabled


def test_a_link_names_any_field_at_once(opened: Open) -> None:
    page = opened("side", **{"differ": "model.dropout", "model.dropout": "0,0.5"})
    assert (page.query_params["differ"], page.query_params["field"]) == ("other",
                                                                         "model.dropout")
    assert page.selectbox(key="field").value == "model.dropout"
    assert page.multiselect(key="model.dropout").value == ["0", "0.5"]
    well(page.run())
    assert page.selectbox(key="field").value == "model.dropout"


def test_what_an_architecture_does_not_have_is_not_offered(opened: Open) -> None:
    page = opened("side", differ="other", field="model.activation")
    assert "field = model.activation, but there is only" in said(page), "an LSTM has none"
    assert "Activation" not in page.selectbox(key="field").options
    page = opened("side", differ="other", field="model.activation", model="rnn")
    assert not [*page.error, *page.warning]
    assert page.multiselect(key="model.activation").value == ["tanh", "relu", "linear"]


def test_one_that_reads_both_ways_is_not_promised(opened: Open) -> None:
    page = opened("side", differ="other", field="model.bidirectional", seeds=1)
    assert "field = model.bidirectional, but there is only" in said(page)
    assert not page.error


def test_how_many_steps_each_takes_is_said_when_these_differ(opened: Open) -> None:
    page = opened("side", **{"differ": "training.steps", "training.steps": "250,1000,500"})
    [line] = [c.value for c in page.caption if "Compare trains" in c.value]
    assert "9 networks, 250–1,000 steps each" in line.replace("\\", "")


def test_equal_parameters_are_solved_for(opened: Open) -> None:
    page = opened("side", equal=1)
    [line] = [c.value for c in page.caption if "Compare trains" in c.value]
    sizes = [int(part.split()[-1].rstrip(".").replace(",", ""))
             for part in line.replace("\\", "").split("Parameters: ")[1].split(", ")]
    assert len(sizes) == 3
    assert max(sizes) < 1.02 * min(sizes)


def test_one_s_own_runs_are_put_side_by_side(opened: Open, runs: list[list[Run]]) -> None:
    page = opened("side", differ="runs", runs=link(runs[0][0]))
    well(page.multiselect(key="chosen runs").set_value([runs[0][0].key, runs[1][0].key]).run())
    assert keys(page) == [runs[0][0].key, runs[1][0].key]
    assert page.table[0].value.index.tolist() == ["GRU", "LSTM"]
