"""What a training step costs: the FLOPs of its matrix products (`torch.utils.flop_counter`)."""

from __future__ import annotations

from typing import Any

import torch
import xarray as xr
from torch.utils.flop_counter import FlopCounterMode

from explorer.probes.capture import about
from explorer.probes.opened import Opened


def flops(opened: Opened) -> xr.Dataset:
    """`forward`, `backward`: FLOPs of one training step of this run (batch × window tokens), a
    multiplication and an addition counted as two; only matrix products count, as usual.

    The windows of two and of three tokens are counted: each further token costs as much as the
    third. They are read on the meta device, which computes shapes only: there the layers fall
    apart into the products that they are, while on a CPU the counter does not see into the kernel
    of oneDNN that an LSTM is.
    """
    window = opened.experiment.training.window
    two, three = counted(opened, 2), counted(opened, 3)
    forward, backward = (a + (window - 2) * (b - a) for a, b in zip(two, three, strict=True))
    return xr.Dataset(
        {"forward": forward, "backward": backward},
        attrs=about(opened) | {"tokens": window * opened.experiment.training.batch})


def counted(opened: Opened, window: int) -> tuple[int, int]:
    """FLOPs of the forward and of the backward pass over a batch of windows."""
    experiment = opened.experiment
    task: Any = experiment.task
    with torch.device("meta"):
        network = experiment.model.build(opened.tokenizer.size)
        ids = torch.zeros(window, experiment.training.batch, dtype=torch.long)  # (T, B)
    with FlopCounterMode(display=False) as forward:
        loss, _ = task.loss(network, ids, ids, None)
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    return forward.get_total_flops(), backward.get_total_flops()
