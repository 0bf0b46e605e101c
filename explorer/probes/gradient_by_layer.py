"""How the gradient goes down a stack of blocks, and what residual paths and norms are for
(phenomenon 20; He et al. 2015; Xiong et al. 2020; Dong et al. 2021).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.models.stack import Stack
from explorer.models.stacked import Stacked
from explorer.models.tape import Tape, record
from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.probes.stacks import cropped, stack_of
from explorer.words import N_

# How a block may be built: the same but for what stands around its sublayers.
VARIANTS: dict[str, dict[str, Any]] = {
    "pre": {"norm": "pre", "residual": True}, "post": {"norm": "post", "residual": True},
    "no norm": {"norm": "none", "residual": True},
    "no residual": {"residual": False},  # with the norm of the run, or before if it has none
    "neither": {"norm": "none", "residual": False}}
DEEPEST = 24


def gradient_by_layer(
    opened: Opened, text: str, layers: int | None = None, seed: int | None = None
) -> xr.Dataset:
    """Of the run (`trained`), and of `VARIANTS` of it before training, `layers` deep (the depth of
    the run, if not said) and drawn from its seed: over (variant, layer) `gradient`, ‖∂L/∂x‖ of what
    a block gives on, L the mean loss of the tokens of the text, each guessed from those before it,
    in nats; `alike`, the mean cosine between what it gives on of two tokens; and over variant
    `loss`. NaN where a variant has no such layer.

    attrs: `tokens`, how many were read `of` how many. Raises DataError: fewer than two tokens; a
    depth beyond 1…24.
    """
    spec = stack_of(opened).spec
    depth = spec.layers if layers is None else layers
    if not 1 <= depth <= DEEPEST:
        raise DataError(N_("A stack must have 1 to {most} layers (given: {given})."),
                        most=DEEPEST, given=depth)
    tokens, of = cropped(opened, text)
    if len(tokens) < 2:
        raise DataError(N_("There is no token to guess: type a text of at least two tokens."))
    ids = torch.from_numpy(tokens.ids)
    networks = {"trained": stack_of(opened)} | {
        name: fresh(spec, changes, depth, opened.tokenizer.size,
                    opened.experiment.seed if seed is None else seed)
        for name, changes in VARIANTS.items()}
    wide = max(depth, spec.layers)
    found = {name: np.full((len(networks), wide), np.nan) for name in ("gradient", "alike")}
    losses = []
    for row, network in enumerate(networks.values()):
        gradient, alike, loss = by_layer(network, ids)
        found["gradient"][row, : len(gradient)] = gradient
        found["alike"][row, : len(alike)] = alike
        losses.append(loss)
    return xr.Dataset(
        {name: (("variant", "layer"), values) for name, values in found.items()}
        | {"loss": ("variant", losses)},
        {"variant": list(networks), "layer": np.arange(1, wide + 1)},
        about(opened) | {"tokens": len(tokens), "of": of, "layers": depth, "norm": spec.norm,
                         "residual": int(spec.residual), "asked": text})


def fresh(spec: Stacked, changes: dict[str, Any], layers: int, vocabulary: int, seed: int) -> Stack:
    """A stack before training. A model that is trained has at most six layers; what happens to
    gradients shows best in deeper ones, so that bound is not asked here."""
    changed = {"norm": spec.norm if spec.norm != "none" else "pre", "layers": layers,
               "dropout": 0.0} | changes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made: Stack = spec.model_copy(update=changed).build(vocabulary)  # type: ignore[assignment]
    return made.eval()


def by_layer(network: Stack, ids: Tensor) -> tuple[list[float], list[float], float]:
    """Of each block's output the gradient's norm and how alike its tokens are; and the loss. The
    gradients of the weights stay as they are."""
    tape = Tape()
    with torch.enable_grad(), record(tape):
        logits, _ = network(ids[:, None])
        loss = F.cross_entropy(logits[:-1, 0], ids[1:])
    outputs = [value for _, value in sorted(tape.kept["after"].items())]  # of (1, T, width)
    gradients = torch.autograd.grad(loss, outputs)
    return ([float(gradient.norm()) for gradient in gradients],
            [likeness(output[0].detach()) for output in outputs], float(loss.detach()))


def likeness(vectors: Tensor) -> float:
    """The mean cosine between two of some vectors (T, width)."""
    T = len(vectors)
    directions = F.normalize(vectors.double(), dim=-1)
    whole = float(directions.sum(0).square().sum())  # over all pairs, each with itself too
    return (whole - T) / (T * (T - 1))
