"""The panel's numbers in words, and its curve while snapshots and progress come in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from explorer.engine import Job
from explorer.training.events import Progress
from explorer.ui import language_model, training
from explorer.ui.runs import middle
from explorer.ui.text import plain, prose


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "an unknown time"), (0.0, "1 s"), (1.4, "1 s"), (89, "89 s"), (90, "2 min"),
     (3600, "60 min")],
)
def test_durations_in_words(seconds: float | None, words: str) -> None:
    assert training.duration(seconds) == words


def test_a_number_that_is_not_known_is_a_dash() -> None:
    assert training.number(None) == training.number(float("nan")) == "–"
    assert training.number(12345.6, ",.0f") == "12,346"


def test_the_curve_is_what_was_stored_and_after_it_what_came_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def at(step: int) -> Progress:
        return Progress(step=step, steps=9, loss=step / 100, metrics={"perplexity": 1.0},
                        gradient_norm=1.0, tokens_per_second=10.0, eta=1.0)

    points = [at(step) for step in (4, 5, 6)]
    monkeypatch.setattr(training, "engine", lambda: SimpleNamespace(progress=lambda id: points))
    stored = pd.DataFrame([at(step).row() for step in (1, 2, 3, 4, 5)])
    run: Any = SimpleNamespace(history=stored)
    job = Job("1", "k", "me", "running", 0, None)
    both = training.so_far("k", job, run)
    assert both is not None
    assert both["step"].tolist() == [1, 2, 3, 4, 5, 6]
    ended = training.so_far("k", Job("1", "k", "me", "finished", 0, None), run)
    assert ended is not None
    assert ended["step"].tolist() == [1, 2, 3, 4, 5]
    assert training.so_far("k", None, None) is None


def test_samples_are_of_the_first_the_last_and_some_between() -> None:
    def ask(probe: str, key: str, step: int, **given: object) -> Any:
        return SimpleNamespace(attrs={"text": f"{probe} {step}"})

    content = SimpleNamespace(text=SimpleNamespace(content="once upon a time"))
    for count in (1, 2, 5, 6, 7, 11, 23):
        kept = tuple(range(0, count * 10, 10))
        run: Any = SimpleNamespace(key="k", snapshots=kept, experiment=content)
        steps = list(language_model.samples(run, ask))
        assert steps == sorted(set(steps))
        assert (steps[0], steps[-1]) == (kept[0], kept[-1])
        assert len(steps) <= training.SAMPLES
        assert len(steps) >= min(count, 4)


def test_samples_that_are_not_written_yet_are_left_out() -> None:
    def ask_soon(probe: str, key: str, step: int, **given: object) -> Any:
        return None if step else SimpleNamespace(attrs={"text": "first"})

    run: Any = SimpleNamespace(key="k", snapshots=(0, 10, 20), experiment=SimpleNamespace(
        text=SimpleNamespace(content="once upon a time")))
    assert language_model.samples(run, ask_soon) == {0: "first"}


def test_a_long_name_is_cut_in_its_middle() -> None:
    assert middle("short.txt", 20) == "short.txt"
    cut = middle("a very long name of a book.txt", 15)
    assert len(cut) <= 15
    assert cut.startswith("a very")
    assert cut.endswith(".txt")


def test_a_text_from_elsewhere_is_no_markup() -> None:
    evil = '**b** <script> [a](http://b) ![i](x) $x$ `c` # h :smile: a_b_ ~~s~~\n- list'
    shown = plain(evil)
    assert "\n" not in shown
    bare = shown.replace("\\", "")
    assert bare == evil.replace("\n", " ")
    for mark in "*<>[]()`#$:_~!":
        assert all(shown[i - 1] == "\\" for i, sign in enumerate(shown) if sign == mark)
    assert prose("**ours** and *theirs*") == "**ours** and \\*theirs\\*"
