"""What a training step costs: the FLOPs of its matrix products (`torch.utils.flop_counter`)."""

from __future__ import annotations

from typing import Any, cast

import torch
import xarray as xr
from torch.utils.flop_counter import FlopCounterMode

from explorer.models.base import RECURRENT
from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.tasks.pairing import Batch, apart, coded
from explorer.tasks.translation import Translation
from explorer.text.sentences import Sentences


def flops(opened: Opened) -> xr.Dataset:
    """`forward`, `backward`: FLOPs of one training step of this run (batch × window tokens), a
    multiplication and an addition counted as two; only matrix products count, as usual.

    Of a recurrent network the windows of two and of three tokens are counted: each further token
    costs as much as the third. They are read on the meta device, which computes shapes only: there
    the layers fall apart into the products that they are, while on a CPU the counter does not see
    into the kernel of oneDNN that an LSTM is.

    Of a network that translates, the step over the first `batch` pairs that it is trained on is
    counted whole: sentences differ in length.
    """
    if opened.experiment.task.kind == "translation":
        return _of_pairs(opened)
    window = opened.experiment.training.window
    if opened.experiment.model.kind in RECURRENT:
        two, three = counted(opened, 2), counted(opened, 3)
        forward, backward = (a + (window - 2) * (b - a) for a, b in zip(two, three, strict=True))
    else:
        forward, backward = counted(opened, window)
    return xr.Dataset(
        {"forward": forward, "backward": backward},
        attrs=about(opened) | {"tokens": window * opened.experiment.training.batch})


def _of_pairs(opened: Opened) -> xr.Dataset:
    """FLOPs of a step over pairs. Packed sentences are read on the CPU, its kernels of oneDNN
    switched off, so that the counter sees the products."""
    experiment = opened.experiment
    task = cast("Translation", experiment.task)
    kept, _ = apart(task.material(experiment.text), experiment.data.held_out)
    sentences = cast("Sentences", opened.tokenizer)
    pairs = coded(sentences, kept[: experiment.training.batch])
    network = experiment.model.build(*sentences.sizes)
    before = torch.backends.mkldnn.set_flags(_enabled=False)
    try:
        with FlopCounterMode(display=False) as forward:
            loss, _ = task.loss(network, Batch(pairs, 1.0), pairs)
        with FlopCounterMode(display=False) as backward:
            loss.backward()
    finally:
        torch.backends.mkldnn.set_flags(_enabled=before[0])
    return xr.Dataset(
        {"forward": forward.get_total_flops(), "backward": backward.get_total_flops()},
        attrs=about(opened) | {"tokens": int(pairs.target_valid.sum())})


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
