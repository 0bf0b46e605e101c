"""Which tokens a guess comes from, by three methods, beside where the network looked.

Attributed is F = log p(target) after a token, in nats: unlike a logit it says why this token and
not another. What is varied are the vectors e that the tokens are read as, not their places; ē, the
mean vector of the run's own text, stands for “no token in particular”.

    integrated gradients (Sundararajan et al. 2017)   (e − ē) · ∫₀¹ ∂F/∂e at ē + α(e − ē) dα
    gradient × input (Shrikumar et al. 2016)          e · ∂F/∂e
    occlusion (Zeiler & Fergus 2014)                  F(e) − F(e with ē at this token)

each summed over the numbers of a vector. Zeros would be no place to begin from: a layer norm turns
a vector of zeros by any small change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import torch
import xarray as xr
from scipy.stats import rankdata
from torch import Tensor

from explorer.errors import DataError
from explorer.models.stack import Stack
from explorer.probes.ablation import admit_place
from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.probes.stacks import AT_ONCE, cropped, read, stack_of
from explorer.words import N_

Method = Literal["integrated-gradients", "gradient-input", "occlusion"]
METHODS: tuple[Method, ...] = ("integrated-gradients", "gradient-input", "occlusion")
AFFORDABLE = 6e10  # multiplications: some seconds
BACKWARD = 3  # a reading and its gradient, in readings
LEAST, FEW, MANY = 8, 32, 256  # steps of an integral: of the largest network, at first, at most
CLOSE = 1e-3  # of what is explained: so much may be missing from the sum
AT_A_TIME = 2_048  # tokens that are read side by side

F = Callable[[Tensor], Tensor]


class Found(NamedTuple):
    """attribution (T, width), summed or not; what is missing from completeness, in nats; steps."""

    attribution: Tensor
    gap: float = float("nan")
    steps: int = 0


def attributions(
    opened: Opened, text: str, token: int, target: int | None = None,
    method: Method = "integrated-gradients",
) -> xr.Dataset:
    """How much each token up to `token` adds to log p(target) after it: `attribution` over token,
    in nats. What comes later is not read. Beside it `attention`, from `token` in the last layer,
    the mean of its heads, and `rollout`, through all layers (Abnar & Zuidema 2020); and how each
    ranks the tokens compared with the size of the attribution, by Spearman: `rank_attention`,
    `rank_rollout`, NaN where there is nothing to rank.

    target: an id; None: the likeliest. attrs: `target`, `log_probability`, `baseline` (with ē at
    every token), and of integrated gradients `gap`, what their sum misses of the difference of
    those two, after `steps`. `first`: how many tokens before were not read, of a large network.
    Raises DataError: there is no such token, target or method, or the text is empty.
    """
    if method not in METHODS:
        raise DataError(N_("There is no method “{method}”: there are {known}."), method=method,
                        known=", ".join(METHODS))
    tokens, of = cropped(opened, text)
    admit_place("token", token, len(tokens))
    stack = stack_of(opened)
    size = sum(weight.numel() for weight in stack.parameters())
    first = max(0, token + 1 - max(16, min(AT_ONCE, int((AFFORDABLE / size) ** 0.5))))
    ids = torch.from_numpy(tokens.ids[first : token + 1])
    with torch.no_grad():
        logits, tape = read(opened, ids)
        if target is None:
            target = int(logits[-1].argmax())
        admit_place("token id", target, opened.tokenizer.size)
        looked = torch.stack([tape.kept["attention"][("layer", layer),][0].mean(0)
                              for layer in range(stack.spec.layers)])  # (layer, T, T)
        base = average(opened).expand(1, len(ids), -1)  # (1, T, width)
        x = stack.encoder(ids[None])  # (1, T, width)
        F = chance(stack, target)
        own, blank = float(F(x)), float(F(base))
    most = max(LEAST, min(MANY, int(AFFORDABLE / BACKWARD / size / len(ids))))
    found = _by(method, F, x.requires_grad_(), base, own - blank, most)
    added = found.attribution[0].detach().double().numpy()  # (T,)
    attention, rollout = looked[-1, -1].double().numpy(), rolled(looked)[-1].numpy()
    return xr.Dataset(
        {"attribution": ("token", added, {"units": "nat"}),
         "attention": ("token", attention), "rollout": ("token", rollout),
         "rank_attention": spearman(np.abs(added), attention),
         "rank_rollout": spearman(np.abs(added), rollout)},
        {"label": ("token", list(tokens.labels[first : token + 1])),
         "id": ("token", ids.numpy())},
        about(opened) | {
            "token": token, "target": target, "method": method, "log_probability": own,
            "target_label": opened.tokenizer.labels[target], "baseline": blank, "gap": found.gap,
            "steps": found.steps, "first": first, "of": of})


def chance(stack: Stack, target: int) -> F:
    """log p(target) after the last of the tokens that are read as vectors: (n, T, width) -> (n,).
    """
    def of(vectors: Tensor) -> Tensor:
        x, _ = stack.through(stack.placed(vectors))
        log_p: Tensor = stack.guess(x[:, -1]).log_softmax(-1)  # (n, vocabulary)
        return log_p[:, target]

    return of


def average(opened: Opened) -> Tensor:
    """ē: the mean vector of the tokens of the run's own text, (width,)."""
    stack = stack_of(opened)
    count = torch.bincount(torch.from_numpy(opened.corpus.ids), minlength=stack.vocabulary)
    share = count.to(stack.encoder.weight.dtype) / count.sum()  # (vocabulary,)
    return (share @ stack.encoder.weight).detach()


def rolled(attention: Tensor) -> Tensor:
    """Attention rollout (Abnar & Zuidema 2020): of weights (layer, T, T) the product, half of each
    for the residual path: (T, T)."""
    own = torch.eye(attention.shape[-1], dtype=torch.double)
    total = own
    for layer in attention.double():
        total = (layer + own) / 2 @ total
    return total


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two rankings, ties sharing their mean rank; NaN where one has none."""
    ranks = [rankdata(values) for values in (one, other)]
    if min(np.ptp(rank) for rank in ranks) == 0:
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def _by(method: str, F: F, x: Tensor, base: Tensor, whole: float, most: int) -> Found:
    """One method's attributions, (1, T): of x (1, T, width), whose F differs by `whole` from that
    of the base. Captum draws, too, and takes seconds to import: only where it is asked for."""
    from captum.attr import InputXGradient, Occlusion

    T, W = x.shape[1:]
    if method == "integrated-gradients":
        return _integrated(F, x, base, whole, most)
    if method == "gradient-input":
        return Found(InputXGradient(F).attribute(x).sum(-1))
    with torch.no_grad():
        made = Occlusion(F).attribute(x, (1, W), baselines=base,
                                      perturbations_per_eval=max(1, AT_A_TIME // T))
    return Found(made[..., 0])  # all numbers of a vector are taken away together


def _integrated(F: F, x: Tensor, base: Tensor, whole: float, most: int) -> Found:
    from captum.attr import IntegratedGradients

    side_by_side = max(1, AT_A_TIME // x.shape[1])
    for steps in (min(FEW, most), most):
        made, gap = IntegratedGradients(F).attribute(
            x, base, n_steps=steps, internal_batch_size=side_by_side,
            return_convergence_delta=True)
        found = Found(made.sum(-1), float(gap), steps)
        if abs(found.gap) <= CLOSE * abs(whole):
            break
    return found
