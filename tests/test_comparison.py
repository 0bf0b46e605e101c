"""What is put side by side: the same but for what differs, equal sizes solved for, what does not
compare refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import explorer as ex
from explorer.comparison import (
    TOY,
    Comparison,
    Side,
    check,
    curves,
    differences,
    duel,
    effort,
    equal_parameters,
    grouped,
    same_batches,
    subject,
    toy,
    varied,
    vary,
)
from explorer.errors import DataError, ExperimentError
from explorer.experiment import Experiment
from explorer.models import Model
from explorer.models.recurrent import Recurrent
from explorer.tasks.language_model import LanguageModel
from explorer.text import Text
from explorer.text.pairs import Pairs
from explorer.text.sentences import Sentences
from tests.training.small import TEXT, small

KINDS = ["rnn", "gru", "lstm"]


def models() -> st.SearchStrategy[Recurrent]:
    def made(
        kind: str, hidden: int, layers: int, embedding: int, one_hot: bool, tied: bool
    ) -> Recurrent:
        one_hot = one_hot and not tied
        found = Model.parse({
            "kind": kind, "hidden": hidden, "layers": layers, "tied": tied,
            "embedding": hidden if tied else embedding,
            "input": "one-hot" if one_hot else "embedding"})
        assert isinstance(found, Recurrent)
        return found

    sizes = st.integers(1, 300)
    return st.builds(made, st.sampled_from(KINDS), sizes, st.integers(1, 4), sizes, st.booleans(),
                     st.booleans())


@given(models(), st.integers(2, 500), st.integers(1, 20_000_000))
def test_no_other_hidden_size_comes_nearer(
    model: Recurrent, vocabulary: int, target: int
) -> None:
    found = equal_parameters(model, vocabulary, target)
    left = abs(found.parameters(vocabulary) - target)
    for hidden in {1, 1024, max(1, found.hidden - 1), min(1024, found.hidden + 1)}:
        other = model.model_copy(update={"hidden": hidden} | (
            {"embedding": hidden} if model.tied else {}))
        assert abs(other.parameters(vocabulary) - target) >= left
    same = {"hidden", "embedding"} if model.tied else {"hidden"}
    assert found.model_dump(exclude=same) == model.model_dump(exclude=same)
    type(model).model_validate(found.model_dump())  # still one that may be built


@given(models(), st.integers(2, 300))
def test_its_own_number_of_parameters_gives_the_size_back(
    model: Recurrent, vocabulary: int
) -> None:
    assert equal_parameters(model, vocabulary, model.parameters(vocabulary)) == model


def test_equal_parameters_of_all_three() -> None:
    chosen = Comparison(small("gru"), vary({"model.kind": KINDS}), (0,), equal=True)
    size = chosen.tokenizer.size
    target = small("gru").model.parameters(size)
    for [experiment] in chosen.experiments:
        network = experiment.model.build(size)
        built = sum(p.numel() for p in network.parameters())
        assert built == experiment.model.parameters(size)
        step = varied(experiment, {"model.hidden": experiment.model.model_dump()["hidden"] + 1})
        assert abs(built - target) <= (step.model.parameters(size) - built) / 2


def test_only_what_is_chosen_differs() -> None:
    chosen = Comparison(small("gru"), vary({"model.hidden": [4, "8"]}), (3, 5)).experiments
    assert [[e.seed for e in group] for group in chosen] == [[3, 5], [3, 5]]
    assert differences([group[0] for group in chosen]) == {"model.hidden": [4, 8]}
    assert same_batches([e for group in chosen for e in group])
    assert grouped([e for group in chosen for e in group]) == [[0, 1], [2, 3]]
    ids = torch.arange(500)
    for seed in (0, 1):
        one, other = (LanguageModel.batch(ids, group[seed].training, group[seed].seed, 7)[0]
                      for group in chosen)
        assert torch.equal(one, other), "the same windows, in the same order"


def test_another_kind_keeps_the_settings_that_both_have() -> None:
    base = small({"kind": "rnn", "activation": "relu", "hidden": 12, "layers": 2, "dropout": 0.1})
    model = varied(base, {"model.kind": "lstm"}).model.model_dump()
    assert (model["kind"], model["hidden"], model["layers"], model["dropout"]) == (
        "lstm", 12, 2, 0.1)
    assert "activation" not in model


def test_tied_weights_stay_tied_when_the_size_changes() -> None:
    assert varied(small("tied"), {"model.hidden": 24}).model.model_dump()["embedding"] == 24


@pytest.mark.parametrize(
    ("variations", "message"),
    [
        ([{"model.hidden": 4}], "Choose 2 to 6"),
        ([{"model.hidden": n} for n in range(1, 8)], "Choose 2 to 6"),
        ([{"model.hidden": 4}, {"model.hidden": "4"}], "same experiment"),
        ([{"model.hidden": 4}, {"model.hidden": 0}], "at least 1"),
        ([{"model.hidden": 4}, {"model.wings": 2}], "no setting called model.wings"),
        ([{"model.kind": "rnn"}, {"model.kind": "hen"}], "There is no model called"),
        ([{"tokens.kind": "word"}, {}], "cannot differ in a comparison"),
        ([{"data.held_out": 0.2}, {}], "cannot differ in a comparison"),
        ([{"model.dropout": 0.5}, {}], "dropout acts between layers"),
        ([{"training.learning_rate": "inf"}, {}], "finite number"),
        ([{"seed": 0}, {"seed": 1}], "The seed is nothing to compare"),
        ([{"training.warmup": 50}, {"training.warmup": 200}],
         "training.warmup means nothing as long as training.schedule is one-cycle"),
        ([{"training.truncate": 4}, {}], "as long as training.truncation is full"),
        (vary({"training.schedule": ["warm-up", "constant"], "training.warmup": [50, 200]}),
         "training.warmup means nothing as long as training.schedule is constant"),
        ([{"model.input": "one-hot", "model.embedding": n} for n in (5, 6)],
         "as long as model.input is one-hot"),
    ],
)
def test_what_cannot_be_compared_is_refused(variations, message) -> None:
    with pytest.raises(ExperimentError, match=message):
        _ = Comparison(small(), variations).experiments


def test_what_has_an_effect_may_differ() -> None:
    for shared, field in (({"training.schedule": "warm-up"}, "training.warmup"),
                          ({"training.truncation": "regular"}, "training.truncate"),
                          ({}, "model.embedding")):
        variations = [shared | {field: n} for n in (4, 6)]
        assert len(Comparison(small(), variations).experiments) == 2


def test_one_that_reads_both_ways_is_not_set_beside_one_that_does_not() -> None:
    """It has read the tokens that it guesses; both that do compare."""
    with pytest.raises(DataError, match="reads the text from both ends"):
        _ = Comparison(small(), vary({"model.bidirectional": [False, True]})).experiments
    both = small({"kind": "lstm", "bidirectional": True})
    assert len(Comparison(both, vary({"model.hidden": [4, 8]})).experiments) == 2


def test_a_solved_size_cannot_be_varied_too() -> None:
    with pytest.raises(ExperimentError, match="solved for"):
        _ = Comparison(small(), vary({"model.hidden": [4, 8]}), (0,), equal=True).experiments


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"text": Text("fable", TEXT.content + " a fox.")}, "“rhyme”.*“fable”.*same text"),
        ({"tokens": "word"}, "different tokens .kind = character; kind = word"),
        ({"held_out": 0.3}, "different parts of the text .10% and 30%"),
    ],
)
def test_runs_whose_perplexities_do_not_compare_are_refused(other, message) -> None:
    with pytest.raises(DataError, match=message):
        check([small(), small(), small(**other)])
    check([small("rnn"), small("lstm", steps=50, seed=4)])


def test_runs_that_learnt_different_things_are_refused() -> None:
    model = {"kind": "transformer", "hidden": 8, "heads": 1}
    writer = Experiment.language_model(TEXT, model=model, steps=5)
    filler = Experiment.masked(TEXT, model=model, steps=5)
    assert subject(writer) != subject(filler)
    with pytest.raises(DataError, match="learnt different things"):
        check([writer, filler])


def history(steps: list[int], values: list[float], speed: float = 100.0) -> pd.DataFrame:
    return pd.DataFrame({"step": steps, "perplexity": values, "tokens_per_second": speed,
                         "validation_perplexity": [np.nan, *values[1:]],
                         "validation_tokens": 300.0})


def test_curves_stand_side_by_side_where_they_were_measured() -> None:
    one, other = (varied(small(), {"model.hidden": n}) for n in (4, 8))
    found = curves(["a", "b"], [
        [Side(one, history([1, 2, 4], [9.0, 8.0, 7.0])), Side(one, history([1, 2], [9.5, 8.5]))],
        [Side(other, history([2, 6], [5.0, 4.0], 50.0))]], [10.0, 20.0])
    assert found["step"].values.tolist() == [0, 1, 2, 4, 6]
    nan = np.nan
    np.testing.assert_array_equal(found["training_perplexity"].values, [
        [[nan, 9, 8, 7, nan], [nan, 9.5, 8.5, nan, nan]],
        [[nan, nan, 5, nan, 4], [nan] * 5]])
    assert np.isnan(found["held_out_perplexity"].values[0, 0, 1])
    tokens = one.training.batch * one.training.window
    assert found["seconds"].values[0, 0, 3] == 4 * tokens / 100
    assert found["seconds"].values[1, 0, 4] == 6 * tokens / 50


def test_a_duel_is_the_mean_over_the_seeds() -> None:
    def said(bits: list[float]) -> xr.Dataset:  # a probe's answer made by hand
        return xr.Dataset({"bits": ("token", bits)}, {"label": ("token", ["a", "b"])},
                          {"run": "0" * 32, "step": 1, "kind": "rnn"})

    found = duel(["one", "other"], [[said([np.nan, 1.0]), said([np.nan, 3.0])],
                                    [said([np.nan, 5.0])]])
    np.testing.assert_array_equal(found["bits"].values, [[np.nan, 2.0], [np.nan, 5.0]])
    assert found.attrs["seeds"] == [2, 1]


# The library


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ex.Store:
    return ex.Store(str(tmp_path_factory.mktemp("store")), pretrained="")


def test_the_library_trains_and_draws_a_comparison(store: ex.Store) -> None:
    found = ex.compare(small("gru", steps=12), {"model.hidden": [4, 8]}, seeds=2, store=store,
                       progress=False)
    assert found["held_out_perplexity"].dims == ("variation", "seed", "step")
    assert list(found["variation"].values) == ["hidden 4", "hidden 8"]
    for v, hidden in enumerate((4, 8)):
        for s in range(2):
            run = ex.load(str(found["key"].values[v, s]), store)
            assert (run.experiment.model.hidden, run.experiment.seed) == (hidden, s)  # type: ignore[attr-defined]
            known = run.history.dropna(subset=["validation_perplexity"])
            np.testing.assert_array_equal(
                found["held_out_perplexity"].sel(step=known["step"].to_numpy()).values[v, s],
                known["validation_perplexity"])
    assert "hidden 4" in set(ex.figure("comparison", found).data["variation"])


def test_one_of_six_diverges_and_the_others_go_on(store: ex.Store) -> None:
    base = small("rnn-relu", steps=12, clip=0, optimizer="sgd", schedule="constant")
    rates = [0.001, 0.002, 0.005, 0.01, 0.02, 1000]
    found = ex.compare(base, {"training.learning_rate": rates}, seeds=1, store=store,
                       progress=False)
    ends = [ex.load(str(key), store) for [key] in found["key"].values]
    assert [run.status for run in ends] == ["finished"] * 5 + ["diverged"]
    assert np.isfinite(found["training_perplexity"].values[:5, 0, -1]).all()
    assert "learning rate" in ends[-1].message
    drawn = ex.figure("comparison", found).data
    assert drawn.groupby("variation")["step"].max()["learning_rate 0.001"] == 12


def test_the_toy_is_learnt_by_heart_in_moments(store: ex.Store) -> None:
    groups = toy((0,)).experiments
    assert [g[0].model.kind for g in groups] == KINDS
    for [experiment] in groups:
        model = experiment.model.model_dump()
        assert (model["embedding"], model["hidden"]) == (50, 100)
        run = ex.train(experiment, store, progress=False)
        assert experiment.training.steps == 100
        assert len(run.tokenizer.encode(TOY.content)) // (
            experiment.training.batch * experiment.training.window) == 1, "a step is an epoch"
        written = ex.generate(run, "This is", 5, temperature=0)
        assert written.attrs["text"] in TOY.content
        assert run.history["perplexity"].iloc[-1] < 1.5


def test_a_base_without_its_text_says_so() -> None:
    bare = Experiment.parse(small().model_dump(mode="json"))
    with pytest.raises(DataError, match="not here"):
        _ = Comparison(bare, vary({"model.hidden": [4, 8]})).experiments


def test_translators_differ_in_their_attention_alone() -> None:
    """Same pairs, same batches, same seed; of pairs no step's tokens, and so no seconds, are known.
    """
    pairs = Pairs("few", "a cat sat .\tun chat assis .\nthe dog .\tle gros chien court .\n" * 4)
    base = Experiment.translation(pairs, {"kind": "word"}, {"kind": "seq2seq", "hidden": 4},
                                  steps=2, seed=3)
    kinds = ["none", "additive", "dot", "general", "concat", "scaled-dot"]
    comparison = Comparison(base, vary({"model.attention": kinds}), (base.seed,))
    found = [group[0] for group in comparison.experiments]
    assert [each.model.attention for each in found] == kinds
    assert found[3].key == base.key
    assert same_batches(found)
    assert isinstance(comparison.tokenizer, Sentences)
    assert set(differences(found)) == {"model.attention"}
    history = pd.DataFrame({"step": [1], "perplexity": [2.0], "tokens_per_second": [5.0]})
    assert np.isnan(curves(["it"], [[Side(base, history)]])["seconds"].values).all()


def test_the_longest_is_known_beforehand() -> None:
    base = Experiment.language_model(TEXT, model="rnn", steps=10)
    small, large, long = (effort(varied(base, values)) for values in (
        {"model.hidden": 16}, {"model.hidden": 64}, {"model.hidden": 16, "training.steps": 100}))
    assert small < large < long
