"""One step taken apart: against autograd by the cell, against PyTorch's clipping, by hand."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.probes import PROBES, Opened
from explorer.text import Tokenizer
from explorer.training.loop import split, train
from tests.training.small import TEXT, small

explosion = PROBES["explosion"]


def opened(model: str | dict[str, object] = "lstm", **settings: object) -> Opened:
    experiment = small(model, steps=4, **settings)  # type: ignore[arg-type]
    tokenizer = Tokenizer.learn(TEXT, experiment.tokens)
    first = next(train(experiment, tokenizer))
    return Opened.from_weights(experiment, tokenizer, 0, first.weights)  # type: ignore[union-attr]


@pytest.mark.parametrize("model", ["rnn", "gru", "lstm"])
def test_sizes_and_gradients_are_those_of_the_readable_cell(model: str) -> None:
    of = opened(model)
    found = explosion(of)
    experiment, network = of.experiment, of.network.double()
    ids, _ = split(experiment, of.tokenizer)
    inputs, targets, _ = experiment.task.batch(ids, experiment.training, 0, 0)
    blank = torch.zeros(4, 10, dtype=torch.float64)
    state, kept = (blank, blank) if model == "lstm" else blank, []
    for x in network.read(inputs):
        state = network.spec.step(x, state, network.weights(0))
        h = network.spec.output(state)
        h.retain_grad()
        kept.append(h)
    logits = network.decoder(torch.stack(kept))
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    network.zero_grad()
    loss.backward()
    assert found.attrs["loss"] == pytest.approx(float(loss.detach()), rel=1e-10)
    np.testing.assert_allclose(
        found["size"][0], [float(h.detach().abs().max()) for h in kept], rtol=1e-9)
    np.testing.assert_allclose(found["gradient"][0], [float(h.grad.norm()) for h in kept],
                               rtol=1e-9)
    norms = {name: float(p.grad.norm()) for name, p in network.named_parameters()}
    assert dict(zip(found["parameter"].values, found["norm"].values, strict=True)) == (
        pytest.approx(norms, rel=1e-9))


@pytest.mark.parametrize("share", [1e-3, 0.5, 2.0])
def test_clipping_shortens_every_part_alike_and_keeps_the_direction(share: float) -> None:
    of = opened("gru")
    norm = explosion(of).attrs["total"]
    found = explosion(of, clip=norm * share)
    factor = min(1.0, share)
    assert found.attrs["factor"] == pytest.approx(factor)
    np.testing.assert_allclose(found["clipped"], found["norm"] * factor, rtol=1e-4)
    assert found.attrs["cosine"] == pytest.approx(1.0, abs=1e-12)
    assert np.sqrt((found["norm"].values ** 2).sum()) == pytest.approx(norm)


def test_the_spectral_radius_is_the_one_that_was_set() -> None:
    found = explosion(opened({"kind": "lstm", "spectral_radius": 1.5, "layers": 2}))
    np.testing.assert_allclose(found["radius"], [1.5, 1.5], rtol=1e-5)
    assert found["size"].dims == ("layer", "position")


def test_a_spectral_radius_of_zero_cuts_the_tie_to_the_past() -> None:
    found = explosion(opened({"kind": "rnn", "spectral_radius": 0.0}))
    assert found["radius"].values.tolist() == [0.0]
    assert np.isfinite(found["gradient"].values).all()


def test_more_than_single_precision_holds() -> None:
    found = explosion(opened({"kind": "rnn", "activation": "relu", "spectral_radius": 3.0},
                             window=400, batch=1))
    assert found["size"].values.max() > torch.finfo(torch.float32).max
    assert np.isfinite(found["size"].values).all()


def test_nothing_of_the_network_is_changed() -> None:
    of = opened("rnn")
    before = {name: value.clone() for name, value in of.network.state_dict().items()}
    explosion(of)
    assert all(torch.equal(value, before[name]) for name, value in of.network.state_dict().items())
    assert all(value.grad is None for value in of.network.parameters())
    assert of.network.decoder.weight.dtype == torch.float32


def test_of_a_wide_batch_only_some_windows_are_read_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = import_module("explorer.probes.explosion")  # its name is also the probe's
    monkeypatch.setattr(module, "NUMBERS", 2 * 8 * 10)
    found = explosion(opened("rnn"))
    assert (found.attrs["lanes"], found.attrs["of"]) == (2, 4)


@pytest.mark.parametrize("clip", [0.0, -1.0, float("nan")])
def test_clipping_at_nothing_is_refused(clip: float) -> None:
    with pytest.raises(DataError, match="above 0"):
        explosion(opened("rnn"), clip=clip)
