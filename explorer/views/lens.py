"""What a stack of blocks would guess if it ended after each of them: depth × token."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.views.figure import Figure, shown, view
from explorer.views.palette import Palette, Theme, contrast, palette
from explorer.words import N_, _

MANY, FEW = 24, 8  # tokens side by side: of single signs, of words
SHORT = 2  # signs of a token that still fits among many
LONGEST = 6  # signs that are written into a cell
ROW = 34  # pixels
Of = Literal["guess", "truth"]
COLOURS: dict[Of, str] = {"guess": N_("its guess"), "truth": N_("what really comes next")}

Array = NDArray[Any]


def span(trace: xr.Dataset, token: int) -> range:
    """Which tokens are drawn: as many as fit, the chosen one in their middle where it can be."""
    T = trace.sizes["token"]
    longest = int(np.quantile([len(str(label)) for label in trace["label"].values], 0.9))
    wide = min(T, MANY if longest <= SHORT else FEW)
    first = min(max(0, token - wide // 2), T - wide)
    return range(first, first + wide)


def depth_name(depth: int) -> str:
    """“embedding”, “block 1”, …"""
    return _("block {number}", number=depth) if depth else _("embedding")


@view("lens", "kl")
def lens(
    trace: xr.Dataset, token: int = 0, of: Of = "guess", theme: Theme = "light"
) -> Figure:
    """The likeliest next token at each depth (upwards) after each token, as a word in each cell.

    of: whose probability colours a cell, that of the guess in it or of the token that really comes
    next. token: is framed; of a longer text so many tokens around it are drawn as fit.
    """
    columns = span(trace, token)
    data = tidy(trace, columns)
    D, wide = trace.sizes["depth"], len(columns)
    name = "guess_probability" if of == "guess" else "probability"
    values = data[name].to_numpy().reshape(D, wide)
    colours = palette(theme)
    chart = go.Figure(go.Heatmap(
        z=values, x=list(range(wide)), y=list(range(D)), zmin=0, zmax=1, hoverongaps=False,
        colorscale=colours.scale(signed=False), xgap=1, ygap=1,
        customdata=np.array(_hover(trace, columns)).reshape(D, wide),
        hovertemplate="%{customdata}<extra></extra>",
        colorbar={"thickness": 8, "outlinewidth": 0, "len": 0.9, "tickvals": [0, 0.5, 1],
                  "ticktext": [_("0 · never"), "0.5", _("1 · sure")],
                  "tickfont": {"color": colours.muted, "size": 11}}))
    longest = LONGEST if wide <= FEW else SHORT
    chart.add_trace(_words(data, values, colours, longest))
    _axes(chart, trace, columns, colours, longest)
    place = token - columns.start
    chart.add_shape(type="rect", x0=place - 0.5, x1=place + 0.5, y0=-0.5, y1=D - 0.5,
                    line={"color": colours.primary, "width": 2})
    return Figure(chart, data, _caption(trace, columns, of), _alt(trace, token), "logit-lens")


def tidy(trace: xr.Dataset, columns: range) -> pd.DataFrame:
    """One row a cell: depth by depth, token by token."""
    D, part = trace.sizes["depth"], trace.isel(token=slice(columns.start, columns.stop))
    labels = [str(label) for label in part["label"].values]
    best = part.isel(place=0)
    return pd.DataFrame({
        "depth": np.repeat(np.arange(D), len(columns)),
        "token": np.tile(np.array(columns), D),
        "label": np.tile(labels, D),
        "next": np.tile(_follows(trace, columns), D),
        "guess": trace["vocabulary"].values[best["candidate"].values.ravel()],
        "guess_probability": best["candidate_probability"].values.ravel(),
    } | {name: part[name].values.ravel() for name in ("probability", "order", "entropy", "kl")})


def _follows(trace: xr.Dataset, columns: range) -> list[str]:
    """What comes after each token; nothing is known of what comes after the last."""
    labels = [*map(str, trace["label"].values), ""]
    return [labels[t + 1] for t in columns]


def _hover(trace: xr.Dataset, columns: range) -> list[str]:
    """What a cell says: the five likeliest, the true one, and how far it is from the end."""
    words, follows = trace["vocabulary"].values, _follows(trace, columns)
    said = []
    for depth in range(trace.sizes["depth"]):
        for t, follow in zip(columns, follows, strict=True):
            at = trace.isel(depth=depth, token=t)
            lines = [f"<b>{shown(str(at['label'].values))}</b> · {depth_name(depth)}"]
            lines += [f"{shown(str(words[i]))} {p:.3f}" for i, p in zip(
                at["candidate"].values, at["candidate_probability"].values, strict=True)]
            if np.isfinite(at["order"]):
                lines.append(_("comes next: {token}, p = {p}, place {order}", token=shown(follow),
                               p=f"{float(at['probability']):.3f}", order=int(at["order"])))
            lines.append(_("entropy {entropy}, from the last {kl} nats",
                           entropy=f"{float(at['entropy']):.2f}", kl=f"{float(at['kl']):.2f}"))
            said.append("<br>".join(lines))
    return said


def _words(
    data: pd.DataFrame, values: Array, colours: Palette, longest: int
) -> go.Scatter:
    """The guesses in their cells; bold those that are right."""
    inks = [max((colours.text, colours.background), key=lambda ink: contrast(
        ink, colours.shade(0.0 if np.isnan(value) else float(value), signed=False)))
        for value in values.ravel()]
    cut = [_cut(str(guess), longest) for guess in data["guess"]]
    right = data["order"] == 1
    return go.Scatter(
        x=data["token"] - data["token"].iloc[0], y=data["depth"], mode="text",
        text=[f"<b>{word}</b>" if good else word for word, good in zip(cut, right, strict=True)],
        textfont={"color": inks, "size": 12, "family": "monospace"}, showlegend=False,
        hoverinfo="skip")


def _cut(label: str, longest: int) -> str:
    """As many of a token's signs as a cell has room for."""
    return shown(label if len(label) <= longest else label[: longest - 1] + "…")


def _axes(
    chart: go.Figure, trace: xr.Dataset, columns: range, colours: Palette, longest: int
) -> None:
    """What was read below, what really comes next above."""
    D, wide = trace.sizes["depth"], len(columns)
    below = [_cut(str(label), longest) for label in trace["label"].values[list(columns)]]
    above = [_cut(label, longest) for label in _follows(trace, columns)]
    layout = colours.layout(height=ROW * D + 120)
    axis = layout["xaxis"] | {
        "tickvals": list(range(wide)), "tickfont": {"family": "monospace", "size": 12},
        "showgrid": False, "tickangle": 0, "range": [-0.5, wide - 0.5]}
    chart.update_layout(layout | {
        "xaxis": axis | {"ticktext": below, "title": axis["title"] | {"text": _("read")}},
        "xaxis2": axis | {"ticktext": above, "title": axis["title"] | {"text": _("comes next")},
                          "side": "top", "overlaying": "x", "matches": "x"}})
    chart.update_yaxes(tickvals=list(range(D)), ticktext=[depth_name(d) for d in range(D)],
                       showgrid=False, range=[-0.5, D - 0.5])
    chart.data[1].xaxis = "x2"


def _caption(trace: xr.Dataset, columns: range, of: Of) -> str:
    T, whole = trace.sizes["token"], trace.attrs["of"]
    said = _("What the {model} of step {step} would say after each token if it ended at the "
             "embedding, or after a block: its likeliest next token, bold where it is right, "
             "coloured by the probability of {what}, 0 to 1.", model=trace.attrs["model"],
             step=trace.attrs["step"], what=_(COLOURS[of]))
    if len(columns) < T:
        said += " " + _("Drawn: tokens {first} to {last} of {count}, counted from 0.",
                        first=columns.start, last=columns.stop - 1, count=T)
    if whole > T:
        said += " " + _("Read: the first {count} of {whole} tokens.", count=T, whole=f"{whole:,}")
    if trace.attrs["window"] < T:
        said += " " + _("It was trained on {window} tokens at once: beyond those it is out of its "
                        "depth.", window=trace.attrs["window"])
    return said


def _alt(trace: xr.Dataset, token: int) -> str:
    """What it would say after the chosen token, from below."""
    at = trace.isel(token=token, place=0)
    words = [str(trace["vocabulary"].values[i]) for i in at["candidate"].values]
    steps = [f"{depth_name(d)}: {shown(word)} {float(p):.2f}" for d, (word, p) in enumerate(
        zip(words, at["candidate_probability"].values, strict=True))]
    return _("After token {token}, “{label}”: {steps}.", token=token,
             label=shown(str(trace["label"].values[token])), steps="; ".join(steps))
