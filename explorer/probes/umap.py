"""Uniform manifold approximation and projection (McInnes, Healy & Melville 2018, arXiv:1802.03426).

Written out here because `umap-learn` compiles itself anew in every process that asks (40 s on two
cores, more than a probe may take); this starts at once. The tests hold the graph of neighbours and
the curve equal to `umap-learn`, and the picture as trustworthy as its own.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

Points = NDArray[np.float32]
EPOCHS = 200
NEGATIVES = 5  # points that each edge pushes away while it pulls two together
FORCE = 4.0  # a coordinate moves at most so far at once
FEWEST = 8  # points


class Neighbours(NamedTuple):
    """The nearest of some points. which, distance: (n, k), nearest first."""

    which: NDArray[np.int64]
    distance: NDArray[np.float32]


class Edges(NamedTuple):
    """Who belongs to whom, and how strongly: three times (edge,)."""

    head: NDArray[np.int64]
    tail: NDArray[np.int64]
    weight: NDArray[np.float32]


class Layout(NamedTuple):
    """What was fitted. points: (n, inputs). placed: (n, dimensions). neighbours: of each point."""

    points: Points
    placed: Points
    neighbours: int


def fit(points: Points, dimensions: int = 2, neighbours: int = 15, seed: int = 0) -> Layout:
    """Place points (n, inputs), at least `FEWEST`, so that who is near whom stays so."""
    k = min(neighbours, len(points) - 1)
    edges = union(points, k)
    placed = _optimise(_start(points, dimensions, seed), None, edges, EPOCHS, seed)
    return Layout(points, placed, k)


def union(points: Points, k: int) -> Edges:
    """The graph of the points' k nearest (each its own first): of two that belong to each other
    with strengths a and b the edge has a + b − a·b."""
    n = len(points)
    near = nearest(points, points, k - 1)
    own = np.arange(n)[:, None]
    near = Neighbours(np.hstack([own, near.which]),
                      np.hstack([np.zeros((n, 1), np.float32), near.distance]))
    strength = memberships(near)  # (n, k)
    strength[:, 0] = 0
    rows = np.repeat(np.arange(n), k)
    one = sparse.coo_array((strength.ravel(), (rows, near.which.ravel())), (n, n)).tocsr()
    both = (one + one.T - one.multiply(one.T)).tocoo()
    kept = both.data > 0
    return Edges(both.row[kept].astype(np.int64), both.col[kept].astype(np.int64), both.data[kept])


def transform(layout: Layout, points: Points, seed: int = 0) -> Points:
    """Place new points (m, inputs) among those that were fitted, which stay where they are."""
    near = nearest(layout.points, points, layout.neighbours)
    weights = memberships(near)  # (m, k)
    share = weights / weights.sum(1, keepdims=True)
    start = np.einsum("mk,mkd->md", share, layout.placed[near.which]).astype(np.float32)
    heads = np.repeat(np.arange(len(points)), layout.neighbours)
    edges = Edges(heads, near.which.ravel(), weights.ravel())
    return _optimise(start, layout.placed, edges, EPOCHS // 3, seed)


def nearest(among: Points, points: Points, k: int) -> Neighbours:
    """The k nearest by Euclidean distance, looking at all; of a point among itself not itself."""
    itself = among is points
    ours, theirs = torch.from_numpy(points), torch.from_numpy(among)
    apart = torch.cdist(ours, theirs, compute_mode="use_mm_for_euclid_dist")  # (m, n)
    if itself:
        apart.fill_diagonal_(torch.inf)
    distance, index = apart.topk(k, largest=False)  # (m, k)
    return Neighbours(index.numpy(), distance.numpy())


def memberships(near: Neighbours) -> Points:
    """How strongly each point (n, k) belongs to its neighbours: exp(−(d − ρ)/σ), ρ the distance of
    the nearest other point, σ such that all but the first add up to log2 k (algorithm 3)."""
    d = near.distance.astype(np.float64)
    n, k = d.shape
    rho = np.where((d > 0).any(1), np.where(d > 0, d, np.inf).min(1), 0.0)  # (n,)
    over = np.maximum(d - rho[:, None], 0)  # (n, k)
    low, high, sigma = np.zeros(n), np.full(n, np.inf), np.ones(n)
    for _ in range(64):
        total = np.exp(-over[:, 1:] / sigma[:, None]).sum(1)
        above = total > np.log2(k)
        high = np.where(above, sigma, high)
        low = np.where(above, low, sigma)
        sigma = np.where(np.isinf(high), sigma * 2, (low + high) / 2)
    least = 1e-3 * np.where(rho > 0, d.mean(1), d.mean())
    strength: Points = np.exp(-over / np.maximum(sigma, least)[:, None]).astype(np.float32)
    return strength


@cache
def curve(spread: float = 1.0, least: float = 0.1) -> tuple[float, float]:
    """a, b of 1 / (1 + a·d^(2b)), which is to be 1 up to `least` and fall off like
    exp(−(d − least) / spread) beyond."""
    from scipy.optimize import curve_fit

    d = np.linspace(0, spread * 3, 300)
    wanted = np.where(d < least, 1.0, np.exp(-(d - least) / spread))
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), d, wanted)
    return float(a), float(b)


def _start(points: Points, dimensions: int, seed: int) -> Points:
    """Where the points start: their principal components, ten wide, a little shaken."""
    centred = points - points.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    start = np.zeros((len(points), dimensions), np.float32)
    start[:, : len(axes)] = centred @ axes[:dimensions].T
    start *= np.float32(10 / max(float(np.abs(start).max()), 1e-9))
    shaken = np.random.default_rng(seed).normal(scale=1e-3, size=start.shape)
    return start + shaken.astype(np.float32)


def _optimise(
    start: Points, fixed: Points | None, edges: Edges, epochs: int, seed: int
) -> Points:
    """Pull along the edges, the stronger the more often; push from points drawn at random
    (section 3.2). All edges of an epoch act at once. fixed: the points at the tails, which stay."""
    chance = torch.Generator().manual_seed(seed)
    often = torch.from_numpy(edges.weight / edges.weight.max())  # times an epoch
    lasting = often >= 1 / epochs
    head, tail = torch.from_numpy(edges.head)[lasting], torch.from_numpy(edges.tail)[lasting]
    often = often[lasting]
    due = torch.rand(len(often), generator=chance)
    y = torch.from_numpy(start.copy())  # (n, dimensions)
    others = y if fixed is None else torch.from_numpy(fixed)
    for epoch in range(epochs):
        rate = 1 - epoch / epochs
        due += often
        now = due >= 1
        due[now] -= 1
        i, j = head[now], tail[now]
        away = torch.randint(len(others), (NEGATIVES, len(i)), generator=chance)
        pull = _pull(y[i] - others[j]) * rate  # (edges, dimensions)
        push = (_push(y[i] - others[away]) * rate).sum(0)
        y.index_add_(0, i, pull + push)
        if fixed is None:
            y.index_add_(0, j, -pull)
    return y.numpy()


def _pull(apart: Tensor) -> Tensor:
    """The force on one end of an edge; apart (…, dimensions)."""
    a, b = curve()
    d2 = apart.square().sum(-1, keepdim=True).clamp_min(1e-12)
    bent = d2**b
    return (-2 * a * b * bent / d2 / (1 + a * bent) * apart).clamp(-FORCE, FORCE)


def _push(apart: Tensor) -> Tensor:
    """The force away from a point drawn at random; none from the point itself."""
    a, b = curve()
    d2 = apart.square().sum(-1, keepdim=True)
    return (2 * b / ((0.001 + d2) * (1 + a * d2**b)) * apart).clamp(-FORCE, FORCE)
