"""In which order units are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ORDERS = ("clusters", "variance", "mean", "correlation", "number")


def order_units(values: NDArray[Any], order: str, unit: int = 0) -> NDArray[np.int64]:
    """The units of values (token, unit), ordered.

    clusters: neighbours behave alike (leaves of an average-linkage tree over 1 − |r|).
    mean, variance: largest first. correlation: with `unit`, largest first. number: as they are.
    """
    H = values.shape[1]
    if order == "mean":
        return np.argsort(-values.mean(0), kind="stable")
    if order == "variance":
        return np.argsort(-values.var(0), kind="stable")
    if order == "correlation":
        return np.argsort(-correlations(values, values[:, unit]), kind="stable")
    if order == "clusters" and H > 2 and len(values) > 1:
        return _by_likeness(values)
    return np.arange(H)


def correlations(values: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """Pearson's r of each column of values (token, n) with other (token,); 0 where one is still."""
    a = values - values.mean(0, dtype=float)
    b = other - other.mean(dtype=float)
    scale = np.sqrt((a**2).sum(0) * (b**2).sum())
    r: NDArray[np.float64] = np.divide(b @ a, scale, out=np.zeros(a.shape[1]), where=scale > 1e-12)
    return r


def _by_likeness(values: NDArray[Any]) -> NDArray[np.int64]:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    centred = values - values.mean(0, dtype=float)
    norm = np.linalg.norm(centred, axis=0)
    unit = np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 1e-12)
    apart = np.clip(1 - np.abs(unit.T @ unit), 0, None)
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), "average")
    ordered: NDArray[np.int64] = leaves_list(tree).astype(np.int64)
    return ordered
