"""A link is the picture."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from explorer.ui import link


def page(default: int = 3, low: int = 0, high: int = 9) -> None:
    import streamlit as st

    from explorer.ui import link

    link.seed("unit", default, int, between=(low, high))
    unit = st.number_input("Unit", low, high, key="unit")
    link.seed("view", "cell", allowed=("cell", "hidden"))
    view = st.selectbox("View", ("cell", "hidden"), key="view")
    link.write(unit=unit, view=view)


def opened(default: int = 3, low: int = 0, high: int = 9, **said: str) -> AppTest:
    test = AppTest.from_function(page, args=(default, low, high), default_timeout=30)
    for name, value in said.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return test


def warned(test: AppTest) -> list[str]:
    return [warning.value.replace("\\", "") for warning in test.warning]


def test_without_a_link_controls_stand_at_their_default_and_say_so_in_it() -> None:
    test = opened()
    assert (test.number_input[0].value, test.selectbox[0].value) == (3, "cell")
    assert dict(test.query_params) == {"unit": "3", "view": "cell"}
    assert not test.warning


def test_a_link_sets_the_controls() -> None:
    test = opened(unit="7", view="hidden")
    assert (test.number_input[0].value, test.selectbox[0].value) == (7, "hidden")
    assert not test.warning


def test_a_control_writes_the_link() -> None:
    test = opened(unit="7")
    test.number_input[0].set_value(4).run()
    assert test.query_params["unit"] == "4"
    assert test.number_input[0].value == 4


def test_going_back_in_the_browser_turns_the_control_back(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    test = opened(unit="7")
    test.number_input[0].set_value(4).run()
    test.query_params["unit"] = "7"
    monkeypatch.setattr(link, "_asked", lambda: ("", True))
    test.run()
    assert test.number_input[0].value == 7
    assert test.query_params["unit"] == "7"


def test_what_is_moved_before_the_browser_has_heard_of_the_link_does_not_turn_it_back() -> None:
    test = opened(unit="7", view="cell")
    old = dict(test.query_params)
    for unit in (4, 5, 6):  # as fast as the browser's keys are
        test.query_params = dict(old)
        test.number_input[0].set_value(unit).run()
        assert (test.number_input[0].value, test.query_params["unit"]) == (unit, str(unit))
    test.query_params = dict(old)
    test.selectbox[0].set_value("hidden").run()
    assert test.number_input[0].value == 6
    assert dict(test.query_params) == {"unit": "6", "view": "hidden"}


def test_an_old_link_is_followed_when_the_browser_must_have_heard_of_the_new_one(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    test = opened(unit="7", view="cell")
    test.number_input[0].set_value(4).run()
    monkeypatch.setattr(link, "LATE", 0.0)
    test.query_params = {"unit": "7", "view": "cell"}
    test.run()
    assert test.number_input[0].value == 7


def test_another_link_to_the_same_page_is_followed_at_once() -> None:
    test = opened(unit="7", view="cell")
    test.number_input[0].set_value(4).run()
    test.query_params = {"unit": "7", "view": "hidden"}
    test.run()
    assert (test.number_input[0].value, test.selectbox[0].value) == (7, "hidden")


def turning() -> None:
    import streamlit as st

    from explorer.ui import link

    if st.session_state.pop("turn", False):
        link.turn(unit=8, view=None)
    link.seed("unit", 3, int)
    link.write(unit=st.number_input("Unit", 0, 9, key="unit"))


def test_the_controls_follow_a_link_that_is_turned() -> None:
    test = AppTest.from_function(turning, default_timeout=30)
    test.query_params["view"] = "cell"
    test.run()
    test.session_state["turn"] = True
    test.run()
    assert test.number_input[0].value == 8
    assert dict(test.query_params) == {"unit": "8"}


@pytest.mark.parametrize(
    ("said", "used", "words"),
    [("12", 9, "between 0 and 9: 9 is used"), ("-1", 0, "between 0 and 9: 0 is used"),
     ("x", 3, "cannot be read: 3 is used"), ("", 3, "cannot be read"), ("1.5", 3, "cannot be read"),
     ("nan", 3, "cannot be read"), ("9" * 5000, 3, "999… , which".replace(" ,", ","))],
)
def test_what_cannot_be_is_replaced_and_said(said: str, used: int, words: str) -> None:
    test = opened(unit=said)
    assert test.number_input[0].value == used
    [warning] = warned(test)
    assert words in warning
    assert test.query_params["unit"] == str(used)
    assert not test.run().warning  # once


def test_what_is_not_offered_is_replaced_and_said() -> None:
    test = opened(view="<script>")
    assert test.selectbox[0].value == "cell"
    assert "view = <script>, but there is only cell, hidden: cell is used" in warned(test)[0]
    assert "\\<script\\>" in test.warning[0].value  # as text


def test_a_control_at_its_default_goes_along_with_it_and_a_chosen_one_stays() -> None:
    untouched, chosen = opened(3), opened(3)
    chosen.number_input[0].set_value(5).run()
    for test, then in ((untouched, 6), (chosen, 5)):
        test.args = (6, 0, 9)
        test.run()
        assert test.number_input[0].value == then
        assert test.query_params["unit"] == str(then)


def test_narrower_bounds_move_the_control_inside() -> None:
    test = opened(3, unit="8")
    test.args = (3, 0, 5)
    test.run()
    assert not test.exception
    assert test.number_input[0].value == 5


def sliding(high: int, ends: bool = False) -> None:
    import streamlit as st

    from explorer.ui import link

    link.seed("unit", 3, int, between=(0, high))
    link.write(unit=st.slider("Unit", 0, high, key="unit"))
    if ends:  # as what is put beside the link is
        st.session_state.setdefault("span", (2, 4))
        link.put("span", (2, 4), high)
        st.slider("Span", 0, high, key="span")


def test_a_slider_that_is_made_anew_for_other_bounds_keeps_what_it_said() -> None:
    test = AppTest.from_function(sliding, args=(9, True), default_timeout=30)
    test.run()
    test.slider[0].set_value(7).run()
    for high, then in ((20, 7), (20, 7), (8, 7), (5, 5), (9, 5)):
        test.args = (high, True)
        test.run()
        assert (test.slider[0].value, test.slider[1].value) == (then, (2, 4)), high
        assert test.query_params["unit"] == str(then)


def test_the_browser_is_told_only_what_is_new() -> None:
    test = opened(3)
    told = [test.number_input[0].proto.set_value]
    for default, high in ((3, 9), (4, 9), (4, 9), (4, 2), (4, 2)):
        test.args = (default, 0, high)
        test.run()
        told.append(test.number_input[0].proto.set_value)
    # Seeded, left alone, with its default, left alone, moved inside; its default lies outside now.
    assert told == [True, False, True, False, True, False]


def broken_off(whole: bool = True) -> None:
    import streamlit as st

    from explorer.ui import link

    link.begin()
    link.seed("unit", 3, int, between=(0, 9))
    link.write(unit=st.number_input("Unit", 0, 9, key="unit"))
    if whole:
        link.drawn()


def test_what_a_page_that_was_broken_off_has_told_is_told_again() -> None:
    test = AppTest.from_function(broken_off, args=(False,), default_timeout=30)
    told = []
    for whole in (False, False, True, True, False, True):
        test.args = (whole,)
        told.append(test.run().number_input[0].proto.set_value)
    assert told == [True, True, True, False, False, False]


def test_what_the_visitor_has_moved_since_is_not_told_again() -> None:
    test = AppTest.from_function(broken_off, args=(False,), default_timeout=30)
    test.run()
    test.number_input[0].set_value(7).run()
    assert (test.number_input[0].value, test.number_input[0].proto.set_value) == (7, False)


def labelled(marks: str, options: str = "abc", stale: bool = False) -> None:
    import streamlit as st

    from explorer.ui import link

    if stale:  # as the browser says what it shows before it has heard of new labels
        st.session_state["place"], st.session_state["name"] = "c", "b?"
    labels = [f"{each}{marks}" for each in options]
    link.seed("place", 0, int, between=(0, len(options) - 1), labels=labels)
    place = st.selectbox("Place", range(len(options)), key="place", format_func=labels.__getitem__)
    link.seed("name", "a", allowed=list(options), labels=labels)
    name = st.selectbox("Name", list(options), key="name",
                        format_func=lambda name: f"{name}{marks}")
    link.write(place=place, name=name)


@pytest.fixture
def choice() -> AppTest:
    """Two controls with options, at a link."""
    test = AppTest.from_function(labelled, args=("",), default_timeout=30)
    test.query_params = {"place": "2", "name": "b"}
    return test.run()


def test_an_option_stays_chosen_when_its_label_changes(choice: AppTest) -> None:
    told = []
    for marks in ("", "!", "!", "?"):
        choice.args = (marks,)
        choice.run()
        told.append([each.proto.raw_value for each in choice.selectbox if each.proto.set_value])
        assert dict(choice.query_params) == {"place": "2", "name": "b"}
    assert told == [[], ["c!", "b!"], [], ["c?", "b?"]]


def test_a_label_that_is_no_more_does_not_unsay_the_link(choice: AppTest) -> None:
    choice.args = ("!", "abc", True)
    choice.run()
    assert not choice.exception
    assert dict(choice.query_params) == {"place": "2", "name": "b"}
    choice.args = ("!", "a", True)  # what the link says is no longer offered either
    choice.run()
    assert dict(choice.query_params) == {"place": "0", "name": "a"}
    assert not choice.warning
