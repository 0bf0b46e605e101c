"""Runs are called by what differs between them."""

from explorer.experiment import Experiment
from explorer.text import Text
from explorer.ui.naming import differing, distinct, phrases, tell_apart
from tests.training.small import TEXT, small


def made(model: str = "gru", hidden: int = 8, **settings: object) -> Experiment:
    return Experiment.language_model(TEXT, model={"kind": model, "hidden": hidden}, **settings)


def test_what_differs_is_the_name_and_what_does_not_is_said_once() -> None:
    told = tell_apart([made("gru", 8, seed=1), made("lstm", 16, seed=1)])
    assert told.names == ["GRU · 8 units", "LSTM · 16 units"]
    assert "seed 1" in told.same
    assert "“rhyme”" in told.same
    assert not {"GRU", "LSTM", "8 units"} & set(told.same)


def test_seeds_are_named_beside_sizes() -> None:
    told = tell_apart([made("gru", 256, seed=1), made("gru", 128, seed=0)])
    assert told.names == ["256 units · seed 1", "128 units · seed 0"]


def test_settings_that_follow_from_the_model_are_left_out_of_the_name_and_told_in_full() -> None:
    gru, lstm = made("gru"), made("lstm")
    assert gru.training.learning_rate != lstm.training.learning_rate
    told = tell_apart([gru, lstm])
    assert told.names == ["GRU", "LSTM"]
    assert told.more[0][0] == "GRU"
    assert "learning rate 0.01" in told.more[0]


def test_settings_that_were_changed_are_in_the_name() -> None:
    told = tell_apart([small("gru"), small("gru", learning_rate=0.5), small("gru", clip=3)])
    assert len(set(told.names)) == 3
    assert "learning rate 0.5" in told.names[1]
    assert "clip gradients at 3" in told.names[2]


def test_runs_that_do_not_differ_are_called_by_their_architecture() -> None:
    assert tell_apart([small()]).names == ["LSTM"]
    assert tell_apart([small(), small()]).names == ["LSTM", "LSTM"]
    assert tell_apart([]).names == []


def test_texts_of_one_name_are_told_by_their_content() -> None:
    other = Text(TEXT.name, TEXT.content + "And so on.")
    one, two = tell_apart([small(), small(text=other)]).names
    assert one != two
    assert one.startswith("text ")


def test_a_setting_that_only_some_have_does_not_differ() -> None:
    told = tell_apart([small("rnn"), small("lstm")])
    assert told.names == ["RNN", "LSTM"]
    assert "activation" in " ".join(phrases(small("rnn")).values())
    assert "activation" not in " ".join(told.same)


def test_a_hand_on_the_rate_is_named() -> None:
    run = small()
    assert tell_apart([run, run.changed(5, 0.1)]).names[1] == "rate changed by hand (× 0.1 @ 5)"


def test_names_that_stand_for_several_are_numbered() -> None:
    assert distinct(["a", "b", "a"]) == ["a (1)", "b", "a (2)"]


def test_what_differs_is_a_row_for_each_setting() -> None:
    rows = differing([small("rnn"), small("lstm")])
    assert ["RNN", "LSTM"] in rows
    assert ["activation tanh", "–"] in rows
    assert [row for row in rows if "units" in row[0]] == [], "both have as many"
