"""What to notice: sentences computed from a trace, true for this run and this text. Each says how
sure it is, and says no when nothing stands out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from explorer.observations import OBSERVATIONS
from explorer.scores import best, scored
from explorer.text.annotations import Mask, classes, spans
from explorer.views.counts import Best, against
from explorer.views.gates import plane
from explorer.views.order import correlations
from explorer.words import _

FEWEST = 3  # tokens of a class before anything is said of it
APART = 0.03  # of a gate's range: smaller differences are not worth a word


def gates(
    trace: xr.Dataset, observation: str, layer: int = 0, direction: int = 0
) -> list[str]:
    """Two or three sentences about one gate or state."""
    values = plane(trace, observation, layer, direction)  # (token, unit)
    labels = [str(label) for label in trace["label"].values]
    said = [_saturated(values, observation)]
    said += _by_class(values, labels, observation)
    said += [_follows(values, name, mask) for name, mask in spans(labels).items()]
    return said


def training(
    history: pd.DataFrame,
    vocabulary: int,
    samples: Mapping[int, str],
    text: str,
    counting: Best | None = None,
) -> list[str]:
    """What a run has learnt. samples: what it wrote after each snapshot; text: what it learns;
    counting: what the best n-gram model reaches on the same held-out end."""
    said = []
    trained = history["perplexity"].dropna()
    if len(trained):
        said += by_heart(history, float(trained.iloc[-1]), vocabulary)
        least = best(history)
        if counting and len(least):
            said.append(against(float(least["validation_perplexity"].iloc[0]),
                                int(least["validation_tokens"].iloc[0]), counting))
    known = set(_letters(text))
    shares = {step: _share_known(_written(sample, text), known) for step, sample in samples.items()}
    steps = sorted(step for step, share in shares.items() if share is not None)
    if len(steps) > 1:
        said.append(
            _(
                "Of the longer words it wrote at step {first}, {before} stand in the text; at step "
                "{last} {after} do.",
                first=steps[0],
                before=f"{shares[steps[0]]:.0%}",
                last=steps[-1],
                after=f"{shares[steps[-1]]:.0%}",
            )
        )
    return said


def by_heart(history: pd.DataFrame, trained: float, vocabulary: int) -> list[str]:
    """How far the best snapshot came, and whether more training would help or hurt, as far as the
    snapshots were scored by the same tokens. trained: the perplexity on the text itself in the
    end."""
    held = scored(history)
    if not len(held):
        return []
    least = held.sort_values("along", kind="stable").iloc[0]
    value = float(least["validation_perplexity"])
    said = [
        _(
            "The best snapshot is that of step {step}: held-out perplexity {value}. It saves "
            "{bits} bits a token against a blind guess among {count}.",
            step=int(least["step"]),
            value=f"{value:.2f}",
            bits=f"{math.log2(vocabulary / value):.2f}",
            count=vocabulary,
        )
    ]
    if held["along_tokens"].nunique() > 1:
        return said
    along, tokens = held["along"].tolist(), f"{held['along_tokens'].iloc[0]:,.0f}"
    if along[-1] > least["along"] * 1.02 and trained < along[-1]:
        said.append(
            _(
                "After that it learns the text by heart: over the same {tokens} held-out tokens "
                "the perplexity has risen to {held}, while on the text itself it has come down to "
                "{trained}.",
                tokens=tokens,
                held=f"{along[-1]:.2f}",
                trained=f"{trained:.2f}",
            )
        )
    elif along[-1] > least["along"] * 1.02:
        said.append(
            _(
                "After that the held-out perplexity has risen to {held}, over the same {tokens} "
                "tokens: more steps of the same would not help.",
                tokens=tokens,
                held=f"{along[-1]:.2f}",
            )
        )
    elif len(along) > 1 and along[-1] < along[-2] * 0.99:
        said.append(_("The held-out curve was still falling at the end: more steps would help."))
    else:
        said.append(
            _("The held-out curve has come to rest: more steps of the same would help little.")
        )
    return said


def _written(sample: str, text: str) -> str:
    """A sample without the beginning of the text, which it was given."""
    given = 0
    while given < min(len(sample), len(text)) and sample[given] == text[given]:
        given += 1
    return sample[given:]


def _letters(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())


def _share_known(sample: str, known: set[str]) -> float | None:
    """How many of a sample's whole words of three letters or more are known (short ones are met by
    chance); None when it has none."""
    found = [word for word in _letters(sample)[1:-1] if len(word) > 2]  # the ends may be cut
    return sum(word in known for word in found) / len(found) if found else None


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
