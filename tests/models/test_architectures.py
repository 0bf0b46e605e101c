"""Transformer, Aaren and CNN: every form of each gives the same numbers, in float64."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from explorer.errors import DataError
from explorer.models import Model
from explorer.models.tape import Tape, record
from explorer.models.transformer import Transformer

torch.set_num_threads(1)
V, S, T, B = 11, 9, 20, 3
IDS = torch.randint(V, (T, B), generator=torch.Generator().manual_seed(0))
POSITIONS = ("none", "sinusoidal", "learned", "rotary", "alibi")
NORMS = ("pre", "post", "none")


def specs() -> list[dict[str, Any]]:
    """What decides over shapes and paths, in all its combinations."""
    transformers = [
        {"kind": "transformer", "hidden": 16, "positions": positions, "norm": norm, "tied": tied,
         "split": split, "residual": residual}
        for positions, norm, tied, split, residual in product(
            POSITIONS, NORMS, (True, False), (True, False), (True, False))]
    return [
        *transformers,
        *({"kind": "aaren", "hidden": 16, "norm": norm, "tied": tied}
          for norm, tied in product(NORMS, (True, False))),
        *({"kind": "cnn", "hidden": 6, "layers": layers, "kernel": kernel, "tied": tied}
          for layers, kernel, tied in product((1, 3), (2, 3), (True, False))),
    ]


def built(fields: dict[str, Any], source: int = 0) -> Any:
    torch.manual_seed(1)
    return Model.parse(fields).build(V, source).double().eval()


@pytest.mark.parametrize("fields", specs(), ids=lambda f: "-".join(map(str, f.values())))
def test_every_form_gives_the_same(fields: dict[str, Any]) -> None:
    network = built(fields)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    if fields["tied"]:
        shapes.pop("decoder.weight")
    assert shapes == network.spec.shapes(V)
    with torch.no_grad():
        whole, _ = network(IDS)
        with record(Tape()):
            readable, _ = network(IDS)
        first, state = network(IDS[:9])
        one, state = network(IDS[9:10], state)
        rest, _ = network(IDS[10:], state)
    torch.testing.assert_close(readable, whole, rtol=0, atol=1e-12)
    torch.testing.assert_close(torch.cat((first, one, rest)), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["transformer", "aaren", "cnn"])
def test_nothing_is_seen_before_its_time(kind: str) -> None:
    network = built({"kind": kind, "hidden": 16})
    other = IDS.clone()
    other[12] = (other[12] + 1) % V
    with torch.no_grad():
        before, after = network(IDS)[0], network(other)[0]
    assert torch.equal(before[:12], after[:12])
    assert (before[12:] != after[12:]).any()


@pytest.mark.parametrize(("positions", "norm", "tied"),
                         list(product(POSITIONS, NORMS, (True, False))))
def test_a_translator_in_one_pass_equals_its_steps(positions: str, norm: str, tied: bool) -> None:
    network = built({"kind": "transformer", "hidden": 16, "positions": positions, "norm": norm,
                     "tied": tied}, S)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    if tied:
        shapes.pop("output.weight")
    assert shapes == network.spec.shapes(V, S)
    sources = torch.tensor([[3, 1, 4, 1], [5, 2, 0, 0], [6, 0, 0, 0]])
    valid = torch.tensor([4, 2, 1])
    given = torch.tensor([[9, 2, 7, 1, 8], [9, 3, 3, 0, 0], [9, 5, 0, 0, 0]])
    with torch.no_grad():
        whole = network(sources, valid, given)  # (B, T, V)
        memory = network.encode(sources, valid)
        state = network.begin(memory)
        for t in range(given.shape[1]):
            logits, state, weights = network.step(given[:, t], state, memory)
            torch.testing.assert_close(logits, whole[:, t], rtol=0, atol=1e-12)
            torch.testing.assert_close(weights.sum(1), torch.ones(3, dtype=torch.float64))
            assert not weights[1, 2:].any()
        alone = network(sources[1:2, :2], valid[1:2], given[1:2])
    torch.testing.assert_close(alone[0], whole[1], rtol=0, atol=1e-12)  # padding counts nothing


def test_a_cnn_sees_as_far_as_it_says() -> None:
    network = built({"kind": "cnn", "hidden": 4, "layers": 2, "kernel": 2})
    assert network.spec.sees == 7
    long = torch.zeros(30, 1, dtype=torch.long)
    with torch.no_grad():
        usual = network(long)[0]
        for back in range(10):
            changed = long.clone()
            changed[20 - back] = 1
            differs = bool((network(changed)[0][20] != usual[20]).any())
            assert differs <= (back < 7)  # a ReLU may hide what it could see
    assert Model.parse({"kind": "cnn", "layers": 4, "kernel": 3}).sees == 61


def test_learnt_places_come_to_an_end() -> None:
    network = built({"kind": "transformer", "hidden": 16, "positions": "learned", "context": 12})
    network(IDS[:12])
    with pytest.raises(DataError, match=r"learnt 12 places, and this text needs 20"):
        network(IDS)


@pytest.mark.parametrize(("fields", "said"), [
    ({"hidden": 130, "heads": 4}, "heads must divide the width"),
    ({"hidden": 12, "heads": 4}, "each head needs an even number"),
    ({"hidden": 15, "heads": 5, "positions": "sinusoidal"}, "choose an even width"),
    ({"layers": 0}, "greater than or equal to 1"),
])
def test_what_cannot_be_built_is_refused_in_words(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Transformer.model_validate({"kind": "transformer"} | fields)


def test_the_form_offers_only_heads_that_divide() -> None:
    assert Transformer.choices({"hidden": 130, "positions": "none"}) == {"heads": [1, 2, 5]}
    assert Transformer.choices({"hidden": 130}) == {"heads": [1, 5]}  # rotary turns pairs
    assert Transformer.choices({}) == {"heads": [1, 2, 4, 8]}
