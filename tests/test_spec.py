"""What is wrong with a setting, in one line for people."""

from typing import Annotated

import pytest

from explorer.errors import ExperimentError
from explorer.experiment import Experiment
from explorer.models import Model
from explorer.spec import LATER, Spec
from explorer.text import Text

TEXT = Text("a.txt", "abc def " * 500)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch": 0}, "batch must be at least 1 (given: 0)."),
        ({"steps": 200_001}, "steps must be at most 200000 (given: 200001)."),
        ({"learning_rate": 0.0}, "learning_rate must be more than 0.0 (given: 0.0)."),
        ({"learning_rate": float("nan")}, "learning_rate must be a finite number (given: nan)."),
        ({"window": "wide"}, "window must be a whole number (given: 'wide')."),
        ({"window": 3.5}, "window must be a whole number (given: 3.5)."),
        ({"clip": "x"}, "clip must be a number (given: 'x')."),
        ({"optimizer": "x"}, "optimizer must be one of 'adamw' or 'sgd' (given: 'x')."),
        ({"speed": 1}, "There is no setting called speed."),
        ({"model": {"kind": "lstm", "hidden": 10**6}}, "hidden must be at most 1024"),
        ({"model": {"kind": "lstm", "tied": "maybe"}}, "tied must be true or false"),
        ({"model": {"kind": "abacus"}}, "There is no model called 'abacus'; there are: "),
    ],
)
def test_a_wrong_setting_is_named_with_its_cure(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        Experiment.language_model(TEXT, **settings)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_settings_that_contradict_each_other_are_told_apart_in_words() -> None:
    with pytest.raises(ExperimentError, match=r"^tied weights need an embedding"):
        Experiment.language_model(
            TEXT, model={"kind": "lstm", "tied": True, "hidden": 8, "embedding": 4}
        )


def test_a_spec_is_frozen_and_found_by_its_kind() -> None:
    model = Model.parse("gru")
    assert model.kind == "gru"
    assert Model.parse(model.model_dump()) == model
    with pytest.raises(ValueError, match="frozen"):
        model.hidden = 3


def test_a_field_that_came_later_is_written_only_when_it_says_something() -> None:
    class Grown(Spec):
        size: int = 3
        turned: Annotated[bool, LATER] = False

    assert Grown().model_dump() == {"size": 3}
    assert Grown(turned=True).model_dump() == {"size": 3, "turned": True}
    for grown in (Grown(), Grown(turned=True)):
        assert Grown.model_validate_json(grown.model_dump_json()) == grown
