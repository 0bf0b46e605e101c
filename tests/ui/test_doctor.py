"""What the doctor thinks is good, and what each of its cures starts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer.experiment import Experiment
from explorer.ui import doctor, explosion
from explorer.ui.doctor import cures, last_good
from explorer.ui.naming import tell_apart
from explorer.ui.unloaded import source
from tests.training.small import small
from tests.training.small_pairs import translator

NAN = float("nan")


def run(experiment: Experiment | None = None, scored: dict[int, float] | None = None) -> Any:
    """A run of which only this is known: what its snapshots' held-out perplexities were."""
    found = {2: 18.0, 5: 9.0, 9: 400.0} if scored is None else scored
    history = pd.DataFrame({"step": [*found, 10], "validation_perplexity": [*found.values(), NAN]})
    return SimpleNamespace(experiment=experiment or small("rnn", steps=30, clip=0.0),
                           history=history, snapshots=(0, *found), status="diverged",
                           tokenizer=SimpleNamespace(size=20), error=None)


@pytest.mark.parametrize(("scored", "good"), [
    ({2: 18.0, 5: 9.0, 9: 400.0}, 5), ({2: 18.0, 5: 9.0}, 5), ({2: 1e304}, 0), ({}, 0),
    ({2: NAN, 5: NAN}, 5),  # nothing is held out: then all that is finite is good
])
def test_a_ruined_snapshot_is_not_good(scored: dict[int, float], good: int) -> None:
    assert last_good(run(scored=scored)) == good


def test_each_cure_changes_what_it_says_and_nothing_else() -> None:
    broken = run()
    found = {cure.name: cure.experiment for cure in cures(broken)}
    was = broken.experiment.training
    [clipped] = found["clip"].training.changes
    assert (clipped.step, clipped.factor, clipped.clip) == (5, 1.0, 1.0)
    [slowed] = found["rate"].training.changes
    assert (slowed.step, slowed.factor, slowed.clip) == (5, 0.1, None)
    assert found["orthogonal"].model.initial == "orthogonal"  # type: ignore[attr-defined]
    assert found["seed"].seed == broken.experiment.seed + 1
    for name in ("orthogonal", "seed"):
        assert found[name].training == was
    keys = {experiment.key for experiment in found.values()} | {broken.experiment.key}
    assert len(keys) == 5
    for experiment in found.values():
        assert Experiment.parse(experiment.model_dump(mode="json")).key == experiment.key
        assert experiment.text


def test_who_is_clipped_already_is_clipped_closer() -> None:
    [cure] = [each for each in cures(run(small("rnn", clip=0.5))) if each.name == "clip"]
    assert cure.label == "Clip at 0.05"
    [cure] = [each for each in cures(run(small("rnn", clip=7.0))) if each.name == "clip"]
    assert cure.label == "Clip at 1"
    again = run(small("rnn", clip=0.0).changed(5, clip=1.0))
    [cure] = [each for each in cures(again) if each.name == "clip"]
    assert cure.label == "Clip at 0.1"


def test_without_any_snapshot_only_another_beginning_helps() -> None:
    broken = run()
    broken.snapshots = ()
    assert [cure.name for cure in cures(broken)] == ["orthogonal", "seed"]


def test_an_orthogonal_start_is_not_offered_twice() -> None:
    begun = run(small({"kind": "rnn", "initial": "orthogonal"}))
    assert "orthogonal" not in {cure.name for cure in cures(begun)}


def test_a_corrected_run_is_named_by_its_change() -> None:
    one = small("rnn", clip=0.0)
    names = tell_apart([one, one.changed(5, clip=1.0), one.changed(5, 0.1)]).names
    assert names == ["rate as it was set", "clipped at 1 from step 5",
                     "rate changed by hand (× 0.1 @ 5)"]


def test_the_pair_differs_in_clipping_alone() -> None:
    experiment = small("rnn", clip=3.0)
    left, right = explosion.pair(experiment, 3.0)
    assert left.experiment.training.clip == 0.0
    assert right.key == experiment.key
    assert left.experiment.training.model_copy(update={"clip": 3.0}) == right.experiment.training
    cured = left.experiment.changed(5, clip=1.0).with_text(experiment.text)
    parent, child = explosion.pair(cured, 3.0)
    assert (parent.key, child.key) == (left.key, cured.key)
    assert child.name == "clipped at 1 from step 5"


def test_two_histories_are_laid_over_each_other_by_step() -> None:
    sides = explosion.pair(small("rnn"), 1.0)
    one = pd.DataFrame({"step": [1, 2], "loss": [3.0, 9.0], "gradient_norm": [1.0, 7.0]})
    other = pd.DataFrame({"step": [1, 2, 3], "loss": [3.0, 2.5, 2.0],
                          "gradient_norm": [1.0, 2.0, 1.5]})
    trace = explosion.together(sides, [one, other], [3, -1], 20)
    np.testing.assert_array_equal(trace["loss"].values, [[3, 9, NAN], [3, 2.5, 2]])
    said = explosion.findings(trace)
    assert "step 3 broke" in said[0]
    assert "from 3.00 to 2.50 nats" in said[1]
    assert "67% of its steps were shortened" in said[1]
    cured = sides[0].experiment.changed(1, clip=1.0)  # the first of its three steps was free
    by_hand = explosion.Side(cured, "by hand")
    said = explosion.findings(explosion.together([by_hand], [other], [-1], 20))
    assert "67% of its steps" in said[0]
    slack = other.assign(gradient_norm=[2.0, 2.0, 0.5])
    said = explosion.findings(explosion.together([by_hand], [slack], [-1], 20))
    assert "33% of its steps" in said[0]
    assert explosion.findings(explosion.together(sides, [None, None], [-1, -1], 20)) == []


@pytest.mark.parametrize(("value", "words"), [
    (0.75693, "0.757"), (12.34, "12.3"), (5256.4, "5,256"), (1.42e38, "1.4 · 10³⁸"),
    (3e-7, "3.0 · 10⁻⁷"), (0.0, "0")])
def test_sizes_of_any_order(value: float, words: str) -> None:
    assert explosion.number(value) == words


def test_the_factor_of_a_curve() -> None:
    assert explosion.factor([1, 2, 4, 8, NAN]) == pytest.approx(2)
    assert explosion.factor([1.0, NAN]) is None
    assert explosion.factor([0.0] * 9) is None


def test_code_is_read_without_torch() -> None:
    assert source("training/learner.py", "learn").startswith("def learn(self, ids")


@pytest.mark.parametrize(("made", "page"), [(small("rnn"), "train"), (translator(), "translation")])
def test_a_cured_run_is_watched_where_its_task_is_trained(
    made: Experiment, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[tuple[str, Any]] = []
    monkeypatch.setattr(doctor.st, "session_state", {})
    monkeypatch.setattr(doctor, "engine", lambda: SimpleNamespace(submit=lambda *given: None))
    monkeypatch.setattr(doctor, "store", lambda: SimpleNamespace(claim=lambda *given: None))
    monkeypatch.setattr(doctor, "owner", lambda: "me")
    monkeypatch.setattr(doctor.places, "page", lambda name: name)
    monkeypatch.setattr(doctor.st, "switch_page",
                        lambda to, query_params: gone.append((to, query_params)))
    doctor.follow()
    assert not gone, "nothing was cured"
    doctor._apply(made)
    doctor.follow()
    assert gone == [(page, {"run": made.key})]
