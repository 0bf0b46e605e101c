"""Page = figure = trace: what a Transformer would say at each depth, and what it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.library import _ask
from explorer.sampling import stages
from explorer.store import Run, Store
from explorer.views import palette
from explorer.views.ablation import before_after, changes
from tests.pages.conftest import Open, act, component, plotly, said, trained, well
from tests.training.small import TEXT

SENTENCE = 'the "cat" sat on that mat'
UGLY = "<script>alert(1)</script> 爷爷说 🦜 " + "x" * 60
T = len(SENTENCE)


@pytest.fixture(scope="module")
def stack(engine: LocalEngine, store: Store) -> Run:
    return trained(engine, store, Experiment.language_model(
        TEXT, model={"kind": "transformer", "hidden": 16, "layers": 2, "heads": 2}, steps=20,
        window=16, batch=8, snapshots=2))


def test_the_lens_is_the_trace_and_a_click_chooses_a_token(opened: Open, stack: Run) -> None:
    page = opened("thinking", run=stack.key, text=SENTENCE)
    trace = _ask("lens", stack, -1, text=SENTENCE)
    first = (T - 1) // 2 - 12
    columns = slice(first, first + 24)
    np.testing.assert_allclose(
        np.array(plotly(page, "lens")["data"][0]["z"]),
        trace["candidate_probability"].values[:, columns, 0], rtol=1e-5)
    page = act(page, "text-strip", index=3)
    assert page.query_params["token"] == "3"
    well(page.get("button_group")[0].set_value("truth").run())
    np.testing.assert_allclose(
        np.array(plotly(page, "lens")["data"][0]["z"]), trace["probability"].values[:, :24],
        rtol=1e-5)
    [frame] = plotly(page, "lens")["layout"]["shapes"]
    assert (frame["x0"], frame["x1"]) == (2.5, 3.5)
    colours = component(page, "text-strip")["colours"]
    p = float(trace["probability"].values[-1, 3])
    assert colours[4] == palette("light").shade(p, signed=False)
    assert colours[0] is None
    table = page.dataframe[0].value
    assert list(table.index) == ["block 2", "block 1", "embedding"]
    assert table.iloc[0, 0].endswith(f"{float(trace['candidate_probability'][-1, 3, 0]):.3f}")
    assert page.query_params["colour"] == "truth"


def test_the_sliders_draw_by_what_the_writer_draws_by(opened: Open, stack: Run) -> None:
    page = opened("thinking", run=stack.key, text=SENTENCE, token=5, temperature=0.5, top_k=4,
                  top_p=0.9)
    logits = _ask("ablated", stack, -1, text=SENTENCE, token=5)["logits"].values[0]
    found = stages(logits, 0.5, 4, 0.9)
    bars = plotly(page, "sampling")["data"]
    for bar, stage in zip(bars, (found.scaled, found.chance, found.drawn), strict=True):
        np.testing.assert_allclose(np.array(bar["x"]), stage[:12], rtol=1e-5)
    well(page.slider(key="temperature").set_value(0.0).run())
    assert np.array(plotly(page, "sampling")["data"][2]["x"])[0] == 1
    assert page.query_params["temperature"] == "0.0"
    assert (page.query_params["top_k"], page.query_params["top_p"]) == ("4", "0.9")


def test_what_is_silenced_is_the_probe_s(opened: Open, stack: Run) -> None:
    page = opened("thinking", run=stack.key, text=SENTENCE, token=5)
    worth = changes(_ask("ablations", stack, -1, text=SENTENCE))
    heads, feeds = (np.array(each["z"]) for each in plotly(page, "ablations")["data"][:2])
    np.testing.assert_allclose(np.column_stack([heads, feeds]), worth, atol=1e-6)
    assert not [chart for chart in page.get("plotly_chart") if chart.key == "silenced-chart"]
    well(page.multiselect(key="silent").set_value(["1.2", "2.ff"]).run())
    assert page.query_params["silent"] == "1.2 2.ff"
    for how in ("zero", "mean"):
        mute = _ask("ablated", stack, -1, text=SENTENCE, token=5, heads=[[0, 1]], feeds=[1],
                    how=how)
        rows = before_after(mute).head(12)
        before, after = (np.array(each["x"]) for each in plotly(page, "silenced")["data"])
        np.testing.assert_allclose(before, rows["before"], rtol=1e-5)
        np.testing.assert_allclose(after, rows["after"], rtol=1e-5)
        rise = np.diff(mute["loss"].values, axis=0)[0]
        shown = component(page, "loss-strip")
        assert shown["hover"][7][1] == f"Δ = {rise[7]:+.3f}"
        assert shown["colours"][7] == palette("light").shade(
            float(rise[7]), True, float(np.nanmax(np.abs(rise))))
        if how == "zero":
            groups = [each for each in page.get("button_group") if each.key == "how"]
            well(groups[0].set_value("mean").run())
    assert page.query_params["how"] == "mean"


@pytest.mark.parametrize("method", ["occlusion", "gradient-input", "integrated-gradients"])
def test_the_attributions_are_the_probe_s(opened: Open, stack: Run, method: str) -> None:
    page = opened("thinking", run=stack.key, text=SENTENCE, token=9, method=method, of="next")
    found = _ask("attributions", stack, -1, text=SENTENCE, token=9, method=method,
                 target=int(stack.tokenizer.encode(SENTENCE).ids[10]))
    values, colours = found["attribution"].values, palette("light")
    strip = component(page, "attribution-strip")
    assert strip["hover"] == [[f"{value:+.4f}"] for value in values]
    reach = float(np.abs(values).max())
    assert strip["colours"] == [colours.shade(float(value), True, reach) for value in values]
    for name in ("attention", "rollout"):
        weights = found[name].values
        assert component(page, f"{name}-strip")["hover"] == [[f"{w:.4f}"] for w in weights]
    assert any("Spearman" in each.value for each in page.markdown)


def test_guessing_opens_the_answer(opened: Open, stack: Run) -> None:
    page = opened("thinking", run=stack.key, text=SENTENCE)
    assert not page.info
    well(page.radio[0].set_value(page.radio[0].options[0]).run())
    assert "Its answer, “" in said(page)


def test_the_page_opens_on_the_end_of_the_run_s_own_text(opened: Open, stack: Run) -> None:
    text = opened("thinking", run=stack.key).query_params["text"]
    assert TEXT.content.strip().endswith(text)
    assert 60 < len(text) <= 120
    assert f" {text}" in TEXT.content, "it begins with a word"


@pytest.mark.parametrize("text", [UGLY, "ab", "the cat " * 240 + "and"])
def test_ugly_short_and_long_texts_keep_the_page_whole(
    opened: Open, stack: Run, text: str
) -> None:
    page = opened("thinking", run=stack.key, text=text, token=1)
    assert said(page) == ""
    assert "".join(component(page, "text-strip")["tokens"]) == text[:256]
    assert "<script>" not in str(plotly(page, "lens"))
    captions = " ".join(each.value for each in page.caption).replace("\\", "")
    assert ("the first 256 of 1,923 tokens" in captions) == (len(text) > 256)


def test_one_token_is_looked_at_as_far_as_it_goes(opened: Open, stack: Run) -> None:
    page = opened("thinking", run=stack.key, text="t", silent="1.1")
    assert "at least two" in said(page)
    assert np.array(plotly(page, "lens")["data"][0]["z"]).shape == (3, 1)
    assert component(page, "attribution-strip")["tokens"] == ["t"]
    assert component(page, "loss-strip")["colours"] == [None]


@pytest.mark.parametrize(("name", "value"), [
    ("token", "99"), ("token", "-1"), ("token", "x"), ("temperature", "9"), ("top_k", "-3"),
    ("top_p", "nan"), ("how", "loudly"), ("method", "magic"), ("of", "fate"), ("colour", "red"),
    ("step", "7")])
def test_a_link_with_nonsense_says_what_is_used_instead(
    opened: Open, stack: Run, name: str, value: str
) -> None:
    message = said(opened("thinking", run=stack.key, text=SENTENCE, **{name: value}))
    assert f"{name} = {value}" in message
    assert "is used" in message


@pytest.mark.parametrize("value", ["3.1", "1.9", "0.1", "1.<b>", "heads"])
def test_heads_and_layers_that_are_not_there_are_refused_in_words(
    opened: Open, stack: Run, value: str
) -> None:
    page = opened("thinking", run=stack.key, text=SENTENCE, silent=f"1.2 {value}")
    assert f"silences {value}" in said(page)
    assert "layers 1 to 2, each with heads 1 to 2 and ff" in said(page)
    assert page.query_params["silent"] == "1.2"


def test_a_recurrent_run_is_not_looked_at(opened: Open, stack: Run, run: Run) -> None:
    assert "another architecture (LSTM)" in said(opened("thinking", run=run.key))
