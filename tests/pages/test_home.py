"""Home's pictures are live, and it stands when there is nothing to show; every page in every
language and theme."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st

import explorer as ex
from explorer import words
from explorer.engine import LocalEngine
from explorer.observations import OBSERVATIONS
from explorer.store import Run, Store
from explorer.ui.cards import READ, first
from explorer.ui.session import language
from explorer.views.gates import plane
from explorer.views.palette import palette
from tests.pages.conftest import OWNER, PAGES, Open, component, plotly, said, trained
from tests.training.small import small

NAMES = sorted(page.stem for page in PAGES.glob("*.py"))


@pytest.fixture
def spoken() -> Iterator[None]:
    """The language follows the session, as in the app."""
    words.speak_for(language)
    yield
    words.speak_for(lambda: "en")


def pictured(store: Store) -> list[Run]:
    """The runs that home has to choose from."""
    runs = [store.run(key) for key in store.own(OWNER) if key in store]
    return [run for run in runs if run.snapshots and len(run.history)
            and run.experiment.task.kind == "language_model"]


@pytest.mark.usefixtures("run")
def test_the_first_picture_is_a_trace(opened: Open, store: Store) -> None:
    page, run = opened("home"), first(pictured(store))
    [heatmap] = plotly(page, "card-gates")["data"]
    rows = [int(str(name).split()[-1]) for name in heatmap["y"]]
    trace = ex.trace(run, run.experiment.text.content[:READ])
    shown = plane(trace, next(name for name in OBSERVATIONS if name in trace)).T[rows]
    np.testing.assert_allclose(np.array(heatmap["z"]), shown, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("run")
def test_its_strip_is_text_of_a_run_coloured_by_a_unit(opened: Open, store: Store) -> None:
    strip = component(opened("home"), "card-unit-strip")
    assert "".join(strip["tokens"]) in pictured(store)[-1].experiment.text.content
    assert len(strip["tokens"]) == len(strip["colours"]) == len(strip["hover"]) > 1


def test_a_picture_leads_to_its_page(opened: Open, run: Run) -> None:
    links = opened("home").get("page_link")
    assert any("run=" in link.proto.query_string for link in links)
    assert len(links) >= 5


def test_without_any_run_it_says_what_to_do(
    opened: Open, engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path))
    st.cache_resource.clear()
    try:
        assert "No network has been trained here yet" in said(opened("home"))
        assert "no trained run yet" in said(opened("gates"))
        opened("train")
        opened("runs")
    finally:
        st.cache_resource.clear()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("spoken")
def test_every_page_speaks_chinese_in_the_dark(opened: Open, run: Run, name: str) -> None:
    page = opened(name, context={"locale": "zh-CN", "theme": "dark"}, run=run.key)
    assert any("一" <= sign <= "鿿" for sign in page.title[0].value)
    for alert in page.error:
        raise AssertionError(alert.value)


@pytest.mark.usefixtures("spoken")
def test_the_words_in_formulas_are_those_of_the_page(
    opened: Open, engine: LocalEngine, store: Store
) -> None:
    stack = trained(engine, store, small("transformer", steps=2))
    for name, word in {"heads": "得分", "thinking": "目标", "cost": "自注意力"}.items():
        page = opened(name, context={"locale": "zh-CN"}, run=stack.key)
        assert rf"\text{{{word}}}" in " ".join(each.value for each in page.latex), name


@pytest.mark.usefixtures("spoken")
def test_charts_follow_the_theme(opened: Open, run: Run) -> None:
    for theme in ("light", "dark"):
        page = opened("gates", context={"theme": theme}, run=run.key, view="forget")
        scale = plotly(page, "gates")["data"][0]["colorscale"]
        colours = palette(theme)  # type: ignore[arg-type]
        assert scale[0][1] == colours.scale(signed=False)[0][1]
