"""Gradients through time: how much each state of the past matters to one guess, or to many.

Nothing is differentiated automatically here. The fused pass gives every gate of every step, these
give the derivatives of all steps at once, and one scan from the last step to the first
(backpropagation through time, Werbos 1990) gives the gradient with respect to every state. The
tests hold it equal to autograd through the cell. The scan is done in float64, in which a gradient
may shrink three hundred orders of magnitude before it is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.models.recurrent import Weights
from explorer.models.tape import Tape, record
from explorer.probes.capture import DIRECTIONS, about, admit, through_cell, through_layers
from explorer.probes.opened import Opened
from explorer.text import Tokens
from explorer.words import N_

SHARE = 0.01  # of its first size: there a gradient counts as gone
CELLS = 42_000  # of a map: as many as a figure draws
PARTS = ("hidden", "state")
WORK = 4e9  # multiplications that a map may cost: about a second


def gradients(
    opened: Opened,
    text: str,
    at: int = -1,
    model: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> xr.Dataset:
    """`gradient` = ∂L(at)/∂h(t) over (layer, direction, token, unit), by backpropagation through
    time; L(at) is the cross-entropy, in nats, of guessing token `at` from those before it, so the
    gradient is zero from t = at on. `cell_gradient` = ∂L(at)/∂c(t) likewise, where there is a cell:
    all that c(t) does, h(t) made from it included.

    Over (part, layer, token): `norm`, the gradient's length, where part is "hidden" (h alone) or
    "state" (all that is carried on: (h, c) in an LSTM, else h again). Of the pair each is taken by
    itself, as the next step reads it: what c(t) does through h(t) counts once, as h's, so that one
    step back is one product with the Jacobian ∂(h, c)(t)/∂(h, c)(t−1). Over (part, layer):
    `reach`, the steps back until it is under 1 % of what it is at the last state (`steps_until`),
    and `factor`, by which it changes from step to step (`per_step`).

    at: an index into the text's tokens, counted from the end if negative. model, seed: look at an
    untrained network instead (`Opened.untrained`).
    Of a network that reads both ways: `gradient` alone, by autograd through the cell, both
    directions reading the tokens before `at`.
    Raises DataError: fewer than two tokens, or `at` outside the text or its first token.
    """
    opened = opened.untrained(model, seed)
    tokens = admit(opened, text)
    guessed = guess(tokens, at)
    if opened.network.spec.bidirectional:
        return _both_ways(opened, tokens, guessed)
    d, loss = _of_losses(opened, tokens, [guessed], through=True)  # (1 or 3, layer, T, 1, unit)
    norm = lengths(d[:2])[..., 0].numpy()  # (part, layer, token)
    back = norm[..., :guessed][..., ::-1]  # (part, layer, steps)
    found = {"gradient": d[0]} | ({"cell_gradient": d[2]} if len(d) > 1 else {})
    return xr.Dataset(
        {
            name: (("layer", "direction", "token", "unit"), part[:, None, :, 0].numpy())
            for name, part in found.items()
        }
        | {
            "norm": (("part", "layer", "token"), norm),
            "reach": (("part", "layer"), [[steps_until(line) for line in part] for part in back]),
            "factor": (("part", "layer"), [[per_step(line) for line in part] for part in back]),
        },
        {
            "label": ("token", list(tokens.labels)),
            "part": list(PARTS),
            "direction": list(DIRECTIONS[:1]),
        },
        about(opened) | {"at": guessed, "loss": float(loss[0])},
    )


def _both_ways(opened: Opened, tokens: Tokens, guessed: int) -> xr.Dataset:
    ids = torch.from_numpy(tokens.ids)
    tape = Tape(retain=True)
    with torch.enable_grad(), record(tape):
        top = through_cell(opened, ids[:guessed])  # (guessed, width)
        loss = F.cross_entropy(opened.network.decoder(top[-1]), ids[guessed])
        loss.backward()
    opened.network.zero_grad(set_to_none=True)
    spec = opened.network.spec
    gradient = torch.zeros(spec.layers, spec.directions, len(ids), spec.hidden)
    for axes, h in tape.kept["hidden"].items():
        place = dict(axes)
        if h.grad is not None:
            gradient[place["layer"], place["direction"], place["token"]] = h.grad
    return xr.Dataset(
        {"gradient": (("layer", "direction", "token", "unit"), gradient.numpy())},
        {"label": ("token", list(tokens.labels)), "direction": list(DIRECTIONS)},
        about(opened) | {"at": guessed, "loss": float(loss.detach())},
    )


def one_way(opened: Opened) -> Opened:
    """The same. Raises DataError: it reads both ways, so that no step is the next one's past."""
    if opened.network.spec.bidirectional:
        raise DataError(
            N_(
                "This network reads from both ends, so its guesses have no one past: choose a run "
                "that reads in one direction."
            )
        )
    return opened


def gradient_map(
    opened: Opened,
    text: str,
    layer: int = -1,
    most: int | None = None,
    model: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> xr.Dataset:
    """`norm` = ‖∂L(T)/∂h(t)‖ over (part, guess, token), for guesses T spread evenly over the text,
    the last among them; zero where t ≥ T. `reach` over (part, guess). Both as in `gradients`.

    layer: whose states, −1 the top one. most: guesses at most (None: what a figure can draw and
    about a second can compute); attrs["guesses"] says of how many there are.
    Raises DataError: fewer than two tokens, or no such layer.
    """
    opened = one_way(opened.untrained(model, seed))
    tokens = admit(opened, text)
    last = guess(tokens, -1)
    layer = layer_of(opened, layer)
    spec, T = opened.network.spec, len(tokens)
    work = T * spec.layers * spec.gates * spec.hidden**2 / 2
    most = max(1, min(most or T, CELLS // T, int(WORK / work)))
    ats = spread(1, last, most)
    d, _ = _of_losses(opened, tokens, ats)  # (1 or 2, layer, T, guess, unit)
    norm = lengths(d)[:, layer].mT.numpy()  # (part, guess, token)
    reach = [
        [steps_until(line[:at][::-1]) for line, at in zip(part, ats, strict=True)] for part in norm
    ]
    return xr.Dataset(
        {"norm": (("part", "guess", "token"), norm), "reach": (("part", "guess"), reach)},
        {"guess": ats, "label": ("token", list(tokens.labels)), "part": list(PARTS)},
        about(opened) | {"layer": layer, "guesses": last},
    )


def guess(tokens: Tokens, at: int) -> int:
    """The index of the token that is guessed. Raises DataError: there is nothing before it."""
    T = len(tokens)
    if T < 2:
        raise DataError(
            N_(
                "The only token of this text cannot be guessed from tokens before it, for there "
                "are none: type at least two tokens."
            )
        )
    guessed = at + T if at < 0 else at
    if not 0 < guessed < T:
        raise DataError(
            N_(
                "Token {at} cannot be guessed from tokens before it: the text has {count} tokens; "
                "choose one from 1 to {last}."
            ),
            at=at,
            count=T,
            last=T - 1,
        )
    return guessed


def layer_of(opened: Opened, layer: int) -> int:
    """A layer's index, −1 the top one. Raises DataError."""
    layers = opened.network.spec.layers
    if not -layers <= layer < layers:
        raise DataError(
            N_("There is no layer {layer}: this network has {count}."), layer=layer, count=layers
        )
    return layer % layers


def spread(first: int, last: int, most: int) -> list[int]:
    """At most so many whole numbers from first to last, evenly, the last among them."""
    count = min(most, last - first + 1)
    return sorted({last - round(i * (last - first) / max(1, count - 1)) for i in range(count)})


def steps_until(norms: NDArray[np.float64], share: float = SHARE) -> float:
    """How many steps back a gradient has fallen under a share of what it was at first.

    norms (steps,): the first is that of the state the guess is made from, then backwards. The place
    between the last step above and the first below is interpolated on the logarithm; NaN when it
    never falls so far, and when there is no gradient at all.
    """
    if not len(norms) or not norms[0] > 0:
        return float("nan")
    level = share * norms[0]
    below = np.flatnonzero(norms < level)
    if not len(below):
        return float("nan")
    step = int(below[0])
    if norms[step] == 0:
        return float(step)
    above, under = np.log(norms[step - 1] / level), np.log(norms[step] / level)
    return float(step - 1 + above / (above - under))


def per_step(norms: NDArray[np.float64]) -> float:
    """By what a gradient is multiplied from step to step: e to the slope of the straight line
    through log norms (steps,), by least squares; NaN when fewer than two are above zero."""
    steps = np.flatnonzero(norms > 0)
    if len(steps) < 2:
        return float("nan")
    return float(np.exp(np.polyfit(steps, np.log(norms[steps]), 1)[0]))


def lengths(d: Tensor) -> Tensor:
    """The norms of ∂h, and of ∂h and ∂c together where there is a cell, from d (1 or 2, …, hidden):
    (part, …)."""
    squared = (d**2).sum(-1).cumsum(0)  # (1 or 2, …)
    return torch.stack((squared[0], squared[-1])).sqrt()


def observe(opened: Opened, ids: Tensor) -> list[dict[str, Tensor]]:
    """What each layer's taps see while `ids` are read, in float64: (T, hidden) by name."""
    tape = Tape()
    with torch.no_grad(), record(tape):
        through_layers(opened, ids)
    spec = opened.network.spec
    return [
        {name: tape.kept[name][(("layer", layer),)].double() for name in spec.observes}
        for layer in range(spec.layers)
    ]


def doubled(w: Weights) -> Weights:
    """A layer's parameters in float64, detached; U so that the scan reads it in its own order."""
    W, U, b_W, b_U = (value.detach().double() for value in w)
    return Weights(W, U.mT.contiguous().mT, b_W, b_U)


@torch.no_grad()
def _of_losses(
    opened: Opened, tokens: Tokens, ats: Sequence[int], through: bool = False
) -> tuple[Tensor, Tensor]:
    """For each of `ats` ∂L(at)/∂h(t), and where there is a cell ∂L(at)/∂c(t) beside it, h(t) held
    fixed; if `through` is asked for also that through h(t): (1, 2 or 3, layer, T, guess, hidden).
    And the losses (guess,)."""
    network, T = opened.network, len(tokens)
    spec = network.spec
    ids = torch.from_numpy(tokens.ids)
    read = ids[: max(ats)]
    seen = observe(opened, read)
    where = torch.tensor(ats)  # (guess,)
    V, b = network.decoder.weight.double(), network.decoder.bias.double()
    logits = seen[-1]["hidden"][where - 1] @ V.mT + b  # (guess, vocabulary)
    wrong = logits.softmax(-1) - F.one_hot(ids[where], len(b))  # (guess, vocabulary)
    reached = torch.zeros(len(read), len(ats), spec.hidden, dtype=torch.float64)
    reached[where - 1, torch.arange(len(ats))] = wrong @ V
    kinds = 1 + spec.has_cell * (1 + through)
    found = torch.zeros(kinds, spec.layers, T, len(ats), spec.hidden, dtype=torch.float64)
    for layer in reversed(range(spec.layers)):
        w = doubled(network.weights(layer))
        sums = scan(opened, seen[layer], w, reached, found[:, layer], keep=layer > 0)
        if layer:
            reached = sums @ w.W  # (T, guess, hidden): what the layer below is told
    return found, F.cross_entropy(logits, ids[where], reduction="none")


def scan(
    opened: Opened,
    seen: Mapping[str, Tensor],
    w: Weights,
    told: Tensor,
    found: Tensor,
    keep: bool,
) -> Tensor:
    """Backpropagation through one layer, from its last step to its first.

    seen: its observations, each (T, hidden). told (T, guess, hidden): the gradient that reaches
    h(t) from above; later guesses stand behind earlier ones, and rows join where the first is told.
    Writes the gradient with respect to every h(t), and c(t) with h(t) held fixed, into found (1 or
    2, ≥T, guess, hidden); into a third row that with respect to c(t) through h(t) too. Gives that
    with respect to every W x(t), (T, guess, gates·hidden), if it is to be kept.
    """
    spec, start = opened.network.spec, _double(opened.network.start())
    slopes = spec.slopes(seen, start, w)
    T, guesses, _ = told.shape
    news = (told != 0).any(-1)  # (T, guess)
    speaks = news.any(1).tolist()  # (T,)
    joined = news.int().flip(0).cummax(0).values.flip(0).sum(1).tolist()  # (T,)
    steps = list(zip(*(slope.unbind() for slope in slopes), strict=True))
    d, rows = _rows(spec.has_cell, told, 0), 0
    met: list[tuple[Tensor, ...]] = []
    sums: list[Tensor] = []
    for t in reversed(range(T)):
        if joined[t] != rows:
            d, rows = _joined(d, _rows(spec.has_cell, told, joined[t] - rows)), joined[t]
        if speaks[t]:
            here = told[t, guesses - rows :]  # (rows, hidden)
            d = (d[0] + here, d[1]) if spec.has_cell else d + here
        met.append(d if spec.has_cell else (d,))
        d, da = spec.back(d, type(slopes)(*steps[t]), w.U)
        if keep:
            sums.append(da)
    for values, part in zip(found[:2], zip(*met, strict=True), strict=True):
        values[:T] = _stacked(part, guesses)
    if len(found) > 2:
        found[2, :T] = found[1, :T].addcmul(found[0, :T], slopes[0][:, None])
    return _stacked(sums, guesses) if keep else told[:0]


def _stacked(rows: Sequence[Tensor], guesses: int) -> Tensor:
    """From the last step to the first, (≤guesses, n) each: in order, (T, guesses, n), the rows that
    had not joined yet zero."""
    return torch.stack(
        [part if len(part) == guesses else F.pad(part, (0, 0, guesses - len(part), 0))
         for part in reversed(rows)]
    )


def _rows(pair: bool, like: Tensor, rows: int) -> Any:
    """A gradient of nothing yet, for so many guesses."""
    h = like.new_zeros(rows, like.shape[-1])
    return (h, h) if pair else h


def _joined(d: Any, fresh: Any) -> Any:
    """Rows of guesses that begin here, before those that came from later."""
    if isinstance(d, tuple):
        return tuple(torch.cat(pair) for pair in zip(fresh, d, strict=True))
    return torch.cat((fresh, d))


def _double(state: Any) -> Any:
    return tuple(s.double() for s in state) if isinstance(state, tuple) else state.double()
