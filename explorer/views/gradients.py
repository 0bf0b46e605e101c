"""Gradients through time: over a text for several networks, and as a map for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.views.figure import Figure, shown, view
from explorer.views.palette import Palette, Theme, mark, mix, palette, stroke
from explorer.words import N_, _

NAMED = 40  # beyond so many tokens the axis has numbers; the strip of text is below
DEEPEST = 12  # orders of magnitude below the first gradient that are drawn at once
FAINTEST = -6.0  # of the map's colours, as a power of ten
LEVEL = 0.01

Array = NDArray[Any]

PARTS = {"hidden": N_("hidden state"), "state": N_("whole state")}


def together(traces: Sequence[xr.Dataset], names: Sequence[str], layer: int = -1) -> xr.Dataset:
    """Gradients of several networks for the same guess of the same tokens, over `network`: `norm`
    (network, part, token), `reach` and `factor` (network, part). Where a network has no such layer
    its top one is taken: `layer` (network), from 0. names: what to call them."""
    layers = [_layer(trace, layer) for trace in traces]
    joined = {
        name: xr.concat(
            [trace[name].isel(layer=own, drop=True)
             for trace, own in zip(traces, layers, strict=True)],
            "network", coords="minimal",
        )
        for name in ("norm", "reach", "factor")
    }
    first = traces[0]
    attrs = {name: ", ".join(str(t.attrs[name]) for t in traces) for name in ("run", "step")}
    return xr.Dataset(
        joined,
        {
            "network": list(names),
            "kind": ("network", [str(trace.attrs["kind"]) for trace in traces]),
            "step": ("network", [int(trace.attrs["step"]) for trace in traces]),
            "loss": ("network", [float(trace.attrs["loss"]) for trace in traces]),
            "layer": ("network", layers),
            "label": first["label"],
            "part": first["part"],
        },
        attrs | {"at": int(first.attrs["at"]), "layer": layer},
    )


def _layer(trace: xr.Dataset, layer: int) -> int:
    layers = trace.sizes["layer"]
    return layer % layers if -layers <= layer < layers else layers - 1


@view("gradients", "factor")
def gradients(
    trace: xr.Dataset, part: str = "hidden", relative: bool = True, theme: Theme = "light"
) -> Figure:
    """‖∂L(T)/∂h(t)‖ over the tokens before the guess, on a logarithmic axis, one line a network;
    a mark where it falls under 1 % of its first size.

    part: "hidden" or "state", with the cell. relative: as a share of the gradient at the state that
    the guess is made from. `trace` is of one network, or of several `together`.
    """
    if "network" not in trace.dims:
        trace = together([trace], [str(trace.attrs["model"])])
    colours, at = palette(theme), int(trace.attrs["at"])
    norms = trace["norm"].sel(part=part).values[:, :at]  # (network, steps)
    starts = norms[:, -1:]  # (network, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = norms / starts if relative else norms
    labels = [str(label) for label in trace["label"].values[: at + 1]]
    said = [f"{t} {shown(label)}" for t, label in enumerate(labels)]
    names = [str(name) for name in trace["network"].values]
    kinds = [str(kind) for kind in trace["kind"].values]
    reach = trace["reach"].sel(part=part).values
    lines, marks = [], []
    for i, (name, kind, line) in enumerate(zip(names, kinds, drawn, strict=True)):
        shade = _shade(colours, kind, kinds[:i].count(kind))
        line_style = {"color": shade, "dash": stroke(kind), "width": 2.2}
        lines.append(
            go.Scatter(
                x=np.arange(at),
                y=np.where(line > 0, line, np.nan),
                mode="lines" if at > 1 else "markers",
                name=shown(name, 40),
                showlegend=bool((line > 0).any()),
                line=line_style,
                connectgaps=False,
                customdata=[[said[t], at - 1 - t] for t in range(at)],
                hovertemplate="%{customdata[0]} · "
                + _("steps back: {steps}", steps="%{customdata[1]}")
                + "<br>%{y:.3g}",
            )
        )
        if np.isfinite(reach[i]):
            marks.append(_crossing(name, float(reach[i]), at, float(line[-1]), kind, shade))
    chart = go.Figure([*lines, *marks])
    if relative:
        chart.add_hline(y=LEVEL, line={"color": colours.muted, "dash": "dash", "width": 1})
    chart.add_vline(x=at, line={"color": colours.muted, "width": 1})
    chart.add_annotation(
        x=at, y=1, yref="paper", yanchor="bottom", xanchor="right", showarrow=False,
        text=_("guessed: {token}", token=shown(labels[at], 12)), font={"color": colours.muted},
    )
    chart.update_layout(
        colours.layout(height=400),
        hovermode="x unified",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.08, "x": 0},
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
    )
    _tokens(chart, labels, -0.5, at + 0.5)
    low, high = _reach_of_axis(drawn)
    chart.update_yaxes(
        type="log",
        range=[low, high],
        exponentformat="power",
        dtick=max(1, round((high - low) / 7)),
        title={"text": _("share of the first") if relative else _("length of the gradient")},
    )
    below = int((drawn[drawn > 0] < 10**low).sum())
    return Figure(
        chart, _tidy(trace, norms, names, kinds, labels),
        _caption(trace, part, relative, below, int((norms == 0).sum()), low),
        _alt(names, reach, norms[:, -1]), "gradients",
    )


def _crossing(name: str, reach: float, at: int, first: float, kind: str, shade: str) -> go.Scatter:
    """Where a line falls under 1 % of its first value."""
    return go.Scatter(
        x=[at - 1 - reach], y=[LEVEL * first], mode="markers", showlegend=False,
        marker={"symbol": mark(kind), "size": 11, "color": shade,
                "line": {"width": 1.5, "color": shade}},
        hovertemplate=_("{name}: under 1 % after {steps} steps", name=shown(name, 40),
                        steps=f"{reach:.1f}") + "<extra></extra>",
    )


def _reach_of_axis(drawn: Array) -> tuple[float, float]:
    """The axis' ends, as powers of ten."""
    known = drawn[np.isfinite(drawn) & (drawn > 0)]
    if not len(known):
        return -1.0, 1.0
    high = float(np.log10(known.max()))
    low = max(float(np.log10(known.min())), float(np.log10(drawn[:, -1].max())) - DEEPEST)
    low = min(low, high - 2.2)  # a flat line is to look flat
    return low - 0.03 * (high - low), high + 0.06 * (high - low)


def _tokens(chart: go.Figure, labels: Sequence[str], low: float, high: float) -> None:
    """Tokens along the horizontal axis, where there is room for them."""
    if len(labels) > NAMED:
        chart.update_xaxes(range=[low, high], showgrid=False, title={"text": _("token number")})
        return
    chart.update_xaxes(
        range=[low, high], showgrid=False, tickvals=list(range(len(labels))),
        ticktext=[shown(label, 8) for label in labels],
        tickfont={"family": "monospace", "size": 11},
        tickangle=0 if max(map(len, labels), default=0) <= 1 else -60,
    )


def _tidy(
    trace: xr.Dataset, norms: Array, names: list[str], kinds: list[str], labels: list[str]
) -> pd.DataFrame:
    """network, kind, step, token, label, steps_back, norm: one row a value."""
    count, at = norms.shape
    return pd.DataFrame(
        {
            "network": np.repeat(names, at),
            "kind": np.repeat(kinds, at),
            "step": np.repeat(trace["step"].values, at),
            "token": np.tile(np.arange(at), count),
            "label": np.tile(np.array(labels[:at], dtype=object), count),
            "steps_back": np.tile(np.arange(at)[::-1], count),
            "norm": norms.ravel(),
        }
    )


def _caption(
    trace: xr.Dataset, part: str, relative: bool, below: int, zeros: int, low: float
) -> str:
    at = int(trace.attrs["at"])
    said = _(
        "Length of the gradient of the loss at token {at} (“{label}”) with respect to the {part} "
        "at each token before it",
        at=at, label=shown(str(trace["label"].values[at])), part=_(PARTS[part]),
    )
    said += _(", as a share of that at the state the guess is made from; ") if relative else "; "
    said += ", ".join(
        _("{name} at step {step}, layer {layer}", name=str(name), step=int(step),
          layer=int(own) + 1)
        for name, step, own in zip(trace["network"].values, trace["step"].values,
                                   trace["layer"].values, strict=True)
    )
    said += _(". A mark: there it falls under 1 % of the first.")
    short = [str(name) for name, own in zip(trace["network"].values, trace["layer"].values,
                                            strict=True) if own < int(trace.attrs["layer"])]
    if short:
        said += " " + _("Without a layer {layer}, so that the top one is drawn: {names}.",
                        layer=int(trace.attrs["layer"]) + 1, names=", ".join(short))
    if below:
        said += " " + _("Below the picture, under 1e{low}: {count} values.", count=below,
                        low=f"{low:.0f}")
    if zeros:
        said += " " + _("Exactly 0, which a logarithmic axis cannot draw: {count} values.",
                        count=zeros)
    return said


def _alt(names: Sequence[str], reach: Array, firsts: Array) -> str:
    return _("Gradient through time.") + " " + " ".join(
        _("{name}: under 1 % after {steps} steps", name=name, steps=f"{steps:.1f}") + "."
        if np.isfinite(steps)
        else _("{name} stays above 1 % to the beginning of the text.", name=name)
        if first > 0
        else _("{name} has no gradient to begin with.", name=name)
        for name, steps, first in zip(names, reach, firsts, strict=True)
    )


@view("gradient map", "guess")
def gradient_map(
    trace: xr.Dataset, part: str = "hidden", at: int | None = None, theme: Theme = "light"
) -> Figure:
    """Every guess T by every state t before it: the length of the gradient, as a share of that at
    the state the guess is made from, on a logarithmic scale of colours. at: a guess to be marked.
    """
    colours = palette(theme)
    norms = trace["norm"].sel(part=part).values  # (guess, token)
    ats = trace["guess"].values
    firsts = norms[np.arange(len(ats)), ats - 1][:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(np.arange(norms.shape[1]) < ats[:, None], norms / firsts, np.nan)
        z = np.log10(share)
    known = z[np.isfinite(z)]
    high = max(0.0, float(known.max())) if len(known) else 0.0
    labels = [str(label) for label in trace["label"].values]
    powers = np.arange(int(FAINTEST), int(np.floor(high)) + 1, 1 if high < 3 else 2)
    chart = go.Figure(
        go.Heatmap(
            z=np.maximum(z, FAINTEST - 1).astype(np.float32),  # −∞ where it is exactly 0
            x=np.arange(len(labels)),
            y=ats,
            zmin=FAINTEST,
            zmax=high,
            colorscale=colours.scale(signed=False),
            colorbar={
                "thickness": 10, "outlinewidth": 0, "tickvals": powers,
                "ticktext": [_("1 · whole") if p == 0 else
                             _("10{power} · gone", power="⁻⁶") if p == FAINTEST else f"1e{p}"
                             for p in powers],
                "tickfont": {"color": colours.muted},
            },
            hovertemplate=_("guess {guess}, state {state}", guess="%{y}", state="%{x}")
            + "<br>10^%{z:.2f}<extra></extra>",
        )
    )
    if at is not None:
        chart.add_hline(y=at, line={"color": colours.categorical[0], "width": 1.5, "dash": "dot"})
    chart.update_layout(colours.layout(height=420))
    _tokens(chart, labels, -0.5, len(labels) - 0.5)
    chart.update_yaxes(title={"text": _("guess T")}, showgrid=False, autorange="reversed")
    data = pd.DataFrame(
        {
            "guess": np.repeat(ats, len(labels)),
            "token": np.tile(np.arange(len(labels)), len(ats)),
            "label": np.tile(np.array(labels, dtype=object), len(ats)),
            "norm": norms.ravel(),
            "share": share.ravel(),
        }
    ).dropna()
    caption = _(
        "{model} at step {step}: each row one guess T, each column one state t before it; the "
        "gradient with respect to the {part} of layer {layer}, as a share of that at the state the "
        "guess is made from. Shares under 1e−6 have the page's own colour.",
        model=str(trace.attrs["model"]), step=int(trace.attrs["step"]), part=_(PARTS[part]),
        layer=int(trace.attrs["layer"]) + 1,
    )
    of = int(trace.attrs["guesses"])
    caption += " " + (
        _("Every guess as computed.") if len(ats) == of else
        _("{count} of the {of} guesses, evenly spread.", count=len(ats), of=of)
    )
    return Figure(chart, data, caption, caption, "gradient-map")


def remaining(trace: xr.Dataset, network: str, part: str = "hidden") -> Array:
    """The share of its first length that the gradient of one network has left at each token:
    (token,), 0 from the guess on; NaN where its states overflowed."""
    at = int(trace.attrs["at"])
    norms: Array = trace["norm"].sel(network=network, part=part).values
    first = norms[at - 1]
    return np.zeros_like(norms) if first == 0 else norms / first


def shades(trace: xr.Dataset, network: str, part: str, theme: Theme) -> list[str]:
    """The tokens' colours by what remains of one network's gradient, as on the map."""
    left = np.nan_to_num(remaining(trace, network, part))
    colours = palette(theme)
    with np.errstate(divide="ignore"):
        depth = 1 - np.log10(left) / FAINTEST  # 1 = whole, 0 = a millionth
    return [colours.shade(float(np.clip(value, 0, 1)), signed=False) for value in depth]


def _shade(colours: Palette, kind: str, rank: int) -> str:
    """The colour of an architecture; of its second, third, … network, nearer to the ink."""
    return mix(colours.architecture(kind), colours.text, min(0.75, 0.35 * rank))
