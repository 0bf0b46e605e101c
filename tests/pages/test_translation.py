"""The page of translation: its experiment, its pictures, and its answers are the library's."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from explorer.defaults import MANY, usual_translator
from explorer.engine import LocalEngine
from explorer.experiment import Experiment
from explorer.store import Run, Store
from explorer.tasks.pairing import apart
from explorer.text.pair_corpora import PAIR_CORPORA, pair_corpus
from explorer.text.pairs import Pairs
from explorer.ui import evaluating
from explorer.ui.held_out import EXAMPLES, held_out
from tests.pages.conftest import Open, component, plotly, said, trained, well
from tests.training.small_pairs import PAIRS, content, drawn, rows, translator

BUILT_IN = pair_corpus(next(iter(PAIR_CORPORA)))
UGLY = [(f"<script>alert({i})</script> $x$ **b** n{i} !", f"שלום <b>{i % 7}</b> 你好 .")
        for i in range(40)]


@pytest.fixture(scope="module")
def seeing(engine: LocalEngine, store: Store) -> Run:
    """A finished run with attention."""
    return trained(engine, store, translator(steps=120, learning_rate=0.02))


@pytest.fixture
def asked(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> list[Experiment]:
    """What the page hands to the engine, which here does nothing with it."""
    found: list[Experiment] = []
    monkeypatch.setattr(
        LocalEngine, "submit", lambda self, experiment, owner, until=None: found.append(experiment)
    )
    return found


def press(page: AppTest, label: str) -> AppTest:
    return well(next(each for each in page.button if each.label == label).click().run())


def field(page: AppTest, label: str) -> Any:
    controls = [*page.number_input, *page.selectbox, *page.checkbox]
    return next(each for each in controls if each.label == label)


def upload(page: AppTest, name: str, data: bytes) -> AppTest:
    well(page.get("button_group")[0].set_value("file").run())
    return well(page.file_uploader(key="pair_file").set_value((name, data, "text/plain")).run())


def heads(page: AppTest) -> list[str]:
    return [each.value for each in page.subheader]


def metrics(page: AppTest) -> dict[str, str]:
    return {each.label: each.value for each in page.metric}


def captions(page: AppTest) -> str:
    return "\n".join(each.value for each in page.caption).replace("\\", "")


def until(page: AppTest, true: Callable[[AppTest], bool]) -> None:
    end = time.monotonic() + 90
    while not true(page):
        assert time.monotonic() < end, said(page)
        time.sleep(0.1)
        well(page.run())


def lines(group: list[dict[str, Any]]) -> dict[str, str]:
    """The sentences of a group, by what stands before them."""
    return {line["label"]: "".join(word for word, _kind in line["words"]) for line in group}


def vega(page: AppTest, column: str) -> pd.DataFrame:
    """The data of the chart that draws such a column over steps, as the browser gets it."""
    tables = [pa.ipc.open_stream(io.BytesIO(each.data.data)).read_pandas()
              for chart in page.get("vega_lite_chart") for each in chart.proto.datasets]
    return pd.concat([table for table in tables if {column, "step"} <= set(table)],
                     ignore_index=True).drop_duplicates()


# Page = Experiment


def test_what_is_chosen_is_the_experiment_of_the_library(
    opened: Open, asked: list[Experiment]
) -> None:
    page = opened("translation", cell="lstm", attention="additive", hidden=96, quality="quick")
    press(page, "Train")
    model = {"kind": "seq2seq", "cell": "lstm", "attention": "additive", "hidden": 96}
    assert asked == [Experiment.translation(BUILT_IN, model=model, quality="quick")]
    assert page.query_params["run"] == asked[0].key


def test_a_transformer_is_chosen_likewise(opened: Open, asked: list[Experiment]) -> None:
    page = opened("translation", cell="transformer", hidden=48, quality="quick")
    assert not any(each.label == "Attention" for each in page.selectbox)
    press(page, "Train")
    model = {"kind": "transformer", "hidden": 48}
    assert asked == [Experiment.translation(BUILT_IN, model=model, quality="quick")]


def test_where_a_transformer_looks_by_layer_and_head(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    model = {"kind": "transformer", "hidden": 16, "layers": 2, "heads": 2}
    run = trained(engine, store, Experiment.translation(PAIRS, model=model, steps=60))
    source = PAIRS.rows[0][0]
    page = opened("translation", run=run.key, source=source)
    trace = engine.ask("across", run.key, source=source)
    assert field(page, "Layer").value == 2
    mean = trace["attention"].values[1].mean(0)
    np.testing.assert_allclose(looked(page), mean, atol=1e-6)
    one = opened("translation", run=run.key, source=source, layer=1, head=2)
    np.testing.assert_allclose(looked(one), trace["attention"].values[0, 1], atol=1e-6)
    assert one.query_params["head"] == "2"
    assert not any("alignment" in each.proto.page for each in page.get("page_link"))


def looked(page: AppTest) -> np.ndarray[Any, Any]:
    """The weights of the heatmap on the page (query, key)."""
    [z] = [trace["z"] for trace in plotly(page, "across")["data"] if trace["type"] == "heatmap"]
    return np.array(z, float)


def test_every_control_counts(opened: Open, asked: list[Experiment]) -> None:
    page = upload(opened("translation", hidden=40), "pairs.tsv", content().encode())
    for label, value in {"Layers": 2, "Encoder reads both ways": True, "Input feeding": True,
                         "Told before each guess": "scheduled", "Longest sentence": 9,
                         "Tokens": "character", "Steps": 33, "Seed": 7}.items():
        well(field(page, label).set_value(value).run())
    press(page, "Train")
    [made] = asked
    how = made.tokens.model_dump() | {"kind": "character"}
    assert made == Experiment.translation(
        Pairs("pairs.tsv", content()), how,
        {"kind": "seq2seq", "hidden": 40, "layers": 2, "bidirectional": True, "feeding": True},
        33, 7, task={"forcing": "scheduled", "longest": 9})


def test_many_uploaded_pairs_start_from_what_is_usual_for_them(
    opened: Open, asked: list[Experiment]
) -> None:
    natural = drawn(MANY, 0.15)
    page = upload(opened("translation"), natural.name, natural.content.encode())
    press(page, "Train")
    assert asked == [Experiment.translation(natural)]
    well(field(page, "Attention").set_value("dot").run())
    press(page, "Train")
    usual = usual_translator(natural, "dot")
    assert asked[1] == Experiment.translation(
        natural, model={"kind": "seq2seq", "attention": "dot"} | usual)
    assert not usual["bidirectional"]
    well(field(page, "Tokens").set_value("word").run())
    assert field(page, "Largest vocabulary").value == 8_000, "there are more words than pieces"
    well(field(page, "Tokens").set_value("bpe").run())
    assert field(page, "Largest vocabulary").value == 2_000


def test_settings_that_contradict_each_other_are_said(opened: Open) -> None:
    page = well(field(opened("translation", attention="dot"), "Encoder reads both ways")
                .set_value(True).run())
    assert "keys twice as long" in said(page)
    assert next(each for each in page.button if each.label == "Train").disabled


@pytest.mark.parametrize(("name", "value"), [("attention", "all"), ("cell", "x"), ("hidden", "0")])
def test_a_link_that_says_what_there_is_not_is_put_right(
    opened: Open, name: str, value: str
) -> None:
    page = opened("translation", **{name: value})
    assert f"{name} = {value}" in said(page)
    assert page.query_params[name] != value


# Training, from the click to the end


def test_from_the_click_to_the_end(opened: Open, store: Store) -> None:
    page = upload(opened("translation", hidden=16), "pairs.tsv", content().encode())
    for label, value in {"Steps": 40, "Batch": 8}.items():
        well(field(page, label).set_value(value).run())
    press(page, "Train")
    until(page, lambda page: "Now let it translate" in heads(page))
    run = store.run(page.query_params["run"])
    assert (run.status, run.snapshots[-1]) == ("finished", 40)

    known = run.history.dropna(subset=["bleu"])
    assert len(known) > 1
    drawn = vega(page, "measure")
    for measure, column in (("sacrebleu", "bleu"), ("the notes' formula", "notes_bleu")):
        line = drawn[drawn["measure"] == measure].sort_values("step")
        assert line["step"].tolist() == known["step"].tolist()
        np.testing.assert_allclose(line["value"], known[column])
    curve = vega(page, "curve")
    held = curve[curve["curve"] == "held out"].sort_values("step")
    np.testing.assert_allclose(held["perplexity"], known["validation_perplexity"], rtol=1e-6)

    last = run.history.iloc[-1]
    assert metrics(page)["masked loss"] == f"{np.log(last['perplexity']):.2f}"
    assert metrics(page)["BLEU"] == f"{last['bleu']:.1f}"
    assert metrics(page)["BLEU of the notes"] == f"{last['notes_bleu']:.2f}"
    assert metrics(page)["blind guess"] == str(run.tokenizer.size)


def test_the_examples_are_held_out_and_what_it_wrote_of_them(opened: Open, seeing: Run) -> None:
    groups = component(opened("translation", run=seeing.key), "examples")["groups"]
    _kept, held = apart(PAIRS, 0.2)
    assert len(groups) == EXAMPLES
    for group in groups:
        shown = lines(group)
        assert shown["source"].replace(" .", ".") in {source for source, _target in held}
        steps = [int(label.split()[1]) for label in shown if label.startswith("step")]
        assert steps == sorted(steps, reverse=True)
        assert {0, seeing.snapshots[-1]} <= set(steps)
        reference = shown["reference"].split()
        for line in group[2:]:  # what is not marked stands in the reference
            kept = [word.strip() for word, kind in line["words"] if not kind and word.strip()]
            assert [word for word in reference if word in kept][: len(kept)] or not kept
            assert set(kept) <= set(reference)


# Afterwards


def test_a_sentence_is_translated_and_its_unknown_words_are_said(
    opened: Open, seeing: Run
) -> None:
    source, _target = held_out(seeing).examples[0]
    page = opened("translation", run=seeing.key, source=source)
    [group] = component(page, "translated")["groups"]
    shown = lines(group)
    assert "sacrebleu" in group[2]["note"], "its reference is known"
    assert shown["it reads"] == seeing.tokenizer.source.prepare(source) + " <eos>"
    assert said(page) == ""

    box = page.text_input(key=f"source-{seeing.key}")
    well(box.set_value("we see the <b>zebra</b>.").run())
    assert "It does not know" in said(page)
    assert "“zebra”" in said(page)
    [group] = component(page, "translated")["groups"]
    unknown = [word for word, kind in group[0]["words"] if kind == "unknown"]
    assert "zebra" in unknown
    assert "see" not in unknown
    assert page.query_params["source"] == "we see the <b>zebra</b>."


@pytest.mark.parametrize("source", ["", "   ", "\u200b"])
def test_an_empty_source_is_said(opened: Open, seeing: Run, source: str) -> None:
    page = well(opened("translation", run=seeing.key).text_input(
        key=f"source-{seeing.key}").set_value(source).run())
    if source.strip("\u200b "):
        return
    assert "nothing to translate" in said(page) or "does not know" in said(page)
    assert "Does attention help, and on which sentences?" in heads(page), "the rest goes on"


def test_the_bars_are_the_probe_s_and_the_link_says_the_pair(
    opened: Open, engine: LocalEngine, seeing: Run
) -> None:
    page = opened("translation", run=seeing.key, pair="own", pair_source="we see the sea.",
                  pair_target="nous vois le chat.")
    answer = engine.ask("forcing", seeing.key, step=seeing.snapshots[-1],
                        source="we see the sea.", target="nous vois le chat.")
    told, free = (plotly(page, "forcing")["data"][i]["y"] for i in (0, 1))
    np.testing.assert_allclose(told, answer["told"].values)
    np.testing.assert_allclose(free, answer["free"].values)
    [group] = component(page, "guesses")["groups"]
    assert lines(group)["by itself"] == " ".join(answer["guess_free"].values)
    wrong = [word.strip() for word, kind in group[2]["words"] if kind == "wrong"]
    assert wrong == [str(guess) for guess, true in zip(
        answer["guess_free"].values, answer["label"].values, strict=True) if guess != true]
    [truth, *_guesses] = group
    unknown = [word.strip() for word, kind in truth["words"] if kind == "unknown"]
    assert unknown == answer["label"].values[answer["unknown"].values].tolist()
    well(page.selectbox(key=f"pair-{seeing.key}").set_value("2").run())
    assert page.query_params["pair"] == "2"
    assert "pair_source" not in page.query_params


def test_each_held_out_pair_stands_with_its_bleu_both_ways(
    opened: Open, engine: LocalEngine, seeing: Run
) -> None:
    page = opened("translation", run=seeing.key)
    answer = engine.ask("evaluation", seeing.key, step=seeing.snapshots[-1])
    rows = zip(answer["source"].values, answer["bleu"].values, answer["notes_bleu"].values,
               strict=True)
    by_source = {str(source): (bleu, notes) for source, bleu, notes in rows}

    def shown(page: AppTest) -> list[float]:
        found = []
        for group in component(page, "pairs")["groups"]:
            bleu, notes = by_source[lines(group)["source"]]
            assert group[2]["note"] == f"sacrebleu {bleu:.1f}, the notes' formula {notes:.2f}"
            found.append(float(bleu))
        return found

    worst = shown(page)
    assert worst == sorted(worst)
    well(page.get("button_group")[-1].set_value("best").run())
    best = shown(page)
    assert best == sorted(best, reverse=True)
    assert max(best) >= max(worst)
    assert f"sacrebleu {answer.attrs['bleu']:.1f}" in captions(page)


def test_bleu_by_length_with_and_without_attention(
    opened: Open, engine: LocalEngine, store: Store, seeing: Run
) -> None:
    page = opened("translation", run=seeing.key)
    assert "Train the same without attention" in [each.label for each in page.button]
    press(page, "Train the same without attention")
    end = time.monotonic() + 90
    other = evaluating.twin(seeing).key
    while other not in store or store.run(other).status != "finished":
        assert time.monotonic() < end
        time.sleep(0.1)
    page = opened("translation", run=seeing.key)
    bars = plotly(page, "lengths")["data"]
    assert [each["name"] for each in bars] == ["attention general", "attention none"]
    answer = engine.ask("evaluation", seeing.key, step=seeing.snapshots[-1])
    np.testing.assert_allclose(bars[0]["y"], answer["bin_bleu"].values)
    assert list(bars[0]["customdata"]) == answer["bin_sentences"].values.tolist()
    assert "Train the same without attention" not in [each.label for each in page.button]
    assert any("from the one without" in each.value for each in page.markdown)


# Whatever comes


@pytest.mark.parametrize(("beside", "left_out"), [("zz.qq", "zz, qq"), ("none", "")])
def test_what_cannot_stand_beside_a_run_is_said(
    opened: Open, seeing: Run, beside: str, left_out: str
) -> None:
    page = opened("translation", run=seeing.key, beside=beside)
    assert (f"beside = {beside}" in said(page)) == bool(left_out)
    assert (f"Left out: {left_out}." in said(page)) == bool(left_out)
    assert page.query_params.get("beside") != "zz.qq"
    assert len(plotly(page, "lengths")["data"]) >= 1


def test_a_run_of_other_pairs_cannot_stand_beside_one(
    opened: Open, engine: LocalEngine, store: Store, seeing: Run
) -> None:
    other = trained(engine, store, translator(steps=2, pairs=Pairs("few", content(rows()[:50]))))
    page = opened("translation", run=seeing.key, beside=other.key)
    assert f"Left out: {other.key}." in said(page)


def test_a_run_of_another_task_is_refused_in_words(opened: Open, run: Run, seeing: Run) -> None:
    page = opened("translation", run=run.key)
    assert "did not learn to translate" in said(page)
    assert not page.error
    assert "run" not in page.query_params
    page = opened("train", run=seeing.key)
    assert "learnt something else" in said(page)
    assert not page.error


@pytest.mark.parametrize("key", ["0" * 32, "nonsense", "<b>"])
def test_an_unknown_run_is_said(opened: Open, engine: LocalEngine, key: str) -> None:
    assert f"no run {key}" in said(opened("translation", run=key))


def test_without_a_run_those_that_have_learnt_are_offered(opened: Open, seeing: Run) -> None:
    page = opened("translation")
    assert "run" not in page.query_params
    well(page.button(key=f"show-{seeing.key}").click().run())
    assert page.query_params["run"] == seeing.key
    assert "Now let it translate" in heads(page)


def test_hostile_pairs_are_text(opened: Open, engine: LocalEngine, store: Store) -> None:
    ugly = Pairs("<img src=x>.tsv", content(UGLY))
    made = trained(engine, store, translator(steps=6, pairs=ugly))
    page = opened("translation", run=made.key)
    [first, *_others] = component(page, "examples")["groups"]
    assert "<script>" in lines(first)["source"].replace("< script >", "<script>")
    assert "שלום" in lines(first)["reference"]
    for each in [*page.markdown, *page.caption]:
        assert "<script>" not in each.value.replace("\\<script\\>", "")


def test_nothing_held_out_leaves_the_rest_whole(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    made = trained(engine, store, translator(steps=6, held_out=0.0))
    page = opened("translation", run=made.key)
    assert "nothing was held out" in said(page)
    assert "What it makes of sentences that it has read" in heads(page)
    assert component(page, "translated")["groups"]


def test_the_list_of_runs_says_bleu_and_opens_what_fits(
    opened: Open, store: Store, seeing: Run
) -> None:
    page = opened("runs")
    bleu = seeing.history["bleu"].dropna().iloc[-1]
    assert f"BLEU **{bleu:.1f}**" in captions(page)
    well(page.button(key=f"hand-{seeing.key}").click().run())
    offered = {each.proto.page for each in page.get("page_link")
               if seeing.key in each.proto.query_string}
    assert "translation" in offered
    assert not {"train", "gates", "states"} & offered


def test_there_are_enough_pairs() -> None:
    assert len(rows()) == 60
