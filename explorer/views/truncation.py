"""Cutting the chain through time: what it leaves of the gradient, and at what price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.scores import scored
from explorer.views.figure import Figure, view
from explorer.views.palette import Theme, mix, palette
from explorer.views.segments import NAMES, Look, look
from explorer.words import N_, _

TICKS = [digit * 10**power for power in range(-4, 3) for digit in (1, 2, 5)]
LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0}
MEANT = {"recurrent": N_("the recurrent weights"), "all": N_("all weights")}

Array = NDArray[Any]


def placed(trace: xr.Dataset, weights: str) -> pd.DataFrame:
    """Each gradient against the full one: way (or "draw"), draw, along, across, cosine, ratio of
    lengths, error: its distance from the full one, whose length is 1."""
    here = trace.sel(weights=weights)
    kinds = [str(kind) for kind in trace["kind"].values]
    data = pd.DataFrame({
        "way": [*kinds, *["draw"] * trace.sizes["draw"]],
        "draw": [*[-1] * len(kinds), *trace["draw"].values.tolist()],
        "along": np.concatenate([here["along"].values, here["draw_along"].values]),
        "across": np.concatenate([here["across"].values, here["draw_across"].values])})
    data["ratio"] = np.hypot(data["along"], data["across"])
    data["cosine"] = (data["along"] / data["ratio"].where(data["ratio"] > 0)).fillna(0.0)
    data["error"] = np.hypot(data["along"] - 1, data["across"])
    return data


def lost(trace: xr.Dataset, weights: str) -> bool:
    """Whether the full gradient is 0, so that no other can be measured by it."""
    return bool(trace["along"].sel(weights=weights, kind="full").isnull())


@view("truncated gradients", "draw_along")
def gradients(trace: xr.Dataset, weights: str = "recurrent", theme: Theme = "light") -> Figure:
    """Every gradient by how far it goes along the full one and how far across: its angle and its
    length against the full one are true, and so is its distance from it."""
    colours, data = palette(theme), placed(trace, weights)
    names = {"full": _("full"), "regular": _("regular"),
             "randomised": _("mean of {count} draws", count=trace.attrs["draws"])}
    chart = go.Figure()
    drawn = data[data["way"] == "draw"]
    random = look("randomised", colours)
    chart.add_trace(_points(drawn, _("one randomised draw"), random, 7, 0.5))
    for kind, name in names.items():
        row, seen = data[data["way"] == kind], look(kind, colours)
        chart.add_trace(go.Scatter(x=[0, row["along"].iloc[0]], y=[0, row["across"].iloc[0]],
                                   mode="lines", hoverinfo="skip", showlegend=False,
                                   line={"color": seen.colour, "dash": seen.dash, "width": 2}))
        chart.add_trace(_points(row, name, seen, 13, 1.0))
    chart.update_layout(colours.layout(height=380), legend=LEGEND)
    low, high = min(0.0, float(data["along"].min())), float(data["along"].max())
    chart.update_xaxes(title={"text": _("along the full gradient, whose length is 1")},
                       range=[low - 0.04, high + 0.06], constrain="domain")
    chart.update_yaxes(title={"text": _("across it")}, scaleanchor="x", constrain="domain",
                       range=[-0.03, max(0.2, float(data["across"].max())) + 0.05])
    caption = _(
        "Gradients of {weights} of the {model} at step {step}, over {tokens} tokens, cut every "
        "{every} tokens (randomised: on average). Angle and length against the full gradient are "
        "true in this plane; the directions across it differ from draw to draw.",
        weights=_(MEANT[weights]), model=trace.attrs["model"], step=trace.attrs["step"],
        tokens=trace.attrs["tokens"], every=trace.attrs["every"])
    return Figure(chart, data, caption, " ".join(findings(trace, weights)[:2]).replace("**", ""),
                  "truncated-gradients")


def _points(rows: pd.DataFrame, name: str, look: Look, size: int, opacity: float) -> go.Scatter:
    return go.Scatter(
        x=rows["along"], y=rows["across"], mode="markers", name=name,
        marker={"color": look.colour, "symbol": look.marker, "size": size, "opacity": opacity},
        customdata=rows[["cosine", "ratio", "error"]].to_numpy(),
        hovertemplate=_("cosine {cosine}<br>length × {ratio}<br>error {error}",
                        cosine="%{customdata[0]:.4f}", ratio="%{customdata[1]:.3f}",
                        error="%{customdata[2]:.3f}"))


@view("truncation error", "error")
def errors(trace: xr.Dataset, weights: str = "recurrent", theme: Theme = "light") -> Figure:
    """How far the mean of n draws is from the full gradient, on log axes, beside the error of
    regular truncation, which no repetition lessens."""
    colours, here = palette(theme), trace.sel(weights=weights)
    counts = trace["count"].values.astype(int)
    regular = _error(trace, weights)
    lines = {"randomised": here["error"].values, "regular": np.full(len(counts), regular),
             "chance": float(here["spread"]) / np.sqrt(counts)}
    names = {"randomised": _("mean of n randomised gradients"), "regular": _("regular"),
             "chance": _("spread of one draw ÷ √n")}
    chart = go.Figure()
    for kind, name in names.items():
        seen = Look(colours.muted, "circle", "dash") if kind == "chance" else look(kind, colours)
        chart.add_trace(go.Scatter(
            x=counts, y=lines[kind], name=name, hovertemplate="n = %{x}: %{y:.4f}",
            mode="lines+markers" if kind == "randomised" else "lines",
            line={"color": seen.colour, "dash": "solid" if kind == "randomised" else seen.dash,
                  "width": 1 if kind == "chance" else 2},
            marker={"symbol": seen.marker, "size": 9}))
    chart.update_layout(colours.layout(height=300), legend=LEGEND)
    chart.update_xaxes(type="log", tickvals=counts, title={"text": _("draws in the mean, n")})
    chart.update_yaxes(type="log", tickvals=TICKS, tickformat="~g",
                       title={"text": _("distance from the full gradient")})
    data = pd.DataFrame({"draws": counts} | lines)
    caption = _(
        "Distance from the full gradient of {weights}, whose length is 1: root mean square over "
        "as many groups as {draws} draws make; at the right end it is a single mean.",
        weights=_(MEANT[weights]), draws=trace.attrs["draws"])
    return Figure(chart, data, caption, caption, "truncation-error")


@view("truncation cost", "saved")
def cost(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Memory and time of each way to cut, when it goes back at every cut."""
    colours = palette(theme)
    kinds = [str(kind) for kind in trace["kind"].values][::-1]
    here = trace.sel(kind=kinds)
    names = [_(NAMES[kind]) for kind in kinds]
    chart = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.06)
    columns = ((here["saved"].values / 1000, "kB", ",.0f"),
               (here["seconds"].values * 1000, "ms", ".1f"))
    for column, (values, unit, form) in enumerate(columns, 1):
        chart.add_trace(go.Bar(
            x=values, y=names, orientation="h", text=[f"{v:{form}} {unit}" for v in values],
            textposition="auto", insidetextanchor="start",
            hovertemplate="%{y}: %{text}<extra></extra>",
            marker={"color": [mix(colours.background, look(kind, colours).colour, 0.45)
                              for kind in kinds]},
            textfont={"color": colours.text}), 1, column)
    layout = colours.layout(height=170)
    chart.update_layout({name: layout[name] for name in layout if "axis" not in name},
                        showlegend=False, bargap=0.25)
    chart.update_xaxes(**layout["xaxis"])
    chart.update_yaxes(**layout["yaxis"])
    chart.update_xaxes(title={"text": _("kept for the way back, kB")}, col=1)
    chart.update_xaxes(title={"text": _("time, ms")}, col=2)
    data = here[["saved", "seconds"]].to_dataframe().reset_index()
    caption = _(
        "Measured on {tokens} tokens, read step by step by the cell, once (randomised: draw 1). "
        "Memory is counted exactly: all that is kept at once until the way back, beside the "
        "weights. Time is this machine's, the faster of two runs.", tokens=trace.attrs["tokens"])
    return Figure(chart, data, caption, caption, "truncation-cost")


@view("paths", "product")
def paths(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """The paths from the loss to w_hh, one after the other, and their sum."""
    colours = palette(theme)
    products = trace["product"].values
    names = [path_name(int(t), int(use)) for t, use in
             zip(trace["loss_step"].values, trace["use_step"].values, strict=True)]
    chart = go.Figure(go.Waterfall(
        x=[*names, "∂L/∂w_hh"], y=[*products, 0], measure=["relative"] * len(names) + ["total"],
        text=[f"{value + 0.0:+.4f}" for value in (*products, products.sum())],
        textposition="outside", cliponaxis=False, hovertemplate="%{x}: %{text}<extra></extra>",
        increasing={"marker": {"color": colours.diverging[-1]}},
        decreasing={"marker": {"color": colours.diverging[0]}},
        totals={"marker": {"color": colours.muted}},
        connector={"line": {"color": colours.border, "width": 1}}))
    chart.update_layout(colours.layout(height=240))
    chart.update_layout(margin={"t": 24})
    chart.update_yaxes(zeroline=True, zerolinecolor=colours.border)
    data = pd.DataFrame({"path": names, "product": products})
    caption = _("Each bar is one path from the loss back to a use of w_hh, the product of the "
                "slopes along it; together they are ∂L/∂w_hh = {sum}.", sum=f"{products.sum():.4f}")
    return Figure(chart, data, caption, caption, "paths")


def path_name(loss_step: int, use_step: int) -> str:
    """o3 → h3 → h2, say."""
    return " → ".join([f"o{loss_step}", *(f"h{t}" for t in range(loss_step, use_step - 1, -1))])


def _error(trace: xr.Dataset, weights: str) -> float:
    """How far the regularly cut gradient is from the full one."""
    here = trace.sel(weights=weights, kind="regular")
    return float(np.hypot(here["along"] - 1, here["across"]))


def findings(trace: xr.Dataset, weights: str = "recurrent") -> list[str]:
    """What this run and text show: what is left, what it takes to do better, and the price."""
    every, meant = trace.attrs["every"], _(MEANT[weights])
    if lost(trace, weights):
        return [_("The full gradient of {weights} is 0 here, to single precision: it has no "
                  "direction that a cut could turn.", weights=meant), *_kept(trace)]
    data = placed(trace, weights).set_index("way")
    regular, mean = data.loc["regular"], data.loc["randomised"]
    spread = float(trace["spread"].sel(weights=weights))
    cut = bool((trace["link"].sel(kind="regular").values[1:] == 0).any())
    said = [_("Cut every {every} tokens, the gradient of {weights} has a **cosine of {cosine}** "
              "with the full one and {ratio} of its length. Another try gives the same: that is "
              "its bias.", every=every, weights=meant,
              cosine=f"{regular['cosine']:.3f}", ratio=f"{regular['ratio']:.0%}") if cut else
            _("The text has only {count} guesses, so cutting every {every} tokens cuts nothing: "
              "what is left is the full gradient of {weights}. Read a longer text, or cut more "
              "often.", count=trace.attrs["tokens"], every=every, weights=meant)]
    single = float(trace["error"].sel(weights=weights).values[0])
    said.append(
        _("One randomised draw strays by {single} of the full length, the mean of {draws} by "
          "{all}, against {regular} for regular cuts.", single=f"{single:.0%}",
          draws=trace.attrs["draws"], all=f"{mean['error']:.1%}",
          regular=f"{regular['error']:.0%}"))
    if cut and regular["error"] > 0:
        needed = (spread / regular["error"]) ** 2
        said.append(
            _("The mean of about {count} draws would come as near as one regular cut: chance can "
              "be averaged away, bias cannot.", count=max(2, int(np.ceil(needed))))
            if needed > 1 else
            _("Here even a single draw is, on average, nearer than the regular cut."))
    return said + _kept(trace)


def _kept(trace: xr.Dataset) -> list[str]:
    """What the way back keeps less of when the chain is cut regularly."""
    full, regular = trace["saved"].sel(kind=["full", "regular"]).values
    if regular >= full:
        return []
    return [_("For the way back the full chain keeps {full} kB, the regular one {regular} "
              "kB: {share} of it.", full=f"{full / 1000:,.0f}", regular=f"{regular / 1000:,.0f}",
              share=f"{regular / full:.0%}")]


def learnt(histories: Mapping[str, pd.DataFrame]) -> list[str]:
    """How runs that were cut in different ways compare in the end: their lowest held-out
    perplexity, or where nothing is held out the last on the text itself. By name."""
    held = all(len(scored(history)) for history in histories.values())
    best = {name: float(scored(history)["along"].min() if held else history["perplexity"].iloc[-1])
            for name, history in histories.items()}
    first, last = min(best, key=best.__getitem__), max(best, key=best.__getitem__)
    said = [_("After the same steps, {what}: {values}.",
              what=_("held-out perplexity") if held else _("perplexity"),
              values=", ".join(f"{name} {value:.2f}" for name, value in best.items()))]
    apart = best[last] / best[first] - 1
    said.append(
        _("All three are within {apart} of each other: another seed may well turn them round.",
          apart=f"{apart:.1%}") if apart < 0.03 else
        _("**{first}** leads; {last} is {apart} behind.", first=first, last=last,
          apart=f"{apart:.0%}"))
    return said
