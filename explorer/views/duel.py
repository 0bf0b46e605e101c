"""Which of several networks guesses each token of a text best, and by how many bits."""

from __future__ import annotations

import html
from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.views.figure import Figure, shown, view
from explorer.views.history import shades
from explorer.views.palette import Theme, mix, palette
from explorer.words import _

WIDEST = 400  # tokens side by side; of longer texts a part is drawn
NAMED = 100  # beyond so many the axis is not labelled; the strip of text is
FULL = 2.0  # bits of a lead that is drawn in full colour
ALL = -1  # in place of a rival: all others


class Lead(NamedTuple):
    """winner (token,): which variation guesses it best, −1 for the first token, which nobody
    guesses. bits (token,): by how many, over the rival."""

    winner: NDArray[np.int64]
    bits: NDArray[np.float64]


def lead(trace: xr.Dataset, one: int = 0, other: int = ALL) -> Lead:
    """The winner of each token between two variations; other = ALL: among all, over the second."""
    bits = trace["bits"].values  # (variation, token)
    known = np.isfinite(bits).all(0)
    chosen = np.arange(len(bits)) if other == ALL else np.array([one, other])
    ranked = np.sort(np.where(known, bits, 0)[chosen], axis=0)  # (chosen, token)
    winner = chosen[np.where(known, bits, 0)[chosen].argmin(0)]
    return Lead(np.where(known, winner, -1), np.where(known, ranked[1] - ranked[0], 0.0))


def tints(trace: xr.Dataset, found: Lead, theme: Theme) -> list[str | None]:
    """A background for each token: its winner's colour, the fuller the more bits it leads by."""
    colours = palette(theme)
    ours = shades(colours, list(trace["kind"].values))
    return [None if w < 0 else mix(colours.background, ours[w], 0.9 * min(1.0, b / FULL))
            for w, b in zip(found.winner, found.bits, strict=True)]


def lines(trace: xr.Dataset) -> list[list[str]]:
    """What is said of each token on hover: what it costs each variation."""
    names, bits = trace["variation"].values, trace["bits"].values
    return [[_("the first token: nobody guesses it")] if not np.isfinite(column).all() else
            [_("{name}: {bits} bits (probability {share})", name=name, bits=f"{value:.2f}",
               share=f"{2.0**-value:.1%}") for name, value in zip(names, column, strict=True)]
            for column in bits.T]


@view("duel", "bits")
def duel(
    trace: xr.Dataset, one: int = 0, other: int = ALL, start: int = 0, theme: Theme = "light"
) -> Figure:
    """By how many bits each token is guessed better, in its winner's colour: upwards for `one`,
    downwards for `other`; other = ALL: the best of all over the second best."""
    found = lead(trace, one, other)
    colours = palette(theme)
    ours = shades(colours, list(trace["kind"].values))
    part = slice(start, start + WIDEST)
    labels = [str(label) for label in trace["label"].values[part]]
    x = [f"{start + i} {shown(label)}" for i, label in enumerate(labels)]
    said = ["<br>".join(map(_name, each)) for each in lines(trace)[part]]
    winner = found.winner[part]
    height = np.where((other != ALL) & (winner == other), -1, 1) * found.bits[part]
    names = [str(name) for name in trace["variation"].values]
    chart = go.Figure([
        go.Bar(x=[x[i] for i in at], y=height[at], name=_name(names[v]), customdata=[
            said[i] for i in at], marker={"color": ours[v], "line": {"width": 0}},
            hovertemplate="%{x}<br>%{customdata}<extra></extra>")
        for v in sorted({*range(len(names))} if other == ALL else {one, other})
        for at in [np.flatnonzero(winner == v)]])
    chart.update_layout(colours.layout(height=260), barmode="relative", bargap=0.1,
                        legend={"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom"},
                        showlegend=True)
    named = len(labels) <= NAMED
    chart.update_xaxes(
        showgrid=False, categoryorder="array", categoryarray=x,
        tickvals=list(range(len(labels))) if named else [],
        ticktext=[shown(label, 8) for label in labels] if named else [],
        tickfont={"family": "monospace", "size": 11},
        tickangle=0 if max(map(len, labels), default=0) <= 1 else -60)
    chart.update_yaxes(title={"text": _("bits ahead")}, zeroline=True,
                       zerolinecolor=colours.muted)
    data = pd.DataFrame({"token": np.arange(start, start + len(labels)), "label": labels,
                         "winner": [names[w] if w >= 0 else "" for w in winner],
                         "ahead": height}
                        | {f"bits {name}": trace["bits"].values[v, part]
                           for v, name in enumerate(names)})
    caption = _duel_caption(trace, one, other, start, len(labels))
    return Figure(chart, data, caption, caption, "duel")


def sums(trace: xr.Dataset) -> list[float]:
    """What the whole text costs each variation, in bits."""
    return [float(np.nansum(bits)) for bits in trace["bits"].values]


def specialities(trace: xr.Dataset, most: int = 5) -> dict[str, list[tuple[str, int, float]]]:
    """Of each variation, the tokens at which it gains most bits in all on the second best:
    (label, how often it won it, bits)."""
    found, gains = lead(trace), defaultdict[tuple[int, str], list[float]](list)
    for label, winner, bits in zip(trace["label"].values, found.winner, found.bits, strict=True):
        if winner >= 0:
            gains[int(winner), str(label)].append(float(bits))
    return {str(name): sorted(((label, len(each), sum(each)) for (w, label), each in gains.items()
                               if w == v), key=lambda row: -row[2])[:most]
            for v, name in enumerate(trace["variation"].values)}


@view("written", "written")
def written(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """A few tokens that each network writes, one row each, coloured by the probability that it
    gave each."""
    colours = palette(theme)
    names = [str(name) for name in trace["row"].values]
    labels = trace["written"].values  # (row, place)
    probability = trace["probability"].values
    text = [[f"{shown(str(label).strip() or str(label), 14)}<br>{p:.0%}" for label, p in
             zip(*row, strict=True)] for row in zip(labels, probability, strict=True)]
    x = [str(place + 1) for place in range(labels.shape[1])]
    chart = go.Figure(go.Heatmap(
        z=probability, x=x, y=[_name(name) for name in names], text=text,
        texttemplate="%{text}", zmin=0, zmax=1, colorscale=colours.scale(signed=False),
        xgap=3, ygap=3, showscale=False, hovertemplate="%{y}<br>%{text}<extra></extra>"))
    chart.update_layout(colours.layout(height=40 + 46 * len(names)))
    chart.update_xaxes(showgrid=False, side="top")
    chart.update_yaxes(showgrid=False, autorange="reversed")
    data = pd.DataFrame({
        "row": np.repeat(names, labels.shape[1]), "place": np.tile(x, len(names)),
        "token": labels.ravel(), "probability": probability.ravel()})
    heat = float(trace.attrs["temperature"])
    caption = _("What each writes after “{prefix}”, always taking the likeliest token, with the "
                "probability that it gives it.", prefix=trace.attrs["prefix"]) if not heat else _(
        "What each writes after “{prefix}”, drawn at temperature {heat}, with the probability that "
        "it gives each token at temperature 1.", prefix=trace.attrs["prefix"], heat=f"{heat:g}")
    return Figure(chart, data, caption, caption, "written")


def _name(name: str) -> str:
    """A name as a chart may write it."""
    return html.escape(name, quote=False)


def _duel_caption(trace: xr.Dataset, one: int, other: int, start: int, drawn: int) -> str:
    names, T = trace["variation"].values, trace.sizes["token"]
    said = [_("Up: {one} guesses the token better; down: {other} does.", one=names[one],
              other=names[other]) if other != ALL else
            _("Each bar: by how many bits the best guess of a token is better than the second "
              "best; its colour is the winner's.")]
    if any(count > 1 for count in np.atleast_1d(trace.attrs["seeds"])):
        said.append(_("Bits are means over the seeds of each."))
    said.append(_("All {count} tokens.", count=T) if drawn == T else
                _("Tokens {first} to {last} of {count}.", first=start, last=start + drawn - 1,
                  count=T))
    return " ".join(said)


def findings(trace: xr.Dataset) -> list[str]:
    """What the duel says of this text: who pays least, who wins most tokens, at which one the
    lead is largest."""
    names = [str(name) for name in trace["variation"].values]
    guessed = int(np.isfinite(trace["bits"].values).all(0).sum())
    if not guessed:
        return []
    total, found = sums(trace), lead(trace)
    order = np.argsort(total)
    best, second = int(order[0]), int(order[1])
    wins = [int((found.winner == v).sum()) for v in range(len(names))]
    top = int(found.bits.argmax())
    labels: Any = trace["label"].values
    return [
        _("On this text **{best}** pays {bits} bits a token, {less} less than **{second}**: it "
          "wins {wins} of {count} tokens.", best=names[best], second=names[second],
          bits=f"{total[best] / guessed:.2f}", wins=wins[best], count=guessed,
          less=f"{(total[second] - total[best]) / guessed:.2f}"),
        _("The largest lead is {bits} bits, of **{name}**, at token {token}, “{label}”.",
          bits=f"{found.bits[top]:.2f}", name=names[int(found.winner[top])], token=top,
          label=shown(str(labels[top])))]
