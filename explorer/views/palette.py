"""Colours: read from `streamlit_config.toml`, the one place of the look; the same meaning
everywhere. Values in 0…1 run from the page's background to full ink; signed values diverge from
it; an architecture has one colour, one dash and one marker on every page.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

CONFIG = Path(__file__).parents[2] / "streamlit_config.toml"
ARCHITECTURES = ("rnn", "gru", "lstm", "transformer", "cnn", "aaren")
DASHES = ("solid", "dash", "dot", "dashdot")
MARKS = ("circle", "diamond", "square", "cross", "x", "star")

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, as CSS hex strings."""

    background: str
    text: str
    muted: str
    border: str
    primary: str
    sequential: tuple[str, ...]
    diverging: tuple[str, ...]
    categorical: tuple[str, ...]

    def scale(self, signed: bool) -> list[list[Any]]:
        """A Plotly colour scale. Zero has the page's own colour, which ten stops straddle."""
        colours = self.diverging if signed else self.sequential
        last = len(colours) - 1
        stops: list[list[Any]] = [[i / last, colour] for i, colour in enumerate(colours)]
        if signed:
            stops.insert(len(colours) // 2, [0.5, self.background])
        return stops

    def shade(self, value: float, signed: bool, reach: float = 1.0) -> str:
        """The colour of a value: in 0…1, or in −reach…reach when signed."""
        if not signed:
            return colour(value, self.sequential)
        end = self.diverging[0] if value < 0 else self.diverging[-1]
        return mix(self.background, end, min(1.0, abs(value) / reach))

    def architecture(self, kind: str) -> str:
        return self.categorical[ARCHITECTURES.index(kind)] if kind in ARCHITECTURES else self.muted

    def layout(self, height: int) -> dict[str, Any]:
        """What every Plotly chart here has in common: no frame, no background of its own."""
        font = {"family": "Source Sans, Noto Sans, sans-serif", "color": self.text, "size": 13}
        axis = {
            "gridcolor": self.border,
            "zeroline": False,
            "linecolor": self.border,
            "ticks": "",
            "title": {"font": {"color": self.muted, "size": 13}},
            "automargin": True,
        }
        return {
            "height": height,
            "font": font,
            "paper_bgcolor": self.background,
            "plot_bgcolor": self.background,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {"font": {"family": "monospace"}},
            "modebar": {"bgcolor": "rgba(0,0,0,0)"},
        }


@cache
def palette(theme: Theme = "light") -> Palette:
    """The palette of a theme."""
    colours = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["theme"]
    chosen = {**colours, **colours[theme]}
    return Palette(
        background=chosen["backgroundColor"],
        text=chosen["textColor"],
        muted=mix(chosen["textColor"], chosen["backgroundColor"], 0.35),
        border=chosen["borderColor"],
        primary=chosen["primaryColor"],
        sequential=tuple(chosen["chartSequentialColors"]),
        diverging=tuple(chosen["chartDivergingColors"]),
        categorical=tuple(chosen["chartCategoricalColors"]),
    )


def stroke(kind: str) -> str:
    """The dash of an architecture's line."""
    return DASHES[ARCHITECTURES.index(kind) % len(DASHES)] if kind in ARCHITECTURES else "solid"


def mark(kind: str) -> str:
    """The marker of an architecture."""
    return MARKS[ARCHITECTURES.index(kind)] if kind in ARCHITECTURES else MARKS[0]


def mix(one: str, other: str, share: float) -> str:
    """`one` with a `share` (0…1) of `other`: hex colours."""
    pairs = zip(_rgb(one), _rgb(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


def colour(value: float, colours: tuple[str, ...]) -> str:
    """The colour at `value` in 0…1 on a scale of evenly spaced stops."""
    place = min(max(value, 0.0), 1.0) * (len(colours) - 1)
    left = min(int(place), len(colours) - 2)
    return mix(colours[left], colours[left + 1], place - left)


def contrast(one: str, other: str) -> float:
    """The contrast of two hex colours by WCAG 2: 1 to 21."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
