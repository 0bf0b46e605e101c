"""One head of a Transformer: its weights, what was found of it, and a score number by number."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.views.attention import TICKS, plane
from explorer.views.figure import Figure, shown, view, visible
from explorer.views.head_notices import called, score_of, title
from explorer.views.palette import Palette, Theme, palette
from explorer.words import _

PARTS = 1_000  # of a weight of 1: in so many it is sent to the browser
STOPS = 17  # of the colour scale
TALL = 620  # pixels
KEYS = 24  # of one query, that are compared number by number
CELLS = 42_000  # of a heatmap of four bytes each: keeps its message under 300 kB

Array = NDArray[Any]


def kept(trace: xr.Dataset, hide: bool) -> NDArray[np.int64]:
    """The places that are drawn: all, or those of letters and digits."""
    hidden = trace["separator"].values if hide else np.zeros(trace.sizes["query"], bool)
    return np.flatnonzero(~hidden)


@view("head", "attention")
def head(
    trace: xr.Dataset,
    layer: int = 0,
    head: int = 0,
    threshold: float = 0.0,
    hide: bool = False,
    query: int | None = None,
    theme: Theme = "light",
) -> Figure:
    """The weights of one head (query × key). threshold: smaller ones are left out. hide: leave out
    blanks and signs. query: is framed.

    The colour grows with the root of a weight, so that small ones are seen; a weight is sent in
    thousandths, two bytes each, which keeps the message of 256 × 256 of them under 200 kB.
    """
    places = kept(trace, hide)
    drawn = plane(trace, "attention", layer, head)[np.ix_(places, places)]
    drawn = np.where(drawn >= threshold, drawn, 0)
    labels = trace["query_label"].values[places]
    names = [f"{place} {shown(str(label), 12)}"
             for place, label in zip(places, labels, strict=True)]
    colours = palette(theme)
    cells = {
        "type": "heatmap", "z": np.rint(PARTS * drawn).astype(np.uint16), "x": names, "y": names,
        "zmin": 0, "zmax": PARTS, "colorscale": _rooted(colours), "colorbar": _bar(colours),
        # A thousandth is written with the point where others group thousands: 0.763 for 763.
        "hovertemplate": "%{y} → %{x}<br>α = %{z:05,d}<extra></extra>"}
    layout = colours.layout(height=min(TALL, max(220, 26 * len(places) + 90)))
    every = -(-len(places) // TICKS) or 1
    axis = layout["xaxis"] | {
        "tickvals": list(range(0, len(places), every)), "showgrid": False,
        "ticktext": [name.split(" ", 1)[1] for name in names[::every]],
        "tickfont": {"family": "monospace", "size": 11}}
    layout |= {
        "separators": "..", "shapes": _frame(places, query, colours),
        "xaxis": axis | {"side": "top", "tickangle": 0 if _short(names) else -60,
                         "title": axis["title"] | {"text": _("looked at (key)")}},
        "yaxis": axis | {"autorange": "reversed",
                         "title": axis["title"] | {"text": _("looks (query)")}}}
    chart = go.Figure([cells], layout)  # at once: to update it afterwards takes twice as long
    said = _caption(trace, drawn, places, threshold, layer, head)
    return Figure(chart, _tidy(trace, drawn, places), said, f"{said} {_strongest(trace, drawn)}",
                  "head")


def _frame(places: Array, query: int | None, colours: Palette) -> list[dict[str, Any]]:
    """A frame around the row of a query, if it is drawn."""
    at = np.flatnonzero(places == query)
    return [{"type": "rect", "x0": -0.5, "x1": len(places) - 0.5, "y0": row - 0.5,
             "y1": row + 0.5, "line": {"color": colours.primary, "width": 1}} for row in at]


def _short(names: list[str]) -> bool:
    return max((len(name.split(" ", 1)[1]) for name in names), default=0) <= 1


def _rooted(colours: Palette) -> list[list[Any]]:
    """The scale of values in 0…1, with the colour of √α at α."""
    shares = np.linspace(0, 1, STOPS)
    return [[float(share**2), colours.shade(float(share), False)] for share in shares]


def _bar(colours: Palette) -> dict[str, Any]:
    marks = [0, 0.05, 0.25, 0.5, 1]
    return {"thickness": 8, "outlinewidth": 0, "len": 0.9,
            "tickvals": [PARTS * mark for mark in marks],
            "ticktext": [f"{mark:g}" for mark in marks],
            "tickfont": {"color": colours.muted, "size": 11}}


def _tidy(trace: xr.Dataset, drawn: Array, places: Array) -> pd.DataFrame:
    """One row a weight that is drawn, as computed."""
    row, column = np.nonzero(drawn)
    labels = trace["query_label"].values[places]
    return pd.DataFrame({"query": places[row], "key": places[column], "query_label": labels[row],
                         "key_label": labels[column], "attention": drawn[row, column]})


def whose(trace: xr.Dataset, layer: int = 0, head: int = 0) -> str:
    """Which head, or which heads' mean, a trace holds."""
    if "chosen" in trace.attrs:
        pairs = np.reshape(trace.attrs["chosen"], (-1, 2)) + 1
        return _("The mean of the heads {heads}",
                 heads=", ".join(f"{layer}.{head}" for layer, head in pairs))
    return _("Head {head} of layer {layer}", layer=trace.attrs.get("layer", layer) + 1,
             head=trace.attrs.get("head", head) + 1)


def cropped(trace: xr.Dataset) -> str:
    """What was read of a text that is too long to be looked at in one picture."""
    T = trace.sizes["query"] if "query" in trace.sizes else trace.sizes["token"]
    if trace.attrs["of"] <= T:
        return ""
    return " " + _("Read: the first {tokens} of {of} tokens.", tokens=T,
                   of=f"{trace.attrs['of']:,}")


def _caption(trace: xr.Dataset, drawn: Array, places: Array, threshold: float, layer: int,
             head: int) -> str:
    T = trace.sizes["query"]
    said = _("{whose} after step {step}: each row is a token that looks, each column one that is "
             "looked at; a row sums to 1, and nobody sees what comes later. The colour grows with "
             "the root of the weight. Pointing at a cell gives it to three digits, the CSV as "
             "computed.", whose=whose(trace, layer, head), step=trace.attrs["step"])
    if not len(places):
        return said + " " + _("Every token of this text is hidden.") + cropped(trace)
    if len(places) < T:
        left = float(plane(trace, "attention", layer, head)[np.ix_(places, places)].sum())
        said += " " + _("{count} blanks and signs of {tokens} tokens are hidden; {share} of the "
                        "weight of the others goes to them.", count=T - len(places), tokens=T,
                        share=f"{1 - left / len(places):.0%}")
    if threshold > 0:
        said += " " + _("{count} weights of at least {threshold} are drawn, {share} of all the "
                        "weight in these rows.", count=f"{np.count_nonzero(drawn):,}",
                        threshold=f"{threshold:g}",
                        share=f"{drawn.sum() / len(places):.0%}")
    return said + cropped(trace)


def _strongest(trace: xr.Dataset, drawn: Array) -> str:
    """For those who do not see the picture: from how much to how much, and the heaviest."""
    if not drawn.any():
        return _("No weight is drawn.")
    return _("The largest weight is {weight}, on average a row's largest is {mean}.",
             weight=f"{drawn.max():.2f}", mean=f"{drawn.max(-1).mean():.2f}")


@view("head tests", "excess")
def verdicts(trace: xr.Dataset, layer: int = 0, head: int = 0, theme: Theme = "light") -> Figure:
    """What each test found of one head, beside what chance gives."""
    colours = palette(theme)
    at = trace.isel(layer=layer, head=head)
    names = [str(name) for name in trace["test"].values]
    data = pd.DataFrame({
        "test": names, "score": at["score"].values, "chance": trace["chance"].values,
        "excess": at["excess"].values, "sure": at["sure"].values,
        "queries": trace["queries"].values, "named": [name == at["name"] for name in names]})
    rows = list(range(len(names)))
    chart = go.Figure([
        go.Bar(x=data["score"].fillna(0), y=rows, orientation="h", showlegend=False,
               marker_color=[colours.primary if named else colours.muted
                             for named in data["named"]],
               customdata=data[["excess", "sure", "queries"]],
               hovertemplate="%{x:.4f}<br>" + _("beyond chance: {excess}, {sure} deviations, "
                                                "{queries} queries", excess="%{customdata[0]:.3f}",
                                                sure="%{customdata[1]:.1f}",
                                                queries="%{customdata[2]}") + "<extra></extra>"),
        go.Scatter(x=data["chance"], y=rows, mode="markers", name=_("chance"), marker={
            "symbol": "line-ns", "size": 20, "line": {"width": 2, "color": colours.text}},
            hovertemplate="%{x:.4f}<extra></extra>")])
    chart.update_layout(colours.layout(height=60 + 34 * len(rows)),
                        legend={"orientation": "h", "y": 1.12, "x": 0})
    chart.update_xaxes(range=[0, 1.08], tickvals=[0, 0.5, 1], title={"text": _("score")})
    chart.update_yaxes(tickvals=rows, showgrid=False, autorange="reversed", ticktext=[
        f"{title(name)} · {score_of(trace, layer, head, name)}" for name in names])
    name = str(at["name"].values)
    said = _("What six tests found of head {head} of layer {layer}; the marks are what chance "
             "gives. {called}.", head=head + 1, layer=layer + 1, called=called(name).capitalize())
    said += " " + _("A test is passed with {excess} of what is possible beyond chance, {sure} "
                    "standard deviations above it, and {queries} queries.",
                    excess=f"{trace.attrs['least_excess']:.0%}",
                    sure=f"{trace.attrs['least_sure']:g}", queries=trace.attrs["least_queries"])
    spoken = ", ".join(f"{title(each)} {score_of(trace, layer, head, each)}" for each in names)
    return Figure(chart, data, said, f"{said} {spoken}.", "head-tests")


@view("neurons", "q")
def neurons(trace: xr.Dataset, query: int = 0, key: int | None = None, theme: Theme = "light"
            ) -> Figure:
    """One query compared with the keys that it looks at most, number by number (key × number):
    q_i k_i / √d. For the trace of one head. key: is framed."""
    colours = palette(theme)
    d = trace.sizes["number"]
    weights = trace["attention"].values[query]
    keys = np.argsort(-weights[: query + 1], kind="stable")[: max(1, min(KEYS, CELLS // d))]
    terms = products(trace, query, keys)  # (key, number)
    reach = max(float(np.abs(terms).max()), 1e-6)
    names = [f"{place} {shown(str(trace['key_label'].values[place]), 12)}" for place in keys]
    chart = go.Figure(go.Heatmap(
        z=terms, x=list(range(d)), y=names, zmin=-reach, zmax=reach,
        colorscale=colours.scale(signed=True), ygap=1,
        hovertemplate="%{y}<br>q[%{x}] k[%{x}] / √d = %{z:.4f}<extra></extra>",
        colorbar={"thickness": 8, "outlinewidth": 0, "tickvals": [-reach, 0, reach],
                  "ticktext": [f"{-reach:.2g}", "0", f"{reach:.2g}"],
                  "tickfont": {"color": colours.muted, "size": 11}}))
    chart.update_layout(colours.layout(height=90 + 20 * len(keys)))
    chart.update_xaxes(showgrid=False, title={"text": _("number of the value")})
    chart.update_yaxes(showgrid=False, autorange="reversed", title={"text": _("key")},
                       tickvals=list(range(len(keys))), ticktext=[
                           f"{name} · {weights[place]:.2f}"
                           for name, place in zip(names, keys, strict=True)],
                       tickfont={"family": "monospace", "size": 11})
    if key is not None and key in keys:
        at = keys.tolist().index(key)
        chart.add_shape(type="rect", x0=-0.5, x1=d - 0.5, y0=at - 0.5, y1=at + 0.5,
                        line={"color": colours.primary, "width": 2})
    data = pd.DataFrame({
        "key": np.repeat(keys, d), "key_label": np.repeat(trace["key_label"].values[keys], d),
        "number": np.tile(np.arange(d), len(keys)), "product": terms.ravel()})
    said = _("Token {query}, “{label}”, compared with the {keys} of {seen} tokens that it looks at "
             "most, each row with its weight: number by number the product of query and key over "
             "√{d}.", query=query, label=visible(str(trace["query_label"].values[query])),
             keys=len(keys), seen=query + 1, d=d)
    said += " " + (_("A row's sum is its score.") if np.allclose(
        terms.sum(-1), trace["scores"].values[query, keys], atol=1e-3) else
        _("A row's sum, less what its distance costs, is its score."))
    return Figure(chart, data, said, said, "neurons")


def products(trace: xr.Dataset, query: int, keys: Any) -> Array:
    """q_i k_i / √d of a query and some keys: (key, number)."""
    q, k = trace["q"].values[query], trace["k"].values[keys]
    terms: Array = q * k / sqrt(len(q))
    return terms


@view("pair", "q")
def pair(trace: xr.Dataset, query: int = 0, key: int = 0, theme: Theme = "light") -> Figure:
    """One query and one key: the numbers of both, and their product over √d."""
    colours = palette(theme)
    data = pd.DataFrame({"number": np.arange(trace.sizes["number"]),
                         "q": trace["q"].values[query], "k": trace["k"].values[key],
                         "product": products(trace, query, [key])[0]})
    names = {"q": f"q<sub>{query}</sub>", "k": f"k<sub>{key}</sub>", "product": "q·k/√d"}
    chart = make_subplots(rows=3, shared_xaxes=True, vertical_spacing=0.07)
    for row, (name, letter) in enumerate(names.items(), 1):
        tints = [colours.diverging[0 if value < 0 else -1] for value in data[name]]
        chart.add_bar(x=data["number"], y=data[name], marker_color=tints, row=row, col=1,
                      showlegend=False, hovertemplate=letter + "[%{x}] = %{y:.4f}<extra></extra>")
    axis = colours.layout(0)["yaxis"]
    chart.update_layout(colours.layout(height=330) | {"bargap": 0.2})
    reach = max(float(data[["q", "k"]].abs().to_numpy().max()), 1e-6)
    for row, (name, letter) in enumerate(names.items(), 1):
        most = reach if name != "product" else max(float(data[name].abs().max()), 1e-6)
        chart.update_yaxes(axis, row=row, col=1, title_text=letter, range=[-most, most],
                           tickvals=[-most, 0, most],
                           ticktext=[f"{-most:.2g}", "0", f"{most:.2g}"])
        chart.update_xaxes(axis, row=row, col=1, showgrid=False)
    chart.update_xaxes(row=3, col=1, title_text=_("number of the value"))
    said = _("Token {query}, “{label}”, asks; token {key}, “{other}”, answers: their numbers, and "
             "below them the products, which sum to {sum}.", query=query,
             label=visible(str(trace["query_label"].values[query])), key=key,
             other=visible(str(trace["key_label"].values[key])), sum=f"{data['product'].sum():.3f}")
    return Figure(chart, data, said, said, "pair")
