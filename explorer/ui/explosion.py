"""A run and its twin, with and without clipping: which two they are, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from explorer.experiment import Experiment
from explorer.store import Run
from explorer.text.counting import Baseline
from explorer.ui.naming import by_hand
from explorer.words import _

PACKAGE = Path(__file__).parents[1]


class Side(NamedTuple):
    """One of two runs that are laid over each other. name: unique on the picture."""

    experiment: Experiment
    name: str

    @property
    def key(self) -> str:
        return self.experiment.key


def pair(experiment: Experiment, clip: float) -> tuple[Side, Side]:
    """The same experiment without clipping, and clipped at `clip`. One that a hand changed while
    it trained is laid over what it was before the last change."""
    changes = experiment.training.changes
    if changes:
        before = _with(experiment, changes=changes[:-1])
        return (Side(before, by_hand(before.training) if changes[:-1] else _("as it was set")),
                Side(experiment, by_hand(experiment.training)))
    return (Side(_with(experiment, clip=0.0), _("without clipping")),
            Side(_with(experiment, clip=clip), _("clipped at {norm}", norm=f"{clip:g}")))


def _with(experiment: Experiment, **training: Any) -> Experiment:
    changed = experiment.training.model_copy(update=training)
    other = experiment.model_copy(update={"training": changed})
    other.__dict__.pop("key", None)
    return other.with_text(experiment.text)


def together(
    sides: Sequence[Side], histories: Sequence[pd.DataFrame | None], broke: Sequence[int],
    blind: int, good: int = -1, counting: Baseline | None = None,
) -> xr.Dataset:
    """`loss`, `gradient_norm`, `clipping` over (curve, step), as the view `explosion` takes them.

    histories: None while there is none. broke: the step that broke, −1 = none. counting: what
    the best n-gram model reaches on the held-out end, where it is known.
    """
    known = [frame[["step", "loss", "gradient_norm"]].drop_duplicates("step").set_index("step")
             for frame in (pd.DataFrame(columns=["step", "loss", "gradient_norm"], dtype=float)
                           if history is None else history for history in histories)]
    steps = np.unique(np.concatenate([frame.index.to_numpy(float) for frame in known])).astype(int)
    columns = {column: (("curve", "step"),
                        np.stack([frame[column].reindex(steps).to_numpy(float) for frame in known]))
               for column in ("loss", "gradient_norm")}
    clipped = [[side.experiment.training.clipping(int(step) - 1) for step in steps]
               for side in sides]  # a hand may have changed it
    columns["clipping"] = ("curve", "step"), np.array(clipped).reshape(len(sides), len(steps))
    return xr.Dataset(
        columns | {"clip": ("curve", [_clip(side.experiment) for side in sides]),
                   "broke": ("curve", list(broke))},
        {"curve": [side.name for side in sides], "step": steps},
        {"run": ".".join(side.key for side in sides), "step": int(steps[-1]) if len(steps) else 0,
         "kind": sides[0].experiment.model.kind, "blind": blind, "good": good}
        | ({"order": counting.order, "counting": counting.perplexity} if counting else {}))


def _clip(experiment: Experiment) -> float:
    return experiment.training.clipping(experiment.training.steps)


def broke_at(run: Run | None) -> int:
    """The step at which a run broke; −1 if it did not."""
    if run is None or run.status != "diverged" or run.error is None:
        return -1
    return int(run.error.values.get("step", -1))


def with_break(trace: xr.Dataset, run: Run) -> xr.Dataset:
    """The probe's answer, beside it what was measured along the window of the step that broke."""
    found = run.error.values if run.error is not None else {}
    measured, layer = found.get("growth"), int(found.get("layer", 1))
    if broke_at(run) < 0 or not measured or found.get("held_out"):
        return trace
    place = ("layer", "position")
    extra: dict[str, Any] = {}
    for column in ("size", "gradient"):
        if column in measured:
            plane = np.full([trace.sizes[axis] for axis in place], np.nan)
            for position, value in zip(measured["position"], measured[column], strict=True):
                if value is not None and 0 < position <= plane.shape[1]:
                    plane[layer - 1, int(position) - 1] = value
            extra[f"broken_{column}"] = place, plane
    return trace.assign(extra).assign_attrs(broke=broke_at(run))


def factor(values: Any) -> float | None:
    """By how much a curve grows with each position, on average in powers; None if not known."""
    some = np.asarray(values, float)
    known = np.flatnonzero(np.isfinite(some) & (some > 0))
    if len(known) < 3:
        return None
    first, last = known[0], known[-1]
    return float((some[last] / some[first]) ** (1 / (last - first)))


def findings(trace: xr.Dataset) -> list[str]:
    """What the two curves say."""
    said = []
    for i, name in enumerate(trace["curve"].values):
        norms, losses = (trace[column].values[i] for column in ("gradient_norm", "loss"))
        known = np.isfinite(losses)
        if not known.any():
            continue
        said.append(_finding(str(name), trace["step"].values[known], norms[known], losses[known],
                             trace["clipping"].values[i][known],
                             int(trace["broke"].values[i])))
    return said


def _finding(name: str, steps: Any, norms: Any, losses: Any, clip: Any, broke: int) -> str:
    usual = float(np.median(norms[: max(1, len(norms) - 3)]))
    if broke >= 0:
        return _("**{name}**: the gradient was usually {usual} long; at step {step} it was {norm}, "
                 "{times} times as long, and threw the weights so far that step {broke} broke.",
                 name=name, usual=number(usual), step=int(steps[-1]), norm=number(norms[-1]),
                 times=number(norms[-1] / usual), broke=broke)
    longest = int(np.argmax(norms))
    said = _("**{name}**: the loss goes from {first} to {last} nats, though the gradient was "
             "{norm} long at step {step}.", name=name, first=f"{losses[0]:.2f}",
             last=f"{np.mean(losses[-10:]):.2f}", norm=number(norms[longest]),
             step=int(steps[longest]))
    if clip.any():
        share = float(((clip > 0) & (norms > clip)).mean())
        said += " " + _("{share} of its steps were shortened.", share=f"{share:.0%}")
    return said


def grown(trace: xr.Dataset, run: Run, layer: int = 1) -> list[str]:
    """What the growth along the window says. Its gradient is that of the mean loss of all tokens,
    not of one guess."""
    said = []
    back = factor(trace["gradient"].sel(layer=layer).values[::-1])
    if back is not None:
        said.append(_("At step {step} the gradient of the whole window's loss changes by about × "
                      "{factor} with each token, from the end of the window to its beginning, "
                      "{count} tokens. Every token adds a loss of its own: a factor near 1 does "
                      "not mean that the gradient of one guess survives.",
                      step=int(trace.attrs["step"]), count=trace.sizes["position"],
                      factor=f"{back:.2f}"))
        if getattr(run.experiment.model, "bidirectional", False):
            said[-1] += " " + _("At each token it is the longer of both directions'.")
    if "broken_size" in trace:
        sizes = trace["broken_size"].sel(layer=layer).values
        each, known = factor(sizes), np.flatnonzero(np.isfinite(sizes))
        if each is not None:
            said.append(_("At step {step} the state itself grows {factor}-fold with each token, "
                          "from {first} to {last} at position {position}.",
                          step=int(trace.attrs["broke"]), factor=f"{each:.2f}",
                          first=number(sizes[known[0]]), last=number(sizes[known[-1]]),
                          position=int(known[-1]) + 1))
    said.append(_("The recurrent weights' spectral radius is {radius} at step {step}; the largest "
                  "of them is {largest}.", radius=f"{float(trace['radius'].max()):.2f}",
                  step=int(trace.attrs["step"]), largest=f"{float(trace['largest'].max()):.2f}"))
    return said


def number(value: float) -> str:
    """A size of any order, as people write it."""
    if value == 0 or 0.001 <= value < 1e6:
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    digits, _e, power = f"{value:.1e}".partition("e")
    return f"{digits} · 10" + str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
