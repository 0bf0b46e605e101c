"""The public interface, as the README shows it."""

import subprocess
import sys

import numpy as np
import pytest

import explorer as ex
from explorer.models.tape import Tape
from tests.training.small import TEXT

MODEL = {"hidden": 10, "embedding": 6}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return ex.Store(str(tmp_path_factory.mktemp("store")), pretrained="")


@pytest.fixture(scope="module")
def run(store):
    experiment = ex.Experiment.language_model(
        TEXT, tokens="character", model=ex.LSTM(**MODEL), steps=20, seed=0, window=8, batch=4)
    return ex.train(experiment, store, progress=False)


def test_everything_that_is_named_is_there():
    for name in ex.__all__:
        assert getattr(ex, name) is not None
    assert dir(ex) == sorted(ex.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        ex.nonsense


def test_importing_loads_nothing_heavy():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, explorer as ex; ex.Experiment, ex.train, ex.LSTM; "
         "print([n for n in ('torch', 'streamlit') if n in sys.modules])"],
        capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_a_run_has_its_history(run):
    assert run.status == "finished"
    assert {"step", "loss", "perplexity", "gradient_norm", "tokens_per_second"} <= set(run.history)
    assert len(run.history) == 20


def test_asked_for_again_it_is_there_at_once(run, store):
    again = ex.train(run.experiment, store, progress=False)
    assert again.seconds == run.seconds
    assert again.weights() == run.weights()


def test_it_is_loaded_by_its_key_and_stands_on_the_list(run, store):
    assert ex.load(run.key, store).history.equals(run.history)
    assert store.own("local") == [run.key]


@pytest.mark.parametrize("model", [ex.LSTM, ex.GRU, ex.RNN])
def test_a_trace_has_the_gates_of_its_architecture(store, model):
    experiment = ex.Experiment.language_model(TEXT, model=model(**MODEL), steps=2, window=8,
                                              batch=4)
    trace = ex.trace(ex.train(experiment, store, progress=False), "the fat cat")
    for name in model.observes:
        assert trace[name].dims == ("layer", "direction", "token", "unit")
        assert trace[name].shape == (1, 1, 11, 10)
    assert trace["logits"].dims == ("token", "vocabulary")
    assert list(trace["label"].values) == list("the fat cat")


def test_any_snapshot_can_be_traced(run):
    first, last = ex.trace(run, "cat", step=0), ex.trace(run, "cat")
    assert (first.attrs["step"], last.attrs["step"]) == (0, 20)
    assert not np.allclose(first["hidden"], last["hidden"])
    with pytest.raises(ex.ExplorerError, match="no snapshot of step 4"):
        ex.trace(run, "cat", step=4)


def test_gradients_are_of_every_hidden_state(run):
    gradients = ex.gradients(run, "the cat")["gradient"]
    assert gradients.dims == ("layer", "direction", "token", "unit")
    assert np.isfinite(gradients).all()
    assert float(abs(gradients).sum()) > 0


def test_it_writes(run):
    written = ex.generate(run, prefix="the ", tokens=20, temperature=0.8, seed=0)
    assert written.attrs["text"].startswith("the ")
    assert written.sizes["token"] == 24
    again = ex.generate(run, prefix="the ", tokens=20, temperature=0.8, seed=0)
    assert again.attrs["text"] == written.attrs["text"]


def test_a_figure_is_saved(run, tmp_path):
    ex.figure("gates", ex.trace(run, "the cat")).save(str(tmp_path / "gates.html"))
    assert "plotly" in (tmp_path / "gates.html").read_text("utf-8").lower()


def test_no_tape_is_left_open(run):
    ex.trace(run, "cat")
    from explorer.models import tape

    assert not isinstance(tape._open.get(None), Tape)


def test_search(run):
    found = ex.search(run, "the", width=2, longest=5)
    assert found.attrs["method"] == "beam"
    assert len(found.attrs["text"]) == 5
    assert ex.figure("tree", found).data["state"].eq("best").sum() == 1
    forced = ex.search(run, "the", prefix=" q", longest=5)
    assert forced.attrs["text"].startswith(" q")
