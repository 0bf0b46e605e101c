"""The adding problem (Hochreiter & Schmidhuber 1997, experiment 4): a long row of numbers, two of
them marked; after the last, say the sum of the two. Nothing but memory helps, and a constant guess
of 1 has a mean squared error of 1/6.

Here, as in most later work, numbers lie in 0…1, one mark stands in each half of the row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import Field

from explorer.tasks.base import Task

if TYPE_CHECKING:
    from torch import Tensor, nn

    from explorer.experiment import Training
    from explorer.models.base import Model
    from explorer.models.recurrent import Recurrent

TESTED = 1_000  # rows that a network is tested on
TESTING = 10_007  # the seed of their draw, far from those of training


class Adding(Task):
    """y = x(s) + x(t), where s and t are marked"""

    kind: Literal["adding"] = "adding"
    lag: int = Field(100, ge=2, le=1000)

    def build(self, model: Model, vocabulary: int, source: int = 0) -> nn.Module:
        """The fused layers of `model` over (number, mark), and a sum read off the last state."""
        from torch import nn

        spec = cast("Recurrent", model)

        class Adder(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.core = spec.fused(2, spec.layers, spec.dropout)
                self.decoder = nn.Linear(spec.hidden, 1)

            def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
                """x (T, B, 2) -> the sum (B,), and the state after the last step."""
                h, state = self.core(x, state)  # (T, B, hidden)
                return self.decoder(h[-1])[:, 0], state

        return Adder()

    def draw(self, rows: int, seed: int) -> tuple[Tensor, Tensor]:
        """Numbers and marks (lag, rows, 2), and their sums (rows,)."""
        import torch

        draw = torch.Generator().manual_seed(seed)
        numbers = torch.rand(self.lag, rows, generator=draw)
        half = self.lag // 2
        first = torch.randint(0, half, (rows,), generator=draw)
        second = torch.randint(half, self.lag, (rows,), generator=draw)
        marks = torch.zeros(self.lag, rows)
        marks[first, torch.arange(rows)] = 1
        marks[second, torch.arange(rows)] = 1
        return torch.stack((numbers, marks), -1), (numbers * marks).sum(0)

    def batch(
        self, ids: Tensor, training: Training, seed: int, step: int
    ) -> tuple[Tensor, Tensor, bool]:
        """Fresh rows and their sums; `ids` is not looked at."""
        return (*self.draw(training.batch, seed * 1_000_003 + step), True)

    @staticmethod
    def loss(
        network: nn.Module, inputs: Tensor, targets: Tensor, state: Any,
        links: Tensor | None = None, smoothing: float = 0.0,
    ) -> tuple[Tensor, Any]:
        """Mean squared error of the sum, and the state after the last number. links: None, for the
        gradient is followed to the first number."""
        from torch.nn import functional as F

        assert links is None, "a row is read whole"
        assert not smoothing, "a sum is no token"
        guess, state = network(inputs, state)  # (B,)
        return F.mse_loss(guess, targets), state

    def evaluate(
        self, network: nn.Module, ids: Tensor, limit: int | None = None,
        window: int | None = None,
    ) -> tuple[float, int]:
        """Mean squared error over rows that no training has seen, and how many they are."""
        import torch

        rows = min(TESTED, limit or TESTED)
        inputs, sums = self.draw(rows, TESTING)
        with torch.no_grad():
            guess, _ = network(inputs)
        return float(((guess - sums) ** 2).mean()), rows
