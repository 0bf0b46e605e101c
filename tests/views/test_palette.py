"""Colours come from the config, and zero is the page's own colour."""

import pytest

from explorer.views.palette import Theme, colour, mix, palette


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_scales(theme: Theme) -> None:
    p = palette(theme)
    assert p.scale(signed=False)[0] == [0, p.background]
    signed = p.scale(signed=True)
    assert [0.5, p.background] in signed
    assert [stop for stop, _ in signed] == sorted(stop for stop, _ in signed)
    assert p.shade(0.0, signed=True) == p.background
    assert p.shade(-9.0, signed=True, reach=2) == p.diverging[0]
    assert p.shade(1.0, signed=False) == p.sequential[-1]
    assert len(set(p.categorical)) == 6


def test_mixing_by_hand() -> None:
    assert mix("#000000", "#FFFFFF", 0.5) == "#808080"
    assert colour(0.25, ("#000000", "#FFFFFF", "#000000")) == "#808080"
    assert colour(7, ("#000000", "#FFFFFF")) == "#FFFFFF"
