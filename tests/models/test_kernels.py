"""Kernels by their definition, and their logarithm as a score."""

import math

import pytest
import torch

from explorer.models.attention import masked_softmax
from explorer.models.kernels import KERNELS

VALUES = {
    "gaussian": lambda u: math.exp(-(u**2) / 2),
    "boxcar": lambda u: float(abs(u) < 1),
    "epanechnikov": lambda u: max(0.0, 1 - u**2),
    "constant": lambda u: 1.0,
}
U = [-2.5, -1.0, -0.9, 0.0, 0.3, 1.0, 4.0]


@pytest.mark.parametrize("kernel", KERNELS)
def test_weights_are_the_kernel_normalised(kernel: str) -> None:
    u = torch.tensor(U, dtype=torch.float64)
    alone = torch.tensor([VALUES[kernel](each) for each in U], dtype=torch.float64)
    found = masked_softmax(*KERNELS[kernel].scores(u))
    assert torch.allclose(found, alone / alone.sum(), atol=1e-12, rtol=0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_gradient_goes_through_where_it_says_so(kernel: str) -> None:
    width = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    u = torch.tensor([0.1, -0.2, 0.5], dtype=torch.float64) / width
    weights = masked_softmax(*KERNELS[kernel].scores(u))
    (slope,) = torch.autograd.grad(weights[0], width)
    assert (slope != 0) == KERNELS[kernel].learns
    assert torch.isfinite(slope)
