"""Select and match (LSTMVis: Strobelt, Gehrmann, Pfister & Rush 2018): the units that are on
throughout a span of a sentence and off around it, and where else in the text they fire together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.probes.capture import about, admit
from explorer.probes.corpus import Corpus, states
from explorer.probes.opened import Opened
from explorer.text.annotations import classes
from explorer.words import N_

LISTED = 50  # places
AROUND = 32  # tokens of context on either side

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Margins(NamedTuple):
    """Of each unit, on its better side of zero: sign +1 or −1; the least it reaches within the span
    and the most around it, both times sign. It is on throughout and off around for thresholds t
    with most ≤ t < least."""

    sign: NDArray[np.int64]
    least: Values
    most: Values

    def chosen(self, threshold: float) -> Mask:
        return (self.least > threshold) & (self.most <= threshold)


class Places(NamedTuple):
    """Runs of tokens start … stop − 1, best first. together: how many chosen units are on at once
    where most are; switching: how many of all are off right before and right after."""

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    together: NDArray[np.int64]
    switching: NDArray[np.int64]


def select_and_match(
    opened: Opened,
    text: str,
    start: int,
    stop: int,
    threshold: float = 0.3,
    layer: int = 0,
    observation: str = "hidden",
) -> xr.Dataset:
    """The units that are on (beyond ±threshold, on one side) at every token from `start` to
    `stop` − 1 and off right before and after: `unit`, `sign`, `least`, `most` over chosen. Where
    they fire together in the run's text, over place: `start`, `stop`, `together`, `switching`,
    the text `before`, `hit`, `after`. `share`, `base` over kind: of the tokens found, and of all.

    A place is a run of tokens with k of the chosen units on, which none with more contains. Ranked
    by k, then by how many units are off right before and after, by how near its length is to the
    span's, by its position. If fewer than `LISTED` are found, k goes down to half of the units.
    When no unit is chosen, attrs tell of the nearest: nearest, nearest_sign, nearest_least,
    nearest_most. Raises DataError: a span outside the text, a threshold outside 0 … ∞.
    """
    tokens = admit(opened, text)
    if not 0 <= start < stop <= len(tokens):
        raise DataError(N_("Tokens {start} to {stop} are no span of this text, which has {count}."),
                        start=start, stop=stop - 1, count=len(tokens))
    if not threshold >= 0:
        raise DataError(N_("The threshold must be 0 or more, not {given}."), given=threshold)
    found = margins(states(opened, tokens, layer, observation), start, stop)
    units = np.flatnonzero(found.chosen(threshold))
    corpus = Corpus(opened, layer, observation)
    read = corpus.go_on()
    places = match(corpus, units, found.sign[units], threshold, stop - start)
    contexts = [corpus.context(a, b, AROUND)
                for a, b in zip(places.start[:LISTED].tolist(), places.stop[:LISTED].tolist(),
                                strict=True)]
    said = {"threshold": threshold, "first": start, "last": stop - 1, "layer": layer,
            "observation": observation, "read": read, "of": corpus.of, "error": corpus.error,
            "found": len(places.start), "all": int((places.together == len(units)).sum())}
    return xr.Dataset(
        {name: ("place", getattr(places, name)[:LISTED]) for name in Places._fields}
        | {name: ("place", [each[i] for each in contexts])
           for i, name in enumerate(("before", "hit", "after"))}
        | {"unit": ("chosen", units), "sign": ("chosen", found.sign[units]),
           "least": ("chosen", found.least[units]), "most": ("chosen", found.most[units])}
        | _kinds(corpus, places),
        {"label": ("token", list(tokens.labels))},
        about(opened) | said | _nearest(found, threshold))


def margins(values: Values, start: int, stop: int) -> Margins:
    """How each unit of values (token, unit) holds the span. Before the first token the state is
    zero; after the last nobody knows, and nothing is asked."""
    around = [values[start - 1] if start else np.zeros_like(values[0])]
    around += [values[stop]] if stop < len(values) else []
    sides = []
    for sign in (1, -1):
        sides.append(((sign * values[start:stop]).min(0), (sign * np.stack(around)).max(0)))
    better = sides[0][0] - np.maximum(sides[0][1], 0) >= sides[1][0] - np.maximum(sides[1][1], 0)
    least = np.where(better, sides[0][0], sides[1][0])
    most = np.where(better, sides[0][1], sides[1][1])
    return Margins(np.where(better, 1, -1), least, most)


def match(
    corpus: Corpus, units: NDArray[Any], signs: NDArray[Any], threshold: float, length: int
) -> Places:
    """Where these units fire together; see `select_and_match`. Reads each unit's row once."""
    if not len(units):
        return Places(*(np.zeros(0, np.int64) for _ in Places._fields))
    on = np.empty((len(units), corpus.read), bool)  # (chosen, token)
    for row, unit, sign in zip(on, units.tolist(), signs.tolist(), strict=True):
        row[:] = corpus.above(unit, threshold, sign)
    return rank(on, length)


def rank(on: Mask, length: int) -> Places:
    """The places of on (chosen, token), best first."""
    count = np.zeros(on.shape[1] + 1, np.uint16 if len(on) > 255 else np.uint8)
    for row in on:
        count[:-1] += row  # (token,), and a last 0
    starts, stops, levels = [], [], []
    for level in range(len(on), (len(on) - 1) // 2, -1):
        a, b = _runs(count >= level)
        if len(a):
            most = np.maximum.reduceat(count, np.column_stack([a, b]).ravel())[::2]
            a, b = a[most == level], b[most == level]  # the others hold a place found before
        starts.append(a)
        stops.append(b)
        levels.append(np.full(len(a), level))
        if sum(map(len, starts)) >= LISTED:
            break
    start, stop, together = map(np.concatenate, (starts, stops, levels))
    switching = np.zeros(len(start), np.int64)
    for row in on:
        edged = np.concatenate([[False], row, [False]])  # off before the text and after it
        switching += ~edged[start] & ~edged[stop + 1]
    order = np.lexsort((start, np.abs(stop - start - length), -switching, -together))
    return Places(start[order], stop[order], together[order], switching[order])


def _runs(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where runs of true begin, and where they have ended."""
    edges = np.flatnonzero(np.diff(mask.view(np.int8), prepend=0, append=0))
    return edges[::2], edges[1::2]


def _nearest(found: Margins, threshold: float) -> dict[str, Any]:
    """The unit that comes nearest to being chosen: at another threshold, or at none."""
    floor = np.maximum(found.most, 0)
    misses = np.maximum(floor - found.least, 0)  # of a threshold that would do
    away = np.maximum(np.maximum(found.most - threshold, threshold - found.least), 0)
    unit = int(np.lexsort((away, misses))[0])
    return {"nearest": unit, "nearest_sign": int(found.sign[unit]),
            "nearest_least": float(found.least[unit]), "nearest_most": float(floor[unit])}


def _kinds(corpus: Corpus, places: Places) -> dict[str, Any]:
    """Which kinds of tokens were found, against all: what the places have in common."""
    labels, read = corpus.labels[: corpus.read], corpus.read
    hits = np.zeros(read + 1, np.int32)
    np.add.at(hits, places.start, 1)
    np.add.at(hits, places.stop, -1)
    inside = np.cumsum(hits)[:read] > 0  # (token,)
    total = max(int(inside.sum()), 1)
    every = Counter(labels)
    found = Counter(labels[i] for i in np.flatnonzero(inside).tolist())
    rows = {name: (sum(found[label] for label in members) / total,
                   sum(every[label] for label in members) / read)
            for name, members in _members(list(every)).items()}
    for name, mask in corpus.opened.stretches.items():
        rows[name] = (float(mask[:read][inside].sum() / total), float(mask[:read].mean()))
    share = np.array(list(rows.values())).reshape(-1, 2)
    return {"share": xr.DataArray(share[:, 0], {"kind": list(rows)}, ("kind",)),
            "base": xr.DataArray(share[:, 1], {"kind": list(rows)}, ("kind",))}


def _members(labels: Sequence[str]) -> dict[str, list[str]]:
    """The labels of each class of characters."""
    return {name: [label for label, member in zip(labels, mask.tolist(), strict=True) if member]
            for name, mask in classes(labels).items()}
