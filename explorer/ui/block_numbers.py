"""One number of a block's tensors and where it comes from, as LaTeX."""

from __future__ import annotations

import numpy as np
import xarray as xr

from explorer.models.stacked import Stacked
from explorer.views.block_parts import SHARES, looks, plane, row, sums, told

EPSILON = 1e-5  # of torch's layer norm
DECIMALS = (3, 4, 5, 6)
# The two sides of a sum, as LaTeX; in a decoder what is fed has one stroke more.
WRITTEN = {"before": "x", "attended": "f", "attended_sum": "(x + f)", "middle": "x'", "looks": "c",
           "looks_sum": "(x' + c)", "looked": "x''", "fed": "g", "fed_sum": "(x' + g)",
           "after": "x''"}
WRITTEN_LATER = WRITTEN | {"fed_sum": "(x'' + g)", "after": "x'''"}
# What a norm makes, and of what, by where it stands.
NORMED: dict[str, dict[str, str]] = {
    "pre": {"attention_reads": "before", "look_reads": "middle", "feed_reads": "middle",
            "final": "after"},
    "post": {"middle": "attended_sum", "looked": "looks_sum", "after": "fed_sum"}, "none": {}}


def numbers(
    trace: xr.Dataset, spec: Stacked, name: str, layer: int, head: int, token: int, number: int
) -> str:
    """One number of a tensor and where it comes from, as LaTeX: a sum's two parts, a norm's mean
    and deviation, the logits behind a probability. number: counted from 0."""
    if name in NORMED[spec.norm]:
        given = "looked" if name == "feed_reads" and looks(trace) else NORMED[spec.norm][name]
        return _normed(trace, given, name, layer, token, number)
    if name in sums(trace):
        return _sum(trace, spec, name, layer, token, number)
    if name in ("logits", "probability"):
        return _softmax(trace, token)
    if name in SHARES:
        weights = plane(trace, name, layer, head).values[token].astype(float)
        best = int(weights.argmax())
        return (rf"\max_j \alpha_{{{token + 1},j}} = \alpha_{{{token + 1},{best + 1}}} = "
                rf"{weights[best]:.3f},\quad \sum_j \alpha_{{{token + 1},j}} = "
                rf"{weights.sum():.3f}")
    place = row(trace, name, layer, token)
    value = float(plane(trace, name, layer, head).values[place, number])
    return rf"\text{{{told(name, trace).letter}}}_{{{place + 1},{number + 1}}} = {value:.4f}"


def _normed(
    trace: xr.Dataset, given: str, name: str, layer: int, token: int, number: int
) -> str:
    """Mean and deviation of what is normalised, and what comes of one number."""
    before = trace.sizes["layer"] - 1 if name == "final" else layer
    x = plane(trace, given, before).values[token].astype(float)
    sigma = np.sqrt(x.var() + EPSILON)
    made = float(plane(trace, name, layer).values[token, number])
    n = f"{x[number]:.3f} - {_factor(x.mean())}"
    return (rf"\mu = {x.mean():.3f},\; \sigma = {sigma:.3f},\quad "
            rf"\gamma \cdot \frac{{{n}}}{{{sigma:.3f}}} + \beta = "
            rf"\gamma \cdot {_factor((x[number] - x.mean()) / sigma)} + \beta = {made:.3f}")


def _sum(
    trace: xr.Dataset, spec: Stacked, name: str, layer: int, token: int, number: int
) -> str:
    """What was given and what a sublayer made of it; without a residual path the latter alone. With
    as many decimals as the written numbers need to add up."""
    given, added = sums(trace)[name]
    names = (given, added, name) if spec.residual else (added, name)
    letter = WRITTEN_LATER if looks(trace) else WRITTEN
    *parts, made = (float(plane(trace, each, layer).values[token, number]) for each in names)
    decimals = next((d for d in DECIMALS if abs(
        sum(round(part, d) for part in parts) - round(made, d)) < 0.1 * 10.0**-d), DECIMALS[0])
    place = f"{{{token + 1},{number + 1}}}"
    letters = [f"{letter[each]}_{place}" for each in names]
    if not spec.residual:
        goes_on = [] if name.endswith("_sum") else letters[-1:]
        return " = ".join([*goes_on, letters[0], f"{made:.{decimals}f}"])
    said = " + ".join(_factor(part, decimals) for part in parts)
    return rf"{letters[-1]} = {' + '.join(letters[:-1])} = {said} = {made:.{decimals}f}"


def _softmax(trace: xr.Dataset, token: int) -> str:
    logits = trace["logits"].values[token].astype(float)
    best = int(logits.argmax())
    rest = float(np.exp(logits - logits[best]).sum())
    return (rf"\max_i p_i = p_{{{best}}} = \frac{{e^{{{logits[best]:.3f}}}}}{{\sum_j e^{{z_j}}}} = "
            rf"\frac{{1}}{{{rest:.3f}}} = {1 / rest:.3f}")


def _factor(value: float, decimals: int = 3) -> str:
    said = f"{value:.{decimals}f}"
    return f"({said})" if value < 0 else said
