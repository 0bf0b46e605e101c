"""The key: the same experiment has the same one, anything else another."""

import json
import subprocess
import sys
from typing import Any, Literal, get_args, get_origin

import pytest
from annotated_types import Le, Lt
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.experiment import Data, Experiment, Training
from explorer.models import Model
from explorer.spec import Spec
from explorer.tasks.language_model import LanguageModel
from explorer.text import Text, Tokenisation
from tests.training.small import TEXT, small, translating

BASE = small("dropout")


def parts() -> list[tuple[str, type[Spec]]]:
    return [("data", Data), ("tokens", Tokenisation), ("training", Training),
            ("model", type(BASE.model))]


def another(spec: type[Spec], name: str, value: Any) -> Any:
    """A valid value of a field that is not the given one."""
    field = spec.model_fields[name]
    if name == "sha256":
        return "0" * 64
    if name == "changes":
        return [{"step": 3, "factor": 0.5}]
    if get_origin(field.annotation) is Literal:
        return next(choice for choice in get_args(field.annotation) if choice != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    if value is None:
        return 1.0
    step = 1 if isinstance(value, int) else 0.001
    for bound in field.metadata:
        if isinstance(bound, Le | Lt) and value + step > next(
                getattr(bound, side) for side in ("le", "lt") if hasattr(bound, side)):
            return value - step
    return value + step


FIELDS = [(part, spec, name) for part, spec in parts() for name in spec.model_fields
          if name != "kind" or part == "tokens"]


@pytest.mark.parametrize(("part", "spec", "name"), FIELDS,
                         ids=[f"{part}.{name}" for part, _, name in FIELDS])
def test_every_field_changes_it(part, spec, name):
    data = BASE.model_dump(mode="json")
    # Some settings need each other: where they do, another model is the one that is compared.
    if name == "tied":
        data["model"] |= {"embedding": 10}
    plain = Experiment.parse(data)
    data[part] = data[part] | {name: another(spec, name, getattr(getattr(plain, part), name))}
    other = Experiment.parse(data)
    assert other.key != plain.key


def test_the_seed_changes_it():
    assert small(seed=1).key != small(seed=0).key


def test_the_architecture_changes_it():
    keys = {Experiment.parse(small("gru").model_dump(mode="json")
                             | {"model": {"kind": kind, "hidden": 16}}).key
            for kind in LanguageModel.models}
    assert len(keys) == len(LanguageModel.models)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, len(TEXT.content) - 1), st.characters(categories=("L", "N", "P")))
def test_one_character_changes_it(place, character):
    content = TEXT.content[:place] + character + TEXT.content[place + 1 :]
    other = small(text=Text(TEXT.name, content))
    same = content == TEXT.content
    assert (other.with_text(Text(TEXT.name, content)).key == small().key) is same


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(sorted(Model.family)), st.integers(1, 8), st.integers(0, 2**31 - 1),
       st.floats(1e-6, 1000))
def test_it_survives_json(kind, eighth, seed, rate):
    made = small if kind in LanguageModel.models else translating
    experiment = made({"kind": kind, "hidden": 8 * eighth}, seed=seed, learning_rate=rate)
    written = json.loads(json.dumps(experiment.model_dump(mode="json")))
    assert Experiment.parse(written).key == experiment.key
    assert Experiment.parse(dict(reversed(written.items()))).key == experiment.key


def test_it_is_the_same_in_another_process():
    there = subprocess.run(
        [sys.executable, "-c",
         "from tests.training.small import small; print(small('dropout').key)"],
        capture_output=True, text=True, check=True)
    assert there.stdout.strip() == BASE.key


def test_it_is_128_bits_of_hex():
    assert len(BASE.key) == 32
    assert int(BASE.key, 16) >= 0


def test_a_hand_on_clipping_is_another_run_and_older_changes_are_written_as_before():
    assert BASE.changed(5, 0.1).model_dump(mode="json")["training"]["changes"] == [
        {"step": 5, "factor": 0.1}]
    clipped = BASE.changed(5, clip=2.0)
    assert len({BASE.key, BASE.changed(5).key, clipped.key, BASE.changed(5, 0.1).key}) == 4
    assert Experiment.parse(clipped.model_dump(mode="json")).key == clipped.key
    training = clipped.changed(9, 0.5).changed(12, clip=0.0).training
    assert [training.clipping(step) for step in (0, 4, 5, 9, 11, 12, 99)] == [
        BASE.training.clip, BASE.training.clip, 2.0, 2.0, 2.0, 0.0, 0.0]
