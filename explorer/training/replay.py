"""A step once more, with every module watched; and the states of its recurrent layers, one step of
one layer at a time. Sentences of several lengths, packed, are read as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

RECENT = 3  # calls of modules that are kept while a text is scored

# For each state: part (the name of its module), name, layer, reverse, position, size, gradient.
Seen = list[dict[str, Any]]


class Call(NamedTuple):
    """A module at work. output: what it shows first, of packed sentences their numbers one below
    the other. ends: the last states of a recurrent module. noise: the state of the random
    generator before it."""

    name: str
    module: nn.Module
    inputs: tuple[Any, ...]
    output: Tensor
    ends: tuple[Tensor, ...]
    noise: Tensor

    @property
    def recurrent(self) -> bool:
        return isinstance(self.module, nn.RNNBase)

    @property
    def carries(self) -> bool:
        """Whether a recurrent module went on from a state."""
        return len(self.inputs) > 1 and self.inputs[1] is not None

    def retain(self) -> None:
        """Keep the gradients of what it gave."""
        for value in (self.output, *self.ends):
            if value.requires_grad:
                value.retain_grad()


@contextmanager
def watched(network: nn.Module) -> Iterator[list[Call]]:
    """Every call of a module that is made of no others, in order."""
    calls: list[Call] = []
    noise: list[Tensor] = []
    handles = []

    def enter(module: nn.Module, inputs: Any) -> None:
        noise.append(torch.get_rng_state())

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        before = noise.pop()
        if not torch.is_grad_enabled():  # a whole text is read: keep no more than is looked at
            if calls and not finite(calls[-1].output):
                return
            del calls[:-RECENT]
        calls.append(Call(names[module], module, inputs, *_given(module, output), before))

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


def _given(module: nn.Module, output: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
    """What a module gave: its output, and the last states of a recurrent one."""
    ends: tuple[Tensor, ...] = ()
    if isinstance(module, nn.RNNBase):
        output, last = output
        ends = last if isinstance(last, tuple) else (last,)
    elif isinstance(output, tuple):
        output = output[0]
    return (output.data if isinstance(output, PackedSequence) else output), ends


def states(calls: list[Call], call: Call, gradients: bool = False) -> Seen:
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


def _window(mine: list[Call], call: Call) -> list[Call]:
    """The calls that read one window, `call` among them: each but the first goes on from a state
    that another left."""
    at = next(i for i, each in enumerate(mine) if each is call)
    first, last = at, at + 1
    while first > 0 and mine[first].carries:
        first -= 1
    while last < len(mine) and mine[last].carries:
        last += 1
    return mine[first:last]


class _Reading(NamedTuple):
    """What a recurrent module read. x (T, B, inputs). abreast: how many of the rows, the first
    ones, are not over yet at each step; None: all. order: which of the given rows each is; None:
    as given."""

    x: Tensor
    abreast: list[int] | None
    order: Tensor | None

    @classmethod
    def of(cls, given: Any) -> _Reading:
        if not isinstance(given, PackedSequence):
            return cls(given, None, None)
        x, _ = pad_packed_sequence(PackedSequence(given.data, given.batch_sizes))
        return cls(x, given.batch_sizes.tolist(), given.sorted_indices)

    def rows(self, value: Tensor) -> Tensor:
        """Rows of (…, B, hidden) in the order of x."""
        return value if self.order is None else value.index_select(-2, self.order)

    def packed(self, value: Tensor) -> Tensor:
        """Of (T, B, …) what is no padding, one step below the other."""
        return value if self.abreast is None else value[self._mask]

    def laid_out(self, value: Tensor) -> Tensor:
        """Undo `packed`: (T, B, …), 0 where there was nothing."""
        if self.abreast is None:
            return value
        blank = value.new_zeros(*self.x.shape[:2], value.shape[-1])
        return blank.masked_scatter(self._mask[..., None], value)

    @property
    def _mask(self) -> Tensor:
        places = torch.arange(self.x.shape[1])
        return places < torch.tensor(self.abreast)[:, None]  # (T, B)


def _read(core: nn.RNNBase, call: Call, offset: int, gradients: bool) -> Seen:
    """The call's states, one step of one layer at a time."""
    seen: Seen = []
    given, state = (*call.inputs, None)[:2]
    reading = _Reading.of(given)
    x, ends = reading.x.detach().requires_grad_(gradients), []
    parts = () if state is None else state if isinstance(state, tuple) else (state,)
    with torch.random.fork_rng(devices=[]), torch.set_grad_enabled(gradients):
        torch.set_rng_state(call.noise)  # dropout between layers draws what it drew
        for layer in range(core.num_layers):
            ways = []
            for way in range(1 + core.bidirectional):
                which = layer * (1 + core.bidirectional) + way
                first = tuple(reading.rows(part[which : which + 1].detach()) for part in parts)
                h, end = _layer(core, layer, way, reading._replace(x=x), first, offset, seen)
                ways.append(h)
                ends.append(end)
            x = torch.cat(ways, -1)  # (T, B, directions·hidden)
            if layer < core.num_layers - 1:
                x = reading.laid_out(F.dropout(reading.packed(x), core.dropout, core.training))
        if gradients:
            _back(call, reading, x, [torch.cat(part) for part in zip(*ends, strict=True)])
    for each in seen:
        each["part"] = call.name
    return seen


def _back(call: Call, reading: _Reading, x: Tensor, ends: list[Tensor]) -> None:
    """Send the gradients of what the module gave through its states."""
    shown, *last = (value.grad if value.retains_grad else None
                    for value in (call.output, *call.ends))
    known = [] if shown is None else [(x, reading.laid_out(shown))]
    known += [(end, reading.rows(grad)) for end, grad in zip(ends, last, strict=True)
              if grad is not None]
    if known:
        torch.autograd.backward([value for value, _ in known], [grad for _, grad in known])


def _layer(
    core: nn.RNNBase, layer: int, way: int, reading: _Reading, first: tuple[Tensor, ...],
    offset: int, seen: Seen
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer in one direction, token by token: h (T, B, hidden), and the last state of each
    row. first: the states before, (1, B, hidden) each, or none. Notes each state in `seen`."""
    one, x = _alone(core, layer, way), reading.x
    count = 2 if isinstance(core, nn.LSTM) else 1
    now = first or (x.new_zeros(1, *x.shape[1:-1], core.hidden_size),) * count
    order = range(len(x))
    found: dict[int, Tensor] = {}
    for t in reversed(order) if way else order:
        rows = None if reading.abreast is None else reading.abreast[t]
        before = tuple(part[:, :rows] for part in now) if rows else now
        _, after = one(x[t : t + 1, :rows] if rows else x[t : t + 1],
                       before if count == 2 else before[0])
        after = after if count == 2 else (after,)
        for name, value in zip(("cell", "hidden")[-count:], after[::-1], strict=True):
            _note(seen, value, name=name, layer=layer + 1, position=offset + t + 1, reverse=way)
        now = tuple(torch.cat((fresh, part[:, rows:]), 1)
                    for fresh, part in zip(after, now, strict=True)) if rows else after
        found[t] = now[0]
    return torch.cat([found[t] for t in order]), now


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


def finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value).all())
