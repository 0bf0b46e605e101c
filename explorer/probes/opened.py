"""A trained network, opened at one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from pydantic import ValidationError

from explorer.experiment import Experiment
from explorer.models import Model
from explorer.models.network import Network
from explorer.spec import say
from explorer.text import Tokenizer, Tokens
from explorer.text.annotations import Mask, spans
from explorer.training.loop import build, load_weights


@dataclass(frozen=True)
class Opened:
    """What a probe is given. network: in evaluation mode, on the CPU, float32; of a translation it
    is a Translator, and the tokenizer has two sides: `probes.translating.opened_pairs` says so."""

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
        network = build(experiment, *tokenizer.sizes)
        load_weights(network, weights)
        return cls(experiment.key, step, experiment, tokenizer, cast("Network", network.eval()))

    @cached_property
    def corpus(self) -> Tokens:
        """The run's own text, as the network reads it."""
        return self.tokenizer.encode(self.experiment.text.content)

    @cached_property
    def stretches(self) -> dict[str, Mask]:
        """Which tokens of the run's own text stand inside quotation marks, and the like."""
        return spans(self.corpus.labels)

    def untrained(self, model: Mapping[str, Any] | None = None, seed: int | None = None) -> Opened:
        """The network as another experiment would begin with it, which differs from this one in
        fields of its model (another `kind` too) and in its seed; its key is that experiment's, its
        step 0. With neither, this one. Raises ExperimentError: no such field or value."""
        if model is None and seed is None:
            return self
        spec = self.experiment.model
        changes = dict(model or {})
        same = changes.get("kind", spec.kind) == spec.kind
        try:
            chosen = Model.parse((spec.model_dump() if same else {}) | changes)
        except ValidationError as error:
            raise say(error) from error
        update = {"model": chosen} | ({} if seed is None else {"seed": seed})
        experiment = self.experiment.model_copy(update=update)
        experiment.__dict__.pop("key", None)
        network = cast("Network", build(experiment, *self.tokenizer.sizes).eval())
        return Opened(experiment.key, 0, experiment, self.tokenizer, network)
