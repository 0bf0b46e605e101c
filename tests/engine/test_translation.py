"""A translator through the real engine: submitted, watched, asked; and what it cannot be asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import xarray as xr

from explorer.engine import Engine, start_local
from explorer.errors import Diverged, RunError
from explorer.probes import LEARNT, PROBES, Opened
from explorer.probes.translating import alignment, evaluation, forcing, translate
from explorer.store import Store
from tests.engine.contract import experiment, wait
from tests.training.small import translating

ASKED = translating(steps=12)
SOURCE = "she love a dog."


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[Engine]:
    started = start_local(url, slots=2, limit=6, cap=4)
    yield started
    started.close()


@pytest.fixture(scope="module")
def opened(engine: Engine, url: str) -> Opened:
    job = engine.submit(ASKED, "anna")
    assert wait(engine, job.id).status == "finished"
    points = engine.progress(job.id)
    assert [point.step for point in points] == list(range(1, 13))
    assert {"bleu", "notes_bleu", "validation_perplexity"} <= points[-1].metrics.keys()
    run = Store(url).run(ASKED.key)
    assert run.history["bleu"].iloc[-1] == points[-1].metrics["bleu"]
    return Opened.from_weights(run.experiment, run.tokenizer, 12, run.weights())


def test_it_answers_as_here(engine: Engine, opened: Opened) -> None:
    torch.set_num_threads(1)  # as the engine has it: bit for bit
    for asked, here in (
        (engine.ask("translate", ASKED.key, sources=[SOURCE]), translate(opened, [SOURCE])),
        (engine.ask("alignment", ASKED.key, source=SOURCE), alignment(opened, SOURCE)),
        (engine.ask("alignment", ASKED.key, source=SOURCE, target="elle aime"),
         alignment(opened, SOURCE, "elle aime")),
        (engine.ask("forcing", ASKED.key, source=SOURCE, target="elle aime un chien."),
         forcing(opened, SOURCE, "elle aime un chien.")),
        (engine.ask("evaluation", ASKED.key), evaluation(opened)),
    ):
        xr.testing.assert_identical(asked, here)
    first = engine.ask("translate", ASKED.key, step=0, sources=[SOURCE])
    assert first.attrs["step"] == 0


def test_who_learnt_to_translate_is_asked_nothing_else(engine: Engine, opened: Opened) -> None:
    for probe, parameters in (("trace", {"text": "to be"}), ("generate", {"prefix": "to"}),
                              ("surprisal", {"text": "to be"})):
        assert opened.experiment.task.kind == "translation"
        with pytest.raises(RunError, match="learnt something else"):
            engine.ask(probe, ASKED.key, **parameters)


def test_who_learnt_a_language_is_not_asked_to_translate(engine: Engine) -> None:
    job = engine.submit(experiment(), "anna")
    assert wait(engine, job.id).status == "finished"
    for probe, parameters in (("translate", {"sources": [SOURCE]}),
                              ("alignment", {"source": SOURCE}), ("evaluation", {}),
                              ("forcing", {"source": SOURCE, "target": SOURCE})):
        with pytest.raises(RunError, match="did not learn to translate"):
            engine.ask(probe, job.key, **parameters)


def test_every_probe_is_somebodys() -> None:
    for asked in LEARNT:
        assert len(asked.probes) == len(set(asked.probes))
    assert {probe.__name__ for asked in LEARNT for probe in asked.probes} == set(PROBES)
    texts, pairs = ({probe.__name__ for asked in LEARNT if asked.task == task
                     for probe in asked.probes} for task in ("language_model", "translation"))
    assert texts & pairs == {"flops", "search"}


def test_a_diverging_translator_says_so(engine: Engine, url: str) -> None:
    """Packed sentences were more than the doctor could look into."""
    wild = translating("additive", steps=40, learning_rate=1000, clip=0, schedule="constant",
                       optimizer="sgd", weight_decay=10)
    job = wait(engine, engine.submit(wild, "anna").id)
    assert job.status == "diverged"
    said = Diverged.from_json(dict(job.message))
    assert str(said) == str(Store(url).run(wild.key).error)
    assert said.values["name"] != "loss"
