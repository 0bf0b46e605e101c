"""FLOPs: 2 × (numbers of each matrix) × tokens forward, twice that backward, less what needs no
gradient; and the same as counting the whole window."""

import dataclasses
from typing import Any

import pytest

from explorer.experiment import Experiment
from explorer.models import Model
from explorer.probes import Opened
from explorer.probes.cost import counted, flops
from explorer.text.pairs import Pairs
from explorer.training.loop import build
from tests.probes.conftest import open_trained


def matrices(opened: Opened) -> int:
    """How many numbers stand in the matrices that are multiplied: all but embedding and biases."""
    shapes = opened.experiment.model.shapes(opened.tokenizer.size)
    return sum(s[0] * s[1] for name, s in shapes.items()
               if len(s) == 2 and name != "encoder.weight")


def test_forward_is_two_for_each_weight_and_token(opened: Opened) -> None:
    found = flops(opened)
    assert int(found["forward"]) == 2 * matrices(opened) * found.attrs["tokens"]


def test_backward_is_twice_that_less_the_gradients_nobody_needs(opened: Opened) -> None:
    training, spec = opened.experiment.training, opened.network.spec
    B, T, H = training.batch, training.window, spec.hidden
    ways = spec.directions
    first_states = 2 * ways * spec.layers * spec.gates * H * H * B  # of the zeros at the beginning
    V = opened.tokenizer.size if spec.input == "one-hot" else 0
    inputs = 2 * ways * spec.gates * H * V * B * T
    found = flops(opened)
    assert int(found["backward"]) == 2 * int(found["forward"]) - first_states - inputs


def test_the_third_token_speaks_for_all(opened: Opened) -> None:
    found = flops(opened)
    forward, backward = counted(opened, opened.experiment.training.window)
    assert (int(found["forward"]), int(found["backward"])) == (forward, backward)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_tied_weights_are_multiplied_all_the_same(kind: str) -> None:
    sizes = {"kind": kind, "hidden": 8, "embedding": 8}
    plain = open_trained(Model.parse(sizes), steps=1)
    tied = dataclasses.replace(plain, experiment=plain.experiment.model_copy(
        update={"model": Model.parse(sizes | {"tied": True})}))
    assert int(flops(tied)["forward"]) == int(flops(plain)["forward"])


@pytest.mark.parametrize("initial", ["uniform", "orthogonal", "gaussian"])
def test_how_the_weights_began_costs_nothing(initial: str) -> None:
    drawn = {"kind": "rnn", "hidden": 8, "initial": initial, "spectral_radius": 3.0}
    opened = open_trained(Model.parse(drawn), steps=1)
    usual = open_trained(Model.parse({"kind": "rnn", "hidden": 8}), steps=1)
    assert int(flops(opened)["forward"]) == int(flops(usual)["forward"]) > 0


PAIRS = Pairs("few", "a cat sat .\tun chat assis .\nthe dog .\tle gros chien court .\n")


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
@pytest.mark.parametrize("attention", ["none", "general"])
def test_a_step_over_pairs_is_counted_by_hand(cell: str, gates: int, attention: str) -> None:
    H, E = 6, 5
    model = {"kind": "seq2seq", "cell": cell, "hidden": H, "embedding": E, "attention": attention}
    experiment = Experiment.translation(PAIRS, {"kind": "word"}, model, held_out=0, batch=2)
    sentences = experiment.task.tokenizer(PAIRS, experiment.tokens)
    network: Any = build(experiment, *sentences.sizes)
    found = flops(Opened(experiment.key, 0, experiment, sentences, network))
    read, S, rows = 5 + 4, 5, 2  # tokens with <eos>; the longer source; two sentences
    T, written = 6, 5 + 6  # of the longer target, up to which all are filled; those that count
    encoder = read * gates * H * (E + H)
    inputs = E + H if attention == "none" else E
    decoder = rows * T * gates * H * (inputs + H) + written * H * sentences.size
    looks = rows * (S * H * H + T * S * H * 2 + T * H * 2 * H) if attention == "general" else 0
    assert float(found["forward"]) == 2 * (encoder + decoder + looks)
    assert float(found["backward"]) > float(found["forward"])


@pytest.mark.parametrize("heads", [1, 2])
def test_attention_costs_with_the_square_of_the_window(heads: int) -> None:
    spec = Model.parse({"kind": "transformer", "hidden": 8, "layers": 2, "heads": heads})
    opened = open_trained(spec, steps=1)
    training, V = opened.experiment.training, opened.tokenizer.size
    B, T, W = training.batch, training.window, 8
    of_matrices = 2 * B * T * (2 * 12 * W * W + V * W)  # q, k, v, output; up and down; the logits
    of_pairs = 2 * 2 * 2 * B * T * T * W  # scores and weighted sum, in two layers
    assert int(flops(opened)["forward"]) == of_matrices + of_pairs
