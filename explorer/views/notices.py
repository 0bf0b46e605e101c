"""What to notice: sentences computed from a trace, true for this run and this text. Each says how
sure it is, and says no when nothing stands out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from explorer.observations import OBSERVATIONS
from explorer.views.annotations import Mask, classes, spans
from explorer.views.gates import plane
from explorer.views.order import correlations
from explorer.words import _

FEWEST = 3  # tokens of a class before anything is said of it
APART = 0.03  # of a gate's range: smaller differences are not worth a word


def gates(trace: xr.Dataset, observation: str, layer: int = 0) -> list[str]:
    """Two or three sentences about one gate or state."""
    values = plane(trace, observation, layer)  # (token, unit)
    labels = [str(label) for label in trace["label"].values]
    said = [_saturated(values, observation)]
    said += _by_class(values, labels, observation)
    said += [_follows(values, name, mask) for name, mask in spans(labels).items()]
    return said


def _saturated(values: NDArray[np.float32], observation: str) -> str:
    seen = OBSERVATIONS[observation]
    if seen.signed:
        strong = float((np.abs(values) > 0.9).mean())
        return _(
            "{share} of the values are beyond ±0.9; the mean size is {mean}.",
            share=f"{strong:.0%}",
            mean=f"{np.abs(values).mean():.2f}",
        )
    shut, open_ = float((values < 0.1).mean()), float((values > 0.9).mean())
    return _(
        "On average the {gate} stands at {mean}: {open} of the time it is nearly open (above "
        "0.9), {shut} nearly shut (below 0.1).",
        gate=_(seen.title),
        mean=f"{values.mean():.2f}",
        open=f"{open_:.0%}",
        shut=f"{shut:.0%}",
    )


def _by_class(values: NDArray[np.float32], labels: list[str], observation: str) -> list[str]:
    """At which kind of token the gate is lowest and highest."""
    if OBSERVATIONS[observation].signed:
        return []
    level = values.mean(1)  # (token,)
    means = {
        name: float(level[mask].mean())
        for name, mask in classes(labels).items()
        if mask.sum() >= FEWEST
    }
    if len(means) < 2:
        return []
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    if means[high] - means[low] < APART:
        return [
            _(
                "No kind of character stands out: the means differ by less than {apart}.",
                apart=APART,
            )
        ]
    return [
        _(
            "It is lowest at {low} (mean {least}) and highest at {high} (mean {most}).",
            low=_(low),
            least=f"{means[low]:.2f}",
            high=_(high),
            most=f"{means[high]:.2f}",
        )
    ]


class Follower(NamedTuple):
    """The unit that follows a mask best: |r|, and how often a shifted mask does as well."""

    unit: int
    r: float
    chance: float


def follower(values: NDArray[np.float32], mask: Mask) -> Follower:
    """The unit of values (token, unit) with the largest |r| with the mask (token,), against the
    largest |r| of any unit with the same mask shifted round (at most 200 shifts, each by at least
    a tenth of the text): the shifts keep how long the spans are and break where they stand."""
    r = correlations(values, mask.astype(float))
    unit = int(np.abs(r).argmax())
    T = len(mask)
    least = max(1, T // 10)
    shifts = np.unique(
        np.linspace(least, T - least, min(200, max(1, T - 2 * least + 1))).astype(int)
    )
    best = [np.abs(correlations(values, np.roll(mask, s).astype(float))).max() for s in shifts]
    chance = float(np.mean(np.array(best) >= abs(r[unit])))
    return Follower(unit, float(r[unit]), chance)


def _follows(values: NDArray[np.float32], name: str, mask: Mask) -> str:
    found = follower(values, mask)
    numbers = {
        "unit": found.unit,
        "r": f"{abs(found.r):.2f}",
        "what": _(name),
        "count": len(mask),
        "chance": f"{found.chance:.0%}",
    }
    if abs(found.r) >= 0.8 and found.chance <= 0.05:
        return _(
            "Unit {unit} follows {what}: |r| = {r} over {count} tokens; the same marks put "
            "elsewhere find such a unit in {chance} of the cases.",
            **numbers,
        )
    if abs(found.r) >= 0.5 and found.chance <= 0.05:
        return _(
            "Unit {unit} goes somewhat with {what} (|r| = {r} over {count} tokens; elsewhere "
            "as much in {chance} of the cases): a hint, no detector.",
            **numbers,
        )
    return _(
        "No unit follows {what} here: the best, unit {unit}, has |r| = {r}, and marks put "
        "elsewhere do as well in {chance} of the cases.",
        **numbers,
    )
