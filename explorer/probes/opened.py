"""A trained network, opened at one step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from explorer.experiment import Experiment
from explorer.models.network import Network
from explorer.text import Tokenizer, Tokens
from explorer.text.annotations import Mask, spans
from explorer.training.loop import build, load_weights


@dataclass(frozen=True)
class Opened:
    """What a probe is given. network: in evaluation mode, on the CPU, float32."""

    key: str
    step: int
    experiment: Experiment
    tokenizer: Tokenizer
    network: Network

    @classmethod
    def from_weights(
        cls, experiment: Experiment, tokenizer: Tokenizer, step: int, weights: bytes
    ) -> Opened:
        """Build the experiment's network and put a snapshot's weights in."""
        network = build(experiment, tokenizer.size)
        assert isinstance(network, Network)
        load_weights(network, weights)
        return cls(experiment.key, step, experiment, tokenizer, network.eval())

    @cached_property
    def corpus(self) -> Tokens:
        """The run's own text, as the network reads it."""
        return self.tokenizer.encode(self.experiment.text.content)

    @cached_property
    def stretches(self) -> dict[str, Mask]:
        """Which tokens of the run's own text stand inside quotation marks, and the like."""
        return spans(self.corpus.labels)
