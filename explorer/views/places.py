"""What each way of telling places is worth: loss by place, far beyond the windows of training, and
with the order lost. For a trace over `positions`, the kinds of encodings.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.views.figure import Figure, view
from explorer.views.palette import Palette, Theme, mix, palette
from explorer.views.positions import KINDS, LEGEND
from explorer.words import N_, _

ORDERS = {"written": N_("as written"), "words": N_("words shuffled"),
          "tokens": N_("tokens shuffled")}
PATTERNS = {"written": "", "words": "/", "tokens": "x"}
CLEAR = 3.0  # standard errors, that a difference is worth a word
ENOUGH = 8  # stretches with tokens of their own, that where it breaks is worth a word
WORSE = 0.1  # of the loss inside the window, that it is broken

Array = NDArray[Any]


class Look(NamedTuple):
    colour: str
    dash: str
    marker: str


def look(kind: str, colours: Palette) -> Look:
    """How an encoding is drawn everywhere."""
    return {
        "sinusoidal": Look(colours.categorical[2], "solid", "circle"),
        "learned": Look(colours.categorical[0], "dash", "square"),
        "rotary": Look(colours.categorical[3], "solid", "diamond"),
        "alibi": Look(colours.categorical[1], "dashdot", "cross"),
        "none": Look(colours.muted, "dot", "x"),
    }[kind]


def called(kind: str) -> str:
    """An encoding's name."""
    return _(KINDS[kind])


@view("loss by place", "bits")
def by_place(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Bits a token by its place, to four windows and no further than each knows, with a band of
    one standard error. A curve that ends early says so in its name."""
    colours, window = palette(theme), int(trace.attrs["window"])
    chart, parts = go.Figure(), []
    for kind in trace["positions"].values:
        one, seen = trace.sel(positions=kind), look(str(kind), colours)
        known = np.isfinite(one["bits"].values)
        first, last = one["first"].values[known], one["last"].values[known]
        bits, error = one["bits"].values[known], one["error"].values[known]
        middle = (first + last) / 2 + 1
        if np.isfinite(error).all():
            chart.add_trace(go.Scatter(
                x=[*middle, *middle[::-1]], y=[*(bits + error), *(bits - error)[::-1]],
                fill="toself", fillcolor=mix(seen.colour, colours.background, 0.75),
                line={"width": 0}, opacity=0.5, hoverinfo="skip", showlegend=False,
                legendgroup=str(kind)))
        chart.add_trace(go.Scatter(
            x=middle, y=bits, mode="lines+markers", legendgroup=str(kind),
            name=_("{name}, up to place {last}", name=called(str(kind)), last=int(one["known"]))
            if int(one["known"]) else called(str(kind)),
            line={"color": seen.colour, "dash": seen.dash, "width": 2},
            marker={"symbol": seen.marker, "size": 6},
            hovertemplate=_("place {place}", place="%{x:.0f}") + ": %{y:.3f}"))
        parts.append(pd.DataFrame({"positions": str(kind), "first": first.astype(int) + 1,
                                   "last": last.astype(int) + 1, "bits": bits, "error": error}))
    chart.add_vline(window + 0.5, line={"color": colours.muted, "width": 1, "dash": "dash"},
                    annotation_text=_("trained up to here"), annotation_position="bottom right",
                    annotation_font={"size": 12, "color": colours.muted})
    chart.update_layout(colours.layout(height=380), legend=LEGEND)
    chart.update_xaxes(title={"text": _("place in the text that is read at once")},
                       showgrid=False)
    chart.update_yaxes(title={"text": _("bits a token")}, rangemode="tozero")
    caption = (_("Surprisal of the next token by place, the mean of {count} stretches of {source}, "
                 "each read whole; the band is one standard error.",
                 count=trace.attrs["stretches"], source=source(trace))
               if trace.attrs["independent"] > 1 else
               _("Surprisal of the next token by place in {source}, read once: chance alone makes "
                 "the curves jump.", source=source(trace)))
    return Figure(chart, pd.concat(parts, ignore_index=True), caption,
                  " ".join([caption, *breaks(trace)]).replace("**", ""), "loss-by-place")


def source(trace: xr.Dataset) -> str:
    """What was read."""
    if trace.attrs["held_out"]:
        return _("the {count} tokens held out", count=f"{trace.attrs['tokens']:,}")
    if trace.attrs["given"]:
        return _("a text of {count} tokens", count=f"{trace.attrs['tokens']:,}")
    return _("{count} tokens that they learnt from (nothing is held out)",
             count=f"{trace.attrs['tokens']:,}")


@view("shuffled orders", "shuffled")
def shuffled(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Bits for the token after a window: as written, with its words and with its tokens in another
    order; whiskers: the standard deviation over draws."""
    colours = palette(theme)
    kinds = [str(kind) for kind in trace["positions"].values]
    chart, parts = go.Figure(), []
    for order, name in ORDERS.items():
        values: Array = trace["shuffled"].sel(order=order).values  # (positions, draw)
        if not np.isfinite(values).any():
            continue
        mean, spread = values.mean(1), values.std(1)
        chart.add_trace(go.Bar(
            x=[called(kind) for kind in kinds], y=mean, name=_(name),
            marker={"color": [look(kind, colours).colour for kind in kinds],
                    "pattern": {"shape": PATTERNS[order], "fgcolor": colours.background},
                    "line": {"width": 1, "color": [look(kind, colours).colour for kind in kinds]}},
            error_y={"type": "data", "array": spread, "color": colours.text, "thickness": 1.2,
                     "width": 3, "visible": order != "written"},
            hovertemplate="%{x}: %{y:.3f}"))
        parts.append(pd.DataFrame({"positions": kinds, "order": order, "bits": mean,
                                   "deviation": spread}))
    chart.update_layout(colours.layout(height=320), legend=LEGEND, bargap=0.25)
    chart.update_xaxes(showgrid=False)
    chart.update_yaxes(title={"text": _("bits a token")})
    caption = _("Surprisal of the token after {window} others, over {count} places of {source}: "
                "these as written, their words in another order (but for the last), all of them "
                "in another order (but for the last). Bars: the mean of {draws} orders; whiskers: "
                "their standard deviation.", window=trace.attrs["window"],
                count=trace.attrs["contexts"], source=source(trace), draws=trace.sizes["draw"])
    return Figure(chart, pd.concat(parts, ignore_index=True), caption,
                  " ".join([caption, *lost(trace)]).replace("**", ""), "shuffled-orders")


def inside(one: xr.Dataset, window: int) -> tuple[float, float]:
    """Bits a token in the second half of the window, and their standard error."""
    there = (one["first"].values >= window // 2) & (one["last"].values < window)
    there &= np.isfinite(one["bits"].values)
    if not there.any():
        return float("nan"), float("nan")
    return float(one["bits"].values[there].mean()), float(one["error"].values[there].mean())


def broken_at(one: xr.Dataset, window: int) -> int | None:
    """The first place, from 1, from which on an encoding is worse by a tenth than inside the
    window, and clearly so; None if there is none."""
    level, error = inside(one, window)
    beyond = np.flatnonzero((one["first"].values >= window) & np.isfinite(one["bits"].values))
    if not len(beyond) or not np.isfinite(level):
        return None
    margin = np.maximum(WORSE * level, CLEAR * np.hypot(error, one["error"].values[beyond]))
    worse = one["bits"].values[beyond] > level + margin
    fine = np.flatnonzero(~worse)
    start = int(fine[-1]) + 1 if len(fine) else 0
    return int(one["first"].values[beyond[start]]) + 1 if start < len(beyond) else None


def breaks(trace: xr.Dataset) -> list[str]:
    """Where each breaks beyond the windows it was trained on; nothing of too short a text."""
    window, said = int(trace.attrs["window"]), []
    if trace.attrs["independent"] < ENOUGH:
        return [_unsure()]
    for kind in trace["positions"].values:
        one = trace.sel(positions=kind)
        level, _error = inside(one, window)
        end = one.isel(bin=np.isfinite(one["bits"].values)).isel(bin=-1)
        if int(end["last"]) < window or not np.isfinite(level):
            continue
        at = broken_at(one, window)
        values = {"name": called(str(kind)), "level": f"{level:.2f}",
                  "end": f"{float(end['bits']):.2f}", "last": int(end["last"]) + 1}
        line = (_("**{name}** holds: {level} bits inside the window, {end} at place {last}.",
                  **values) if at is None else
                _("**{name}** breaks at about place {place}: from {level} bits inside the window "
                  "to {end} at place {last}.", place=at, **values))
        if int(one["known"]):
            line += " " + _("It has learnt {known} places: a longer text is refused.",
                            known=int(one["known"]))
        said.append(line)
    return said


def _unsure() -> str:
    return _("This text is too short to say where each breaks: every place is seen with a few "
             "tokens only.")


def holding(trace: xr.Dataset) -> str:
    """Which do not break as far as they were read, and which guesses best there."""
    if trace.attrs["independent"] < ENOUGH:
        return _unsure()
    window = int(trace.attrs["window"])
    far = float(np.nanmax(trace["last"].values))
    ends = {}
    for kind in trace["positions"].values:
        one = trace.sel(positions=kind)
        end = one.isel(bin=np.isfinite(one["bits"].values)).isel(bin=-1)
        if float(end["last"]) == far and broken_at(one, window) is None:
            ends[str(kind)] = float(end["bits"])
    if not ends:
        return _("None of them: each breaks before place {place}.", place=int(far) + 1)
    best = min(ends, key=lambda kind: ends[kind])
    return _("Unbroken at place {place}: {names}. The best of these is {best}, with {bits} bits.",
             place=int(far) + 1, names=", ".join(called(kind) for kind in ends),
             best=called(best), bits=f"{ends[best]:.2f}")


def lost(trace: xr.Dataset) -> list[str]:
    """What each loses with the order."""
    said = []
    for kind in trace["positions"].values:
        before, words, after = (
            float(trace["shuffled"].sel(positions=kind, order=order).mean()) for order in ORDERS)
        if abs(after - before) < 1e-4:
            said.append(_("**{name}**: the order changes nothing at all ({bits} bits either way): "
                          "what it looks at is a bag of tokens.", name=called(str(kind)),
                          bits=f"{before:.3f}"))
            continue
        values = {"name": called(str(kind)), "before": f"{before:.2f}", "after": f"{after:.2f}"}
        said.append(
            _("**{name}**: with the tokens shuffled, {before} bits become {after}.", **values)
            if np.isnan(words) else
            _("**{name}**: with the words shuffled, {before} bits become {words}; with the tokens "
              "shuffled, {after}.", words=f"{words:.2f}", **values))
    return said
