"""Training curves: one run, or several overlaid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, isfinite, log10
from typing import Literal

import altair as alt
import pandas as pd

from explorer.scores import scored
from explorer.views.figure import Figure, amount
from explorer.views.palette import Palette, Theme, mix, palette
from explorer.words import _

TICKS = [digit * 10**power for power in range(5) for digit in (1, 1.5, 2, 3, 5, 7)]
# How Vega draws it: as SVG, which the download buttons take; in the downloaded page its own menu
# offers pictures only, no link to an editor outside.
EXPORTS = {
    "embedOptions": {
        "renderer": "svg",
        "actions": {
            "export": {"png": True, "svg": True},
            "source": False,
            "compiled": False,
            "editor": False,
        }
    }
}
MARKERS = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "wedge", "arrow"]
MARKS = 8  # of an axis over many powers of ten
POINTS = 500  # of a curve: more are thinned evenly, the last kept


@dataclass(frozen=True)
class Curve:
    """A run's history, what to call it, and its architecture's kind, which gives the colour."""

    name: str
    kind: str
    history: pd.DataFrame


def counted(best: tuple[int, float, int] | None) -> dict[str, float]:
    """The baseline of counting: the order of the best n-gram model, its held-out perplexity, and
    over how many guesses. None where nothing is known of it."""
    if best is None:
        return {}
    n, value, _guesses = best
    return {_("best n-gram (order {n}): {value}", n=n, value=f"{value:.2f}"): value}


def perplexity(
    curves: Sequence[Curve],
    baselines: Mapping[str, float],
    theme: Theme = "light",
    steps: int | None = None,
    height: int = 300,
    nats: bool = False,
) -> Figure:
    """Training and held-out perplexity over steps, on a log axis, with dashed baselines.

    steps: how far the axis reaches (a run that is still going). nats: a second axis, on the right,
    tells the same as a loss.
    """
    colours = palette(theme)
    data = pd.concat([_tidy(curve, len(curves) > 1) for curve in curves], ignore_index=True)
    names = list(dict.fromkeys(data["curve"]))
    several = len(curves) > 1
    runs = [curve.name for curve in curves] if several else names
    kinds = [curve.kind for curve in curves] if several else [curves[0].kind] * len(names)
    drawn_in = shades(colours, kinds) if several else [colours.architecture(k) for k in kinds]
    dashes = [
        [1, 0] if data.loc[data["curve"] == name, "held_out"].iloc[0] else [2, 2] for name in names
    ]
    x = alt.X(
        "step:Q",
        title=_("step"),
        axis=alt.Axis(grid=False, tickMinStep=1),
        scale=alt.Scale(domain=[0, steps]) if steps else alt.Undefined,
    )
    y = alt.Y(
        "perplexity:Q",
        title=_("perplexity"),
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(values=ticks([*data["perplexity"]]), format="~g"),
    )
    base = alt.Chart(data).encode(
        x=x,
        y=y,
        color=alt.Color(
            "run:N" if several else "curve:N",
            title=None,
            sort=runs,
            scale=alt.Scale(domain=runs, range=drawn_in),
            legend=alt.Legend(
                orient="top", labelLimit=240, columns=1 if several else 2, symbolType="stroke"
            ),
        ),
        strokeDash=alt.StrokeDash(
            "curve:N", legend=None, sort=names, scale=alt.Scale(domain=names, range=dashes)
        ),
        tooltip=[
            alt.Tooltip("curve:N", title=_("curve")),
            alt.Tooltip("step:Q", title=_("step")),
            alt.Tooltip("perplexity:Q", title=_("perplexity"), format=".3f"),
        ],
    )
    drawn = base.mark_line(strokeWidth=2)
    dots = base.transform_filter("datum.held_out").mark_point(filled=True, size=44, opacity=1)
    if several:
        dots = dots.encode(
            shape=alt.Shape(
                "run:N", title=None, sort=runs, scale=alt.Scale(domain=runs, range=MARKERS)
            )
        )
    layers = [*ruled(baselines, [*data["perplexity"]], colours), drawn, dots]
    chart = alt.layer(*(_with_nats(layers, drawn) if nats else layers)).properties(
        height=height, usermeta=EXPORTS)
    if nats:
        chart = chart.resolve_axis(y="independent")
    return Figure(chart, data, _caption(curves), _caption(curves), "perplexity")


def ruled(
    baselines: Mapping[str, float], values: Sequence[float], colours: Palette
) -> list[alt.Chart]:
    """Baselines as dashed lines across a chart of these perplexities, each with its name."""
    lines = pd.DataFrame({"perplexity": list(baselines.values()), "curve": list(baselines)})
    rules = (
        alt.Chart(lines)
        .mark_rule(strokeDash=[5, 4], color=colours.muted)
        .encode(
            y="perplexity:Q",
            tooltip=[
                alt.Tooltip("curve:N", title=_("baseline")),
                alt.Tooltip("perplexity:Q", format=".2f"),
            ],
        )
    )
    words = [
        alt.Chart(part)
        .mark_text(align=align, dy=-6, color=colours.muted)
        .encode(x=alt.value(alt.ExprRef(place)), y="perplexity:Q", text="curve:N")
        for part, align, place in _named(lines, values)
        if len(part)
    ]
    return [rules, *words]


def ticks(values: Iterable[float]) -> list[float]:
    """The marks of a log axis of perplexities. A ruined network's may lie hundreds of powers of
    ten higher: then some powers, so many that they stand apart."""
    top = max(filter(isfinite, values), default=1.0)
    if top < 10 * TICKS[-1]:
        return [float(tick) for tick in TICKS]
    powers = ceil(log10(top))
    return [10.0**power for power in range(0, powers + 1, max(1, powers // MARKS))]


def _with_nats(layers: Sequence[alt.Chart], curve: alt.Chart) -> list[alt.Chart]:
    """Layers on the scale of the curve, which alone has an axis, and that axis once more, on the
    right, as a loss: ln of the perplexity."""
    bare = alt.Y("perplexity:Q", axis=None, scale=alt.Scale(type="log", nice=False))
    loss = alt.Y("perplexity:Q", title=_("loss, in nats"),
                 scale=alt.Scale(type="log", nice=False),
                 axis=alt.Axis(orient="right", grid=False, values=[exp(n / 2) for n in range(24)],
                               labelExpr="format(log(datum.value), '.1f')"))
    return [*(layer if layer is curve else layer.encode(y=bare) for layer in layers),
            curve.mark_line(opacity=0).encode(y=loss)]


def _named(
    lines: pd.DataFrame, drawn: Sequence[float]
) -> list[tuple[pd.DataFrame, Literal["left", "right"], str]]:
    """Where the names of baselines stand: at the left for the lower ones, above which the curves
    begin; else at the right, in turn nearer and farther."""
    values = [*lines["perplexity"], *drawn]
    low = lines["perplexity"] ** 2 < min(values) * max(values)  # below the middle of a log axis
    return [(lines[low], "left", "6"), (lines[~low][::2], "right", "width"),
            (lines[~low][1::2], "right", "width * 0.6")]


def _tidy(curve: Curve, named: bool) -> pd.DataFrame:
    """step, perplexity, curve, kind, held_out: one row a value."""
    history = curve.history
    train = history.dropna(subset=["perplexity"])[["step", "perplexity"]]
    train = train.iloc[:: max(1, len(train) // POINTS)]
    parts = [train.assign(curve=_label(curve.name, _("training"), named), held_out=False)]
    held = scored(history)
    parts.append(
        pd.DataFrame(
            {
                "step": held["step"],
                "perplexity": held["along"],
                "curve": _label(curve.name, _("held out"), named),
                "held_out": True,
            }
        )
    )
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True).assign(
        kind=curve.kind, run=curve.name
    )


def shades(colours: Palette, kinds: Sequence[str]) -> list[str]:
    """A colour for each of several runs, by their architectures' kinds."""
    return [_shade(colours, kind, kinds[:i].count(kind)) for i, kind in enumerate(kinds)]


def _shade(colours: Palette, kind: str, rank: int) -> str:
    """The colour of an architecture; of its second, third, … run, nearer and nearer to the ink or
    to the page in turn."""
    if not rank:
        return colours.architecture(kind)
    end = colours.text if rank % 2 else colours.background
    return mix(colours.architecture(kind), end, min(0.75, 0.25 + 0.15 * rank))


def _label(name: str, part: str, named: bool) -> str:
    return f"{name} · {part}" if named else part


def _caption(curves: Sequence[Curve]) -> str:
    if len(curves) != 1:
        return _(
            "Perplexity of {count} runs; dashed: on the text they learn from, solid with "
            "dots: on the held-out end.",
            count=len(curves),
        )
    history = curves[0].history
    said = _("Perplexity: among how many equally likely tokens the network hesitates.")
    step, value = _last(history, "perplexity")
    if value is not None:
        said += " " + _(
            "At step {step}: {value} on the text it learns from (running mean).",
            step=step,
            value=amount(value),
        )
    step, value = _last(history, "validation_perplexity")
    if value is not None:
        tokens = _last(history, "validation_tokens")[1] or 0
        said += " " + _(
            "Held-out end, at step {step}: {value}, over {count} of its tokens.",
            step=step,
            value=amount(value),
            count=f"{tokens:,.0f}",
        )
        last = scored(history).iloc[-1]
        if last["along"] != value:
            said += " " + _(
                "Its dot there stands at {value}, over the same {count} tokens as all dots before.",
                value=amount(float(last["along"])),
                count=f"{last['along_tokens']:,.0f}",
            )
    return said


def _last(history: pd.DataFrame, column: str) -> tuple[int, float | None]:
    """The last known value of a column, and its step."""
    if column not in history:
        return 0, None
    known = history[history[column].notna()]
    return (int(known["step"].iloc[-1]), float(known[column].iloc[-1])) if len(known) else (0, None)
