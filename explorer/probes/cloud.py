"""States seen in two or three dimensions: those of the run's own text as a cloud, a sentence as a
path through it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.probes import umap
from explorer.probes.capture import about, admit
from explorer.probes.corpus import Corpus, states
from explorer.probes.opened import Opened
from explorer.text import Tokens
from explorer.words import N_

METHODS = ("pca", "umap", "units")
FIRST = 50_000  # tokens of the run's text that are read for the cloud
KEPT = 4  # pictures by UMAP
SAMPLED = {"pca": 5_000, "umap": 3_000, "units": 5_000}  # of their states, at most

Points = NDArray[np.float32]


def projection(
    opened: Opened,
    text: str,
    other: str = "",
    method: str = "pca",
    dimensions: int = 2,
    layer: int = 0,
    observation: str = "hidden",
    units: Sequence[int] = (0, 1, 2),
    seed: int = 0,
) -> xr.Dataset:
    """`cloud` over (point, axis): states of the run's own text, of which the projection is made;
    `path` over (token, axis): the text's, put into the same space; `second` over (token2, axis) if
    there is another text.

    method: pca, umap (McInnes 2018), or units: the values of some units as they are. dimensions:
    2 or 3. At most `SAMPLED` states of the first `FIRST` tokens are drawn by `seed`; attrs say how
    many of how many. `explained` over component: the shares of the variance; with pca `loading`
    over (axis, unit). `apart` over shared: see `_apart`. Raises DataError: an empty text, an
    unknown method, a text too short for umap.
    """
    _check(opened, method, dimensions, units)
    corpus = Corpus(opened, layer, observation)
    read = min(corpus.go_on(FIRST), FIRST)  # no more, however much was read before
    chance = np.random.default_rng(seed)
    tokens = np.sort(chance.choice(read, min(SAMPLED[method], read), replace=False))  # (point,)
    points = corpus.at(tokens)  # (point, unit)
    texts = [admit(opened, text)] + ([admit(opened, other)] if other else [])
    paths = [states(opened, each, layer, observation) for each in texts]
    placed, more = _place(method, corpus.name, points, paths, dimensions, list(units), seed)
    contexts = [corpus.context(t, t + 1, 12) for t in tokens.tolist()]
    variables: dict[str, Any] = {"cloud": (("point", "axis"), placed[0])}
    coordinates: dict[str, Any] = {
        "at": ("point", tokens),
        "point_label": ("point", [hit for _, hit, _ in contexts]),
        "before": ("point", [before for before, _, _ in contexts]),
        "after": ("point", [after for _, _, after in contexts]),
    }
    for name, dim, label, each, path in zip(
        ("path", "second"), ("token", "token2"), ("label", "label2"), texts, placed[1:],
        strict=False,
    ):
        variables[name] = ((dim, "axis"), path)
        coordinates[label] = (dim, list(each.labels))
    variables |= more | _apart(texts, paths) | _marks(opened.stretches, tokens)
    attributes = {"method": method, "dimensions": dimensions, "other": other, "layer": layer,
                  "observation": observation, "seed": seed,
                  "sampled": len(tokens), "read": read, "of": corpus.of, "error": corpus.error}
    if method == "units":
        attributes["chosen"] = list(units[:dimensions])
    return xr.Dataset(variables, coordinates, about(opened) | attributes)


def pca(points: Points, dimensions: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Principal components (Pearson 1901) of points (n, unit): their mean (unit,), axes
    (dimensions, unit) and every component's share of the variance. An axis points where its
    largest weight is positive, as in scikit-learn."""
    x = points.astype(np.float64)
    mean = x.mean(0)
    _, s, axes = np.linalg.svd(x - mean, full_matrices=False)
    largest = np.abs(axes).argmax(1)
    axes *= np.sign(axes[np.arange(len(axes)), largest])[:, None]
    share = s**2 / max(float((s**2).sum()), 1e-30)
    missing = max(0, dimensions - len(axes))
    axes = np.vstack([axes[:dimensions], np.zeros((missing, x.shape[1]))])
    return mean, axes, share


def _place(
    method: str, key: Hashable, points: Points, paths: list[Points], dimensions: int,
    units: list[int], seed: int,
) -> tuple[list[Points], dict[str, Any]]:
    """The cloud and the paths in the new space, and what there is to say of the components."""
    every = [points, *paths]
    mean, axes, share = pca(points, dimensions)
    said: dict[str, Any] = {"explained": ("component", share.astype(np.float32))}
    if method == "units":
        return [each[:, units[:dimensions]] for each in every], said
    if method == "umap":
        layout = _fitted((key, len(points), dimensions, seed), points)
        return [layout.placed, *(umap.transform(layout, each, seed) for each in paths)], said
    placed = [((each - mean) @ axes.T).astype(np.float32) for each in every]
    return placed, said | {"loading": (("axis", "unit"), axes.astype(np.float32))}


_layouts: OrderedDict[Hashable, umap.Layout] = OrderedDict()  # of UMAP, those used last


def _fitted(key: tuple[Hashable, int, int, int], points: Points) -> umap.Layout:
    """UMAP's picture of the corpus, made once for all the texts that are put into it."""
    if key not in _layouts:
        _layouts[key] = umap.fit(points, dimensions=key[2], seed=key[3])
    _layouts.move_to_end(key)
    while len(_layouts) > KEPT:
        _layouts.popitem(last=False)
    return _layouts[key]


def _apart(texts: list[Tokens], paths: list[Points]) -> dict[str, Any]:
    """How far apart two texts leave the network before the last tokens that they share, and after
    each of these: (shared,), in the space of all units."""
    if len(texts) < 2:
        return {}
    most = min(map(len, texts))
    same = texts[0].ids[-most:] == texts[1].ids[-most:]
    shared = most if same.all() else int(same[::-1].argmin())
    first = [len(path) - shared - 1 for path in paths]
    states = [path[start:] if start >= 0 else np.vstack([np.zeros_like(path[:1]), path])
              for path, start in zip(paths, first, strict=True)]
    return {"apart": ("shared", np.linalg.norm(states[0] - states[1], axis=1))}


def _marks(found: Mapping[str, NDArray[np.bool_]], tokens: NDArray[Any]) -> dict[str, Any]:
    """Which points stand in longer stretches, such as quotations: (mark, point)."""
    if not found:
        return {}
    values = np.stack([mask[tokens] for mask in found.values()])
    return {"marked": xr.DataArray(values, {"mark": list(found)}, ("mark", "point"))}


def _check(opened: Opened, method: str, dimensions: int, units: Sequence[int]) -> None:
    if method not in METHODS:
        raise DataError(N_("There is no projection called “{name}”; there are: {known}."),
                        name=method, known=", ".join(METHODS))
    if dimensions not in (2, 3):
        raise DataError(N_("A picture has 2 or 3 dimensions, not {count}."), count=dimensions)
    hidden = opened.network.spec.hidden
    if method == "units" and (len(units) < dimensions
                              or not all(0 <= unit < hidden for unit in units)):
        raise DataError(N_("Choose {count} units between 0 and {last}."), count=dimensions,
                        last=hidden - 1)
    least = umap.FEWEST
    if method == "umap" and len(opened.corpus) < least:
        raise DataError(N_("UMAP needs the states of {least} tokens; this run's text has {count}: "
                           "take PCA."), least=least, count=len(opened.corpus))
