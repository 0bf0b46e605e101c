"""Attention, step by step: the matrices of one head, and what several heads cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.views.figure import Figure, view, visible
from explorer.views.matrix import Axis, matrix, tidy
from explorer.views.palette import Theme, palette
from explorer.words import N_, _

# How each matrix of a head is called, and with which others it shares its colours.
LETTERS = {
    "reads": "X", "weight_q": "W<sub>Q</sub>", "weight_k": "W<sub>K</sub>",
    "weight_v": "W<sub>V</sub>", "straight_q": "X W<sub>Q</sub> + b", "straight_k":
    "X W<sub>K</sub> + b", "q": "Q", "k": "K", "v": "V", "products": "Q Kᵀ", "scaled": "S",
    "bias": "B", "scores": "S", "masked": "M", "attention": "A", "mixed": "Z"}
ALIKE = {"straight_q": "q", "straight_k": "k", "mixed": "v", "scaled": "products",
         "scores": "products", "masked": "products", "bias": "products"}
MEANINGS = {
    "reads": N_("what the head reads"), "weight_q": N_("weights of the queries"),
    "weight_k": N_("weights of the keys"), "weight_v": N_("weights of the values"),
    "straight_q": N_("queries before they are turned"),
    "straight_k": N_("keys before they are turned"), "q": N_("queries"), "k": N_("keys"),
    "v": N_("values"), "products": N_("products of queries and keys"),
    "scaled": N_("products, scaled"), "bias": N_("what the distance takes away"),
    "scores": N_("scores, lowered by distance"), "masked": N_("scores, those of the future hidden"),
    "attention": N_("weights of attention"), "mixed": N_("weighted sums of the values")}


class Shown(NamedTuple):
    """A matrix in a step: the sign before it, its variable, whether it is turned on its side."""

    sign: str
    name: str
    flipped: bool = False


class Stage(NamedTuple):
    """A step: its title, its matrices from what is given to what is made, and its formula."""

    title: str
    shown: tuple[Shown, ...]
    letters: str

    @property
    def made(self) -> str:
        """The variable that it makes."""
        return self.shown[-1].name


def stages(trace: xr.Dataset) -> dict[str, Stage]:
    """The steps of a trace in their order, by the variable that each of them makes."""
    turned = trace.attrs["positions"] == "rotary"
    d = trace.sizes["number"]
    found = [_projection("q", turned), _projection("k", turned), _projection("v", False),
             Stage(N_("products"), (Shown("", "q"), Shown("×", "k", True), Shown("=", "products")),
                   r"Q K^\top"),
             Stage(N_("scale"), (Shown("", "products"), Shown(f"/ √{d} =", "scaled")),
                   r"S = \frac{Q K^\top}{\sqrt{d_k}}")]
    last = "scaled"
    if "bias" in trace:
        found.append(Stage(N_("distance"), (Shown("", "scaled"), Shown("+", "bias"),
                                            Shown("=", "scores")),
                           r"S_{ij} - m_h\,|i - j|"))
        last = "scores"
    found += [
        Stage(N_("mask"), (Shown("", last), Shown("→", "masked")),
              r"M_{ij} = \begin{cases} S_{ij} & j \le i \\ -\infty & j > i \end{cases}"),
        Stage(N_("softmax"), (Shown("", "masked"), Shown("softmax →", "attention")),
              r"A_{ij} = \frac{e^{M_{ij}}}{\sum_l e^{M_{il}}}"),
        Stage(N_("weighted sum"), (Shown("", "attention"), Shown("×", "v"), Shown("=", "mixed")),
              r"Z = A V")]
    return {stage.made: stage for stage in found}


def _projection(name: str, turned: bool) -> Stage:
    letter, title = name.upper(), MEANINGS[name]
    given = (Shown("", "reads"), Shown("×", f"weight_{name}"))
    formula = rf"{letter} = X W_{letter} + b_{letter}"
    if turned:
        return Stage(title, (*given, Shown("=", f"straight_{name}"), Shown("↻", name)),
                     rf"{letter}_p = R_p\,(X W_{letter} + b_{letter})_p")
    return Stage(title, (*given, Shown("=", name)), formula)


def reach(trace: xr.Dataset, names: Sequence[str], name: str) -> float:
    """The end of the colours of a matrix: the largest number of all those that are shown with it
    and are of its kind."""
    if name == "attention":
        return 1.0
    kind = ALIKE.get(name, name)
    like = [trace[other].values for other in names if ALIKE.get(other, other) == kind]
    most = max(float(np.abs(values[np.isfinite(values)]).max(initial=0)) for values in like)
    return max(most, 1e-6)


@view("attention step", "products")
def step(
    trace: xr.Dataset, stage: str, place: int, query: int | None = None, key: int | None = None,
    number: int | None = None, tallest: int = 460, theme: Theme = "light",
) -> Figure:
    """One matrix of a step: the one at `place` in it. query, key, number: what is framed along
    the axes that the matrix has."""
    told = stages(trace)[stage]
    each = told.shown[place]
    values, (down, across) = trace[each.name].values, trace[each.name].dims
    if each.flipped:
        values, (down, across) = values.T, (across, down)
    chosen = {"query": query, "key": key, "number": number}
    axes = [Axis([str(label) for label in trace[f"{axis}_label"].values]
                 if f"{axis}_label" in trace else (), chosen.get(str(axis)))
            for axis in (down, across)]
    end = reach(trace, [other.name for other in told.shown], each.name)
    size = f"{values.shape[0]} × {values.shape[1]}"
    letter = LETTERS[each.name] + ("ᵀ" if each.flipped else "")
    colours = palette(theme)
    title = " ".join(filter(None, (
        f'<span style="color:{colours.muted}">{each.sign}</span>' if each.sign else "",
        f"<b>{letter}</b>", f'<span style="color:{colours.muted}">{size}</span>')))
    signed = each.name != "attention"
    chart = matrix(values, title, axes[0], axes[1], signed, end, colours, tallest)
    said = _caption(trace, each.name, size, end)
    data = pd.DataFrame(tidy(values) | _labelled(trace, values.shape, (str(down), str(across))))
    return Figure(chart, data, said, _alt(said, values), f"{each.name}-step")


def _labelled(
    trace: xr.Dataset, shape: tuple[int, ...], axes: tuple[str, str]
) -> dict[str, NDArray[Any]]:
    """The tokens of each cell's row and column, where they are tokens."""
    places = dict(zip(("row", "column"), np.indices(shape), strict=True))
    return {f"{side}_label": trace[f"{axis}_label"].values[places[side].ravel()]
            for side, axis in zip(("row", "column"), axes, strict=True) if f"{axis}_label" in trace}


def _caption(trace: xr.Dataset, name: str, size: str, end: float) -> str:
    what = _(MEANINGS[name])
    said = (_("{what}: {size}, from 0 to 1.", what=what, size=size) if name == "attention" else
            _("{what}: {size}, from {low} to {high}.", what=what, size=size, low=f"{-end:.3g}",
              high=f"{end:.3g}"))
    drawn, of = trace.sizes["query"], int(trace.attrs["of"])
    return said[:1].upper() + said[1:] + (
        " " + _("Drawn: the first {count} of {of} tokens.", count=drawn, of=of)
        if of > drawn else "")


def _alt(said: str, values: NDArray[Any]) -> str:
    seen = values[np.isfinite(values)]
    return said if not seen.size else said + " " + _(
        "Its numbers lie between {low} and {high}.", low=f"{seen.min():.2f}",
        high=f"{seen.max():.2f}")


WAYS = {"projection": (N_("by projection"), 0, "solid", "circle"),
        "split": (N_("by split"), 1, "dash", "diamond")}


@view("cost of heads", "flops_formula")
def cost(trace: xr.Dataset, now: int | None = None, theme: Theme = "light") -> Figure:
    """Parameters and FLOPs of one layer of attention by the number of its heads. now: the number
    of heads that is marked."""
    colours = palette(theme)
    chart = make_subplots(1, 2, horizontal_spacing=0.14,
                          subplot_titles=[_("parameters"), _("FLOPs of a forward pass")])
    heads = [str(count) for count in trace["heads"].values]
    for way, (title, shade, dash, marker) in WAYS.items():
        for column, name in enumerate(("parameters", "flops"), start=1):
            chart.add_trace(go.Scatter(
                x=heads, y=trace[name].sel(way=way).values, name=_(title), legendgroup=way,
                showlegend=column == 1, mode="lines+markers",
                line={"color": colours.categorical[shade], "dash": dash, "width": 2},
                marker={"symbol": marker, "size": 9},
                hovertemplate="%{x}: %{y:,}"), row=1, col=column)
    layout = colours.layout(height=280)
    chart.update_layout({name: layout[name] for name in layout if "axis" not in name},
                        legend={"orientation": "h", "y": 1.16, "yanchor": "bottom", "x": 0},
                        margin={"l": 8, "r": 8, "t": 64, "b": 8})
    chart.update_xaxes(**layout["xaxis"])
    chart.update_yaxes(**layout["yaxis"])
    chart.update_xaxes(type="category", title={"text": _("heads")}, showgrid=False)
    chart.update_yaxes(rangemode="tozero")
    if now is not None and str(now) in heads:
        chart.add_vline(heads.index(str(now)), line={"color": colours.muted, "width": 1,
                                                     "dash": "dot"})
    chart.update_annotations(font={"size": 13, "color": colours.muted})
    said = _("One layer of attention, {width} numbers wide, over {tokens} tokens: counted on the "
             "code that runs.", width=trace.attrs["width"], tokens=trace.attrs["tokens"])
    names = ["parameters", "parameters_formula", "flops", "flops_formula"]
    return Figure(chart, trace[names].to_dataframe().reset_index(), said,
                  said + " " + " ".join(heads_said(trace)), "cost-of-heads")


def heads_said(trace: xr.Dataset) -> list[str]:
    """What more heads cost, by projection and by split."""
    found = []
    heads = trace["heads"].values
    for way, (title, *_look) in WAYS.items():
        here = trace.sel(way=way)
        parts = {name: here[name].values for name in ("parameters", "flops")}
        if len(heads) > 1 and all((values == values[0]).all() for values in parts.values()):
            found.append(_(
                "**{way}**, heads are free: {parameters} parameters and {flops} FLOPs, whether "
                "there are {heads} of them.", way=_(title).capitalize(),
                parameters=f"{parts['parameters'][0]:,}", flops=f"{parts['flops'][0]:,}",
                heads=", ".join(map(str, heads))))
        elif len(heads) > 1:
            found.append(_(
                "**{way}**, {last} heads need {parameters} of the parameters and {flops} of the "
                "FLOPs of one: each matrix sees only its own part of a vector.",
                way=_(title).capitalize(), last=int(heads[-1]),
                parameters=f"{parts['parameters'][-1] / parts['parameters'][0]:.0%}",
                flops=f"{parts['flops'][-1] / parts['flops'][0]:.0%}"))
    return found


def notices(trace: xr.Dataset, query: int) -> list[str]:
    """What one query looks at, and what scale, mask and softmax do to it."""
    weights = trace["attention"].values[query]
    names = [visible(str(label)) for label in trace["query_label"].values]
    best = int(weights.argmax())
    spread = float(np.exp(-(weights[weights > 0] * np.log(weights[weights > 0])).sum()))
    said = [_("Token {place}, “{name}”, looks most at token {other}, “{key}”: **{weight}**.",
              place=query + 1, name=names[query], other=best + 1, key=names[best],
              weight=f"{weights[best]:.2f}"),
            _("Its weights are as spread as if {count} of the {seen} tokens that it may see shared "
              "them evenly.", count=f"{spread:.1f}",
              seen=int(np.isfinite(trace["masked"].values[query]).sum()))]
    products = trace["products"].values
    if products.size > 1:
        said.append(_("The products have a standard deviation of {before}; divided by √{d} it is "
                      "**{after}**.", before=f"{products.std():.2f}", d=trace.sizes["number"],
                      after=f"{trace['scaled'].values.std():.2f}"))
    hidden = int(np.isinf(trace["masked"].values).sum())
    if hidden:
        said.append(_("The mask hides {hidden} of {all} pairs: whoever guesses the next token must "
                      "not see it.", hidden=hidden, all=products.size))
    return said


def where(trace: xr.Dataset, query: int) -> str:
    """Where the token stands that a query looks at most: "itself", "before", "first", "else"."""
    best = int(trace["attention"].values[query].argmax())
    if best == query:
        return "itself"
    return "before" if best == query - 1 else "first" if best == 0 else "else"
