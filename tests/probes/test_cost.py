"""FLOPs: 2 × (numbers of each matrix) × tokens forward, twice that backward, less what needs no
gradient; and the same as counting the whole window."""

import dataclasses

import pytest

from explorer.models import Model
from explorer.probes import Opened
from explorer.probes.cost import counted, flops
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
