"""What heads cost: the formulas say what is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.errors import DataError
from explorer.probes import BARE
from explorer.probes.heads_cost import heads_cost


@pytest.mark.parametrize(("width", "tokens", "heads"),
                         [(96, 24, [1, 2, 4, 8]), (6, 1, [1, 3]), (40, 7, [5])])
def test_the_formulas_count_what_runs(width: int, tokens: int, heads: list[int]) -> None:
    found = heads_cost(width, tokens, heads)
    for name in ("parameters", "flops"):
        np.testing.assert_array_equal(found[name], found[f"{name}_formula"])


def test_by_hand() -> None:
    found = BARE["heads_cost"](width=2, tokens=3, heads=[1, 2])
    # Four matrices of 2 × 2 and their biases; three products of them for each of three tokens.
    assert found["parameters"].sel(way="projection").values.tolist() == [24, 24]
    assert found["flops"].sel(way="projection").values.tolist() == [2 * 3 * 16 + 4 * 9 * 2] * 2
    assert found["parameters"].sel(way="split").values.tolist() == [24, 18]


def test_parts_of_one_number_are_no_matrix_products() -> None:
    found = heads_cost(6, 2, [6]).sel(way="split", heads=6)
    assert int(found["flops"]) == int(found["flops_formula"]) - 2 * 2 * 3 * 6


@pytest.mark.parametrize(("given", "words"), [
    ({"width": 10, "heads": [1, 3, 4]}, "3, 4 heads do not divide a width of 10"),
    ({"heads": [0]}, "0 heads do not divide"), ({"width": 0}, "between 1 and 1024"),
    ({"tokens": 5000}, "between 1 and 4096")])
def test_sizes_that_do_not_go_together_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        heads_cost(**given)
