"""What counting shows: frequencies by rank, and the perplexity of guessing by counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from explorer.views.figure import Figure, shown, view
from explorer.views.palette import ARCHITECTURES, DASHES, Theme, palette
from explorer.words import N_, _

MARKS = ("circle", "diamond", "cross")
NAMES = {  # of n pieces side by side
    "word": (N_("single words"), N_("two in a row"), N_("three in a row")),
    "character": (N_("single characters"), N_("two in a row"), N_("three in a row")),
}
SMOOTHINGS = {"laplace": "Laplace", "witten-bell": "Witten–Bell"}
ROOM = 1.2  # beyond the highest and the lowest value


@view("zipf", "rank")
def zipf(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """How often each n-gram comes, by its rank, both axes logarithmic, with the fitted lines."""
    colours = palette(theme)
    kind = str(trace.attrs["kind"])
    chart = go.Figure()
    for i, n in enumerate(trace["length"].values):
        one = trace.isel(point=trace["n"].values == n).sel(length=n)
        colour, name = colours.categorical[i], _(NAMES[kind][i])
        slope = float(one["slope"])
        known = not np.isnan(slope)
        chart.add_scatter(
            x=one["rank"].values, y=one["count"].values, mode="markers", legendgroup=name,
            name=_("{what}, slope {slope}", what=name, slope=signed(slope)) if known else name,
            marker={"symbol": MARKS[i], "size": 6, "opacity": 0.6, "color": colour},
            customdata=[shown(str(gram), 40) for gram in one["gram"].values],
            hovertemplate="<b>%{customdata}</b><br>" + _("rank {rank}: {count} times",
                                                         rank="%{x}", count="%{y}")
            + "<extra></extra>",
        )
        if known:
            ends = np.array([float(one["low"]), float(one["high"])])
            chart.add_scatter(
                x=ends, y=np.exp(float(one["intercept"])) * ends**slope, mode="lines",
                legendgroup=name, showlegend=False, hoverinfo="skip",
                line={"color": colour, "width": 2.5, "dash": DASHES[i % len(DASHES)]},
            )
    chart.update_layout(colours.layout(height=430), legend={"orientation": "h", "y": 1.02,
                                                            "yanchor": "bottom", "x": 0})
    for update, title, values in (
        (chart.update_xaxes, _("rank: 1 is the most frequent"), trace["rank"].values),
        (chart.update_yaxes, _("how often it comes"), trace["count"].values),
    ):
        wide = values.max() > 30 * values.min()
        update(type="log", dtick=1 if wide else "D1", exponentformat="none", separatethousands=True,
               title={"text": title})
    return Figure(chart, trace[["n", "rank", "count", "gram"]].to_dataframe(),
                  _zipf_caption(trace), _zipf_alt(trace), "zipf")


def signed(value: float) -> str:
    """A number of two decimals with a real minus."""
    return f"{value:.2f}".replace("-", "−")


def _zipf_caption(trace: xr.Dataset) -> str:
    said = {
        "word": _("{count} words, in lower case and without signs.",
                  count=f"{trace.attrs['pieces']:,}"),
        "character": _("{count} characters.", count=f"{trace.attrs['pieces']:,}"),
    }[str(trace.attrs["kind"])]
    fitted = trace.isel(length=~np.isnan(trace["slope"].values))
    ranges = sorted({(int(low), int(high)) for low, high in
                     zip(fitted["low"].values, fitted["high"].values, strict=True)})
    if ranges:
        said += " " + _("Lines: least squares of log count on log rank over the ranks {ranges}.",
                        ranges=" · ".join(f"{low}–{high:,}" for low, high in ranges))
    if trace.sizes["point"] < int(trace["distinct"].sum()):
        said += " " + _("Drawn are {drawn} of {all} ranks, evenly on the axis.",
                        drawn=trace.sizes["point"], all=f"{int(trace['distinct'].sum()):,}")
    return said


def _zipf_alt(trace: xr.Dataset) -> str:
    names = NAMES[str(trace.attrs["kind"])]
    parts = [_("{what}: {distinct} different ones, slope {slope}", what=_(names[i]),
               distinct=f"{int(trace['distinct'][i]):,}", slope=signed(float(trace["slope"][i])))
             for i in range(trace.sizes["length"])]
    return _("Count by rank on two logarithmic axes.") + " " + "; ".join(parts) + "."


@view("ngrams", "unseen")
def ngrams(
    trace: xr.Dataset,
    networks: Mapping[str, tuple[str, float]] | None = None,
    theme: Theme = "light",
) -> Figure:
    """Held-out perplexity by the order of the model, for each smoothing, beside a blind guess.

    networks: what a trained network is called -> its architecture's kind and its held-out
    perplexity on the same tokens, drawn as lines in their colours.
    """
    colours = palette(theme)
    orders = [int(order) for order in trace["order"].values]
    chart = go.Figure()
    values = {str(name): trace["perplexity"].sel(smoothing=name).values
              for name in trace["smoothing"].values}
    for i, (name, scores) in enumerate(values.items()):
        alpha = f", α = {trace.attrs['alpha']:g}" if name == "laplace" else ""
        chart.add_scatter(
            x=orders, y=scores, mode="lines+markers", name=SMOOTHINGS[name] + alpha,
            line={"color": (colours.muted, colours.text)[i], "width": 2.5,
                  "dash": ("dash", "solid")[i]},
            marker={"symbol": ("square", "circle")[i], "size": 10},
            hovertemplate=_("order {n}: {value}", n="%{x}", value="%{y:.3f}") + "<extra>"
            + SMOOTHINGS[name] + "</extra>",
        )
    ends = [min(orders) - 0.2, max(orders) + 0.2]
    guess, V = _("blind guess among {count}", count=trace.attrs["vocabulary"]), float(
        trace.attrs["vocabulary"])
    _line(chart, ends, guess, V, {"color": colours.muted, "width": 1.5, "dash": "longdash"})
    for name, (kind, score) in (networks or {}).items():
        _line(chart, ends, f"{shown(name, 40).replace('␣', ' ')}: {score:.2f}", score,
              {"color": colours.architecture(kind), "width": 1.5,
               "dash": DASHES[ARCHITECTURES.index(kind) % len(DASHES)]})
    chart.update_layout(colours.layout(height=400), legend={"orientation": "h", "y": 1.02,
                                                            "yanchor": "bottom", "x": 0})
    chart.update_xaxes(title={"text": _("order: tokens in a row that are counted")}, dtick=1,
                       range=ends, showgrid=False)
    everything = [V, *np.concatenate(list(values.values())),
                  *(score for _kind, score in (networks or {}).values())]
    chart.update_yaxes(
        type="log", title={"text": _("held-out perplexity")}, tickvals=_ticks(everything),
        ticktext=[f"{tick:g}" for tick in _ticks(everything)],
        range=[float(np.log10(min(everything) / ROOM)), float(np.log10(max(everything) * ROOM))])
    return Figure(chart, trace["perplexity"].to_dataframe().reset_index(),
                  _caption(trace), _alt(trace, values), "ngrams")


def _line(
    chart: go.Figure, ends: Sequence[float], name: str, score: float, line: dict[str, Any]
) -> None:
    """A line across the picture."""
    chart.add_scatter(x=ends, y=[score, score], mode="lines", name=name, line=line,
                      hovertemplate="%{y:.3f}<extra>" + name + "</extra>")


def _ticks(values: list[Any]) -> list[float]:
    """1, 2, 5, 10, … that lie among the values."""
    every = [digit * 10.0**power for power in range(6) for digit in (1, 2, 3, 5, 7)]
    return [tick for tick in every if min(values) / ROOM <= tick <= max(values) * ROOM]


def _caption(trace: xr.Dataset) -> str:
    return _("Perplexity on the held-out end: {guesses} guesses, none of which was counted. "
             "Counted: the {learnt} tokens before it. Blind guess: the size of the vocabulary.",
             guesses=f"{trace.attrs['guesses']:,}", learnt=f"{trace.attrs['learnt']:,}")


def _alt(trace: xr.Dataset, values: Mapping[str, Any]) -> str:
    said = "; ".join(
        SMOOTHINGS[name] + ": " + ", ".join(f"{score:.2f}" for score in scores)
        for name, scores in values.items())
    return _("Held-out perplexity by order, from 1 to {last}: {values}.",
             last=trace.sizes["order"], values=said)
