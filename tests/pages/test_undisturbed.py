"""What a visitor moves while a page is still being drawn is not moved back by the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from explorer.engine import LocalEngine
from explorer.store import Run, Store
from tests.pages.conftest import PAGES, Open, trained, well
from tests.training.small import small

NAMES = sorted(page.stem for page in PAGES.glob("*.py"))
STACKED = {"block", "heads", "positions", "steps", "thinking", "cost"}


def told(page: AppTest) -> list[str]:
    """The controls whose value the browser is told, whatever it shows itself; one that is shut off
    nobody moves."""
    def below(node: object) -> Iterator[object]:
        for child in getattr(node, "children", {}).values():
            yield child
            yield from below(child)

    return [str(getattr(each, "key", each)) for each in below(page._tree)
            if getattr(proto := getattr(each, "proto", None), "set_value", False)
            and not proto.disabled]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_drawn_again_does_not_say_what_its_controls_say(
    opened: Open, engine: LocalEngine, store: Store, run: Run, name: str
) -> None:
    if name in STACKED:
        run = trained(engine, store, small("transformer", steps=2))
    page = opened(name, run=run.key, runs=run.key)
    well(page.run())
    assert told(well(page.run())) == []
