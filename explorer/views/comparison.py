"""Training curves of a comparison: a line for each variation, a band over its seeds."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd
import xarray as xr

from explorer.views.figure import Figure, amount, view
from explorer.views.history import EXPORTS, MARKERS, ruled, shades, ticks
from explorer.views.palette import Theme, palette
from explorer.words import N_, _

PARTS = {"held_out_perplexity": N_("held out"), "training_perplexity": N_("training")}
AXES = {"step": N_("step"), "seconds": N_("seconds of training"), "flops": N_("FLOPs")}
POINTS = 250  # of a line: more are thinned evenly, the last kept
LEGEND = 24  # pixels of a name in the legend

Axis = Literal["step", "seconds", "flops"]


@view("comparison", *PARTS)
def comparison(
    trace: xr.Dataset, x: Axis = "step", training: bool = True, theme: Theme = "light",
    baselines: Mapping[str, float] | None = None,
) -> Figure:
    """Perplexity of each variation over steps, seconds or FLOPs, on a log axis: the mean of its
    seeds as a line, from the lowest to the highest of them as a band.

    training: also the text learnt from, dashed. Where nothing is held out it is all there is.
    baselines: what others reach on the same tokens, as dashed lines across.
    """
    data = tidy(trace, x)
    held = data["part"].eq("held_out_perplexity")
    if held.any() and not training:
        data = data[held].reset_index(drop=True)
    names = [str(name) for name in trace["variation"].values]
    colours = palette(theme)
    base = alt.Chart(data).encode(
        x=alt.X("x:Q", title=_(AXES[x]), axis=alt.Axis(
            grid=False, format="~s" if x == "flops" else ",~f", tickCount=6)),
        color=alt.Color("variation:N", title=None, sort=names, legend=alt.Legend(
            orient="top", columns=1 if max(map(len, names)) > 14 else len(names), labelLimit=420,
            symbolType="stroke", symbolOpacity=1),
            scale=alt.Scale(domain=names, range=shades(colours, list(trace["kind"].values)))),
        detail="part:N")
    y = alt.Y("mean:Q", title=_("perplexity"), axis=alt.Axis(
        values=ticks([*data["mean"], *data["high"]]), format="~g"),
              scale=alt.Scale(type="log", nice=False, zero=False))
    hover = [alt.Tooltip("variation:N", title=_("variation")),
             alt.Tooltip("said:N", title=_("text")), alt.Tooltip("step:Q", title=_("step")),
             alt.Tooltip("seconds:Q", title=_("seconds"), format=".1f"),
             alt.Tooltip("mean:Q", title=_("mean"), format=".5~g"),
             alt.Tooltip("low:Q", title=_("lowest"), format=".5~g"),
             alt.Tooltip("high:Q", title=_("highest"), format=".5~g"),
             alt.Tooltip("seeds:Q", title=_("seeds"))]
    band = base.mark_area(opacity=0.16).encode(y=alt.Y("low:Q"), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(
        y=y, tooltip=hover, strokeDash=alt.StrokeDash("part:N", legend=None, scale=alt.Scale(
            domain=list(PARTS), range=[[1, 0], [3, 3]])))
    dots = base.transform_filter("datum.part == 'held_out_perplexity'").mark_point(
        filled=True, size=44, opacity=1).encode(y=y, tooltip=hover, shape=alt.Shape(
            "variation:N", title=None, sort=names,
            scale=alt.Scale(domain=names, range=MARKERS[: len(names)])))
    lines = 1 if max(map(len, names)) <= 14 else len(names)
    rules = ruled(baselines, [*data["mean"]], colours) if baselines else []
    chart = alt.layer(band, line, dots, *rules).properties(
        height=300 + LEGEND * lines, usermeta=EXPORTS)
    said = _caption(trace, data)
    return Figure(chart, data, said, said, f"comparison-{x}")


def tidy(trace: xr.Dataset, x: Axis = "step") -> pd.DataFrame:
    """variation, kind, part, step, x, seconds, mean (geometric), low, high, seeds: a row for each
    variation and step at which any of its seeds was measured."""
    found: list[dict[str, Any]] = []
    seconds = mean(trace["seconds"].values, 1)  # (variation, step)
    for part in PARTS:
        values = trace[part].values  # (variation, seed, step)
        for v in range(len(values)):
            at = np.flatnonzero(np.isfinite(values[v]).any(0))
            keep = at if part == "held_out_perplexity" else _thin(at)
            found += [
                _row(trace, v, part, int(i), values[v, :, i], float(seconds[v, i])) for i in keep]
    data = pd.DataFrame(found, columns=[
        "variation", "kind", "part", "said", "step", "seconds", "flops", "mean", "low", "high",
        "seeds"])
    # Nothing has run yet before step 0: it took no time.
    data.loc[data["step"] == 0, "seconds"] = 0.0
    return data.assign(x=data[x])


def _row(
    trace: xr.Dataset, v: int, part: str, i: int, values: Any, seconds: float
) -> dict[str, Any]:
    known = values[np.isfinite(values)]  # (seeds,)
    step = int(trace["step"].values[i])
    return {"variation": str(trace["variation"].values[v]), "kind": str(trace["kind"].values[v]),
            "part": part, "said": _(PARTS[part]), "step": step, "seconds": seconds,
            "flops": step * float(trace["flops"].values[v]),
            "mean": float(np.exp(np.log(known).mean())), "low": float(known.min()),
            "high": float(known.max()), "seeds": len(known)}


def mean(values: Any, axis: int) -> Any:
    """The mean of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis) / known.sum(axis)


def _thin(at: Any) -> Any:
    return np.unique(np.append(at[:: max(1, len(at) // POINTS)], at[-1:]))


def _caption(trace: xr.Dataset, data: pd.DataFrame) -> str:
    most = int(data["seeds"].max()) if len(data) else 0
    said = [_("Perplexity on “{text}”.", text=trace.attrs["text"])]
    if trace.attrs["held_out"]:
        said.append(_("Solid with dots: on the last {share} of the text, held out; dashed: on what "
                      "they learn from (running mean).", share=f"{trace.attrs['held_out']:.0%}"))
    else:
        said.append(_("Dashed: on the text that they learn from (running mean); nothing is held "
                      "out."))
    said.append(_("Line: the geometric mean of up to {count} seeds; band: from the lowest to the "
                  "highest of them.", count=most) if most > 1 else
                _("One seed each: no band."))
    return " ".join(said)


def findings(trace: xr.Dataset) -> list[str]:
    """What the curves say: who ends lowest and how sure that is, and who was quickest."""
    part = next((part for part in PARTS if np.isfinite(trace[part].values).any()), None)
    ends = {str(name): ended for name, values in zip(trace["variation"].values, trace[part].values,
                                                     strict=True)
            if len(ended := reached(values, best=part == "held_out_perplexity"))} if part else {}
    order = sorted(ends, key=lambda name: float(np.log(ends[name]).mean()))
    if len(order) < 2:
        return []
    first, second = order[:2]
    where = _("held-out perplexity") if part == "held_out_perplexity" else _("training perplexity")
    said = [_("**{name}** ends lowest: {where} {value}, against {other} of **{second}** and "
              "{worst} of **{last}**.", name=first, where=where, value=_said(ends[first]),
              second=second, other=_said(ends[second]), last=order[-1],
              worst=_said(ends[order[-1]])) if len(order) > 2 else
            _("**{name}** ends lowest: {where} {value}, against {other} of **{second}**.",
              name=first, where=where, value=_said(ends[first]), second=second,
              other=_said(ends[second]))]
    said.append(_sure(ends[first], ends[second], first, second))
    spent = through(trace)
    if not spent:
        return said
    quick, slow = min(spent, key=spent.__getitem__), max(spent, key=spent.__getitem__)
    if spent[slow] > 1.05 * spent[quick]:
        said.append(_("**{quick}** was through soonest, after {seconds} s; **{slow}** took {times} "
                      "times as long.", quick=quick, seconds=f"{spent[quick]:.1f}", slow=slow,
                      times=f"{spent[slow] / spent[quick]:.1f}"))
    return said


def through(trace: xr.Dataset) -> dict[str, float]:
    """How many seconds each variation took, the slowest of its seeds; without those of which none
    has taken all its steps: they are not through yet, or broke off."""
    found = {}
    for name, planned, values in zip(trace["variation"].values, trace["planned"].values,
                                     trace["seconds"].values, strict=True):
        ends = values[:, trace["step"].values == planned]  # (seed, 0 or 1)
        if np.isfinite(ends).any():
            found[str(name)] = float(np.nanmax(ends))
    return found


def reached(values: Any, best: bool) -> Any:
    """What each seed came down to: its lowest, or its last."""
    known = [row[np.isfinite(row)] for row in values]
    return np.array([row.min() if best else row[-1] for row in known if len(row)])


def _said(values: Any) -> str:
    middle = float(np.exp(np.log(values).mean()))
    return amount(middle) if len(values) == 1 else (
        f"{amount(middle)} ({amount(values.min())} … {amount(values.max())})")


def _sure(one: Any, other: Any, first: str, second: str) -> str:
    """How far the seeds tell two apart."""
    if min(len(one), len(other)) < 2:
        return _("With one seed each, nobody can say whether that is more than luck.")
    if one.max() < other.min():
        return _("Every seed of **{first}** ended below every seed of **{second}**: were the two "
                 "alike, their seeds would part so, either way round, once in {times}.",
                 first=first, second=second,
                 times=f"{comb(len(one) + len(other), len(one)) / 2:g}")
    return _("But the seeds of **{first}** and **{second}** overlap: between these two, the order "
             "may be luck.", first=first, second=second)

