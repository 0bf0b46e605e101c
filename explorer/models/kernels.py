"""Kernels, by which near examples count more than far ones (Nadaraya 1964; Watson 1964). The
logarithm of a kernel is a score; normalised, it is attention:

    α(x, x_i) = K(u_i) / Σ_j K(u_j) = softmax_i ln K(u_i),   u_i = (x − x_i) / w
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor


def gaussian(u: Tensor) -> tuple[Tensor, Tensor]:
    """exp(−u²/2): all count, near ones more."""
    return -(u**2) / 2, u == u


def boxcar(u: Tensor) -> tuple[Tensor, Tensor]:
    """1 within the width: a mean of the neighbours."""
    return 0 * u, u.abs() < 1


def constant(u: Tensor) -> tuple[Tensor, Tensor]:
    """1: the mean of all, wherever one asks."""
    return 0 * u, u == u


def epanechnikov(u: Tensor) -> tuple[Tensor, Tensor]:
    """1 − u² within the width, 0 beyond (Epanechnikov 1969)."""
    inside = u.abs() < 1
    return (1 - u**2).where(inside, 1).log(), inside


class Kernel(NamedTuple):
    """scores: u -> ln K(u), and where K(u) > 0. learns: whether its width has a gradient."""

    title: str
    letters: str
    scores: Callable[[Tensor], tuple[Tensor, Tensor]]
    learns: bool


KERNELS = {
    "gaussian": Kernel("Gauss", r"K(u) = e^{-u^2/2}", gaussian, True),
    "boxcar": Kernel(N_("boxcar"), r"K(u) = [\,|u| < 1\,]", boxcar, False),
    "epanechnikov": Kernel("Epanechnikov", r"K(u) = \max(0, 1 - u^2)", epanechnikov, True),
    "constant": Kernel(N_("constant"), r"K(u) = 1", constant, False),
}
