"""What RNN, GRU and LSTM share: sizes, the fused layer they train with, the cell they are read by.

Train fused, look through the cell: `fused` is PyTorch's kernel; `step` is the same mathematics in
a few readable lines with taps; `replay` is those lines over a whole text at once, for when the
fused pass has already given every h(t). Tests hold all three equal.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from explorer.models.base import Model
from explorer.spec import LATER
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor, nn

    from explorer.models.network import Network

ENDS = ("", "_reverse")  # of PyTorch's names for the parameters of a direction


class Weights(NamedTuple):
    """One layer's parameters in one direction, gate blocks stacked as PyTorch stacks them."""

    W: Tensor  # (gates·hidden, inputs)
    U: Tensor  # (gates·hidden, hidden)
    b_W: Tensor  # (gates·hidden,)
    b_U: Tensor  # (gates·hidden,)


class Sums(NamedTuple):
    """What one unit's gate adds up at one step, before it is bent."""

    from_input: float  # (W x)_unit
    from_state: float  # (U h)_unit
    bias_input: float
    bias_state: float

    @property
    def total(self) -> float:
        return sum(self)

    def filled(self, letter: str, function: str) -> str:
        """letter = function(W x + U h + b), in LaTeX with the numbers."""
        bias = self.bias_input + self.bias_state
        return (
            rf"{letter}_t = {function}(\underbrace{{{self.from_input:.3f}}}_{{W_{letter} x_t}}"
            rf" + \underbrace{{{self.from_state:.3f}}}_{{U_{letter} h_{{t-1}}}}"
            rf" + \underbrace{{{bias:.3f}}}_{{b_{letter}}}) = {function}({self.total:.3f})"
        )


class Recurrent(Model):
    """A recurrent network: embedding or one-hot → layers → linear."""

    hidden: int = Field(
        128,
        ge=1,
        le=1024,
        title=N_("Hidden units"),
        description=N_("How many numbers each layer remembers."),
    )
    layers: int = Field(
        1, ge=1, le=8, title=N_("Layers"), description=N_("How many recurrent layers are stacked.")
    )
    bidirectional: Annotated[bool, LATER] = Field(
        False,
        title=N_("Both directions"),
        description=N_(
            "A second set of weights reads each window from its end to its beginning; the layer "
            "above, or the guess, sees both. As it sees what comes next, it cannot learn to write."
        ),
    )
    input: Literal["embedding", "one-hot"] = Field(
        "embedding",
        title=N_("Input"),
        description=N_("A learnt vector for each token, or a vector of zeros with a single one."),
    )
    embedding: int = Field(
        64,
        ge=1,
        le=1024,
        title=N_("Embedding size"),
        description=N_("Length of each token's learnt vector."),
    )
    tied: bool = Field(
        False,
        title=N_("Tied weights"),
        description=N_(
            "Use the embedding as the output matrix too: embedding size must equal hidden units."
        ),
    )
    dropout: float = Field(
        0.0,
        ge=0,
        le=0.9,
        title=N_("Dropout"),
        description=N_(
            "Share of the numbers between layers that is zeroed "
            "at random while training; needs two layers."
        ),
    )

    initial: Annotated[Literal["uniform", "orthogonal", "gaussian"], LATER] = Field(
        "uniform",
        title=N_("Recurrent weights drawn"),
        description=N_(
            "How U, which carries the state from step to step, begins: evenly within ±1/√units, "
            "as PyTorch does it; orthogonal, which keeps every length; or Gaussian of variance "
            "1/units. In a gated network each gate's part of U for itself."
        ),
    )
    spectral_radius: Annotated[float | None, LATER] = Field(
        None,
        ge=0,
        le=10,
        title=N_("Spectral radius"),
        description=N_(
            "Scale U before training so that its largest eigenvalue has this size, in a gated "
            "network each gate's part for itself; 0 cuts the tie to the past; empty = as drawn."
        ),
    )

    blocks: ClassVar[tuple[str, ...]]  # what the blocks stacked in W, U, b make, in their order
    has_cell: ClassVar[bool] = False
    letters: ClassVar[tuple[str, ...]]  # the step in its paper's letters, as LaTeX

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.tied and (self.input != "embedding" or self.embedding != self.hidden):
            raise ValueError(
                N_("tied weights need an embedding of the same size as the hidden layer")
            )
        if self.tied and self.bidirectional:
            raise ValueError(
                N_("tied weights and both directions do not go together: the output reads twice "
                   "as many numbers as the embedding has")
            )
        if self.dropout and self.layers == 1:
            raise ValueError(N_("dropout acts between layers: choose two layers or more, or 0"))
        return self

    @property
    def gates(self) -> int:
        """How many blocks are stacked in W, U and b."""
        return len(self.blocks)

    @property
    def directions(self) -> int:
        """1, or 2: forward, then backward."""
        return 2 if self.bidirectional else 1

    @property
    def width(self) -> int:
        """How many numbers a layer shows at each token, all directions together."""
        return self.directions * self.hidden

    def build(self, vocabulary: int, source: int = 0) -> Network:
        from explorer.models.network import Network

        return Network(self, vocabulary)

    def inputs(self, vocabulary: int) -> int:
        """Length of what the first layer reads at each step."""
        return self.embedding if self.input == "embedding" else vocabulary

    def shapes(self, vocabulary: int, source: int = 0) -> dict[str, tuple[int, ...]]:
        V, H, E = vocabulary, self.hidden, self.inputs(vocabulary)
        rows = self.gates * H
        found: dict[str, tuple[int, ...]] = {}
        if self.input == "embedding":
            found["encoder.weight"] = (V, E)
        for layer in range(self.layers):
            for end in ENDS[: self.directions]:
                name = f"l{layer}{end}"
                found |= {f"core.weight_ih_{name}": (rows, self.width if layer else E),
                          f"core.weight_hh_{name}": (rows, H),
                          f"core.bias_ih_{name}": (rows,), f"core.bias_hh_{name}": (rows,)}
        if not self.tied:
            found["decoder.weight"] = (V, self.width)
        return found | {"decoder.bias": (V,)}

    @abstractmethod
    def fused(
        self, inputs: int, layers: int, dropout: float = 0.0, bidirectional: bool = False
    ) -> nn.RNNBase:
        """PyTorch's fused layers in this spec's sizes, initialised. They read (T, B, inputs)."""

    @abstractmethod
    def step(self, x: Tensor, state: Any, w: Weights, **axes: int) -> Any:
        """One step of the cell, with taps. x (…, inputs), state h (…, hidden) or (h, c); returns
        the new state."""

    @abstractmethod
    def replay(self, x: Tensor, h: Tensor, state: Any, w: Weights, **axes: int) -> None:
        """Tap every step at once. x (T, inputs) is read, h (T, hidden) is what the fused pass
        computed, state is what stood before the first token."""

    @abstractmethod
    def slopes(self, seen: Mapping[str, Tensor], state: Any, w: Weights) -> tuple[Tensor, ...]:
        """The derivatives of every step, each (T, …): all that `back` must know of the way there.
        seen: what `replay` tapped, each (T, hidden); state: what stood before the first token."""

    @abstractmethod
    def back(self, d: Any, slopes: tuple[Tensor, ...], U: Tensor) -> tuple[Any, Tensor]:
        """One step of backpropagation: from the gradient d with respect to the state after a step,
        (…, hidden) or a pair of them, to that before it, and with respect to W x (…, gates·hidden).
        slopes: of this step. U (gates·hidden, hidden)."""

    @abstractmethod
    def filled(
        self, sums: Mapping[str, Sums], before: Mapping[str, float], now: Mapping[str, float]
    ) -> list[str]:
        """The step's equations with one unit's numbers, as LaTeX. sums: by block; before, now:
        the unit's observations at t−1 (zero before the first token) and t."""

    @staticmethod
    def output(state: Any) -> Tensor:
        """What the layer above reads: h."""
        h: Tensor = state[0] if isinstance(state, tuple) else state
        return h


def before(h: Tensor, first: Tensor) -> Tensor:
    """h(t−1) for every t, from h (T, hidden) and the state (hidden,) before the first token."""
    shifted = h.roll(1, 0)
    shifted[0] = first
    return shifted
