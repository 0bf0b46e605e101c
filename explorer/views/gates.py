"""Gates and states over a text: heatmap, lines of chosen units, saturation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.observations import OBSERVATIONS
from explorer.views.figure import Figure, shown, view
from explorer.views.order import order_units
from explorer.views.palette import DASHES, Theme, palette
from explorer.words import _

CELLS = 42_000  # of a heatmap: keeps its message under 300 kB
WIDEST = 400  # tokens side by side; of longer texts a part is drawn
LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0}
NAMED = 100  # beyond so many tokens the axis is not labelled; the strip of text below is

Array = NDArray[Any]


def plane(trace: xr.Dataset, observation: str, layer: int = 0, direction: int = 0) -> Array:
    """One observation of one layer: (token, unit). direction: 1 reads backwards."""
    values: Array = trace[observation].isel(layer=layer, direction=direction).values
    return values


def domain(trace: xr.Dataset, observation: str, layer: int = 0) -> tuple[float, float]:
    """0…1 for gates; symmetric about zero for signed values, one domain for all layers."""
    if not OBSERVATIONS[observation].signed:
        return 0.0, 1.0
    most = float(np.abs(trace[observation].values).max())
    reach = 1.0 if observation in ("hidden", "candidate") and most <= 1 else max(most, 1e-6)
    return -reach, reach


@view("gates", *OBSERVATIONS)
def gates(
    trace: xr.Dataset,
    observation: str | None = None,
    layer: int = 0,
    order: str = "clusters",
    unit: int = 0,
    start: int = 0,
    theme: Theme = "light",
    direction: int = 0,
) -> Figure:
    """Every unit of one gate or state over the text, as a heatmap (unit × token).

    order: number, clusters, mean, variance, or correlation with `unit`. start: the first token
    drawn. At most `CELLS` values are drawn; the caption says what was left out.
    """
    name = observation or next(n for n in OBSERVATIONS if n in trace)
    seen, colours = OBSERVATIONS[name], palette(theme)
    values = plane(trace, name, layer, direction)  # (token, unit)
    T = len(values)
    rows = order_units(values, order, unit)[: max(1, CELLS // min(T, WIDEST))]
    columns = slice(start, min(T, start + max(1, CELLS // len(rows))))
    drawn = values[columns][:, rows].T  # (unit, token)
    labels = [str(label) for label in trace["label"].values[columns]]
    first = columns.start
    x = [f"{first + i} {shown(label)}" for i, label in enumerate(labels)]
    y = [_("unit {number}", number=row) for row in rows]
    low, high = domain(trace, name, layer)
    bar = _bar(seen, low, high, colours.muted)
    chart = go.Figure(
        go.Heatmap(
            z=drawn,
            x=x,
            y=y,
            zmin=low,
            zmax=high,
            colorscale=colours.scale(seen.signed),
            colorbar=bar,
            hovertemplate="%{x}<br>%{y}<br>" + seen.letter + " = %{z:.4f}<extra></extra>",
        )
    )
    chart.update_layout(colours.layout(height=min(640, max(260, 3 * len(rows) + 60))))
    named = len(labels) <= NAMED
    chart.update_xaxes(
        tickvals=list(range(len(labels))) if named else [],
        ticktext=[shown(label, 8) for label in labels] if named else [],
        tickfont={"family": "monospace", "size": 11},
        tickangle=0 if max(map(len, labels), default=0) <= 1 else -60,
        showgrid=False,
        automargin=True,
    )
    chart.update_yaxes(
        showticklabels=len(rows) <= 24,
        showgrid=False,
        autorange="reversed",
        title={"text": _("unit, ordered by {order}", order=_order_name(order, unit))},
    )
    data = pd.DataFrame(
        {
            "token": np.repeat(np.arange(columns.start, columns.stop), len(rows)),
            "label": np.repeat(labels, len(rows)),
            "unit": np.tile(rows, len(labels)),
            name: drawn.T.ravel(),
        }
    )
    return Figure(
        chart,
        data,
        _caption(trace, name, layer, rows, columns, direction),
        _alt(trace, name, drawn),
        f"{name}-layer{layer + 1}",
    )


@view("units", *OBSERVATIONS)
def units(
    trace: xr.Dataset,
    observation: str | None = None,
    layer: int = 0,
    chosen: Sequence[int] = (0,),
    start: int = 0,
    theme: Theme = "light",
    direction: int = 0,
) -> Figure:
    """Lines of chosen units of one gate or state over the text: at most `WIDEST` tokens from
    `start` on; the caption says what was left out."""
    name = observation or next(n for n in OBSERVATIONS if n in trace)
    seen, colours = OBSERVATIONS[name], palette(theme)
    values = plane(trace, name, layer, direction)[start : start + WIDEST]  # (token, unit)
    labels = [str(label) for label in trace["label"].values[start : start + WIDEST]]
    x = [f"{start + i} {shown(label)}" for i, label in enumerate(labels)]
    chart = go.Figure(
        [
            go.Scatter(
                x=x,
                y=values[:, unit],
                mode="lines",
                name=_("unit {number}", number=unit),
                line={
                    "color": colours.categorical[(i + 2) % len(colours.categorical)],
                    "dash": DASHES[i % len(DASHES)],
                    "width": 2,
                },
                hovertemplate="%{x}<br>" + seen.letter + " = %{y:.4f}",
            )
            for i, unit in enumerate(chosen)
        ]
    )
    chart.update_layout(
        colours.layout(height=240),
        hovermode="x unified",
        legend=LEGEND,
    )
    low, high = domain(trace, name, layer)
    named = len(labels) <= NAMED
    chart.update_xaxes(
        showgrid=False,
        tickvals=list(range(len(labels))) if named else [],
        ticktext=[shown(label, 8) for label in labels] if named else [],
        tickfont={"family": "monospace", "size": 11},
        tickangle=0 if max(map(len, labels), default=0) <= 1 else -60,
    )
    chart.update_yaxes(range=[low - 0.02, high + 0.02], title={"text": _(seen.title)})
    data = pd.DataFrame(
        {
            "token": np.repeat(np.arange(start, start + len(labels)), len(chosen)),
            "label": np.repeat(labels, len(chosen)),
            "unit": np.tile(list(chosen), len(labels)),
            name: values[:, list(chosen)].ravel(),
        }
    )
    caption = _(
        "{what} of layer {layer} for {units}, token by token.",
        what=_(seen.title).capitalize(),
        layer=layer + 1,
        units=", ".join(_("unit {number}", number=unit) for unit in chosen),
    )
    if len(labels) < trace.sizes["token"]:
        caption += " " + _(
            "Drawn: tokens {first} to {last} of {count}, counted from 0.",
            first=start,
            last=start + len(labels) - 1,
            count=f"{trace.sizes['token']:,}",
        )
    return Figure(chart, data, caption, caption, f"{name}-units")


@view("saturation", "left")
def saturation(
    trace: xr.Dataset, layer: int = 0, theme: Theme = "light", direction: int = 0
) -> Figure:
    """Each unit of each gate by how often it is nearly shut and nearly open (Karpathy 2015)."""
    colours = palette(theme)
    trace = trace.isel(direction=direction, missing_dims="ignore")
    marks = ("circle", "diamond", "cross")
    chart = go.Figure(
        [
            go.Scatter(
                x=trace["left"].sel(observation=name).values[layer],
                y=trace["right"].sel(observation=name).values[layer],
                mode="markers",
                name=_(OBSERVATIONS[str(name)].title),
                text=np.arange(trace.sizes["unit"]),
                marker={
                    "symbol": marks[i],
                    "size": 8,
                    "opacity": 0.65,
                    "color": colours.categorical[i],
                },
                hovertemplate=_("unit {number}", number="%{text}") + "<br>%{x:.1%} · %{y:.1%}",
            )
            for i, name in enumerate(trace["observation"].values)
        ]
    )
    chart.add_shape(
        type="line", x0=0, y0=1, x1=1, y1=0, line={"color": colours.border, "dash": "dash"}
    )
    signed = OBSERVATIONS[str(trace["observation"].values[0])].signed
    ends = ("−0.9", "0.9") if signed else ("0.1", "0.9")
    chart.update_layout(colours.layout(height=380), legend=LEGEND)
    chart.update_xaxes(
        range=[-0.03, 1.03],
        tickformat=".0%",
        title={"text": _("share of tokens below {end}", end=ends[0])},
    )
    chart.update_yaxes(
        range=[-0.03, 1.03],
        tickformat=".0%",
        title={"text": _("share of tokens above {end}", end=ends[1])},
    )
    data = trace[["left", "right"]].isel(layer=layer).to_dataframe().reset_index()
    caption = _(
        "Each mark is one unit of layer {layer}: how often it is below {low} and above "
        "{high}, over {read} of the {all} tokens of the run's own text.",
        layer=layer + 1,
        low=ends[0],
        high=ends[1],
        read=f"{trace.attrs['tokens']:,}",
        all=f"{trace.attrs['of']:,}",
    )
    return Figure(chart, data, caption, caption, "saturation")


def _bar(seen: Any, low: float, high: float, muted: str) -> dict[str, Any]:
    """A thin colour bar with words at its ends."""
    middle = (low + high) / 2
    return {
        "thickness": 8,
        "outlinewidth": 0,
        "len": 0.9,
        "tickvals": [low, middle, high],
        "ticktext": [f"{low:.3g} · {_(seen.low)}", f"{middle:.3g}", f"{high:.3g} · {_(seen.high)}"],
        "tickfont": {"color": muted, "size": 11},
    }


def _order_name(order: str, unit: int) -> str:
    return {
        "number": _("number"),
        "clusters": _("likeness"),
        "mean": _("mean"),
        "variance": _("variance"),
        "correlation": _("correlation with unit {number}", number=unit),
    }[order]


def _caption(
    trace: xr.Dataset, name: str, layer: int, rows: Array, columns: slice, direction: int
) -> str:
    T, H = trace.sizes["token"], trace.sizes["unit"]
    said = _(
        "{what} of layer {layer} of the {model} at step {step}, while it reads {tokens} tokens.",
        what=_(OBSERVATIONS[name].title).capitalize(),
        layer=layer + 1,
        model=trace.attrs["model"],
        step=trace.attrs["step"],
        tokens=T,
    )
    if direction:
        said += " " + _("This half of it reads from the end of the text to its beginning.")
    if len(rows) == H and columns.stop - columns.start == T:
        return said + " " + _("All {units} units, every value as computed.", units=H)
    return (
        said
        + " "
        + _(
            "Drawn: tokens {first} to {last}, {shown} of {units} units.",
            first=columns.start,
            last=columns.stop - 1,
            shown=len(rows),
            units=H,
        )
    )


def _alt(trace: xr.Dataset, name: str, drawn: Array) -> str:
    return _(
        "Heatmap of the {what}: {units} units by {tokens} tokens, mean {mean}, from {low} to "
        "{high}.",
        what=_(OBSERVATIONS[name].title),
        units=drawn.shape[0],
        tokens=drawn.shape[1],
        mean=f"{drawn.mean():.2f}",
        low=f"{drawn.min():.2f}",
        high=f"{drawn.max():.2f}",
    )
