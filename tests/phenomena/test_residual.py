"""Residual paths carry the gradient (phenomenon 20; He et al. 2015; Vaswani et al. 2017): through
twelve blocks without them next to nothing of it arrives.

A normalisation stretches what has shrunk, its gradient too, so that with it the length of the
gradient tells nothing; what is lost then is what tells tokens apart (Dong et al. 2021, "Attention
is not all you need: pure attention loses rank doubly exponentially with depth").
"""

from __future__ import annotations

from functools import cache

import pytest
import torch
import xarray as xr

from explorer.experiment import Experiment
from explorer.probes import Opened
from explorer.probes.gradient_by_layer import gradient_by_layer
from explorer.text import Text, Tokenizer
from explorer.training.learner import build
from tests.phenomena.seeds import SEEDS, held

DEEP = 12
TEXT = Text("rhyme", "the cat sat on the mat, the dog sat on the log, and that was that. " * 10)


@cache
def measured(seed: int, norm: str) -> xr.Dataset:
    """A network of Vaswani's kind before training, twelve blocks deep."""
    model = {"kind": "transformer", "hidden": 64, "heads": 4, "norm": norm}
    experiment = Experiment.language_model(TEXT, model=model, steps=1, seed=seed)
    tokenizer = Tokenizer.learn(TEXT, experiment.tokens)
    network = build(experiment, *tokenizer.sizes).eval()
    opened = Opened("", 0, experiment, tokenizer, network)  # type: ignore[arg-type]
    torch.set_num_threads(1)
    return gradient_by_layer(opened, TEXT.content[:96], layers=DEEP)


def passed(found: xr.Dataset, variant: str) -> float:
    """The gradient's norm at layer 1 over that at layer 12."""
    norms = found["gradient"].sel(variant=variant)
    return float(norms.sel(layer=1) / norms.sel(layer=DEEP))


@pytest.mark.phenomena
def test_without_residual_paths_the_gradient_does_not_arrive() -> None:
    results = []
    for seed in SEEDS:
        found = measured(seed, "pre")
        results.append(passed(found, "neither") < passed(found, "no norm") / 100)
    held(results)


@pytest.mark.phenomena
@pytest.mark.parametrize("variant", ["pre", "post", "no norm"])
def test_with_them_as_much_arrives_as_sets_out(variant: str) -> None:
    held([0.5 < passed(measured(seed, "pre"), variant) < 2 for seed in SEEDS])


@pytest.mark.phenomena
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_with_a_norm_alone_the_gradient_arrives_but_all_tokens_are_alike(norm: str) -> None:
    results = []
    for seed in SEEDS:
        found = measured(seed, norm)
        alike = found["alike"].sel(layer=DEEP)
        results.append(passed(found, "no residual") > 0.01
                       and float(alike.sel(variant="no residual")) > 0.99
                       and float(alike.sel(variant=norm)) < 0.9)
    held(results)
