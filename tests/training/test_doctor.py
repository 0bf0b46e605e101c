"""The doctor names what broke first: of weights, states, gradients, by layer and position."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from explorer.errors import Diverged
from explorer.text import Tokenizer
from explorer.training.doctor import diagnose, named
from explorer.training.learner import Learner
from explorer.training.loop import build, train
from tests.training.small import TEXT, small

LETTERS = Tokenizer.learn(TEXT, small().tokens)
V, T, B = LETTERS.size, 9, 3


def rnn(kind: str = "rnn-relu", **more: object) -> nn.Module:
    chosen = {"rnn-relu": {"kind": "rnn", "activation": "relu"}}.get(kind, {"kind": kind})
    return build(small(chosen | more), V)  # type: ignore[arg-type]


def look(network: nn.Module, ids: Tensor | None = None, state: Tensor | None = None):
    ids = torch.arange((T + 1) * B).reshape(T + 1, B) % V if ids is None else ids

    def again() -> Tensor:
        logits, _ = network(ids[:-1], state)
        return F.cross_entropy(logits.flatten(0, 1), ids[1:].flatten())

    return diagnose(network, again)


def doubling(network: nn.Module, layer: int, unit: int, by: float) -> None:
    """Let one unit of a layer multiply itself by `by` at each step, with nothing else going on."""
    with torch.no_grad():
        for name, value in network.core.named_parameters():
            if name.endswith(f"_l{layer}"):
                value.zero_()
        getattr(network.core, f"weight_hh_l{layer}")[unit, unit] = by
        getattr(network.core, f"bias_ih_l{layer}")[unit] = 1.0


def overflow_at(by: float) -> int:
    """The position, from 1, at which 1 + by + by² + … leaves single precision."""
    h, largest = torch.zeros(()), 0
    while torch.isfinite(h):
        h = torch.tensor(by) * h + 1
        largest += 1
    return largest


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("by", [1e6, 1e13, 1e38])
def test_the_state_that_overflows_is_named_by_layer_and_position(layer: int, by: float) -> None:
    network = rnn(layers=2)
    doubling(network, layer, 4, by)
    found = look(network).more
    assert (found["name"], found["layer"], found["window"]) == ("hidden", layer + 1, T)
    assert found["position"] == overflow_at(by)
    sizes = found["growth"]["size"]
    assert sizes[: found["position"] - 1] == [
        pytest.approx(sum(by**i for i in range(n)), rel=5e-3) for n in range(1, found["position"])]
    assert sizes[found["position"] - 1] is None


def test_the_first_layer_in_the_order_of_the_computation_is_named() -> None:
    network = rnn(layers=2)
    doubling(network, 0, 1, 1e9)  # at position 5
    doubling(network, 1, 1, 1e20)  # at position 3, but computed after
    assert look(network).more["layer"] == 1


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("name", ["core.weight_hh_l0", "core.bias_ih_l0", "encoder.weight",
                                  "decoder.weight"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_weight_that_is_no_number_is_named(kind: str, name: str, value: float) -> None:
    network = rnn(kind)
    with torch.no_grad():
        dict(network.named_parameters())[name].flatten()[2] = value
    assert look(network).more["name"] == name


def test_a_carried_state_that_is_no_number_breaks_at_the_first_position() -> None:
    network = rnn("gru", layers=2)
    state = torch.zeros(2, B, 10)
    state[1, 0, 0] = math.nan
    found = look(network, state=state).more
    assert (found["layer"], found["position"], found["name"]) == (2, 1, "hidden")


def test_the_cell_is_named_before_the_hidden_state_it_makes() -> None:
    network = rnn("lstm")
    state = (torch.zeros(1, B, 10), torch.full((1, B, 10), math.nan))
    assert look(network, state=state).more["name"] == "cell"


def test_logits_that_overflow_are_named() -> None:
    network = rnn("rnn")
    with torch.no_grad():
        network.decoder.weight.fill_(3e38)
        network.core.bias_ih_l0.fill_(50.0)
    assert look(network).more["name"] == "decoder"


def test_a_gradient_that_overflows_on_its_way_back_is_named_by_position() -> None:
    """h(t) = by · h(t−1) from next to nothing, so that only the way back explodes."""
    network, by = rnn(), 1e6
    with torch.no_grad():
        for value in network.core.parameters():
            value.zero_()
        network.core.weight_hh_l0.copy_(by * torch.eye(10))
        network.encoder.weight.fill_(0.0)
        network.core.bias_ih_l0.fill_(1e-44)  # above 0: ReLU lets everything through
        network.decoder.weight.copy_(torch.eye(V, 10))
    ids = torch.arange((T + 1) * B).reshape(T + 1, B) % V
    found = look(network, ids).more
    assert (found["gradient"], found["name"], found["layer"]) == (True, "hidden", 1)

    precise = rnn().double()
    precise.load_state_dict(network.state_dict())
    h, kept = torch.zeros(B, 10, dtype=torch.float64), []
    for x in precise.read(ids[:-1]):
        h = precise.spec.step(x, h, precise.weights(0))
        h.retain_grad()
        kept.append(h)
    F.cross_entropy(precise.decoder(torch.stack(kept)).flatten(0, 1), ids[1:].flatten()).backward()
    too_large = [t + 1 for t, h in enumerate(kept)
                 if h.grad.abs().max() > torch.finfo(torch.float32).max]
    assert found["position"] == max(too_large)
    assert found["growth"]["gradient"][found["position"]:] == pytest.approx(
        [float(h.grad.norm()) for h in kept[found["position"]:]], rel=0.01)


def test_the_gradients_along_the_window_are_those_of_autograd() -> None:
    """Against the readable cell, by a trap that stops the doctor at the last weight."""
    from explorer.training.replay import states, watched

    network = rnn("lstm", layers=2)
    ids = torch.arange((T + 1) * B).reshape(T + 1, B) % V
    with watched(network) as calls:
        logits, _ = network(ids[:-1])
    calls[1].output.retain_grad()
    F.cross_entropy(logits.flatten(0, 1), ids[1:].flatten()).backward()
    seen = {(each["name"], each["layer"], each["position"]): each["gradient"]
            for each in states(calls, calls[1], gradients=True)}

    x, kept = network.read(ids[:-1]), {}
    for layer in range(2):
        h, c, rows = torch.zeros(B, 10), torch.zeros(B, 10), []
        for t in range(T):
            h, c = network.spec.step(x[t], (h, c), network.weights(layer), layer=layer, token=t)
            h.retain_grad()
            kept["hidden", layer + 1, t + 1] = h
            rows.append(h)
        x = torch.stack(rows)
    F.cross_entropy(network.decoder(x).flatten(0, 1), ids[1:].flatten()).backward()
    for place, h in kept.items():
        assert seen[place] == pytest.approx(float(h.grad.norm()), rel=1e-4)


def test_a_weight_s_gradient_alone_is_named() -> None:
    network = nn.Sequential(nn.Linear(1, 1))
    with torch.no_grad():
        network[0].weight.zero_()
    found = diagnose(network, lambda: network(torch.full((4, 1), 2e38)).sum())
    assert found.more == {"name": "0.weight", "gradient": True}


def test_only_the_length_of_a_gradient_overflows() -> None:
    network = nn.Linear(2_000, 1)
    found = diagnose(network, lambda: (network(torch.ones(1, 2_000)) * 1e18).sum())
    assert found.more == {"name": "weight", "gradient": True}
    assert "length of the gradient" in str(Diverged.at(1, found.said, 0))


def test_only_the_length_of_all_gradients_together_overflows() -> None:
    network = nn.Sequential(*[nn.Linear(1, 1, bias=False) for _ in range(400)])
    with torch.no_grad():
        for layer in network:
            layer.weight.fill_(1.0)
    found = diagnose(network, lambda: (network(torch.ones(1, 1)) * 1e18).sum())
    assert found.more == {"name": "gradient norm"}


def test_the_layers_under_dropout_draw_what_they_drew() -> None:
    from explorer.training.replay import states, watched

    network = build(small("dropout"), V)
    ids = torch.arange(T * B).reshape(T, B) % V
    with watched(network) as calls:
        network(ids)
    seen = states(calls, calls[1])
    top = [each["size"] for each in seen if each["layer"] == 2 and each["name"] == "hidden"]
    assert top == pytest.approx(calls[1].output.abs().amax((1, 2)).tolist(), rel=1e-5)
    assert not any(module._forward_hooks for module in network.modules()), "nothing stays behind"


def test_a_window_read_in_pieces_counts_on() -> None:
    network = rnn()
    doubling(network, 0, 0, 1e10)
    ids = torch.zeros(T, B, dtype=torch.long)

    def again() -> Tensor:
        h, state = network.core(network.read(ids[:2]))
        h, _ = network.core(network.read(ids[2:]), state)
        return network.decoder(h).sum()

    assert diagnose(network, again).more["position"] == overflow_at(1e10)


def test_both_directions() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.core = nn.RNN(1, 2, nonlinearity="relu", bidirectional=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.core(x)[0]

    network = Both()
    with torch.no_grad():
        for value in network.core.parameters():
            value.zero_()
        network.core.weight_hh_l0_reverse.copy_(1e10 * torch.eye(2))
        network.core.bias_ih_l0_reverse.fill_(1.0)
    found = diagnose(network, lambda: network(torch.ones(T, 1, 1)).sum()).more
    assert found["position"] == T + 1 - overflow_at(1e10), "the backward direction ends first"


def test_a_network_that_cannot_be_replayed_is_no_second_crash() -> None:
    def again() -> Tensor:
        raise RuntimeError("out of memory")

    assert diagnose(nn.Linear(1, 1), again).more == {"name": "loss"}


@pytest.mark.parametrize(("name", "words"), [
    ("core.weight_hh_l0", "the recurrent matrix U of layer 1 (core.weight_hh_l0)"),
    ("core.bias_ih_l2_reverse", "the input bias of layer 3 (core.bias_ih_l2_reverse)"),
    ("encoder.weight", "the embedding matrix"),
    ("blocks.3.mix.in_weight", "the part of the blocks (blocks.3.mix.in_weight)"),
    ("levels.0.first.weight", "the part of the levels (levels.0.first.weight)"),
    ("elsewhere.3.weight", "the elsewhere.3.weight"),
    ("validation loss", "the held-out loss"),
])
def test_names_in_words(name: str, words: str) -> None:
    assert f"At step 7 {words} was" in str(Diverged.at(7, named(name), 5, name=name))


def wild(**settings: object) -> Diverged:
    """How a run that must break says that it did."""
    chosen = {"optimizer": "sgd", "clip": 0.0, "schedule": "constant", "batch": 4} | settings
    experiment = small({"kind": "rnn", "activation": "relu",
                        "spectral_radius": chosen.pop("radius")}, steps=60, **chosen)
    with pytest.raises(Diverged) as caught:
        list(train(experiment, Tokenizer.learn(TEXT, experiment.tokens)))
    return caught.value


def test_a_real_run_says_step_layer_tensor_and_position_and_so_does_its_json() -> None:
    error = wild(radius=1.5, learning_rate=10.0, window=64, snapshots=1)
    found = error.values
    assert (found["layer"], found["window"]) == (1, 64)
    assert 1 <= found["position"] <= 64
    assert (f"hidden state of layer 1, at position {found['position']} of the 64 in its window, "
            "was no longer a finite number") in str(error)
    again = Diverged.from_json(json.loads(json.dumps(error.to_json())))
    assert str(again) == str(error)


def test_what_breaks_on_the_held_out_text_is_named_too() -> None:
    error = wild(radius=6.0, learning_rate=0.01, window=8, snapshots=20)
    assert error.values["held_out"]
    assert error.values["position"] > 8, "its windows are longer than those of training"
    assert "(on the held-out text) was no" in str(error)


def test_before_the_first_step_there_is_nothing_to_go_back_to() -> None:
    error = wild(radius=10.0, learning_rate=0.01)
    assert error.values["step"] == 0
    assert "Before the first step" in str(error)
    assert "smaller spectral radius" in str(error)


def test_clipping_does_not_hide_which_gradient_it_was() -> None:
    """Clipping by an infinite norm makes gradients NaN or 0: the doctor computes them anew."""
    learner = Learner(small("rnn", steps=5, clip=1.0), LETTERS)
    parameters = dict(learner._network.named_parameters())
    with torch.no_grad():
        for name in ("encoder.weight", "decoder.weight", "core.weight_ih_l0"):
            parameters[name].zero_()
        parameters["decoder.weight"][0] = 1e20
        parameters["core.weight_hh_l0"].copy_(torch.eye(10))
        parameters["core.bias_ih_l0"].zero_()
        parameters["core.bias_hh_l0"].zero_()
    with pytest.raises(Diverged) as caught:
        learner.learn(torch.arange(200) % V)
    assert caught.value.values["gradient"]
    assert caught.value.values["name"].startswith("core.")
