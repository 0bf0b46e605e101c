"""Forms are generated from the fields of a spec."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from explorer.experiment import Training
from explorer.models import Model
from explorer.text import Tokenisation


def page(kind: str, values: dict[str, object]) -> None:
    import streamlit as st

    from explorer.experiment import Training
    from explorer.models import Model
    from explorer.text import Tokenisation
    from explorer.ui import form, make

    specs = {"training": Training, "tokens": Tokenisation} | dict(Model.family)
    chosen = form(specs[kind], values, "form")
    st.session_state["made"] = make(specs[kind], chosen)


def opened(kind: str, **values: object) -> AppTest:
    test = AppTest.from_function(page, args=(kind, values), default_timeout=30).run()
    assert not test.exception
    return test


@pytest.mark.parametrize("kind", ["training", "tokens", *sorted(Model.family)])
def test_an_untouched_form_is_the_default(kind: str) -> None:
    spec = {"training": Training, "tokens": Tokenisation} | dict(Model.family)
    assert opened(kind).session_state["made"] == spec[kind]()


def test_every_field_for_people_has_a_control_with_its_name_range_and_help() -> None:
    test = opened("training")
    shown = {each.label: each for each in [*test.number_input, *test.selectbox, *test.checkbox]}
    fields = {info.title: info for info in Training.model_fields.values() if info.title}
    assert set(shown) == set(fields)
    for title, info in fields.items():
        assert shown[title].help == info.description
    assert (shown["Batch"].min, shown["Batch"].max) == (1, 512)
    assert 0 < shown["Learning rate"].min < 1e-5  # more than 0 is asked for
    assert len(test.get("number_input")) + len(test.get("selectbox")) == len(fields)


def test_it_starts_from_the_values_given_and_follows_what_is_chosen() -> None:
    test = opened("training", batch=7, sampling="sequential", learning_rate=0.25)
    made = test.session_state["made"]
    assert (made.batch, made.sampling, made.learning_rate) == (7, "sequential", 0.25)
    next(each for each in test.number_input if each.label == "Batch").set_value(9).run()
    assert test.session_state["made"].batch == 9


def test_only_heads_that_fit_the_width_and_the_positions_are_offered() -> None:
    test = opened("transformer", hidden=100)
    assert test.session_state["made"].heads == 5, "4 heads of 25 numbers have no pairs to turn"
    heads = next(each for each in test.selectbox if each.label == "Heads")
    assert heads.options == ["1", "2", "5"]
    next(each for each in test.selectbox if each.label == "Positions").set_value("alibi").run()
    heads = next(each for each in test.selectbox if each.label == "Heads")
    assert heads.options == ["1", "2", "4", "5"]
    assert opened("transformer", hidden=33).session_state["made"] is None


def test_a_contradiction_is_said_in_words_and_makes_nothing() -> None:
    test = opened("lstm", tied=True, hidden=8, embedding=9)
    assert test.session_state["made"] is None
    assert len(test.error) == 1
    assert "hidden" in test.error[0].value
