"""What training yields. No torch: the engine and the store pass these on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Progress:
    """One step: loss in nats per token, gradient norm before clipping, speed in tokens/s, time
    left in seconds. metrics: perplexity, learning_rate, and validation_perplexity once known."""

    step: int
    steps: int
    loss: float
    metrics: Mapping[str, float]
    gradient_norm: float
    tokens_per_second: float
    eta: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Progress:
        return cls(**data)

    def row(self) -> dict[str, float]:
        """A row of the history."""
        return {"step": self.step, "loss": self.loss, **self.metrics,
                "gradient_norm": self.gradient_norm, "tokens_per_second": self.tokens_per_second}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The weights after `step` steps.

    weights: safetensors. resume: safetensors of all else that a run needs to go on bit for bit
    (optimiser, carried state). metrics: validation_loss, validation_perplexity,
    validation_tokens; of the last one also validation_along, the perplexity by those tokens that
    all before were scored by. best: whether none before had a lower validation loss, by them.
    """

    step: int
    weights: bytes = field(repr=False)
    resume: bytes = field(repr=False)
    metrics: Mapping[str, float]
    best: bool
