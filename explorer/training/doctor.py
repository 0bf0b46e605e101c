"""What broke first: the step that met NaN or Infinity is replayed, and every tensor of it looked
at in the order of the computation: weights, forward pass, loss, backward pass. Called only when
it is too late, so that a healthy step pays nothing for it.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explorer.words import N_

RECENT = 3  # calls of modules that are kept while a text is scored
POINTS = 128  # of a window's positions whose sizes are kept

Said = str | dict[str, Any]  # a text of ours, or its template and values
Seen = list[dict[str, Any]]  # for each state: name, layer, reverse, position, size, gradient

log = logging.getLogger(__name__)

_CALLED = {
    "encoder.weight": N_("embedding matrix"),
    "decoder.weight": N_("output matrix"),
    "decoder.bias": N_("output bias"),
    "weight_hh": N_("recurrent matrix U"),
    "weight_ih": N_("input matrix W"),
    "bias_ih": N_("input bias"),
    "bias_hh": N_("recurrent bias"),
    "encoder": N_("embedding of the tokens"),
    "core": N_("output of the recurrent layers"),
    "decoder": N_("vector of logits"),
    "hidden": N_("hidden state"),
    "cell": N_("cell state"),
    "loss": N_("loss"),
    "validation loss": N_("held-out loss"),
    "gradient norm": N_("gradient norm"),
}
_RECURRENT = re.compile(r"\w+\.(weight_hh|weight_ih|bias_ih|bias_hh)_l(\d+)(?:_reverse)?")


class Broken(NamedTuple):
    """The first tensor that was not finite. said: in words. more: plain data for the page: `name`
    of a parameter, module or state; `gradient` if it is the gradient of it; `held_out` if it was
    not in training; `layer`; for a state, `position` in its window of `window` tokens (all counted
    from 1); and `growth`, what was measured along the window: lists `position`, `size` (the
    largest |h|), `gradient` (‖∂L/∂h‖ over the batch); None where it was not finite."""

    said: Said
    more: dict[str, Any]


def diagnose(network: nn.Module, again: Callable[[], Tensor]) -> Broken:
    """Which tensor of a step that broke was the first not to be finite.

    again: computes the step's loss anew, bit for bit; one without a gradient is a score of what
    was held out. The gradients of the network's parameters are replaced. A network that cannot be
    looked into like this is no reason to raise: then it was the loss.
    """
    try:
        return _examine(network, again)
    except RuntimeError:
        log.exception("the step that broke could not be replayed")
        return _plain("loss")


def _examine(network: nn.Module, again: Callable[[], Tensor]) -> Broken:
    for name, value in network.named_parameters():
        if not _finite(value):
            return _plain(name)
    network.zero_grad(set_to_none=True)
    with _watched(network) as calls:
        loss = again()
    score = not loss.requires_grad
    for call in calls:
        if not _finite(call.output):
            inside = _states(calls, call)
            found = next((seen for seen in inside if not math.isfinite(seen["size"])), None)
            broken = _state(found, inside) if found else _plain(call.name)
            return _held_out(broken) if score else broken
    if score or not _finite(loss):
        return _plain("validation loss" if score else "loss")
    return _backward(network, loss, calls)


def _backward(network: nn.Module, loss: Tensor, calls: list[_Call]) -> Broken:
    """The forward pass was finite: the first gradient that is not, from the loss backwards."""
    for call in calls:
        if call.output.requires_grad:
            call.output.retain_grad()
    loss.backward()
    inside: Seen = []
    for call in reversed(calls):
        if isinstance(call.module, nn.RNNBase) and not inside:
            inside = _states(calls, call, gradients=True)
    lost = (seen for seen in reversed(inside) if not math.isfinite(seen["gradient"]))
    found = next(lost, None)
    if found:
        return _of_gradient(N_("gradient of the {what}"), _state(found, inside))
    parameters = [(name, value.grad) for name, value in network.named_parameters()
                  if value.grad is not None][::-1]
    for name, grad in parameters:
        if not _finite(grad):
            return _of_gradient(N_("gradient of the {what}"), _plain(name, inside))
    for name, grad in parameters:  # each number is finite, but not the sum of their squares
        if not math.isfinite(float(grad.norm())):
            return _of_gradient(N_("length of the gradient of the {what}"), _plain(name, inside))
    return _plain("gradient norm", inside)


def measure(network: nn.Module, again: Callable[[], Tensor]) -> tuple[float, Seen]:
    """The loss, and each state of the first recurrent module in the order of the computation,
    with its `size` and the size of its `gradient`. The parameters' gradients stay in their
    place."""
    network.zero_grad(set_to_none=True)
    with _watched(network) as calls:
        loss = again()
    core = next(call for call in calls if isinstance(call.module, nn.RNNBase))
    core.output.retain_grad()
    loss.backward()
    return float(loss.detach()), _states(calls, core, gradients=True)


def named(name: str) -> Said:
    """A parameter, module or number, in words: with its own name in brackets if it has a layer."""
    found = _RECURRENT.fullmatch(name)
    if found is None:
        return _CALLED.get(name, name)
    return {"template": N_("{what} of layer {layer} ({name})"),
            "values": {"what": _CALLED[found[1]], "layer": int(found[2]) + 1, "name": name}}


def _plain(name: str, inside: Seen = ()) -> Broken:  # type: ignore[assignment]
    """What is no state. inside: the states of the step, if they tell how it came to this."""
    found = _RECURRENT.fullmatch(name)
    about: dict[str, Any] = {"name": name}
    if found:
        about["layer"] = int(found[2]) + 1
    along = _along(inside, "hidden", about.get("layer", 1), name.endswith("_reverse"))
    return Broken(named(name), about | ({"growth": _growth(along)} if along else {}))


def _state(found: dict[str, Any], inside: Seen) -> Broken:
    """A state, by its layer and its place in the window."""
    along = _along(inside, found["name"], found["layer"], found["reverse"])
    about = {key: found[key] for key in ("name", "layer", "position")} | {"window": len(along)}
    said: Said = {
        "template": N_("{what} of layer {layer}, at position {position} of the {window} in its "
                       "window,"),
        "values": about | {"what": _CALLED[found["name"]]}}
    return Broken(said, about | {"growth": _growth(along)})


def _of_gradient(template: str, broken: Broken) -> Broken:
    return Broken({"template": template, "values": {"what": broken.said}},
                  broken.more | {"gradient": True})


def _held_out(broken: Broken) -> Broken:
    return Broken({"template": N_("{what} (on the held-out text)"),
                   "values": {"what": broken.said}}, broken.more | {"held_out": True})


def _along(inside: Seen, name: str, layer: int, reverse: int) -> Seen:
    """The states of one kind in one layer and direction, in the order in which they came."""
    return [seen for seen in inside
            if (seen["name"], seen["layer"], seen["reverse"]) == (name, layer, reverse)]


def _growth(along: Seen) -> dict[str, list[float | None]]:
    """Positions, sizes and gradients as plain data, evenly thinned, three digits each."""
    kept = along[:: -(-len(along) // POINTS)]
    columns = ("position", "size", *(["gradient"] if "gradient" in along[0] else []))
    return {column: [float(f"{seen[column]:.3g}") if math.isfinite(seen[column]) else None
                     for seen in kept] for column in columns}


class _Call(NamedTuple):
    """A module at work. noise: the state of the random generator before it."""

    name: str
    module: nn.Module
    inputs: tuple[Any, ...]
    output: Tensor
    noise: Tensor

    @property
    def carries(self) -> bool:
        """Whether a recurrent module went on from a state."""
        return len(self.inputs) > 1 and self.inputs[1] is not None


@contextmanager
def _watched(network: nn.Module) -> Iterator[list[_Call]]:
    """Every call of a module that is made of no others, in order."""
    calls: list[_Call] = []
    noise: list[Tensor] = []
    handles = []

    def enter(module: nn.Module, inputs: Any) -> None:
        noise.append(torch.get_rng_state())

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) else output
        before = noise.pop()
        if not torch.is_grad_enabled():  # a whole text is read: keep no more than is looked at
            if calls and not _finite(calls[-1].output):
                return
            del calls[:-RECENT]
        calls.append(_Call(names[module], module, inputs, first, before))

    names = {module: name for name, module in network.named_modules()
             if not list(module.children())}
    try:
        for module in names:
            handles += [module.register_forward_pre_hook(enter),
                        module.register_forward_hook(leave)]
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _states(calls: list[_Call], call: _Call, gradients: bool = False) -> Seen:
    """Every state of the recurrent module that was called, layer by layer, in the order in which
    it was computed, with its `size`, and the size of its `gradient` if asked. Empty for any other
    module, and for gradients of a window that was read in pieces: what flows between pieces is
    not known here."""
    pieces = _window([each for each in calls if each.module is call.module], call)
    if not isinstance(call.module, nn.RNNBase) or (gradients and len(pieces) > 1):
        return []
    seen: Seen = []
    for piece in pieces:
        offset = max((each["position"] for each in seen), default=0)
        seen += _read(call.module, piece, offset, gradients)
    return sorted(seen, key=lambda each: each["layer"])


def _window(mine: list[_Call], call: _Call) -> list[_Call]:
    """The calls that read one window, `call` among them: each but the first goes on from a state
    that another left."""
    at = next(i for i, each in enumerate(mine) if each is call)
    first, last = at, at + 1
    while first > 0 and mine[first].carries:
        first -= 1
    while last < len(mine) and mine[last].carries:
        last += 1
    return mine[first:last]


def _read(core: nn.RNNBase, call: _Call, offset: int, gradients: bool) -> Seen:
    """The call's states, one step of one layer at a time. core: reads (T, B, inputs)."""
    seen: Seen = []
    x, state = (*call.inputs, None)[:2]
    x = x.detach().requires_grad_(gradients)
    with torch.random.fork_rng(devices=[]), torch.set_grad_enabled(gradients):
        torch.set_rng_state(call.noise)  # dropout between layers draws what it drew
        for layer in range(core.num_layers):
            ways = [_layer(core, layer, way, x, state, offset, seen)
                    for way in range(1 + core.bidirectional)]
            x = torch.cat(ways, -1)  # (T, B, directions·hidden)
            if layer < core.num_layers - 1:
                x = F.dropout(x, core.dropout, core.training)
        if gradients and call.output.grad is not None:
            x.backward(call.output.grad)
    return seen


def _layer(
    core: nn.RNNBase, layer: int, way: int, x: Tensor, state: Any, offset: int, seen: Seen
) -> Tensor:
    """One layer in one direction, token by token: h (T, B, hidden). Notes each state in `seen`."""
    one, which = _alone(core, layer, way), layer * (1 + core.bidirectional) + way
    parts = () if state is None else state if isinstance(state, tuple) else (state,)
    now: Any = tuple(part[which : which + 1].detach() for part in parts)  # (1, B, hidden) each
    now = now if len(now) == 2 else now[0] if now else None
    order = range(len(x))
    found: dict[int, Tensor] = {}
    for t in reversed(order) if way else order:
        _, now = one(x[t : t + 1], now)
        h, *cell = now if isinstance(now, tuple) else (now,)
        for name, value in [*zip(("cell",), cell, strict=False), ("hidden", h)]:
            _note(seen, value, name=name, layer=layer + 1, position=offset + t + 1, reverse=way)
        found[t] = h
    return torch.cat([found[t] for t in order])


def _note(seen: Seen, value: Tensor, **where: Any) -> None:
    about = where | {"size": float(value.detach().abs().max())}
    seen.append(about)
    if value.requires_grad:
        value.register_hook(lambda grad: about.update(gradient=float(grad.double().norm())))
        about["gradient"] = 0.0  # until something flows into it


def _alone(core: nn.RNNBase, layer: int, way: int) -> nn.RNNBase:
    """One layer in one direction, as a module of its own with the same numbers."""
    end = f"_l{layer}" + ("_reverse" if way else "")
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    width = getattr(core, f"weight_ih{end}").shape[1]
    bend = {"nonlinearity": core.nonlinearity} if isinstance(core, nn.RNN) else {}
    with torch.device("meta"):
        alone = type(core)(width, core.hidden_size, **bend)
    for name in names:
        value = getattr(core, f"{name}{end}").detach()
        setattr(alone, f"{name}_l0", nn.Parameter(value, requires_grad=False))
    return alone


def _finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value).all())
