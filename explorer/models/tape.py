"""How a model is opened: `tap` names an observation where it is computed.

`h = tap("hidden", h, layer=0, token=t)` is an identity, unless a tape is open in this context:
then the tape keeps the tensor under its name and axes (tracing), asks autograd to keep its
gradient too (gradients), or answers with a changed tensor (intervention).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Axes = tuple[tuple[str, int], ...]
Change = Callable[["Tensor", Mapping[str, int]], "Tensor"]


class Tape:
    """Keeps what is tapped while it is open.

    retain: keep each observation's gradient too (read `tensor.grad` after a backward pass).
    changes: name -> function (tensor, axes) -> tensor, whose answer the model goes on with.
    """

    def __init__(self, retain: bool = False, changes: Mapping[str, Change] | None = None) -> None:
        self.retain = retain
        self.changes = changes or {}
        self.kept: dict[str, dict[Axes, Tensor]] = {}

    def observe(self, name: str, value: Tensor, axes: Mapping[str, int]) -> Tensor:
        if name in self.changes:
            value = self.changes[name](value, axes)
        if self.retain and value.requires_grad:
            value.retain_grad()
        self.kept.setdefault(name, {})[tuple(sorted(axes.items()))] = value
        return value


_open: ContextVar[Tape | None] = ContextVar("tape", default=None)


@contextmanager
def record(tape: Tape) -> Iterator[Tape]:
    """Open `tape` in this context; closed again whatever happens."""
    token = _open.set(tape)
    try:
        yield tape
    finally:
        _open.reset(token)


def tap(name: str, value: Tensor, **axes: int) -> Tensor:
    """Name `value` here: the identity, unless a tape is open."""
    tape = _open.get()
    return value if tape is None else tape.observe(name, value, axes)


def taped() -> bool:
    """Whether somebody looks: a tape is open in this context."""
    return _open.get() is not None
