"""Attention by hand on the page: what is typed, the examples to begin with, and one query step by
step with its numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import streamlit as st
import xarray as xr
from numpy.typing import NDArray

from explorer.models.scorers import Scorer
from explorer.models.scorers.filled import WRITTEN, vector
from explorer.text import vectors
from explorer.text.vectors import Vectors
from explorer.ui.plane import Moved, plane
from explorer.ui.session import theme
from explorer.ui.text import plain
from explorer.views import palette
from explorer.words import N_, _

TERMS = 3  # of a sum, in a formula
BOXES = {"q": N_("queries"), "k": N_("keys"), "v": N_("values")}


class Example(NamedTuple):
    """Vectors as they would be typed, and how they are looked at."""

    title: str
    texts: Callable[[], dict[str, str]]
    scorer: str = "scaled-dot"
    mask: str = "none"


def _lines(*rows: tuple[str, str]) -> str:
    return "\n".join(f"{name}: {numbers}" if name else numbers for name, numbers in rows)


def _dictionary() -> dict[str, str]:
    north, east, south, west = _("north"), _("east"), _("south"), _("west")
    return {"q": _lines((north, "0 1.2"), (_("north-east"), "1.4 1.4"), (_("nowhere"), "0 0")),
            "k": _lines((north, "0 2"), (east, "2 0"), (south, "0 -2"), (west, "-2 0")),
            "v": _lines((north, "-10"), (east, "5"), (south, "25"), (west, "12"))}


def _sentence() -> dict[str, str]:
    words = _lines((_("the"), "0.2 0 1"), (_("lamp"), "2 0.5 0"), (_("is"), "0 0.3 1"),
                   (_("lit"), "1.5 1 0"))
    return dict.fromkeys(BOXES, words)


def _unequal() -> dict[str, str]:
    return {"q": "1 0\n0 1", "k": "1 0 0\n0 1 0\n0 0 1", "v": "1 0\n0 1\n0.5 0.5"}


def _long() -> dict[str, str]:
    return {"q": "4 3\n8 6", "k": "4 3\n3 4\n-2 1", "v": "1 0 0\n0 1 0\n0 0 1"}


EXAMPLES = {
    "dictionary": Example(N_("a soft dictionary"), _dictionary),
    "sentence": Example(N_("a sentence that reads itself"), _sentence, mask="causal"),
    "unequal": Example(N_("queries and keys of unequal length"), _unequal, "additive"),
    "long": Example(N_("long vectors: one takes all"), _long, "dot"),
}


def typed(name: str) -> Vectors:
    """The vectors in the box `name`. Raises DataError: what is wrong, in which line."""
    return vectors.read(str(st.session_state[name]), BOXES[name], name)


def drawing(q: Vectors, k: Vectors, trace: xr.Dataset, query: int) -> None:
    """The plane of queries and keys of two numbers each, which can be dragged."""
    st.caption(_("Drag a query (diamond) or a key (disc), or walk it with the arrow keys; a disc "
                 "is as full as its weight."))
    plane(q, k, trace["attention"].values[query].tolist(), query, palette(theme()), "plane",
          lambda moved: move(q, k, moved))


def move(queries: Vectors, keys: Vectors, moved: Moved) -> None:
    """Write a vector's new place into its box; a query is chosen by that too."""
    name, there = ("q", queries) if moved.kind == "query" else ("k", keys)
    changed = there.moved(moved.index, moved.numbers)
    if changed != there:
        st.session_state[name] = vectors.write(changed, name)
    if moved.kind == "query":
        st.session_state["query"] = moved.index


def steps(trace: xr.Dataset, query: int) -> None:
    """One query's scores, mask, softmax and sum: a table of all keys, and the formulas filled for
    the key that it looks at most."""
    here = trace.isel(query=query)
    st.table(table(here))
    for formula in formulas(here, query):
        st.latex(formula)


def table(here: xr.Dataset) -> dict[str, list[str]]:
    """The way of each key from its score to its part in the sum."""
    weights, values = here["attention"].values, here["v"].values
    return {
        _("key"): [plain(str(label)) for label in here["key_label"].values],
        _("score"): [f"{score:.3f}" for score in here["scores"].values],
        _("with the mask"): ["−∞" if np.isinf(score) else f"{score:.3f}"
                             for score in here["masked"].values],
        _("weight"): [f"{weight:.3f}" for weight in weights],
        _("weight × value"): [_row(weight * value)
                              for weight, value in zip(weights, values, strict=True)],
    }


def formulas(here: xr.Dataset, query: int) -> list[str]:
    """Score, softmax and sum with their numbers, in LaTeX. here: of one query."""
    weights, masked = here["attention"].values, here["masked"].values
    most, i = int(weights.argmax()), query + 1
    scorer = Scorer.parse(str(here.attrs["scorer"]))
    learnt = {str(name).removeprefix("learnt_"): here[name].values for name in here
              if str(name).startswith("learnt_")}
    found = [rf"s_{{{i},{most + 1}}} = "
             + scorer.filled(here["q"].values, here["k"].values[most], learnt)]
    order = [j for j in np.argsort(-weights, kind="stable") if np.isfinite(masked[j])]
    if not order:
        return [*found, rf"\alpha_{{{i},\,\cdot}} = 0, \qquad c_{{{i}}} = 0"]
    powers = [f"e^{{{masked[j]:.2f}}}" for j in order]
    found.append(rf"\alpha_{{{i},{most + 1}}} = \frac{{{powers[0]}}}{{{_sum(powers)}}} = "
                 rf"{weights[most]:.3f}")
    parts = [rf"{weights[j]:.2f} \cdot {vector(here['v'].values[j])}" for j in order]
    found.append(rf"c_{{{i}}} = {_sum(parts)} = {vector(here['context'].values)}")
    return found


def _sum(terms: list[str]) -> str:
    return " + ".join(terms[:TERMS] + [r"\dots"] * (len(terms) > TERMS))


def _row(values: NDArray[np.float64]) -> str:
    return "  ".join([f"{value + 0.0:.2f}" for value in values[:WRITTEN]]
                     + ["…"] * (len(values) > WRITTEN))
