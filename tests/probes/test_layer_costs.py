"""Operations by hand and as counted over every token; chains and paths on real layers."""

from __future__ import annotations

import pytest
import torch

from explorer.errors import DataError
from explorer.probes.bare_layers import Aaren, SelfAttention, layer
from explorer.probes.layer_costs import LENGTHS, chain, count, counted, layer_costs, powers
from explorer.probes.reach import reach

GATES = {"rnn": 1, "gru": 3, "lstm": 4}


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("n", [1, 2, 3, 17])
def test_a_recurrence_that_is_extended_is_as_if_counted_whole(kind: str, n: int) -> None:
    d, gates = 8, GATES[kind]
    with torch.device("meta"):
        net = layer(kind, d)
    assert counted(kind, n, d) == count(net, n, d)
    assert counted(kind, n, d) == (2 * gates * n * d * d, 2 * gates * n * d * d, n)


@pytest.mark.parametrize(("n", "d", "k"), [(1, 4, 2), (16, 4, 2), (33, 8, 5)])
def test_products_by_hand(n: int, d: int, k: int) -> None:
    assert counted("cnn", n, d, k) == (2 * k * n * d * d, 0, 1)
    assert counted("dilated", n, d, k) == (2 * k * n * d * d, 0, 1)
    assert counted("attention", n, d) == (4 * n * n * d, 8 * n * d * d, 4)


def test_every_length_has_its_numbers() -> None:
    found = layer_costs(d=16, k=3, n=100)
    assert list(found["length"]) == sorted([*LENGTHS, 100])
    here = found.sel(length=100)
    assert here["formula"].values.tolist() == [25600] * 3 + [76800] * 2 + [160_000]
    assert here["steps"].values.tolist() == [100] * 3 + [1] * 3
    assert here["path"].values.tolist() == [100] * 3 + [50, 5, 1]


def test_a_chain_counts_only_products_that_wait_for_each_other() -> None:
    a, b, c = (torch.ones(2, 2, requires_grad=True) for _ in range(3))
    assert chain(a @ b @ c) == 2
    assert chain((a @ b) + (b @ c)) == 1
    assert chain((a @ b).exp().sum() * (a @ (b @ (c @ a))).sum()) == 3
    assert chain(a + b) == 0


@pytest.mark.parametrize(("n", "k", "wanted"), [(1, 3, 0), (3, 3, 1), (4, 3, 2), (243, 3, 5),
                                                 (244, 3, 6), (8, 2, 3), (9, 2, 4)])
def test_the_logarithm_is_exact(n: int, k: int, wanted: int) -> None:
    assert powers(n, k) == wanted


@pytest.mark.parametrize("n", [2, 3, 10, 27, 28])
@pytest.mark.parametrize("k", [2, 3, 4])
def test_the_path_of_the_table_is_the_one_that_is_followed(n: int, k: int) -> None:
    table = layer_costs(d=8, k=k, n=n).sel(length=n)["path"]
    followed = reach(n, 0, n - 1, k=k, growth=k)
    needed = {str(kind): int(value) for kind, value in
              zip(followed["network"].values, followed["needed"].values, strict=True)}
    assert needed["cnn"] == int(table.sel(layer="cnn"))
    assert needed["dilated"] == int(table.sel(layer="dilated"))
    path = followed["path"].sel(network=["rnn", "attention"])
    assert path.values.tolist() == table.sel(layer=["rnn", "attention"]).values.tolist()


def test_the_layers_are_what_they_are_called() -> None:
    """Fused attention and Aaren, against the plain ones with the same weights."""
    torch.manual_seed(0)
    x, plain, fused = torch.randn(9, 8), SelfAttention(8), layer("fused", 8)
    fused.load_state_dict(plain.state_dict())
    torch.testing.assert_close(fused.read(x)[0], plain.read(x)[0])
    aaren = Aaren(8)
    s, k, v = aaren.scored(x)
    torch.testing.assert_close(s, k @ aaren.q / 8**0.5)
    past = torch.ones(9, 9, dtype=torch.bool).tril()
    weights = s.expand(9, 9).masked_fill(~past, -torch.inf).softmax(-1)
    torch.testing.assert_close(aaren.read(x)[0], aaren.out(weights @ v))


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm", "cnn", "dilated", "attention", "fused",
                                  "aaren"])
def test_no_layer_sees_what_comes_later(kind: str) -> None:
    torch.manual_seed(0)
    net, x = layer(kind, 8, dilation=2), torch.randn(12, 8)
    changed = x.clone()
    changed[7:] += 1
    with torch.no_grad():
        torch.testing.assert_close(net.read(changed)[0][:7], net.read(x)[0][:7])


@pytest.mark.parametrize("asked", [{"d": 0}, {"d": 1025}, {"k": 1}, {"k": 10}, {"n": 0},
                                   {"n": 65_537}])
def test_out_of_range(asked: dict[str, int]) -> None:
    (name,) = asked
    with pytest.raises(DataError, match=f"counted for {name} from"):
        layer_costs(**asked)
