"""Vectors and products with their numbers, as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
WRITTEN = 4  # numbers of a vector, or terms of a sum


def vector(values: Sequence[float] | Array) -> str:
    """[0.50, −1.20, …]"""
    said = [f"{value:.2f}" for value in values[:WRITTEN]]
    return "[" + r",\,".join(said + [r"\dots"] * (len(values) > WRITTEN)) + "]"


def products(one: Sequence[float] | Array, other: Sequence[float] | Array) -> str:
    """0.50 · 2.00 + 1.00 · (−3.00) + …"""
    said = [rf"{_factor(a)} \cdot {_factor(b)}" for a, b in zip(one, other, strict=True)]
    return " + ".join(said[:WRITTEN] + [r"\dots"] * (len(said) > WRITTEN))


def _factor(value: float) -> str:
    return f"({value:.2f})" if value < 0 else f"{value:.2f}"
