"""What is left of the gradient when the chain through time is cut (Tallec & Ollivier 2017).

The text is read once for each way to cut it, side by side, through the readable cell; the readings
differ only in how the gradient passes from token to token (`models.truncation.links`). Biases of
every step's own catch δ(t), the loss's slope at that step's sums. The gradient of a weight matrix
is then Σ_t δ(t) v(t)ᵀ, where v(t) is what it was multiplied with, and the inner product of two
readings' gradients is

    Σ_t Σ_s ⟨δ_i(t), δ_j(s)⟩ ⟨v(t), v(s)⟩,

so that all lengths and angles follow without any gradient being formed.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.models.recurrent import Weights, before
from explorer.models.truncation import links, weigh
from explorer.probes.capture import about, admit
from explorer.probes.opened import Opened
from explorer.words import N_

LONGEST = 160  # tokens that are read
DRAWS = 64
WORK = 2e10  # multiplications: larger networks are given fewer draws
FEWEST = 8  # draws of any network
KINDS = ("full", "regular", "randomised")
WEIGHTS = ("recurrent", "all")
REPEATS = 2  # readings of which the fastest is timed

Array = NDArray[np.float64]


class Reading(NamedTuple):
    """Of one layer: δ of the sums made from input and from state, (T, readings, gates·hidden),
    and what they were made from, (T, inputs) and (T, hidden)."""

    from_input: Tensor
    from_state: Tensor
    x: Tensor
    h: Tensor


def truncation(
    opened: Opened, text: str, every: int = 16, draws: int = DRAWS, seed: int = 0
) -> xr.Dataset:
    """How the gradient of the mean loss over `text` changes when the chain is cut every so many
    tokens: regularly, or at random places and weighted up, in many draws.

    `link` (kind, token), `links` (draw, token): ξ. In units of the full gradient's length, over
    (weights, kind) and (weights, draw): `along` the full gradient, and `across` it, what is left
    beside. kind "randomised" is the mean of all draws. `error` (weights, count): how far the mean
    of `count` draws lies from the full gradient (root mean square over groups of draws); `spread`
    (weights): the standard deviation of one draw. `saved` (kind) in bytes, `seconds` (kind) of the
    one thread: what each takes when it goes back at every cut, "randomised" as in draw 0.
    weights: "recurrent" is U of all layers, "all" all weights of the network. Where the full
    gradient is 0 there is nothing to measure by, and these are NaN.
    attrs: `tokens` read of the text's `of`; `draws`, which is lowered for large networks.
    Raises DataError: fewer than three tokens, a network that reads in both directions.
    """
    if opened.network.spec.bidirectional:
        raise DataError(N_("This network reads from both ends, so there is no one chain to cut: "
                           "choose a run that reads in one direction."))
    tokens = admit(opened, text)
    if len(tokens) < 3:
        raise DataError(N_("A chain of fewer than three tokens cannot be cut: type a longer text."))
    read = tokens.ids[: LONGEST + 1]
    ids = torch.from_numpy(read)
    T = len(ids) - 1  # guesses
    draws = _affordable(opened, T, draws)
    ways = _ways(T, every, draws, seed)  # (T, 2 + draws)
    products = _products(opened, ids, ways)  # (weights, readings, readings)
    along, across = zip(*map(_placed, products), strict=True)
    errors, spreads = zip(*map(_strayed, products), strict=True)
    costs = [_cost(opened, ids, ways[:, place]) for place in range(3)]
    over = ("weights", "kind")
    return xr.Dataset(
        {
            "link": (("kind", "token"), ways[:, :3].T.numpy()),
            "links": (("draw", "token"), ways[:, 2:].T.numpy()),
            "along": (over, np.stack([row[:3] for row in along])),
            "across": (over, np.stack([row[:3] for row in across])),
            "draw_along": (("weights", "draw"), np.stack([row[3:] for row in along])),
            "draw_across": (("weights", "draw"), np.stack([row[3:] for row in across])),
            "error": (("weights", "count"), np.stack(errors)),
            "spread": ("weights", np.array(spreads)),
            "saved": ("kind", [cost[0] for cost in costs], {"units": "byte"}),
            "seconds": ("kind", [cost[1] for cost in costs], {"units": "s"}),
        },
        {
            "kind": list(KINDS),
            "weights": list(WEIGHTS),
            "draw": np.arange(draws),
            "count": _counts(draws),
            "label": ("token", list(tokens.labels[:T])),
        },
        about(opened) | {"every": every, "draws": draws, "seed": seed, "tokens": T,
                         "of": len(tokens) - 1},
    )


def _affordable(opened: Opened, T: int, draws: int) -> int:
    """How many draws can be had for `WORK`."""
    core = sum(p.numel() for p in opened.network.core.parameters())
    return max(FEWEST, min(draws, int(WORK / (6 * core * T))))


def _ways(T: int, every: int, draws: int, seed: int) -> Tensor:
    """ξ (T, 2 + draws): full, regular, then each draw."""
    draw = torch.Generator().manual_seed(seed)
    return torch.cat([
        links("full", T, every, 1, draw),
        links("regular", T, every, 1, draw),
        links("randomised", T, every, draws, draw),
    ], 1)


def _products(opened: Opened, ids: Tensor, ways: Tensor) -> list[Array]:
    """For each of `WEIGHTS` the inner products (readings, readings) of gradients: of the full one,
    which stands first, and of what each other has more than it."""
    network = opened.network
    readings, top, at_logits = _read(opened, ids, ways)
    ones = torch.ones(len(top), 1)
    recurrent = torch.zeros(ways.shape[1], ways.shape[1], dtype=torch.float64)
    rest = recurrent.clone()
    decoder = at_logits.mT @ top  # (vocabulary, hidden)
    rest[0, 0] = decoder.square().sum() + at_logits.sum(0).square().sum()
    for layer, (from_input, from_state, x, h) in enumerate(readings):
        d_input, d_state = _less_the_first(from_input), _less_the_first(from_state)
        recurrent += _inner(d_state, h)
        rest += _inner(d_input, x) + _inner(d_input, ones) + _inner(d_state, ones)
        if layer == 0 and network.encoder is not None:
            d_x = d_input @ network.weights(0).W.detach()  # (T, readings, embedding)
            rest += _inner(d_x, F.one_hot(ids[:-1], network.vocabulary).float())
            if network.spec.tied:  # encoder and decoder are one matrix
                both = torch.einsum("tne,te->n", d_x, decoder[ids[:-1]])  # (readings,)
                rest[0] += both
                rest[:, 0] += both
    return [recurrent.numpy(), (recurrent + rest).numpy()]


def _read(opened: Opened, ids: Tensor, ways: Tensor) -> tuple[list[Reading], Tensor, Tensor]:
    """Read the text once for each way (T, n): each layer's reading, the top layer's h (T, hidden),
    and the slope of the loss at the logits (T, vocabulary): the last two are the same for all."""
    network, spec, (T, n) = opened.network, opened.network.spec, ways.shape
    weights = [Weights(*(w.detach() for w in network.weights(layer)))
               for layer in range(spec.layers)]
    biases: list[Tensor] = []  # one of each reading's own at every step: their slopes are δ
    states = [_repeated(network.start(), n) for _ in weights]
    embedded = network.read(ids[:-1]).detach()  # (T, inputs)
    below: list[list[Tensor]] = [[] for _ in weights]
    hidden: list[list[Tensor]] = [[] for _ in weights]
    tops = []
    with torch.enable_grad():
        for t in range(T):
            x = embedded[t].expand(n, -1)  # (n, inputs)
            for layer, w in enumerate(weights):
                below[layer].append(x[0].detach())
                biases += [b.repeat(n, 1).requires_grad_() for b in (w.b_W, w.b_U)]
                caught = w._replace(b_W=biases[-2], b_U=biases[-1])  # (n, sums) each
                states[layer] = spec.step(x, weigh(states[layer], ways[t]), caught)
                x = spec.output(states[layer])
                hidden[layer].append(x[0].detach())
            tops.append(x)
        top = torch.stack([x[0].detach() for x in tops])  # (T, hidden)
        with torch.no_grad():
            guesses = network.decoder(top).softmax(-1)  # (T, vocabulary)
            at_logits = (guesses - F.one_hot(ids[1:], network.vocabulary)) / T
            at_top = at_logits @ network.decoder.weight  # (T, hidden)
        slopes = torch.autograd.grad(tops, biases, [row.expand(n, -1) for row in at_top])
    readings = []
    for layer in range(spec.layers):
        from_input, from_state = (torch.stack(slopes[2 * layer + which :: 2 * spec.layers])
                                  for which in range(2))  # (T, n, sums) each
        h = before(torch.stack(hidden[layer]), torch.zeros(spec.hidden))  # (T, hidden)
        readings.append(Reading(from_input, from_state, torch.stack(below[layer]), h))
    return readings, top, at_logits


def _repeated(state: Any, n: int) -> Any:
    """The same state n times, (n, hidden)."""
    if isinstance(state, tuple):
        return tuple(_repeated(part, n) for part in state)
    return state.expand(n, -1)


def _less_the_first(slopes: Tensor) -> Tensor:
    """δ (T, readings, sums) of the first reading, and what each other has more than it."""
    return torch.cat([slopes[:, :1], slopes[:, 1:] - slopes[:, :1]], 1)


def _inner(slopes: Tensor, multiplied: Tensor) -> Tensor:
    """Inner products (readings, readings) of Σ_t δ(t) v(t)ᵀ: slopes δ (T, readings, sums),
    multiplied v (T, …)."""
    T, n, sums = slopes.shape
    likeness = multiplied @ multiplied.mT  # (T, T): ⟨v(t), v(s)⟩
    spread = (likeness @ slopes.reshape(T, -1)).view(T, n, sums)
    flat = slopes.transpose(0, 1).reshape(n, -1), spread.transpose(0, 1).reshape(n, -1)
    return (flat[0] @ flat[1].mT).double()


def _placed(products: Array) -> tuple[Array, Array]:
    """How far each gradient goes along the full one, and across it, in lengths of the full one:
    full, regular, mean of the draws, then each draw. NaN where the full one has no length."""
    squared = products[0, 0] or np.nan
    means = np.concatenate([[products[0, 1]], [products[0, 2:].mean()], products[0, 2:]]) / squared
    own = products.diagonal()
    squares = np.concatenate([[own[1]], [products[2:, 2:].mean()], own[2:]]) / squared
    across = np.sqrt(np.maximum(squares - means**2, 0))
    full = products[0, 0] / squared  # 1
    return np.concatenate([[full], full + means]), np.concatenate([[full - 1], across])


def _counts(draws: int) -> list[int]:
    """1, 2, 4, … draws."""
    return [2**power for power in range(draws.bit_length())]


def _strayed(products: Array) -> tuple[Array, float]:
    """Root mean square distance of the mean of n draws from the full gradient, for each n of
    `_counts`; and the standard deviation of one draw. In lengths of the full gradient, NaN where it
    has none."""
    between = products[2:, 2:] / (products[0, 0] or np.nan)  # (draws, draws)
    draws = len(between)
    found = []
    for count in _counts(draws):
        groups = draws // count
        blocks = between[: groups * count, : groups * count].reshape(groups, count, groups, count)
        found.append(np.sqrt(np.mean([blocks[g, :, g].mean() for g in range(groups)])))
    own = between.diagonal().sum()
    apart = (between.sum() - own) / (draws * (draws - 1))
    return np.array(found), float(np.sqrt(max(own / draws - apart, 0.0)))


def _cost(opened: Opened, ids: Tensor, way: Tensor) -> tuple[float, float]:
    """What one reading takes that goes back at every cut and forgets what it went back through:
    the most bytes kept at once, beside the weights, and the seconds of the fastest of some."""
    network = opened.network
    cuts = [t for t in range(1, len(way)) if way[t] == 0]
    own = {p.untyped_storage().data_ptr() for p in network.parameters()}
    most, fastest = 0, float("inf")
    for _ in range(REPEATS):
        began, states = time.thread_time(), [network.start() for _ in range(network.spec.layers)]
        for start, end in zip([0, *cuts], [*cuts, len(way)], strict=True):
            kept: dict[int, int] = {}
            states = _piece(opened, ids[start : end + 1], states, way[start:end], len(way), kept)
            most = max(most, sum(size for place, size in kept.items() if place not in own))
        fastest = min(fastest, time.thread_time() - began)
    network.zero_grad(set_to_none=True)
    return float(most), fastest


def _piece(
    opened: Opened, ids: Tensor, states: list[Any], way: Tensor, of: int, kept: dict[int, int]
) -> list[Any]:
    """Read one piece by the cell and go back through it. kept: bytes by place in memory, of all
    that the way back needs. Gives the states that the next piece starts from."""
    network, spec = opened.network, opened.network.spec

    def keep(tensor: Tensor) -> Tensor:
        memory = tensor.untyped_storage()
        kept[memory.data_ptr()] = memory.nbytes()
        return tensor

    weights = [network.weights(layer) for layer in range(spec.layers)]
    with torch.enable_grad(), saved_tensors_hooks(keep, lambda tensor: tensor):
        tops = []
        for t, x in enumerate(network.read(ids[:-1])):
            for layer, w in enumerate(weights):
                past = states[layer]
                if t and way[t] != 1:
                    past = weigh(past, way[t])
                states[layer] = spec.step(x, past, w)
                x = spec.output(states[layer])
            tops.append(x)
        guesses = network.decoder(torch.stack(tops))  # (piece, vocabulary)
        loss = F.cross_entropy(guesses, ids[1:], reduction="sum") / of
    loss.backward()
    return [tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
            for state in states]
