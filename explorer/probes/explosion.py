"""One step of training, taken apart: how states and gradients grow along its window, and what
clipping makes of the whole gradient (Pascanu, Mikolov & Bengio 2013).
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from explorer.errors import DataError
from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.training.doctor import measure
from explorer.training.loop import split
from explorer.words import N_

NUMBERS = 4_000_000  # states that are looked at: of wider batches only so many windows


def explosion(opened: Opened, clip: float = 1.0) -> xr.Dataset:
    """The step that is due at this snapshot, on its very batch, in double precision, where far more
    fits in than in training's single precision (up to 3.4e38). Every window from a blank state.

    Over (layer, position): `size`, the largest |h(t)| of the batch; `gradient`, ‖∂L/∂h(t)‖ over the
    batch. Over parameter: `norm` and `clipped`, the length of its gradient before and after
    clipping all of them at `clip` (> 0). Over layer: `radius`, the largest |eigenvalue| of the
    recurrent weights (of any gate's), `largest`, their largest |weight|.
    attrs: loss, norm, factor = min(1, clip/norm), cosine (of the gradient before and after),
    lanes, of. Raises DataError: clip not above 0.
    """
    if not clip > 0:
        raise DataError(N_("Gradients cannot be clipped at {norm}: choose a number above 0."),
                        norm=clip)
    experiment, spec = opened.experiment, opened.network.spec
    task: Any = experiment.task
    ids, _ = split(experiment, opened.tokenizer)
    inputs, targets, _ = task.batch(ids, experiment.training, experiment.seed, opened.step)
    lanes = max(1, NUMBERS // (len(inputs) * spec.layers * spec.hidden))
    network = copy.deepcopy(opened.network).double()
    with torch.enable_grad():
        loss, seen = measure(
            network, lambda: task.loss(network, inputs[:, :lanes], targets[:, :lanes], None)[0])
    before = _gradients(network)
    nn.utils.clip_grad_norm_(list(network.parameters()), clip)
    after = _gradients(network)
    norm, left = (math.sqrt(sum(float(g.square().sum()) for g in some.values()))
                  for some in (before, after))
    along = sum(float((before[name] * after[name]).sum()) for name in before)
    cosine = along / (norm * left) if norm and left else math.nan
    U = [network.weights(layer).U.detach() for layer in range(spec.layers)]
    place = ("layer", "position")
    return xr.Dataset(
        {
            "size": (place, _plane(seen, "size", spec.layers, len(inputs))),
            "gradient": (place, _plane(seen, "gradient", spec.layers, len(inputs))),
            "norm": ("parameter", np.array([float(g.norm()) for g in before.values()])),
            "clipped": ("parameter", np.array([float(g.norm()) for g in after.values()])),
            "radius": ("layer", np.array([_radius(u, spec.hidden) for u in U])),
            "largest": ("layer", np.array([float(u.abs().max()) for u in U])),
        },
        {"parameter": list(before), "layer": np.arange(1, spec.layers + 1),
         "position": np.arange(1, len(inputs) + 1)},
        about(opened) | {"loss": loss, "total": norm, "clip": clip, "cosine": cosine,
                         "factor": min(1.0, clip / norm) if norm else 1.0,
                         "lanes": min(lanes, inputs.shape[1]), "of": inputs.shape[1]},
    )


def _gradients(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.grad.clone() for name, value in network.named_parameters()
            if value.grad is not None}


def _plane(
    seen: list[dict[str, Any]], what: str, layers: int, T: int
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(layer, position): of the hidden states, the larger of both directions."""
    found = np.zeros((layers, T))
    for each in seen:
        if each["name"] == "hidden":
            place = each["layer"] - 1, each["position"] - 1
            found[place] = max(found[place], each[what])
    return found


def _radius(U: Tensor, hidden: int) -> float:
    """The largest |eigenvalue| of any gate's square part of U (gates·hidden, hidden)."""
    if not torch.isfinite(U).all():
        return math.inf
    return max(float(torch.linalg.eigvals(part).abs().max()) for part in U.split(hidden))
