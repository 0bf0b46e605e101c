"""Positional encodings in float64: against their definitions, and against others' code."""

import math
import re
from typing import Any

import pytest
import torch
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.roformer.modeling_roformer import RoFormerSelfAttention

from explorer.errors import DataError, ExperimentError
from explorer.experiment import Experiment
from explorer.models import Model
from explorer.models.positions import Position
from explorer.models.positions.alibi import slopes
from explorer.models.transformer import Transformer
from explorer.spec import say
from tests.training.small import TEXT

KINDS = ("none", "sinusoidal", "learned", "rotary", "alibi")
V, T, D = 11, 12, 8


def spec(kind: str, **more: Any) -> Transformer:
    made = Model.parse({"kind": "transformer", "hidden": 12, "layers": 2, "heads": 3,
                        "positions": kind, "context": 16} | more)
    assert isinstance(made, Transformer)
    return made


def stack(kind: str, causal: bool = True) -> torch.nn.Module:
    torch.manual_seed(0)
    return spec(kind).reader(V, causal).double().eval()


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def ids(length: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(0, V, (length,), generator=torch.Generator().manual_seed(seed))


def test_each_file_is_an_encoding() -> None:
    assert set(Position.family) == set(KINDS)
    for kind in KINDS:
        position = Position.parse(kind)
        assert position.title
        assert position.letters
        assert bool(position.paper) == (kind != "none")
    with pytest.raises(ExperimentError, match="no position called 'clock'"):
        Position.parse("clock")


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_are_the_state_exactly(kind: str) -> None:
    built = {name: tuple(value.shape) for name, value in stack(kind).state_dict().items()
             if name != "decoder.weight"}
    assert built == spec(kind).shapes(V)
    assert ("placed.places" in built) == (kind == "learned")


def test_sines_by_their_definition() -> None:
    added = Position.parse("sinusoidal").added(torch.arange(T), D, {})
    for p in range(T):
        for i in range(D // 2):
            angle = p / 10_000 ** (2 * i / D)
            assert float(added[p, 2 * i]) == pytest.approx(math.sin(angle), abs=1e-14)
            assert float(added[p, 2 * i + 1]) == pytest.approx(math.cos(angle), abs=1e-14)


def test_rotary_multiplies_by_e_to_the_i_omega_p() -> None:
    x = drawn(3, T, D)
    turned = Position.parse("rotary").turned(x, torch.arange(5, 5 + T))
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    ω = 10_000.0 ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)
    angle = torch.arange(5, 5 + T, dtype=torch.float64)[:, None] * ω
    wanted = torch.view_as_real(pairs * torch.exp(1j * angle)).flatten(-2)
    torch.testing.assert_close(turned, wanted, rtol=0, atol=1e-13)


def test_rotary_is_that_of_transformers() -> None:
    q, k = drawn(2, 3, T, D, seed=1), drawn(2, 3, T, D, seed=2)
    places = torch.arange(T)
    angle = places.double()[:, None] * 10_000.0 ** (-torch.arange(0, D, 2).double() / D)
    theirs = RoFormerSelfAttention.apply_rotary_position_embeddings(
        torch.cat((angle.sin(), angle.cos()), -1)[None, None], q, k)
    for ours, other in zip((q, k), theirs, strict=True):
        torch.testing.assert_close(Position.parse("rotary").turned(ours, places), other,
                                   rtol=0, atol=1e-13)


def test_a_turned_product_depends_on_the_distance_alone() -> None:
    rotary, q, k = Position.parse("rotary"), drawn(D, seed=3), drawn(D, seed=4)

    def product(p: int, s: int) -> float:
        one, other = (rotary.turned(x[None], torch.tensor([at]))[0]
                      for x, at in ((q, p), (k, s)))
        return float(one @ other)

    for away in (0, 1, 7, 300):
        first = product(0, away)
        assert product(90, 90 + away) == pytest.approx(first, abs=1e-12)
    assert product(0, 1) != pytest.approx(product(0, 7), abs=1e-3)


@pytest.mark.parametrize("heads", range(1, 9))
def test_alibi_is_that_of_transformers_up_to_what_softmax_ignores(heads: int) -> None:
    theirs = build_alibi_tensor(torch.ones(1, T), heads, torch.float64)  # (heads, 1, T): m · key
    ours = Position.parse("alibi").bias(torch.arange(T), torch.arange(T), heads).double()
    causal = torch.ones(T, T, dtype=torch.bool).tril()
    for mine, other in zip(ours, theirs.expand(-1, T, -1), strict=True):
        weights = [scores.masked_fill(~causal, -torch.inf).softmax(-1) for scores in (mine, other)]
        torch.testing.assert_close(*weights, rtol=0, atol=1e-7)


@pytest.mark.parametrize("heads", range(1, 9))
def test_the_letters_of_alibi_are_the_slopes_that_are_used(heads: int) -> None:
    letters = Position.parse("alibi").letters
    assert r"n = 2^{\lfloor \log_2 H \rfloor}" in letters
    rules = {sign: re.sub(r"(\d)([h(])", r"\1*\2", power) for sign, power in re.findall(
        r"m_\{h (\\le|>) n\} = 2\^\{(.+?)\}", letters)}
    n = 2 ** math.floor(math.log2(heads))
    said = [2.0 ** eval(rules[r"\le" if h <= n else ">"], {"h": h, "n": n})  # noqa: S307
            for h in range(1, heads + 1)]
    assert said == slopes(heads)


def test_alibi_by_hand() -> None:
    assert slopes(8) == [2.0**-i for i in range(1, 9)]
    assert slopes(3) == [2.0**-4, 2.0**-8, 2.0**-2]
    bias = Position.parse("alibi").bias(torch.tensor([5]), torch.tensor([5, 3, 9]), 4)
    assert bias.tolist()[0] == [[0, -0.5, -1.0]]
    assert bias.shape == (4, 1, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_reading_token_by_token_gives_the_same(kind: str) -> None:
    network, text = stack(kind), ids(T)[:, None]
    with torch.no_grad():
        whole, _ = network(text)
        state, found = None, []
        for token in text.split(1):
            logits, state = network(token, state)
            found.append(logits)
    torch.testing.assert_close(torch.cat(found), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_only_learnt_places_come_to_an_end(kind: str) -> None:
    network = stack(kind)
    network(ids(16)[:, None])
    if kind != "learned":
        network(ids(40)[:, None])
        return
    with pytest.raises(DataError, match="has learnt 16 places, and this text needs 17"):
        network(ids(17)[:, None])
    _, state = network(ids(16)[:, None])
    with pytest.raises(DataError, match="this text needs 17"):
        network(ids(1)[:, None], state)


@pytest.mark.parametrize(("kind", "sizes", "words"), [
    ("rotary", {"hidden": 9, "heads": 3}, "each head needs an even number"),
    ("sinusoidal", {"hidden": 9, "heads": 3}, "choose an even width"),
])
def test_odd_sizes_are_refused_where_pairs_are_needed(
    kind: str, sizes: dict[str, int], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        spec(kind, **sizes)
    assert words in str(say(refused.value))
    for other in set(KINDS) - {kind, "sinusoidal", "rotary"}:
        assert spec(other, **sizes).hidden == 9


def test_windows_longer_than_the_learnt_places_are_refused() -> None:
    with pytest.raises(ExperimentError, match="longer than the places that are learnt"):
        Experiment.language_model(TEXT, model=spec("learned"), steps=2, window=17)
    assert Experiment.language_model(TEXT, model=spec("alibi"), steps=2, window=17).key
