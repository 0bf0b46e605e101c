"""The strip's text can be read on every colour, and it believes nothing that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.ui.strip import READABLE, StripEvent, _admit, _ink
from explorer.views.palette import contrast, palette

CANDIDATES = [[], [("a", "50%", 3), ("b", "20%", 4)]]


def test_contrast_by_hand() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)  # WCAG's own example


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("signed", [False, True])
def test_the_ink_can_be_read_on_every_shade(theme: Any, signed: bool) -> None:
    colours = palette(theme)
    for value in range(-20 if signed else 0, 21):
        shade = colours.shade(value / 20, signed)
        ink = _ink(shade)
        assert ink
        assert contrast(ink, shade) >= READABLE, (value, shade)


def test_no_colour_needs_no_ink() -> None:
    assert _ink(None) is None


@pytest.mark.parametrize(
    ("event", "admitted"),
    [
        ({"index": 1}, StripEvent(1)),
        ({"index": 1, "candidate": 4}, StripEvent(1, 4)),
        ({"key": "next"}, StripEvent(key="next")),
        ({"index": 1, "candidate": 5}, None),  # was not offered
        ({"index": 0, "candidate": 3}, None),
        ({"index": 2}, None),
        ({"index": -1}, None),
        ({"index": "1"}, None),
        ({"index": 1.0}, None),
        ({"key": "n"}, None),
        ({}, None),
        ("next", None),
        (None, None),
        ([1], None),
    ],
)
def test_only_what_can_be_done_comes_through(event: Any, admitted: StripEvent | None) -> None:
    assert _admit(event, 2, CANDIDATES, {"n": "next"}) == admitted
