"""The gradient by layer is the gradient; the variants are what they are called."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.models import Model
from explorer.probes import Opened
from explorer.probes.gradient_by_layer import VARIANTS, by_layer, gradient_by_layer, likeness
from explorer.probes.stacks import stack_of
from tests.probes.conftest import in_double, open_trained

TEXT = "the cat sat on that"
SIZES = {"kind": "transformer", "hidden": 12, "heads": 3, "layers": 3}


@cache
def reader(norm: str = "pre", steps: int = 8) -> Opened:
    return open_trained(Model.parse(SIZES | {"norm": norm}), steps=steps)


def test_it_is_the_difference_that_a_change_makes() -> None:
    """By central differences along the gradient of a block's output, in double precision."""
    network = stack_of(in_double(reader()))
    ids = torch.from_numpy(reader().tokenizer.encode(TEXT).ids)
    gradients, _alike, loss = by_layer(network, ids)

    def going_on(x: torch.Tensor, layer: int) -> torch.Tensor:
        from explorer.models.heads import Sight

        places = torch.arange(len(ids))
        for block in network.blocks[layer + 1 :]:
            x, _ = block(x, Sight(places, places, True))
        return F.cross_entropy(network.guess(x)[0, :-1], ids[1:])

    with torch.no_grad():
        from explorer.models.heads import Sight

        x, places = network.read(ids[None]), torch.arange(len(ids))
        for layer, block in enumerate(network.blocks):
            x, _ = block(x, Sight(places, places, True))
            assert float(going_on(x, layer)) == pytest.approx(loss, abs=1e-12)
            with torch.enable_grad():
                given = x.clone().requires_grad_()
                [slope] = torch.autograd.grad(going_on(given, layer), given)
            along = slope / slope.norm() * 1e-6
            rise = float(going_on(x + along, layer) - going_on(x - along, layer)) / 2e-6
            assert gradients[layer] == pytest.approx(rise, rel=1e-6)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_variant_is_what_a_run_began_with(norm: str) -> None:
    opened = reader(norm)
    found = gradient_by_layer(opened, TEXT)
    first = gradient_by_layer(opened.untrained(seed=0), TEXT)
    np.testing.assert_array_equal(found["gradient"].sel(variant=norm),
                                  first["gradient"].sel(variant="trained"))
    assert not np.allclose(found["gradient"].sel(variant="trained"),
                           found["gradient"].sel(variant=norm))
    assert list(found["variant"].values) == ["trained", *VARIANTS]
    assert len({float(loss) for loss in found["loss"]}) == len(VARIANTS) + 1


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_another_experiment_begins_so(changes: dict[str, object]) -> None:
    opened = reader()
    name = next(name for name, each in VARIANTS.items() if each == changes)
    begun = gradient_by_layer(opened.untrained(changes, seed=0), TEXT).sel(variant="trained")
    found = gradient_by_layer(opened, TEXT).sel(variant=name)
    np.testing.assert_array_equal(begun["gradient"], found["gradient"])


def test_deeper_than_any_run() -> None:
    found = gradient_by_layer(reader(), TEXT, layers=9)
    assert found["layer"].values.tolist() == list(range(1, 10))
    gone = np.isnan(found["gradient"].sel(variant="trained").values)
    assert gone.tolist() == [False] * 3 + [True] * 6
    assert np.isfinite(found["gradient"].sel(variant=list(VARIANTS))).all()
    shallow = gradient_by_layer(reader(), TEXT, layers=1)
    assert np.isfinite(shallow["gradient"].sel(variant="trained")).all()


def test_how_alike_by_hand() -> None:
    vectors = torch.tensor([[1.0, 0], [0, 2], [3, 0]])
    assert likeness(vectors) == pytest.approx(1 / 3)
    assert likeness(torch.ones(4, 3)) == pytest.approx(1)


def test_no_weight_is_touched_and_no_random_number_drawn() -> None:
    opened, state = reader(), torch.random.get_rng_state()
    gradient_by_layer(opened, TEXT)
    assert all(weight.grad is None for weight in stack_of(opened).parameters())
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize(("text", "layers", "words"), [
    ("t", None, "at least two tokens"), ("", None, "nothing to read"), (TEXT, 0, "1 to 24"),
    (TEXT, 25, "1 to 24")])
def test_what_cannot_be_is_refused(text: str, layers: int | None, words: str) -> None:
    with pytest.raises(DataError, match=words):
        gradient_by_layer(reader(), text, layers)
