"""Three steps of a recurrent network of one unit, with every number: the computational graph of
Zhang et al., Dive into Deep Learning, "Backpropagation Through Time".

    h(t) = w_hx x(t) + w_hh h(t−1),  o(t) = w_qh h(t),  L = ⅓ Σ_t ½ (o(t) − y(t))²

A gradient runs along each edge from its end to its start: the gradient at the end times the edge's
own slope. What arrives at a node is the sum over the edges that leave it. No torch: the numbers are
few, and the tests hold them equal to autograd's.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import xarray as xr

STEPS = (1, 2, 3)


class Edge(NamedTuple):
    """Names of two nodes, and ∂(target)/∂(source) along this edge alone."""

    source: str
    target: str
    slope: float


def drawn_numbers(seed: int) -> dict[str, float]:
    """What is read, what should come out, and the state before, to one decimal: none of them 0."""
    draw = np.random.default_rng(seed)
    names = [*(f"x{t}" for t in STEPS), *(f"y{t}" for t in STEPS), "h0"]
    values = draw.integers(2, 11, len(names)) / 10 * draw.choice([-1, 1], len(names))
    return dict(zip(names, map(float, values), strict=True))


def three_steps(
    w_hx: float, w_hh: float, w_qh: float, seed: int = 0, cut: Collection[int] = ()
) -> xr.Dataset:
    """`value` and `gradient` = ∂L/∂node over node; over edge its `source`, `target`, `slope` and
    `along`, the gradient that runs back on it; over path `product`, what each path from L to w_hh
    adds to ∂L/∂w_hh, from the loss of step `loss_step` to the use of w_hh at `use_step`.

    A weight stands once for each step that uses it ("w_hh2"), and once as their sum ("w_hh").
    seed: of the other numbers. cut: the steps t before which no gradient passes from h(t) to
    h(t−1).
    """
    value = drawn_numbers(seed)
    for t in STEPS:
        value |= {f"w_hx{t}": w_hx, f"w_hh{t}": w_hh, f"w_qh{t}": w_qh}
        value[f"h{t}"] = w_hx * value[f"x{t}"] + w_hh * value[f"h{t - 1}"]
        value[f"o{t}"] = w_qh * value[f"h{t}"]
    value["L"] = sum((value[f"o{t}"] - value[f"y{t}"]) ** 2 for t in STEPS) / 6
    edges = _edges(value, cut)
    gradient = _gradients(edges)
    for name, weight in (("w_hx", w_hx), ("w_hh", w_hh), ("w_qh", w_qh)):
        value[name] = weight
        gradient[name] = sum(gradient[f"{name}{t}"] for t in STEPS)
    nodes = [name for name in value if not name.startswith("y")]
    paths = [(t, use) for use in STEPS for t in STEPS if use <= t]
    return xr.Dataset(
        {
            "value": ("node", [value[name] for name in nodes]),
            "gradient": ("node", [gradient[name] for name in nodes]),
            "source": ("edge", [edge.source for edge in edges]),
            "target": ("edge", [edge.target for edge in edges]),
            "slope": ("edge", [edge.slope for edge in edges]),
            "along": ("edge", [gradient[edge.target] * edge.slope for edge in edges]),
            "product": ("path", [_product(edges, t, use) for t, use in paths]),
            "loss_step": ("path", [t for t, _ in paths]),
            "use_step": ("path", [use for _, use in paths]),
        },
        {"node": nodes},
        {"run": f"three steps: {w_hx}, {w_hh}, {w_qh}, {seed}, {sorted(cut)}", "step": 0}
        | {f"y{t}": value[f"y{t}"] for t in STEPS},
    )


def along(loss_step: int, use_step: int) -> list[tuple[str, str]]:
    """The edges, (source, target), of the path from the loss of one step back to the use of w_hh
    at another."""
    states = [(f"h{t - 1}", f"h{t}") for t in range(loss_step, use_step, -1)]
    return [(f"o{loss_step}", "L"), (f"h{loss_step}", f"o{loss_step}"), *states,
            (f"w_hh{use_step}", f"h{use_step}")]


def _edges(value: dict[str, float], cut: Collection[int]) -> list[Edge]:
    """Every edge, those nearest to the loss first."""
    found = []
    for t in reversed(STEPS):
        state = 0.0 if t in cut else value[f"w_hh{t}"]
        found += [
            Edge(f"o{t}", "L", (value[f"o{t}"] - value[f"y{t}"]) / len(STEPS)),
            Edge(f"h{t}", f"o{t}", value[f"w_qh{t}"]),
            Edge(f"w_qh{t}", f"o{t}", value[f"h{t}"]),
            Edge(f"h{t - 1}", f"h{t}", state),
            Edge(f"w_hh{t}", f"h{t}", value[f"h{t - 1}"]),
            Edge(f"w_hx{t}", f"h{t}", value[f"x{t}"]),
            Edge(f"x{t}", f"h{t}", value[f"w_hx{t}"]),
        ]
    return found


def _gradients(edges: list[Edge]) -> dict[str, float]:
    """∂L/∂node for every node: a node's own is whole before it is passed on, since the edges that
    leave it come before those that enter it."""
    gradient = {"L": 1.0}
    for edge in edges:
        gradient[edge.source] = (gradient.get(edge.source, 0.0)
                                 + gradient[edge.target] * edge.slope)
    return gradient


def _product(edges: list[Edge], loss_step: int, use_step: int) -> float:
    """The product of the slopes along a path from L to a use of w_hh."""
    slope = {(edge.source, edge.target): edge.slope for edge in edges}
    return float(np.prod([slope[pair] for pair in along(loss_step, use_step)]))
