"""Nadaraya–Watson kernel regression: attention whose query is a place, whose keys are the places
of the examples, and whose values are what was seen there.
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.attention import masked_softmax
from explorer.models.kernels import KERNELS
from explorer.words import N_

PLACES = 101  # at which is asked, from 0 to 5
MOST = 100  # examples
STEPS = 80
RATE = 0.5
WIDTHS = (0.02, 10.0)


def truth(x: Tensor) -> Tensor:
    """2 sin x + x^0.8: the function of Zhang et al., Dive into Deep Learning, on attention."""
    return 2 * x.sin() + x**0.8


def weights(kernel: str, x: Tensor, keys: Tensor, width: Tensor, seen: Tensor) -> Tensor:
    """How much each key (K,) counts at each place x (Q,): (Q, K). seen: bool, which may."""
    scores, inside = KERNELS[kernel].scores((x.unsqueeze(-1) - keys) / width)
    return masked_softmax(scores, inside & seen)


def leave_one_out(kernel: str, keys: Tensor, values: Tensor, width: Tensor) -> Tensor:
    """The mean squared error at each example's place by all the others; one that no other reaches
    is guessed as their mean, so that a width which reaches nobody gains nothing."""
    others = ~torch.eye(len(keys), dtype=torch.bool)
    found = weights(kernel, keys, keys, width, others)  # (K, K)
    mean = (values.sum() - values) / (len(values) - 1)
    guess = (found @ values).where(found.sum(-1) > 0, mean)  # (K,)
    return (guess - values).square().mean()


def learn(
    kernel: str, keys: Tensor, values: Tensor, width: float
) -> tuple[list[float], list[float]]:
    """Gradient descent on ln w, so that w stays positive: the width before each step and after the
    last, and the error at each."""
    log = torch.tensor(width, dtype=torch.float64).log().requires_grad_()
    widths, losses = [], []
    for _ in range(STEPS + 1):
        loss = leave_one_out(kernel, keys, values, log.exp())
        widths.append(float(log.detach().exp()))
        losses.append(float(loss.detach()))
        (slope,) = torch.autograd.grad(loss, log)
        with torch.no_grad():
            log -= RATE * slope.clamp(-1, 1)
            log.clamp_(*(float(np.log(bound)) for bound in WIDTHS))
    return widths, losses


def kernel_regression(
    kernel: str = "gaussian", width: float = 1.0, examples: int = 40, noise: float = 0.5,
    seed: int = 0, learnt: bool = False,
) -> xr.Dataset:
    """Over example: `x` (sorted), `y` = truth + noise. Over place: `at`, `truth`, `estimate` (NaN
    where no example is within reach). `attention` over (query, key), places by examples. Over
    candidate: `left_out`, the leave-one-out error at each `tried` width. With learnt also over
    step: `width`, `error`; attrs: width (that of the picture), error (root mean square against the
    truth, where there is an estimate), unreached (places without one).

    Raises DataError: a kernel, width, noise or number outside its range, or one that cannot learn.
    """
    _admit(kernel, width, examples, noise, learnt)
    draw = torch.Generator().manual_seed(seed)
    x = (5 * torch.rand(examples, generator=draw, dtype=torch.float64)).sort().values
    y = truth(x) + noise * torch.randn(examples, generator=draw, dtype=torch.float64)
    widths, errors = learn(kernel, x, y, width) if learnt else ([], [])
    used = torch.tensor(widths[-1] if widths else width, dtype=torch.float64)
    at = torch.linspace(0, 5, PLACES, dtype=torch.float64)
    found = weights(kernel, at, x, used, torch.tensor(True))
    reached = found.sum(-1) > 0
    estimate = (found @ y).where(reached, torch.nan)
    tried = torch.logspace(-1.3, 1, 80, dtype=torch.float64)
    left_out = [float(leave_one_out(kernel, x, y, each)) for each in tried]
    off = (estimate - truth(at))[reached]
    return xr.Dataset(
        {"x": ("key", x.numpy()), "y": ("key", y.numpy()), "at": ("query", at.numpy()),
         "truth": ("query", truth(at).numpy()), "estimate": ("query", estimate.numpy()),
         "attention": (("query", "key"), found.numpy()),
         "tried": ("candidate", tried.numpy()), "left_out": ("candidate", np.array(left_out)),
         "width": ("step", np.array(widths)), "error": ("step", np.array(errors))},
        {"query_label": ("query", [f"{place:.2f}" for place in at.tolist()]),
         "key_label": ("key", [f"{place:.2f}" for place in x.tolist()])},
        {"kernel": kernel, "start": width, "used": float(used), "examples": examples,
         "noise": noise, "seed": seed, "learnt": int(learnt),
         "rms": float(off.square().mean().sqrt()) if len(off) else float("nan"),
         "unreached": int((~reached).sum())},
    )


def _admit(kernel: str, width: float, examples: int, noise: float, learnt: bool) -> None:
    if kernel not in KERNELS:
        raise DataError(N_("There is no kernel called “{given}”; there are: {known}."),
                        given=kernel, known=", ".join(KERNELS))
    if not WIDTHS[0] <= width <= WIDTHS[1]:
        raise DataError(N_("A kernel's width must lie between {low} and {high} (given: {given})."),
                        low=WIDTHS[0], high=WIDTHS[1], given=width)
    if not 2 <= examples <= MOST or not 0 <= noise <= 10:
        raise DataError(N_("Kernel regression takes 2 to {most} examples and a noise of 0 to 10."),
                        most=MOST)
    if learnt and not KERNELS[kernel].learns:
        raise DataError(N_("The error of a {kernel} kernel changes in jumps or not at all with its "
                           "width: there is no slope to go down. Set the width, or choose "
                           "another kernel."), kernel=KERNELS[kernel].title)
