"""What to notice in gradients through time: computed from the data."""

from __future__ import annotations

import numpy as np
import xarray as xr

from explorer.views.gradients import Array, remaining
from explorer.words import _


def reaches(trace: xr.Dataset, part: str = "hidden") -> dict[str, str]:
    """Steps until 1 % of each network, as one number in words: "> 42" where it never falls so far
    in this text, "–" where there is no gradient to begin with."""
    at = int(trace.attrs["at"])
    firsts = trace["norm"].sel(part=part).values[:, at - 1]
    return {
        str(name): f"{steps:.1f}" if np.isfinite(steps) else f"> {at - 1}" if first > 0 else "–"
        for name, steps, first in zip(
            trace["network"].values, trace["reach"].sel(part=part).values, firsts, strict=True
        )
    }


def typical(trace: xr.Dataset, part: str = "hidden") -> str:
    """The median of steps until 1 % over the guesses of a map's second half, which all have half of
    the text before them; "> …" where most of them never fall so far, "–" where none has a
    gradient to begin with."""
    reach, norms = (trace[name].sel(part=part).values for name in ("reach", "norm"))
    ats = trace["guess"].values
    late = (ats > ats[-1] / 2) & (norms[np.arange(len(ats)), ats - 1] > 0)
    if not late.any():
        return "–"
    least = int(ats[late].min()) - 1
    median = float(np.median(np.where(np.isfinite(reach[late]), reach[late], np.inf)))
    return f"{median:.1f}" if np.isfinite(median) else f"> {least}"


def farthest(trace: xr.Dataset, part: str = "hidden") -> str:
    """Which network's gradient is largest, as a share of its first, at the first token."""
    names = [str(name) for name in trace["network"].values]
    left = {name: float(remaining(trace, name, part)[0]) for name in names}
    best = max(names, key=lambda name: np.nan_to_num(left[name], nan=-1.0))
    return _(
        "At the first token of this text, {steps} steps back, the {name} has most left: {all}.",
        steps=int(trace.attrs["at"]) - 1, name=best,
        all=", ".join(f"{name} {share(left[name])}" for name in names),
    )


def share(value: float) -> str:
    """What is left of a gradient, in words; a dash where it is not known."""
    return "–" if np.isnan(value) else f"{value:.2g}"


def noticed(trace: xr.Dataset, part: str = "hidden") -> list[str]:
    """What stands out of the gradients of several networks `together`: how far each reaches, how
    fast it falls, and whether the two give the same order."""
    at = int(trace.attrs["at"])
    chosen = trace.sel(part=part)
    norms = chosen["norm"].values[:, :at]  # (network, steps)
    names = [str(name) for name in trace["network"].values]
    reach, factor = chosen["reach"].values, chosen["factor"].values
    said = [
        _one(name, line, float(steps), float(by))
        for name, line, steps, by in zip(names, norms, reach, factor, strict=True)
    ]
    if len(names) > 1 and np.isfinite(factor).all() and factor.max() - factor.min() > 0.005:
        slow = int(factor.argmax())
        lasts = np.where(np.isfinite(reach), reach, np.inf)
        long = int(lasts.argmax())
        said.append(
            _("Step by step the **{name}** loses least.", name=names[slow])
            if lasts[slow] == lasts[long]
            else _(
                "Step by step the **{slow}** loses least, though the {long} takes longer to fall "
                "under 1 %: look at the steepness of the lines, not only at where they begin.",
                slow=names[slow], long=names[long],
            )
        )
    return said


def _one(name: str, line: Array, reach: float, factor: float) -> str:
    """One network's gradient in a sentence. line (steps,): its norms, the last the first met."""
    if not np.isfinite(line).all():
        return _(
            "**{name}**: its states grow beyond single precision before this guess: they overflow, "
            "and there is neither a loss nor a gradient.",
            name=name,
        )
    gone = np.flatnonzero(line == 0)
    if len(gone) and len(line) > 1:
        return _(
            "**{name}**: exactly 0 from step {steps} back on: nothing of what came before can be "
            "learnt from this guess.",
            name=name, steps=len(line) - 1 - int(gone.max()),
        )
    if not np.isfinite(factor):
        return _("**{name}**: only one state stands before this guess.", name=name)
    if np.isfinite(reach):
        return _(
            "**{name}**: under 1 % after {steps} steps; from step to step it is multiplied by "
            "{factor} on average.",
            name=name, steps=f"{reach:.1f}", factor=f"{factor:.3f}",
        )
    return _(
        "**{name}**: still {share} of the first at the beginning of the text, {steps} steps back; "
        "from step to step × {factor} on average.",
        name=name, share=f"{line[0] / line[-1]:.2g}", steps=len(line) - 1, factor=f"{factor:.3f}",
    )
