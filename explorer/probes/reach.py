"""Which token reaches which, layer by layer, and the shortest way between two: followed on real
layers, where a gradient that is not zero is a dependency.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import DataError
from explorer.probes.bare_layers import Layer, Recurrent, layer
from explorer.words import N_

MOST = 32  # tokens that are followed
WIDTH = 8
LAYERS, KERNELS, GROWTHS = (1, 6), (2, 5), (2, 5)
KINDS = ("rnn", "cnn", "dilated", "attention")

Support = NDArray[np.bool_]  # (to, from)
Node = tuple[int, int]  # level, token


class Edge(NamedTuple):
    """From a level's token to another's; level 0 is the sentence."""

    start: Node
    end: Node


def reach(
    tokens: int, source: int, target: int, k: int = 3, growth: int = 3, layers: int = 3
) -> xr.Dataset:
    """Of a recurrent layer, a stack of causal convolutions, one whose dilation grows `growth`-fold
    with each layer, and self-attention, over `tokens` tokens. Over edge: `kind`, `from_level`,
    `from_token`, `to_level`, `to_token`, and `role`: 2 on the shortest way from the token `source`
    to the answer at the token `target`, 1 on some way to that answer, 0 on none.

    Over network: `levels` above the sentence, `path` (edges of the shortest way, −1 = none in this
    many layers), `needed` (layers until `source` reaches `target`, −1 = never), `field` (how many
    tokens reach it). k: of both convolutions, which have `layers` layers.

    Raises DataError: a token outside the sentence or after the target, k, growth or layers out of
    range.
    """
    _admit(tokens, source, target, k, growth, layers)
    rows: list[dict[str, Any]] = []
    found: list[dict[str, int]] = []
    for kind in KINDS:
        rate = growth if kind == "dilated" else 1
        count = layers if kind in ("cnn", "dilated") else 1
        edges = _recurrent(tokens) if kind == "rnn" else _stacked(kind, tokens, count, k, rate)
        goal = (count, target)
        way, field = shortest(edges, (0, source), goal), into(edges, goal)
        rows += [{"kind": kind, "from_level": edge.start[0], "from_token": edge.start[1],
                  "to_level": edge.end[0], "to_token": edge.end[1],
                  "role": 2 if edge in way else int(edge.end in field)} for edge in edges]
        found.append({
            "levels": count, "path": len(way) or -1,
            "field": len({node for node in field if node[0] == 0}),
            "needed": 1 if kind == "rnn" else _needed(kind, tokens, source, target, k, rate)})
    return xr.Dataset(
        {name: ("edge", np.array([row[name] for row in rows])) for name in rows[0]}
        | {name: ("network", np.array([each[name] for each in found])) for name in found[0]},
        {"network": list(KINDS)},
        {"tokens": tokens, "source": source, "target": target, "k": k, "growth": growth,
         "layers": layers},
    )


def support(net: Layer, x: Tensor) -> Support:
    """(n, n): whether each answer of a layer changes with each token it read."""
    x = x.detach().requires_grad_()
    y, _kept = net.read(x)
    slopes = [torch.autograd.grad(each, x, retain_graph=True)[0] for each in y @ _one_number()]
    return np.stack([(slope != 0).any(-1).numpy() for slope in slopes])


def _one_number() -> Tensor:
    """(d,): by which an answer becomes one number that leaves no part of it out."""
    return torch.linspace(0.5, 1.5, WIDTH, dtype=torch.float64)


@lru_cache(256)
def _reached(kind: str, tokens: int, k: int, dilation: int) -> Support:
    """What a layer reaches: it depends on nothing else."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return support(layer(kind, WIDTH, k, dilation).double(), _sentence(tokens))


def _sentence(tokens: int) -> Tensor:
    return torch.randn(tokens, WIDTH, dtype=torch.float64)


def _stacked(kind: str, tokens: int, layers: int, k: int, growth: int) -> list[Edge]:
    """The edges of layers on layers."""
    return [Edge((level, int(start)), (level + 1, int(end)))
            for level in range(layers)
            for end, start in np.argwhere(_reached(kind, tokens, k, growth**level))]


@lru_cache(MOST)
def _recurrent(tokens: int) -> list[Edge]:
    """The edges of one step after the other: a state has read its token and the state before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net, h = cast("Recurrent", layer("rnn", WIDTH).double()), torch.zeros(WIDTH).double()
        edges = []
        for t, x_t in enumerate(_sentence(tokens)):
            read = torch.stack((x_t, h.detach())).requires_grad_()  # (2, d)
            h = net.step(read[0], read[1])
            (slope,) = torch.autograd.grad(h @ _one_number(), read)
            by_token, by_state = (slope != 0).any(-1).tolist()
            edges += [Edge((0, t), (1, t))] * by_token
            edges += [Edge((1, t - 1), (1, t))] * (by_state and t > 0)
    return edges


def _needed(kind: str, tokens: int, source: int, target: int, k: int, growth: int) -> int:
    """How many layers it takes until the one token reaches the other; −1 when no layer more helps:
    its kernel's second token lies before the sentence."""
    seen = np.zeros(tokens, dtype=bool)
    seen[source] = True
    for depth, reached in enumerate(_supports(kind, tokens, k, growth), 1):
        seen = reached @ seen
        if seen[target]:
            return depth
    return -1


def _supports(kind: str, tokens: int, k: int, growth: int) -> Iterator[Support]:
    """What each layer of a stack reaches, for as many layers as can matter."""
    dilation = 1
    for _ in range(tokens):
        yield _reached(kind, tokens, k, dilation)
        dilation *= growth
        if dilation >= max(2, tokens):
            return


def shortest(edges: list[Edge], start: Node, goal: Node) -> list[Edge]:
    """The edges of a shortest way, by breadth first; none where there is no way."""
    before: dict[Node, Edge] = {}
    ahead = _by(edges, lambda edge: edge.start)
    seen, border = {start}, [start]
    while border and goal not in seen:
        further: list[Node] = []
        for node in border:
            for edge in ahead.get(node, ()):
                if edge.end not in seen:
                    seen.add(edge.end)
                    before[edge.end] = edge
                    further.append(edge.end)
        border = further
    way: list[Edge] = []
    while goal in before:
        way.insert(0, before[goal])
        goal = before[goal].start
    return way


def into(edges: list[Edge], goal: Node) -> set[Node]:
    """All from which there is a way to the goal, itself among them."""
    behind = _by(edges, lambda edge: edge.end)
    seen, waiting = {goal}, [goal]
    while waiting:
        for edge in behind.get(waiting.pop(), ()):
            if edge.start not in seen:
                seen.add(edge.start)
                waiting.append(edge.start)
    return seen


def _by(edges: list[Edge], end: Any) -> dict[Node, list[Edge]]:
    found: dict[Node, list[Edge]] = {}
    for edge in edges:
        found.setdefault(end(edge), []).append(edge)
    return found


def _admit(tokens: int, source: int, target: int, k: int, growth: int, layers: int) -> None:
    if not 0 <= source <= target < tokens <= MOST:
        raise DataError(
            N_("Ways are followed in a sentence of 1 to {most} tokens, from one to itself or to a "
               "later one (given: {tokens} tokens, {source} to {target}, the first is 0)."),
            most=MOST, tokens=tokens, source=source, target=target)
    for name, value, (low, high) in (("k", k, KERNELS), ("growth", growth, GROWTHS),
                                     ("layers", layers, LAYERS)):
        if not low <= value <= high:
            raise DataError(N_("Ways are followed for {name} from {low} to {high} (given: "
                               "{given})."), name=name, low=low, high=high, given=value)
