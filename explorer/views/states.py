"""States as a cloud and a sentence as a path through it; what the places found have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.observations import OBSERVATIONS
from explorer.text.annotations import classes, spans, words
from explorer.views.figure import Figure, shown, view
from explorer.views.palette import Palette, Theme, mix, palette
from explorer.words import N_, _

DRAWN = 1_500  # points of the cloud: keeps the chart's message under 300 kB
NAMED = 90  # tokens of a path that are written beside it
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "circle-open")
COLOURS: dict[str, str] = {  # what a picture can be coloured by; the stretch of text it means
    "class": "", "quotes": N_("the inside of quotation marks"),
    "brackets": N_("the inside of brackets"), "word": "", "position": "", "none": "",
}
OTHER = N_("anything else")

Array = NDArray[Any]


class Kinds(NamedTuple):
    """of: each token's kind, an index into names (token,)."""

    names: list[str]
    of: Array


@view("trajectory", "cloud")
def trajectory(
    trace: xr.Dataset, colour: str = "class", start: int = 0, stop: int = 0, theme: Theme = "light"
) -> Figure:
    """The states of a run's own text as a cloud, and one or two texts as paths through it, in two
    or three dimensions. colour: class, quotes, brackets, word, position, none. start, stop: tokens
    of the first text that are ringed."""
    colours, deep = palette(theme), trace.sizes["axis"] == 3
    drawn = np.unique(np.linspace(0, trace.sizes["point"] - 1, DRAWN).astype(int))
    chart = go.Figure([
        *_cloud(trace, drawn, colour, colours, deep),
        *_path(trace, "path", "label", colour, colours, deep, "solid"),
        *(_path(trace, "second", "label2", colour, colours, deep, "dash")
          if "second" in trace else []),
        *(_ring(trace, start, stop, colours, deep) if stop > start else []),
    ])
    _frame(chart, _axes(trace), colours, deep)
    return Figure(chart, _table(trace, drawn), _caption(trace, drawn), _alt(trace),
                  f"trajectory-{trace.attrs['method']}")


@view("found", "share")
def found(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """What the places found have in common: of which kinds their tokens are, against all tokens."""
    colours = palette(theme)
    kinds = [_(str(kind)) for kind in trace["kind"].values]
    bars = [("base", _("all tokens"), colours.muted, "/"),
            ("share", _("tokens found"), colours.primary, "")]
    chart = go.Figure([
        go.Bar(x=trace[name].values, y=kinds, orientation="h", name=said,
               marker={"color": ink, "pattern": {"shape": pattern, "size": 5}},
               hovertemplate="%{y}<br>" + said + ": %{x:.1%}<extra></extra>")
        for name, said, ink, pattern in bars
    ])
    chart.update_layout(colours.layout(height=70 + 42 * len(kinds)), bargap=0.3,
                        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0,
                                "traceorder": "reversed"})
    chart.update_xaxes(tickformat=".0%", rangemode="tozero")
    chart.update_yaxes(autorange="reversed", showgrid=False)
    caption = _("Of which kind the tokens at the {places} places found are, against all {read} "
                "tokens that were searched.",
                places=f"{trace.attrs['found']:,}", read=f"{trace.attrs['read']:,}")
    data = pd.DataFrame({"kind": trace["kind"].values, "share": trace["share"].values,
                         "base": trace["base"].values})
    return Figure(chart, data, caption, caption, "found")


def kinds(labels: Sequence[str], colour: str) -> Kinds | None:
    """What kind of token each is, by `colour`; None where there are no kinds."""
    if colour == "class":
        return _indexed(classes(labels), len(labels))
    if COLOURS[colour]:
        mask = spans(labels).get(COLOURS[colour], np.zeros(len(labels), bool))
        return _indexed({COLOURS[colour]: mask}, len(labels))
    return None


def firing(trace: xr.Dataset, match: xr.Dataset) -> Array:
    """Of the units that were chosen, the share that is on at each token of the text (token,)."""
    units, signs = match["unit"].values, match["sign"].values
    if not len(units):
        return np.zeros(trace.sizes["token"])
    about = match.attrs
    values = trace[about["observation"]].values[about["layer"], 0][:, units]  # (token, chosen)
    share: Array = (values * signs > about["threshold"]).mean(1)
    return share


def separation(trace: xr.Dataset) -> dict[str, float]:
    """How much of where a state lies in this picture goes with what kind of token was read last:
    the share of the cloud's variance that lies between the kinds (η²), for each way to colour."""
    points = trace["cloud"].values.astype(float)  # (point, axis)
    total = float(((points - points.mean(0)) ** 2).sum())
    said = {}
    for colour in ("class", "quotes", "brackets"):
        sorted_ = _cloud_kinds(trace, colour)
        if sorted_ is None or total == 0 or len(np.unique(sorted_.of)) < 2:
            continue
        within = sum(float(((part - part.mean(0)) ** 2).sum())
                     for kind in np.unique(sorted_.of) for part in [points[sorted_.of == kind]])
        said[colour] = 1 - within / total
    return said


def _cloud_kinds(trace: xr.Dataset, colour: str) -> Kinds | None:
    """As `kinds`, for the cloud's points, whose neighbours in the text are not there."""
    if colour == "class":
        return kinds([str(label) for label in trace["point_label"].values], colour)
    name = COLOURS[colour]
    if not name or "marked" not in trace or name not in trace["mark"].values:
        return None
    return _indexed({name: trace["marked"].sel(mark=name).values}, trace.sizes["point"])


def _indexed(masks: Mapping[str, Array], count: int) -> Kinds:
    names, of = [*masks, OTHER], np.full(count, len(masks))
    for i, mask in enumerate(masks.values()):
        of[mask] = i
    return Kinds(names, of)


def _hue(name: str, colours: Palette) -> tuple[str, str]:
    """A kind's colour and marker: the same in the cloud and on the paths."""
    order = [N_("spaces"), N_("capital letters"), N_("vowels"), N_("other letters"), N_("digits"),
             N_("punctuation")]
    if name == OTHER:
        return colours.muted, "circle"
    place = order.index(name) if name in order else 2
    return colours.categorical[(place + 2) % len(colours.categorical)], SYMBOLS[place]


def _points(values: Array, deep: bool, **options: Any) -> Any:
    """Plotly's scatter in two or three dimensions of values (n, axis)."""
    if deep:
        x, y, z = values.T
        return go.Scatter3d(x=x, y=y, z=z, **options)
    return go.Scatter(x=values[:, 0], y=values[:, 1], **options)


def _cloud(
    trace: xr.Dataset, drawn: Array, colour: str, colours: Palette, deep: bool
) -> list[Any]:
    """One trace for each kind of token."""
    sorted_ = _cloud_kinds(trace, colour) or Kinds([OTHER], np.zeros(trace.sizes["point"], int))
    values, traces = trace["cloud"].values, []
    context = [f"…{shown(str(before), 14)}<b>{shown(str(label))}</b>{shown(str(after), 14)}…"
               for before, label, after in zip(trace["before"].values, trace["point_label"].values,
                                               trace["after"].values, strict=True)]
    for kind in np.unique(sorted_.of):
        chosen = drawn[sorted_.of[drawn] == kind]
        if not len(chosen):
            continue
        ink, symbol = _hue(sorted_.names[kind], colours)
        traces.append(_points(
            values[chosen], deep, mode="markers", name=_(sorted_.names[kind]),
            showlegend=len(sorted_.names) > 1, text=[context[i] for i in chosen],
            hovertemplate="%{text}<extra></extra>",
            marker={"size": 2.5 if deep else 4.5, "opacity": 0.35, "color": ink, "symbol": symbol,
                    "line": {"width": 0}}))
    return traces


def _path(
    trace: xr.Dataset, name: str, along: str, colour: str, colours: Palette, deep: bool, dash: str
) -> list[Any]:
    """A line through a text's states in their order, and its tokens on it."""
    values, labels = trace[name].values, [str(label) for label in trace[along].values]
    first = name == "path"
    said = _("the text") if first else _("the second text")
    inks, symbols = _inks(labels, colour, colours)
    written = len(labels) <= NAMED
    line = _points(values, deep, mode="lines", name=said, hoverinfo="skip",
                   line={"color": mix(colours.text, colours.background, 0.55 if first else 0.4),
                         "width": 3 if deep else 1, "dash": dash})
    tokens = _points(
        values, deep, mode="markers+text" if written else "markers", name=said, showlegend=False,
        text=[shown(label, 8) for label in labels] if written else None,
        customdata=[[i, shown(label)] for i, label in enumerate(labels)],
        textposition="top center",
        textfont={"family": "monospace", "size": 13, "color": colours.text},
        hovertemplate=said + " %{customdata[0]} %{customdata[1]}<br>"
        + "%{x:.4f} · %{y:.4f}" + (" · %{z:.4f}" if deep else "") + "<extra></extra>",
        marker={"size": 4 if deep else 8, "color": inks, "symbol": symbols,
                "line": {"width": 1, "color": colours.background}})
    return [line, tokens]


def _inks(labels: list[str], colour: str, colours: Palette) -> tuple[list[str], list[str]]:
    """The colour and the marker of each token of a path."""
    T = len(labels)
    sorted_ = kinds(labels, colour)
    if sorted_ is not None:
        pairs = [_hue(sorted_.names[kind], colours) for kind in sorted_.of]
        return [ink for ink, _symbol in pairs], [symbol for _ink, symbol in pairs]
    inks, symbols = [colours.muted] * T, ["circle"] * T
    if colour == "position":
        inks = [mix(colours.sequential[2], colours.sequential[-1], i / max(T - 1, 1))
                for i in range(T)]
    if colour == "word":
        for number, (start, stop) in enumerate(words(labels)):
            place = number % len(SYMBOLS)
            inks[start:stop] = [colours.categorical[(place + 2) % 6]] * (stop - start)
            symbols[start:stop] = [SYMBOLS[place]] * (stop - start)
    return inks, symbols


def _ring(trace: xr.Dataset, start: int, stop: int, colours: Palette, deep: bool) -> list[Any]:
    """Rings round the tokens of a span."""
    return [_points(trace["path"].values[start:stop], deep, mode="markers", hoverinfo="skip",
                    name=_("the chosen span"),
                    marker={"symbol": "circle-open", "size": 8 if deep else 16,
                            "color": colours.text, "line": {"width": 1.5}})]


def _axes(trace: xr.Dataset) -> list[str]:
    """What stands along the axes."""
    method = trace.attrs["method"]
    if method == "units":
        return [_("unit {number}", number=unit) for unit in trace.attrs["chosen"]]
    if method == "umap":
        return [""] * trace.sizes["axis"]
    shares = [*trace["explained"].values, 0.0, 0.0, 0.0]
    if trace.sizes["axis"] == 3:  # there is little room along them
        return [f"{i + 1} · {shares[i]:.0%}" for i in range(3)]
    return [_("component {number} · {share} of the variance", number=i + 1,
              share=f"{shares[i]:.0%}") for i in range(2)]


def _frame(chart: go.Figure, titles: list[str], colours: Palette, deep: bool) -> None:
    chart.update_layout(colours.layout(height=560), hovermode="closest",
                        legend={"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom",
                                "itemsizing": "constant"})
    if deep:
        axis = {"backgroundcolor": colours.background, "gridcolor": colours.border,
                "color": colours.muted, "zeroline": False}
        chart.update_layout(scene={
            name: axis | {"title": {"text": title}}
            for name, title in zip(("xaxis", "yaxis", "zaxis"), titles, strict=True)})
        return
    chart.update_xaxes(title={"text": titles[0]}, showticklabels=bool(titles[0]))
    chart.update_yaxes(title={"text": titles[1]}, showticklabels=bool(titles[1]))


def _table(trace: xr.Dataset, drawn: Array) -> pd.DataFrame:
    """All that is drawn, one row a point."""
    parts = [("corpus", trace["at"].values[drawn], trace["point_label"].values[drawn],
              trace["cloud"].values[drawn])]
    for name, along in (("path", "label"), ("second", "label2")):
        if name in trace:
            values = trace[name].values
            parts.append((name, np.arange(len(values)), trace[along].values, values))
    return pd.concat([
        pd.DataFrame({"what": what, "token": at, "label": labels}
                     | {f"axis{i + 1}": values[:, i] for i in range(values.shape[1])})
        for what, at, labels, values in parts
    ], ignore_index=True)


def _caption(trace: xr.Dataset, drawn: Array) -> str:
    about = trace.attrs
    said = [_("{what} of layer {layer} of the {model} at step {step}.",
              what=_(OBSERVATIONS[about["observation"]].title).capitalize(),
              layer=about["layer"] + 1, model=about["model"], step=about["step"])]
    numbers = {"sampled": f"{about['sampled']:,}", "read": f"{about['read']:,}",
               "of": f"{about['of']:,}", "drawn": f"{len(drawn):,}"}
    if about["method"] == "pca":
        share = float(trace["explained"].values[: trace.sizes["axis"]].sum())
        said.append(_("Principal components of {sampled} states, drawn at random from the first "
                      "{read} of the text's {of} tokens; these axes hold {share} of the variance.",
                      share=f"{share:.0%}", **numbers))
    elif about["method"] == "umap":
        said.append(_("UMAP of {sampled} states, a random sample from the first {read} of the "
                      "text's {of} tokens. It keeps who is near whom; axes, distances and the "
                      "sizes of clusters mean nothing.", **numbers))
    else:
        said.append(_("The values of these units themselves, at {sampled} tokens drawn at random "
                      "from the first {read} of the text's {of}.", **numbers))
    if len(drawn) < about["sampled"]:
        said.append(_("{drawn} of them are drawn.", **numbers))
    return " ".join(said)


def _alt(trace: xr.Dataset) -> str:
    return _("A cloud of {points} states of the run's own text in {dimensions} dimensions, and the "
             "text as a path of {tokens} tokens through it.", points=trace.sizes["point"],
             dimensions=trace.sizes["axis"], tokens=trace.sizes["token"])
