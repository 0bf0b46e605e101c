"""What broke first: the step that met NaN or Infinity is replayed, and every tensor of it looked
at in the order of the computation: weights, forward pass, loss, backward pass. Called only when
it is too late, so that a healthy step pays nothing for it.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor, nn

from explorer.training.replay import Call, Seen, finite, states, watched
from explorer.words import N_

POINTS = 128  # of a window's positions whose sizes are kept

Said = str | dict[str, Any]  # a text of ours, or its template and values

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
    "source.weight": N_("embedding matrix of the source"),
    "target.weight": N_("embedding matrix of the target"),
    "combine.weight": N_("matrix that joins context and state"),
    "output.weight": N_("output matrix"),
    "output.narrow": N_("matrix before the output"),
    "output.bias": N_("output bias"),
    "source": N_("embedding of the source's tokens"),
    "target": N_("embedding of the target's tokens"),
    "combine": N_("joint vector of context and state"),
    "output": N_("vector of logits"),
    "loss": N_("loss"),
    "validation loss": N_("held-out loss"),
    "gradient norm": N_("gradient norm"),
}
_PARTS = {"encoder": N_("encoder"), "decoder": N_("decoder")}  # recurrent, of a translator
_OF = {  # parameters by the first part of their name
    "blocks": N_("part of the blocks ({name})"),
    "levels": N_("part of the levels ({name})"),
    "norm": N_("last layer norm ({name})"),
    "placed": N_("part of the positions ({name})"),
    "scorer": N_("weight of the attention ({name})"),
    "place": N_("weight of the place of local attention ({name})"),
    "bridges": N_("weight between encoder and decoder ({name})"),
}
_RECURRENT = re.compile(r"\w+\.(weight_hh|weight_ih|bias_ih|bias_hh)_l(\d+)(?:_reverse)?")


class Broken(NamedTuple):
    """The first tensor that was not finite. said: in words. more: plain data for the page: `name`
    of a parameter, module or state; `gradient` if it is the gradient of it; `held_out` if it was
    not in training; `layer`; for a state, `position` in its window of `window` tokens (all counted
    from 1), of a translator its `part`, encoder or decoder; and `growth`, what was measured along
    the window: lists `position`, `size` (the largest |h|), `gradient` (‖∂L/∂h‖ over the batch);
    None where it was not finite."""

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
        if not finite(value):
            return _plain(name)
    network.zero_grad(set_to_none=True)
    with watched(network) as calls:
        loss = again()
    score = not loss.requires_grad
    for call in calls:
        if not finite(call.output):
            inside = states(calls, call)
            found = next((seen for seen in inside if not math.isfinite(seen["size"])), None)
            broken = _state(found, inside) if found else _output(call)
            return _held_out(broken) if score else broken
    if score or not finite(loss):
        return _plain("validation loss" if score else "loss")
    return _backward(network, loss, calls)


def _backward(network: nn.Module, loss: Tensor, calls: list[Call]) -> Broken:
    """The forward pass was finite: the first gradient that is not, from the loss backwards."""
    for call in calls:
        call.retain()
    loss.backward()
    inside: Seen = []
    for call in reversed(calls):
        if call.name in {seen["part"] for seen in inside}:
            continue
        mine = states(calls, call, gradients=True)
        lost = (seen for seen in reversed(mine) if not math.isfinite(seen["gradient"]))
        found = next(lost, None)
        if found:
            return _of_gradient(N_("gradient of the {what}"), _state(found, mine))
        inside += mine
    parameters = [(name, value.grad) for name, value in network.named_parameters()
                  if value.grad is not None][::-1]
    for name, grad in parameters:
        if not finite(grad):
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
    with watched(network) as calls:
        loss = again()
    core = next(call for call in calls if call.recurrent)
    core.retain()
    loss.backward()
    return float(loss.detach()), states(calls, core, gradients=True)


def named(name: str) -> Said:
    """A parameter, module or number, in words: with its own name in brackets if it has a layer."""
    found = _RECURRENT.fullmatch(name)
    if found is None:
        of = _OF.get(name.partition(".")[0])
        return {"template": of, "values": {"name": name}} if of else _CALLED.get(name, name)
    return {"template": N_("{what} of layer {layer} ({name})"),
            "values": {"what": _CALLED[found[1]], "layer": int(found[2]) + 1, "name": name}}


def _plain(name: str, inside: Seen = ()) -> Broken:  # type: ignore[assignment]
    """What is no state. inside: the states of the step, if they tell how it came to this."""
    found = _RECURRENT.fullmatch(name)
    about: dict[str, Any] = {"name": name}
    if found:
        about["layer"] = int(found[2]) + 1
    parts, own = [seen["part"] for seen in inside], name.partition(".")[0]
    part = own if own in parts or not parts else parts[0]
    along = _along(inside, part, "hidden", about.get("layer", 1), name.endswith("_reverse"))
    return Broken(named(name), about | ({"growth": _growth(along)} if along else {}))


def _output(call: Call) -> Broken:
    """What a module gave, all of whose states were finite."""
    return Broken(_CALLED["core"], {"name": call.name}) if call.recurrent else _plain(call.name)


def _state(found: dict[str, Any], inside: Seen) -> Broken:
    """A state, by its layer and its place in the window."""
    along = _along(inside, *(found[key] for key in ("part", "name", "layer", "reverse")))
    about = {key: found[key] for key in ("name", "layer", "position")} | {"window": len(along)}
    part = _PARTS.get(found["part"])
    if part is None:
        template = N_("{what} of layer {layer}, at position {position} of the {window} in its "
                      "window,")
    else:
        about["part"] = part
        template = N_("{what} of the {part}'s layer {layer}, at token {position} of the {window} "
                      "of its longest sentence,")
    said: Said = {"template": template, "values": about | {"what": _CALLED[found["name"]]}}
    return Broken(said, about | {"growth": _growth(along)})


def _of_gradient(template: str, broken: Broken) -> Broken:
    return Broken({"template": template, "values": {"what": broken.said}},
                  broken.more | {"gradient": True})


def _held_out(broken: Broken) -> Broken:
    return Broken({"template": N_("{what} (on the held-out text)"),
                   "values": {"what": broken.said}}, broken.more | {"held_out": True})


def _along(inside: Seen, part: str, name: str, layer: int, reverse: int) -> Seen:
    """The states of one kind in one layer and direction, in the order in which they came."""
    wanted = (part, name, layer, reverse)
    return [seen for seen in inside
            if tuple(seen[key] for key in ("part", "name", "layer", "reverse")) == wanted]


def _growth(along: Seen) -> dict[str, list[float | None]]:
    """Positions, sizes and gradients as plain data, evenly thinned, three digits each."""
    kept = along[:: -(-len(along) // POINTS)]
    columns = ("position", "size", *(["gradient"] if "gradient" in along[0] else []))
    return {column: [float(f"{seen[column]:.3g}") if math.isfinite(seen[column]) else None
                     for seen in kept] for column in columns}
