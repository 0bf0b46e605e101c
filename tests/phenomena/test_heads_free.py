"""Heads are free (phenomenon 19; Vaswani et al. 2017, §3.2.2): by projection, any number of them
needs the same parameters and FLOPs. By split, where each reads its own part of a vector only, more
of them need less.
"""

from __future__ import annotations

import pytest

from explorer.models import Model
from explorer.probes.heads_cost import heads_cost

HEADS = [1, 2, 4, 8]


@pytest.mark.phenomena
@pytest.mark.parametrize(("width", "tokens"), [(512, 64), (96, 256), (8, 1)])
def test_heads_are_free_by_projection_and_cheaper_by_split(width: int, tokens: int) -> None:
    found = heads_cost(width, tokens, HEADS)
    for name in ("parameters", "flops"):
        own = found[name].sel(way="projection").values.tolist()
        part = found[name].sel(way="split").values.tolist()
        assert len(set(own)) == 1
        assert part[0] == own[0], "one head reads all there is"
        assert sorted(part, reverse=True) == part
        assert len(set(part)) == len(HEADS)


@pytest.mark.phenomena
def test_a_whole_network_has_as_many_weights_with_any_number_of_heads() -> None:
    def counted(heads: int, split: bool) -> int:
        spec = Model.parse({"kind": "transformer", "hidden": 64, "heads": heads, "split": split})
        return sum(weight.numel() for weight in spec.build(30).parameters())

    assert len({counted(heads, split=False) for heads in HEADS}) == 1
    assert len({counted(heads, split=True) for heads in HEADS}) == len(HEADS)
