"""Attention step by step on the page: what is chosen, the boxes of the steps, and one cell with its
numbers, term by term.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import streamlit as st
import xarray as xr
from numpy.typing import NDArray

from explorer.models.positions.sinusoidal import BASE
from explorer.ui import link
from explorer.ui.clicks import Cell, clicks
from explorer.ui.flow import Box, Row, cells, flow
from explorer.ui.text import plain
from explorer.views.figure import visible
from explorer.views.steps import MEANINGS, Stage, reach, stages
from explorer.words import _

TERMS = 4  # of a sum, in a formula
TURNED = "cell turned to"  # in the session: what was chosen in a picture
LETTERS = {"q": "Q", "k": "K", "v": "V", "products": "QKᵀ", "scaled": "S", "scores": "S",
           "masked": "M", "attention": "A", "mixed": "Z"}

Array = NDArray[np.float64]


class Place(NamedTuple):
    """What is looked at: two tokens, and a number of their vectors; all counted from 0."""

    query: int
    key: int
    number: int


def turn() -> None:
    """Follow what was just chosen in a picture."""
    for name, value in st.session_state.pop(TURNED, {}).items():
        st.session_state[name] = value


def choose_stage(trace: xr.Dataset) -> str:
    """The step that is open: the boxes of all of them, each with its matrix."""
    told = stages(trace)
    link.seed("stage", "q", allowed=list(told))
    now = str(st.session_state["stage"])
    boxes = []
    for number, (name, stage) in enumerate(told.items(), start=1):
        values = trace[name].values
        # Scores before and after scale, distance and mask have one scale, so that they compare.
        family = [other for other in told if other in ("products", "scaled", "scores", "masked")]
        end = reach(trace, family if name in family else [name], name)
        boxes.append(Box(
            name, f"{number} · {LETTERS[name]}", _(stage.title),
            f"{values.shape[0]}×{values.shape[1]}", "→" if number > 1 else "",
            cells(values, end, name != "attention"),
            "share" if name == "attention" else "signed", _(MEANINGS[name]),
            _(stage.title)))
    opened = flow([Row("", boxes)], now, _("The steps of attention"), "stages")
    if opened is not None and opened != now:
        _follow(stage=opened)
    link.write(stage=now if now != "q" else None)
    return now


def _follow(**values: object) -> None:
    st.session_state[TURNED] = values
    st.rerun()


def onward(trace: xr.Dataset, now: str) -> None:
    """One step back, one step on."""
    names = list(stages(trace))
    here = names.index(now)
    back, middle, on = st.columns([1, 3, 1], vertical_alignment="center")
    back.button(_("Previous"), icon=":material/chevron_left:", disabled=here == 0, width="stretch",
                on_click=_set, args=(names[max(here - 1, 0)],))
    on.button(_("Next"), icon=":material/chevron_right:", disabled=here == len(names) - 1,
              width="stretch", on_click=_set, args=(names[min(here + 1, len(names) - 1)],))
    middle.markdown(_("**Step {number} of {count}: {title}**", number=here + 1, count=len(names),
                      title=_(stages(trace)[now].title)))


def _set(stage: str) -> None:
    st.session_state[TURNED] = {"stage": stage}


def choose_place(trace: xr.Dataset) -> Place:
    """A query, a key and a number of their vectors. At first the last token, and the one that it
    looks at most."""
    T, d = trace.sizes["query"], trace.sizes["number"]
    names = [str(label) for label in trace["query_label"].values]
    one, other, third = st.columns([1.2, 1.2, 0.8])
    link.seed("query", T - 1, int, between=(0, T - 1))
    query = int(one.selectbox(_("Query: who looks"), range(T), key="query",
                              format_func=lambda i: f"{i + 1} · {visible(names[i])}"))
    best = int(trace["attention"].values[query].argmax())
    link.seed("key", best, int, between=(0, T - 1))
    key = int(other.selectbox(_("Key: who is looked at"), range(T), key="key",
                              format_func=lambda i: f"{i + 1} · {visible(names[i])}"))
    link.seed("number", 1, int, between=(1, d))
    number = int(third.number_input(_("Number of the vectors"), 1, d, key="number"))
    link.write(query=query if query != T - 1 else None, key=key if key != best else None,
               number=number if number != 1 else None)
    return Place(query, key, number - 1)


def listen(trace: xr.Dataset, stage: Stage) -> None:
    """Follow a click on a cell of a step's matrices."""
    listened: dict[str, tuple[int, int]] = {}
    for place, each in enumerate(stage.shown):
        high, wide = trace[each.name].shape
        listened[f"matrix-{place}"] = (wide, high) if each.flipped else (high, wide)
    cell = clicks(listened, "cell")
    if cell is not None:
        _follow(**chosen(trace, stage, cell))


def chosen(trace: xr.Dataset, stage: Stage, cell: Cell) -> Mapping[str, int]:
    """What a click on a cell chooses, by its axes."""
    each = stage.shown[int(cell.figure.rsplit("-", 1)[1])]
    axes = trace[each.name].dims[::-1] if each.flipped else trace[each.name].dims
    found = dict(zip(map(str, axes), (cell.row, cell.column), strict=True))
    return {name: place + (name == "number") for name, place in found.items() if name != "input"}


class Sum(NamedTuple):
    """A dot product: its two vectors with their letters, and what is added."""

    title: str
    left: Array
    right: Array
    letters: tuple[str, str]
    added: float = 0.0


def one_cell(trace: xr.Dataset, stage: str, place: Place) -> None:
    """The cell that is looked at, with its numbers: a dot product term by term, then what becomes
    of it."""
    formulas, whole = filled(trace, stage, place)
    st.markdown(_said(trace, stage, place))
    for formula in formulas:
        st.latex(formula)
    if whole is not None:
        with st.expander(_("All {count} terms of the sum", count=len(whole.left))):
            st.table(table(whole))


def _said(trace: xr.Dataset, stage: str, place: Place) -> str:
    query, key = (plain(visible(str(trace["query_label"].values[i])))
                  for i in (place.query, place.key))
    if stage in ("q", "k", "v", "mixed"):
        token, name = (place.key, key) if stage in ("k", "v") else (place.query, query)
        return _("Number {number} of token {place}, “{name}”: {what}.", number=place.number + 1,
                 place=token + 1, name=name, what=_(MEANINGS[stage]))
    return _("Token {query}, “{one}”, looks at token {key}, “{other}”:", query=place.query + 1,
             one=query, key=place.key + 1, other=key)


def filled(trace: xr.Dataset, stage: str, place: Place) -> tuple[list[str], Sum | None]:
    """The formulas of a cell with its numbers, as LaTeX, tokens by their number; and the dot
    product that it begins with."""
    if stage in ("q", "k", "v"):
        return _projected(trace, stage, place)
    if stage == "mixed":
        return _mixed(trace, place)
    return _compared(trace, place)


def _projected(trace: xr.Dataset, name: str, place: Place) -> tuple[list[str], Sum]:
    """x W + b, and what turning makes of it."""
    token, n = place.key if name in ("k", "v") else place.query, place.number
    x = trace["reads"].values[token].astype(float)
    W, b = trace[f"weight_{name}"].values[:, n].astype(float), float(trace[f"bias_{name}"][n])
    t, i, letter = token + 1, n + 1, name
    turned = trace.attrs["positions"] == "rotary" and name != "v"
    made = trace[f"straight_{name}" if turned else name].values[token].astype(float)
    mark = "'" if turned else ""
    total = Sum(name, x, W, (f"x_{{{t},u}}", f"W_{{u,{i}}}"), b)
    found = [rf"{letter}{mark}_{{{t},{i}}} = \sum_u x_{{{t},u}} W_{{u,{i}}} + b_{{{i}}} = "
             rf"{terms(x, W)} {b:+.3f} = {made[n]:.3f}"]
    if turned:
        first, second = n - n % 2, n - n % 2 + 1
        angle = token * BASE ** (-first / trace.sizes["number"])
        signs = (("cos", "- ", "sin") if n % 2 == 0 else ("sin", "+ ", "cos"))
        found.append(
            rf"{letter}_{{{t},{i}}} = {letter}'_{{{t},{first + 1}}} \{signs[0]}({angle:.3f}) "
            rf"{signs[1]}{letter}'_{{{t},{second + 1}}} \{signs[2]}({angle:.3f}) = "
            rf"{float(trace[name].values[token, n]):.3f}")
    return found, total


def _compared(trace: xr.Dataset, place: Place) -> tuple[list[str], Sum]:
    """q · k, scaled, lowered by the distance, masked, and its softmax."""
    i, j = place.query, place.key
    q, k = trace["q"].values[i].astype(float), trace["k"].values[j].astype(float)
    at = {name: float(trace[name].values[i, j])
          for name in ("products", "scaled", "scores", "masked", "attention")}
    d, here = len(q), rf"{i + 1},{j + 1}"
    found = [
        rf"q_{{{i + 1}}}^\top k_{{{j + 1}}} = \sum_n q_{{{i + 1},n}}\, k_{{{j + 1},n}} = "
        rf"{terms(q, k)} = {at['products']:.3f}",
        rf"s_{{{here}}} = \frac{{{at['products']:.3f}}}{{\sqrt{{{d}}}}} = {at['scaled']:.3f}"]
    if "bias" in trace:
        found.append(rf"s_{{{here}}} {float(trace['bias'].values[i, j]):+.3f} = "
                     rf"{at['scores']:.3f}")
    if np.isinf(at["masked"]):
        found += [rf"m_{{{here}}} = -\infty \quad ({j + 1} > {i + 1})",
                  rf"\alpha_{{{here}}} = e^{{-\infty}} = 0"]
        return found, Sum("products", q, k, (f"q_{{{i + 1},n}}", f"k_{{{j + 1},n}}"))
    row = trace["masked"].values[i].astype(float)
    most = float(row[np.isfinite(row)].max())
    total = float(np.exp(row - most).sum())
    found += [rf"m_{{{here}}} = s_{{{here}}} = {at['masked']:.3f} \quad ({j + 1} \le {i + 1})",
              rf"\alpha_{{{here}}} = \frac{{e^{{m_{{{here}}}}}}}{{\sum_l e^{{m_{{{i + 1},l}}}}}} = "
              rf"\frac{{e^{{{at['masked']:.3f}}}}}{{{total:.3f}\, e^{{{most:.3f}}}}} = "
              rf"{at['attention']:.3f}"]
    return found, Sum("products", q, k, (f"q_{{{i + 1},n}}", f"k_{{{j + 1},n}}"))


def _mixed(trace: xr.Dataset, place: Place) -> tuple[list[str], Sum]:
    """Σ α v."""
    i, n = place.query, place.number
    weights = trace["attention"].values[i].astype(float)
    v = trace["v"].values[:, n].astype(float)
    found = [rf"z_{{{i + 1},{n + 1}}} = \sum_j \alpha_{{{i + 1},j}}\, v_{{j,{n + 1}}} = "
             rf"{terms(weights, v)} = {float(trace['mixed'].values[i, n]):.3f}"]
    return found, Sum("mixed", weights, v, (rf"α({i + 1}, j)", f"v(j, {n + 1})"))


def terms(left: Array, right: Array) -> str:
    """The largest terms of a dot product, those left out as dots."""
    order = np.argsort(-np.abs(left * right), kind="stable")[:TERMS]
    said = " + ".join(rf"{_factor(left[n])} \cdot {_factor(right[n])}" for n in order)
    return said + (r" + \dots" if len(left) > TERMS else "")


def _factor(value: float) -> str:
    return f"({value:.3f})" if value < 0 else f"{value:.3f}"


def table(whole: Sum) -> dict[str, list[str]]:
    """Every term of a sum, in order, and the sums so far."""
    products = whole.left * whole.right
    rows = [str(n + 1) for n in range(len(products))]
    columns = {_("term"): rows, _("left factor"): [f"{value:.4f}" for value in whole.left],
               _("right factor"): [f"{value:.4f}" for value in whole.right],
               _("product"): [f"{value:.4f}" for value in products],
               _("sum so far"): [f"{value:.4f}" for value in products.cumsum()]}
    if whole.added:
        for name, said in zip(columns, ("b", "", "", f"{whole.added:.4f}",
                                        f"{products.sum() + whole.added:.4f}"), strict=True):
            columns[name].append(said)
    return columns
