"""All heads as small pictures to choose from, and one of them as lines between tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
import xarray as xr
from numpy.typing import NDArray

from explorer.errors import ExplorerError
from explorer.store import Run
from explorer.ui import link
from explorer.ui.backend import ask
from explorer.ui.lines import FAINT, told
from explorer.ui.session import asset
from explorer.views.head_notices import called, score_of, title
from explorer.views.heads import kept
from explorer.views.palette import Palette
from explorer.views.png import address, png
from explorer.words import _

AT_ONCE = 32  # tokens between which lines are drawn
TERMS = 4  # of a sum are written
Pair = tuple[int, int]

_grid = st.components.v2.component(
    "explorer_heads", css=asset("heads.css"), js=asset("heads.js"))


def opening(run: Run, text: str) -> Pair:
    """The head to begin with, from 0: of those that the last snapshot has a name for in the run's
    own text, the one that is most beyond chance."""
    try:
        trace = ask("heads", run.key, run.snapshots[-1], text=text)
    except ExplorerError:  # the page says what is wrong
        return 0, 0
    beyond = np.where(trace["name"].values != "", trace["excess"].max("test").values, -1.0)
    layer, head = np.unravel_index(int(beyond.argmax()), beyond.shape)
    return int(layer), int(head)


def grid(trace: xr.Dataset, selected: Pair, colours: Palette, key: str) -> Pair | None:
    """Draw every head; gives the layer and the head, from 0, that was just chosen."""
    found: Any = _grid(data=thumbnails(trace, selected, colours), key=key,
                       on_event_change=lambda: None)
    return admit(found.event if found else None, trace.sizes["layer"], trace.sizes["head"])


def thumbnails(trace: xr.Dataset, selected: Pair, colours: Palette) -> dict[str, Any]:
    """What the component draws."""
    layers, heads = range(trace.sizes["layer"]), range(trace.sizes["head"])
    return {
        "label": _("All heads: choose one"), "selected": list(selected),
        "layers": [{"name": _("Layer {number}", number=layer + 1),
                    "heads": [_thumbnail(trace, layer, head, colours) for head in heads]}
                   for layer in layers]}


def _thumbnail(trace: xr.Dataset, layer: int, head: int, colours: Palette) -> dict[str, str]:
    name = str(trace["name"].values[layer, head])
    score = score_of(trace, layer, head, name) if name else ""
    says = _("Layer {layer}, head {head}: {called}", layer=layer + 1, head=head + 1,
             called=called(name)) + (f", {score}" if score else "")
    return {"source": address(png(trace["thumbnail"].values[layer, head], colours)),
            "number": f"{layer + 1}.{head + 1}", "name": title(name) if name else "–",
            "score": score, "says": says}


def admit(event: Any, layers: int, heads: int) -> Pair | None:
    """What a browser says was chosen, if there is such a head."""
    if not isinstance(event, Mapping):
        return None
    layer, head = event.get("layer"), event.get("head")
    if not isinstance(layer, int) or not isinstance(head, int):
        return None
    return (layer, head) if 0 <= layer < layers and 0 <= head < heads else None


def caption(trace: xr.Dataset) -> str:
    """What is seen in the small pictures, with all that was cropped or thinned."""
    T, cell = trace.sizes["token"], trace.attrs["cell"]
    said = _("{layers} layers of {heads} heads after step {step}. Each picture: the tokens that "
             "look from top to bottom, those that are looked at from left to right, in 256 shades; "
             "the shade grows with the root of the weight.", layers=trace.sizes["layer"],
             heads=trace.sizes["head"], step=trace.attrs["step"])
    if cell > 1:
        said += " " + _("{tokens} tokens are more than there is room for: each cell is the largest "
                        "of {cell} × {cell} weights.", tokens=T, cell=cell)
    if trace.attrs["of"] > T:
        said += " " + _("Read: the first {tokens} of {of} tokens.", tokens=T,
                        of=f"{trace.attrs['of']:,}")
    return said


def read_mean(said: str, layers: int, heads: int) -> list[str]:
    """The heads in a link, "1.2-3.4" say; what is none is refused in words."""
    known = names(layers, heads)
    given = [name for name in said.split("-") if name]
    wrong = [name for name in given if name not in known]
    if wrong:
        link.refuse(_("The link asks for the mean of heads, but there is no head {wrong}: this "
                      "network has {layers} layers of {heads} heads.", wrong=wrong[0][:20],
                      layers=layers, heads=heads))
    return [name for name in known if name in given]


def names(layers: int, heads: int) -> list[str]:
    """What all heads are called: layer.head, from 1."""
    return [f"{layer + 1}.{head + 1}" for layer in range(layers) for head in range(heads)]


def pairs(chosen: list[str]) -> list[list[int]]:
    """Layers and heads, from 0, by their names."""
    return [[int(part) - 1 for part in name.split(".")] for name in chosen]


def window(trace: xr.Dataset, query: int, hide: bool) -> NDArray[np.int64]:
    """The places between which lines are drawn: of those that are kept, cut into stretches of
    `AT_ONCE`, the one with the query."""
    places = kept(trace, hide)
    if not len(places):
        return places
    at = min(int(np.searchsorted(places, query)), len(places) - 1)
    first = at - at % AT_ONCE
    return places[first : first + AT_ONCE]


def lines_of(
    trace: xr.Dataset, query: int, hide: bool, threshold: float, heatmap: str
) -> dict[str, Any]:
    """What the component `explorer.ui.lines` draws of one head, or of a mean of heads."""
    places = window(trace, query, hide)
    weights = trace["attention"].values[np.ix_(places, places)]  # (query, key)
    words = [str(label) for label in trace["key_label"].values[places]]
    chosen = np.flatnonzero(places == query)
    offset = int(np.searchsorted(kept(trace, hide), places[0])) if len(places) else 0
    return {
        "read": words, "written": words, "weights": np.round(weights, 4).tolist(), "unknown": [],
        "faint": max(FAINT, threshold), "selected": int(chosen[0]) if len(chosen) else -1,
        "heatmap": heatmap, "offset": offset,
        "says": {
            "written": [_("“{word}” looks at: {others}", word=word, others=told(row, words))
                        for word, row in zip(words, weights, strict=True)],
            "read": [_("“{word}” is looked at by: {others}", word=word, others=told(column, words))
                     for word, column in zip(words, weights.T, strict=True)]},
        "labels": {"read": _("Looked at"), "written": _("Looks"), "unknown": ""},
        "hint": _("Above the tokens that are looked at, below those that look. Point at one, or "
                  "walk there with Tab and the arrows: here its weights are said. Enter or a click "
                  "on one below compares it number by number; n and p go on and back.")}


def lines_caption(trace: xr.Dataset, query: int, hide: bool) -> str:
    """Which tokens have lines, and how much of their weight goes elsewhere."""
    places = window(trace, query, hide)
    if not len(places):
        return _("Every token of this text is hidden.")
    said = _("Tokens {first} to {last} of {tokens}.", first=places[0], last=places[-1],
             tokens=trace.sizes["query"])
    inside = float(trace["attention"].values[np.ix_(places, places)].sum()) / len(places)
    return said + " " + _("{share} of their weight goes to tokens that are not drawn here.",
                          share=f"{max(0.0, 1 - inside):.0%}")


def formulas(trace: xr.Dataset, query: int, key: int, terms: NDArray[np.floating]) -> list[str]:
    """The score and the weight of a query and a key, with their numbers. terms: q_i k_i / √d."""
    score = float(trace["scores"].values[query, key])
    weight = float(trace["attention"].values[query, key])
    order = np.argsort(-np.abs(terms), kind="stable")[:TERMS]
    sum_ = " ".join(f"{terms[i]:+.3f}" for i in order)
    more = r" + \dots" if len(terms) > TERMS else ""
    found = [rf"\frac{{q_{{{query}}}^\top k_{{{key}}}}}{{\sqrt{{{len(terms)}}}}} = {sum_}{more} = "
             rf"{terms.sum():.3f}"]
    if abs(score - float(terms.sum())) > 1e-3:  # ALiBi: what is further away is marked down
        found.append(rf"s_{{{query},{key}}} = {terms.sum():.3f} {score - terms.sum():+.3f} = "
                     rf"{score:.3f}")
    scores = trace["scores"].values[query, : query + 1].astype(np.float64)
    shift = float(scores.max())
    total = float(np.exp(scores - shift).sum())
    found.append(
        rf"\alpha_{{{query},{key}}} = \frac{{e^{{{score:.3f}}}}}{{\sum_{{l \le {query}}} "
        rf"e^{{s_{{{query},l}}}}}} = \frac{{e^{{{score:.3f}}}}}{{{total:.4g}\, e^{{{shift:.3f}}}}} "
        rf"= {weight:.4f}")
    return found
