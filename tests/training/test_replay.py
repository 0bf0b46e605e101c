"""The states of recurrent layers, packed sentences among them, one step at a time."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from explorer.training.doctor import diagnose
from explorer.training.learner import build
from explorer.training.replay import Seen, states, watched
from tests.training.small import PAIRS, translating

LENGTHS = [3, 5, 1, 5]
KINDS: dict[str, type[nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Reader(nn.Module):
    """Reads packed sentences, or one."""

    def __init__(self, kind: str, **settings: Any) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.encoder = KINDS[kind](2, 4, **settings)

    def forward(self, x: Tensor, lengths: list[int] | None = None) -> tuple[Tensor, Tensor]:
        """What is shown, 0 where nothing is, and the last hidden states."""
        if lengths is None:
            shown, last = self.encoder(x)
        else:
            packed, last = self.encoder(pack_padded_sequence(
                x, torch.tensor(lengths), enforce_sorted=False))
            shown, _ = pad_packed_sequence(packed)
        return shown, torch.cat(last) if isinstance(last, tuple) else last


def looked(network: Reader, x: Tensor, lengths: list[int] | None = None) -> Seen:
    """Its states with the gradients of a loss of all that is shown, and of what is left."""
    with watched(network) as calls:
        shown, last = network(x, lengths)
    for call in calls:
        call.retain()
    ((shown**2).sum() + (last * torch.arange(1, 5)).sum()).backward()
    return states(calls, calls[0], gradients=True)


@pytest.mark.parametrize(("kind", "layers", "ways"), list(product(KINDS, (1, 2), (False, True))))
def test_packed_sentences_are_read_as_each_alone(kind: str, layers: int, ways: bool) -> None:
    network = Reader(kind, num_layers=layers, bidirectional=ways)
    x = torch.randn(5, 4, 2)
    together = looked(network, x, LENGTHS)
    sizes: dict[Any, list[tuple[float, float]]] = {}
    for row, length in enumerate(LENGTHS):
        for seen in looked(network, x[:length, row : row + 1]):
            place = tuple(seen[key] for key in ("part", "name", "layer", "reverse", "position"))
            sizes.setdefault(place, []).append((seen["size"], seen["gradient"]))
    assert len(sizes) == len(together)
    for seen in together:
        place = tuple(seen[key] for key in ("part", "name", "layer", "reverse", "position"))
        size, gradient = zip(*sizes[place], strict=True)
        assert seen["size"] == pytest.approx(max(size), rel=1e-5)
        assert seen["gradient"] == pytest.approx(math.hypot(*gradient), rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradients_are_those_of_autograd(kind: str) -> None:
    """Against the same weights, called step by step: what is shown and what is left both count."""
    network = Reader(kind)
    x, state, kept = torch.randn(5, 3, 2), None, []
    seen = [each for each in looked(network, x, [5, 5, 5]) if each["name"] == "hidden"]
    for t in range(5):
        _, state = network.encoder(x[t : t + 1], state)
        h = state[0] if isinstance(state, tuple) else state
        h.retain_grad()
        kept.append(h)
    last = torch.cat(state) if isinstance(state, tuple) else state
    ((torch.cat(kept) ** 2).sum() + (last * torch.arange(1, 5)).sum()).backward()
    assert [each["gradient"] for each in seen] == pytest.approx(
        [float(h.grad.norm()) for h in kept], rel=1e-4)
    assert [each["size"] for each in seen] == pytest.approx(
        [float(h.detach().abs().max()) for h in kept], rel=1e-5)


def test_dropout_between_packed_layers_draws_what_it_drew() -> None:
    network = Reader("gru", num_layers=2, dropout=0.5)
    with watched(network) as calls:
        shown, _ = network(torch.randn(5, 4, 2), LENGTHS)
    top = [each["size"] for each in states(calls, calls[0]) if each["layer"] == 2]
    assert top == pytest.approx(shown.abs().amax((1, 2)).tolist(), rel=1e-5)


def broken(model: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """What the doctor says of a translator some of whose weights are filled with a number."""
    experiment = translating(model, steps=1)
    tokenizer = experiment.task.tokenizer(PAIRS, experiment.tokens)
    network = build(experiment, *tokenizer.sizes)
    with torch.no_grad():
        for name, value in change.items():
            dict(network.named_parameters())[name].fill_(value)
    held_in, _ = experiment.task.split(PAIRS, 0.2, experiment.training, tokenizer)
    inputs, targets, _ = experiment.task.batch(held_in, experiment.training, 0, 0)
    found = diagnose(network, lambda: experiment.task.loss(network, inputs, targets)[0])
    longest = [int(valid.max()) for valid in (targets.source_valid, targets.target_valid)]
    return found.more | {"longest": longest}


LOUD = 3e38  # twice as much is infinite


def test_the_state_of_the_encoder_that_breaks_is_named_by_its_token() -> None:
    """−∞ from the input and, from the second token on, +∞ from the state make NaN."""
    found = broken({"cell": "rnn", "attention": "none"}, {
        "source.weight": -1, "encoder.weight_ih_l0": LOUD, "encoder.weight_hh_l0": -LOUD})
    assert (found["part"], found["name"], found["layer"]) == ("encoder", "hidden", 1)
    assert (found["position"], found["window"]) == (2, found["longest"][0])
    assert found["growth"]["size"][:2] == [1.0, None]


@pytest.mark.parametrize("attention", ["none", "additive", "general"])
def test_the_state_of_the_decoder_that_breaks_is_named_by_its_token(attention: str) -> None:
    """Whether it was one pass or one step after the other."""
    found = broken({"cell": "rnn", "attention": attention}, {
        "source.weight": 0, "encoder.bias_ih_l0": 0, "encoder.bias_hh_l0": 0,
        "target.weight": -1, "decoder.weight_ih_l0": LOUD, "decoder.weight_hh_l0": -LOUD})
    assert (found["part"], found["name"], found["layer"]) == ("decoder", "hidden", 1)
    assert (found["position"], found["window"]) == (2, found["longest"][1])


@pytest.mark.parametrize(("change", "name"), [
    ({"scorer.W": math.nan}, "scorer.W"), ({"combine.weight": math.inf}, "combine.weight"),
    ({"combine.weight": 100, "output.weight": LOUD}, "output")])
def test_other_parts_are_named(change: dict[str, float], name: str) -> None:
    assert broken({}, change)["name"] == name


def test_a_gradient_that_overflows_in_the_encoder_is_named_there() -> None:
    """h(t) = a tanh of next to nothing, times 1e13 from token to token: only the way back explodes.
    All that is read has the same tiny embedding, and the decoder is told the last state."""
    found = broken({"cell": "rnn", "attention": "none", "hidden": 12}, {
        "source.weight": 0, "encoder.bias_ih_l0": 0, "encoder.bias_hh_l0": 0,
        "encoder.weight_hh_l0": 1e13})
    assert (found["gradient"], found["part"], found["name"]) == (True, "encoder", "hidden")
    assert found["position"] < found["window"] == found["longest"][0]
