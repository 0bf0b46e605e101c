"""Figure: a chart, the tidy data that it draws, and one sentence that says what is seen."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import xarray as xr
from altair.utils.schemapi import debug_mode

from explorer.errors import DataError
from explorer.views.margins import fit
from explorer.words import N_

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd


MANY = 1e6  # beyond this a number is written as a power
MOST = 1e304  # where `training.learner.perplexity` is cut off


@dataclass(frozen=True)
class Figure:
    """chart: Plotly or Altair. data: what it draws, tidy: one row a value. caption: what is seen,
    with every crop or thinning stated. alt: the chart in words, for those who do not see it.
    name: a short file name for downloads."""

    chart: go.Figure | alt.TopLevelMixin
    data: pd.DataFrame
    caption: str
    alt: str
    name: str

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The Vega-Lite of an Altair chart, made once: Altair checks every field against its whole
        schema, which takes longer than all else on a page, so that is left to the tests."""
        with debug_mode(False):
            made: dict[str, Any] = self.chart.to_dict(validate=False)
        return made

    def html(self) -> str:
        """The chart as one self-contained page that needs no network."""
        if isinstance(self.chart, go.Figure):
            page: str = self.chart.to_html(include_plotlyjs=True, config={"displaylogo": False})
            return page
        return str(self.chart.to_html(inline=True))

    def save(self, path: str) -> None:
        """Write the chart as .html, or its data as .csv."""
        where = Path(path)
        if where.suffix == ".csv":
            self.data.to_csv(where, index=False)
        elif where.suffix == ".html":
            where.write_text(self.html(), encoding="utf-8")
        else:
            raise DataError(
                N_("A figure is saved as .html or .csv, not as “{name}”."), name=where.name
            )


@dataclass(frozen=True)
class View:
    """A picture that can be made of any trace that has the variables it needs (any one of them)."""

    name: str
    needs: frozenset[str]
    draw: Callable[..., Figure]

    def suits(self, trace: xr.Dataset) -> bool:
        return bool(self.needs & set(trace.variables))


VIEWS: dict[str, View] = {}


def view(name: str, *needs: str) -> Callable[[Callable[..., Figure]], Callable[..., Figure]]:
    """Offer a function (trace, **options) -> Figure for every trace with one of these variables."""

    def offer(draw: Callable[..., Figure]) -> Callable[..., Figure]:
        VIEWS[name] = View(name, frozenset(needs), draw)
        return draw

    return offer


def figure(name: str, trace: xr.Dataset, **options: Any) -> Figure:
    """The picture called `name` of a trace. Raises DataError if there is none, or none of this."""
    if name not in VIEWS:
        raise DataError(
            N_("There is no view called “{name}”; there are: {known}."),
            name=name,
            known=", ".join(sorted(VIEWS)),
        )
    if not VIEWS[name].suits(trace):
        raise DataError(
            N_("The view “{name}” needs one of: {needs}; this trace has: {has}."),
            name=name,
            needs=", ".join(sorted(VIEWS[name].needs)),
            has=", ".join(str(v) for v in trace.data_vars),
        )
    drawn = VIEWS[name].draw(trace, **options)
    if isinstance(drawn.chart, go.Figure):
        fit(drawn.chart)
    return drawn


_VISIBLE = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})


def amount(value: float) -> str:
    """A number with two decimals; one of more digits than anybody reads, as a power: 8.1e266. A
    perplexity that was cut off so that it could be written down is said to be larger."""
    if isfinite(value) and value >= MOST:
        return "> 1e304"
    if abs(value) < MANY or not isfinite(value):
        return f"{value:.2f}"
    digits, _sign, power = f"{value:.1e}".partition("e")
    return f"{digits}e{int(power)}"


def shown(label: str, longest: int = 16) -> str:
    """A token as a chart may write it: blanks visible, cut in the middle, never markup."""
    return html.escape(visible(label, longest), quote=False)


def visible(label: str, longest: int | None = 16) -> str:
    """A token with its blanks visible, cut in the middle (None: whole): for what shows text as it
    is."""
    label = label.translate(_VISIBLE)
    if longest is not None and len(label) > longest:
        label = label[: longest // 2] + "…" + label[-longest // 2 + 1 :]
    return label
