"""Depth and direction: states layer by layer, what each carries, who sees what, and what a network
of both directions is worth as a writer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from explorer.observations import OBSERVATIONS
from explorer.views.figure import Figure, shown, view
from explorer.views.gates import CELLS, NAMED, WIDEST, domain, plane
from explorer.views.order import order_units
from explorer.views.palette import Palette, Theme, colour, palette
from explorer.words import _

ROWS = 64  # units of a plane, of many
PLANE = 150  # pixels of a plane's height


def planes(trace: xr.Dataset) -> list[tuple[int, int]]:
    """Every (layer, direction), as they stand above each other: the top layer first, forward
    before backward."""
    layers, ways = trace.sizes["layer"], trace.sizes["direction"]
    return [(layer, way) for layer in reversed(range(layers)) for way in range(ways)]


def plane_name(trace: xr.Dataset, layer: int, direction: int) -> str:
    """“layer 2”, with an arrow where there are two directions."""
    if trace.sizes["direction"] == 1:
        return _("layer {number}", number=layer + 1)
    if direction == 0:
        return _("layer {number}, read from left to right →", number=layer + 1)
    return _("layer {number}, ← read from right to left", number=layer + 1)


@view("layers", *OBSERVATIONS)
def layers(
    trace: xr.Dataset, observation: str = "hidden", start: int = 0, theme: Theme = "light"
) -> Figure:
    """One gate or state of every layer, and of both directions where there are two, above each
    other over the same text: heatmaps (unit × token) with one domain, the top layer on top.

    Of a layer with more than `ROWS` units those that vary most are drawn; of more than `WIDEST`
    tokens a part, from `start`; the caption says so.
    """
    seen, colours = OBSERVATIONS[observation], palette(theme)
    places = planes(trace)
    T, H = trace.sizes["token"], trace.sizes["unit"]
    count = max(1, min(H, ROWS, CELLS // (len(places) * min(T, WIDEST))))
    stop = min(T, start + min(WIDEST, max(1, CELLS // (len(places) * count))))
    labels = [str(label) for label in trace["label"].values[start:stop]]
    x = [f"{start + i} {shown(label)}" for i, label in enumerate(labels)]
    low, high = domain(trace, observation)
    names = [plane_name(trace, layer, way) for layer, way in places]
    chart = make_subplots(
        rows=len(places), cols=1, shared_xaxes=True, subplot_titles=names,
        vertical_spacing=min(0.1, 26 / (PLANE * len(places))))
    data = []
    for row, (layer, way) in enumerate(places, 1):
        values = plane(trace, observation, layer, way)  # (token, unit)
        chosen = _rows(values, count)
        drawn = values[start:stop][:, chosen].T  # (unit, token)
        chart.add_trace(go.Heatmap(
            z=drawn, x=x, y=[_("unit {number}", number=unit) for unit in chosen],
            coloraxis="coloraxis",
            hovertemplate="%{x}<br>%{y}<br>" + seen.letter + " = %{z:.4f}<extra></extra>",
        ), row=row, col=1)
        data.append(_tidy(drawn, labels, chosen, layer, way, start, observation))
    _style(chart, colours, PLANE * len(places) + 40, labels)
    chart.update_layout(coloraxis={
        "cmin": low, "cmax": high, "colorscale": colours.scale(seen.signed),
        "colorbar": _bar(low, high, _(seen.low), _(seen.high), colours.muted)})
    chart.update_annotations(font={"size": 13, "color": colours.muted}, x=0, xanchor="left")
    caption = _layers_caption(trace, observation, count, start, stop)
    return Figure(chart, pd.concat(data, ignore_index=True), caption, caption,
                  f"{observation}-by-layer")


def _rows(values: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    """At most `count` units, those that vary most, in the order of their likeness."""
    order = order_units(values, "clusters", 0)
    if len(order) <= count:
        return order
    kept = set(np.argsort(-values.var(0), kind="stable")[:count].tolist())
    return np.array([unit for unit in order if unit in kept])


def _tidy(
    drawn: np.ndarray[Any, Any], labels: list[str], units: np.ndarray[Any, Any], layer: int,
    direction: int, start: int, name: str,
) -> pd.DataFrame:
    """One row a value of a plane (unit, token)."""
    return pd.DataFrame({
        "layer": layer + 1,
        "direction": ("forward", "backward")[direction],
        "token": np.repeat(np.arange(start, start + len(labels)), len(units)),
        "label": np.repeat(labels, len(units)),
        "unit": np.tile(units, len(labels)),
        name: drawn.T.ravel(),
    })


def _style(chart: go.Figure, colours: Palette, height: int, labels: list[str]) -> None:
    """The house's look for planes above each other; tokens below the lowest only."""
    layout = colours.layout(height=height)
    axis = layout.pop("xaxis")
    layout.pop("yaxis")
    chart.update_layout(layout | {"margin": {"l": 8, "r": 8, "t": 30, "b": 8}})
    named = len(labels) <= NAMED
    chart.update_xaxes(
        axis | {"showgrid": False, "showticklabels": False, "type": "category",
                "tickvals": list(range(len(labels))) if named else [],
                "ticktext": [shown(label, 8) for label in labels] if named else [],
                "tickfont": {"family": "monospace", "size": 11},
                "tickangle": 0 if max(map(len, labels), default=0) <= 1 else -60})
    rows = len(chart.data)
    chart.update_xaxes(showticklabels=True, row=rows, col=1)
    chart.update_yaxes(showticklabels=False, showgrid=False, autorange="reversed",
                       zeroline=False, ticks="")


def _bar(low: float, high: float, left: str, right: str, muted: str) -> dict[str, Any]:
    return {"thickness": 8, "outlinewidth": 0, "len": 0.9,
            "tickvals": [low, (low + high) / 2, high],
            "ticktext": [f"{low:.3g} · {left}", f"{(low + high) / 2:.3g}", f"{high:.3g} · {right}"],
            "tickfont": {"color": muted, "size": 11}}


def _layers_caption(trace: xr.Dataset, name: str, count: int, start: int, stop: int) -> str:
    said = _("{what}, layer by layer, while the {model}, at step {step}, reads {tokens} tokens.",
             what=_(OBSERVATIONS[name].title).capitalize(), model=trace.attrs["model"],
             step=trace.attrs["step"], tokens=trace.sizes["token"])
    if trace.sizes["layer"] > 1:
        said += " " + _("The lowest layer reads the text itself, each above it what the one below "
                        "shows.")
    if trace.sizes["direction"] > 1:
        said += " " + _("The backward half begins at the right end: read its picture from there.")
    if count == trace.sizes["unit"] and stop - start == trace.sizes["token"]:
        return said + " " + _("All {units} units of each, every value as computed, one scale for "
                              "all.", units=count)
    return said + " " + _("Drawn: tokens {first} to {last}, of each layer the {count} of {units} "
                          "units that vary most; one scale for all.",
                          first=start, last=stop - 1, count=count, units=trace.sizes["unit"])


@view("carried", "explained")
def carried(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """What each layer carries: the share of its states' variance that is explained by the token
    some steps before (left of zero) and after it (right)."""
    colours = palette(theme)
    lags = trace["lag"].values
    chart = go.Figure()
    data = []
    count = trace.sizes["layer"]
    for layer, way in planes(trace):
        share = trace["explained"].values[layer, way]  # (lag,)
        name = plane_name(trace, layer, way)
        chart.add_trace(go.Scatter(
            x=lags, y=share, mode="lines+markers", name=name,
            line={"color": _shade(colours, layer, count), "width": 2,
                  "dash": ("solid", "dash")[way]},
            marker={"size": 6, "symbol": MARKS[layer % len(MARKS)]},
            hovertemplate="%{x:+d}: %{y:.1%}"))
        data.append(pd.DataFrame({"layer": layer + 1, "lag": lags, "explained": share,
                                  "direction": ("forward", "backward")[way]}))
    chart.update_layout(colours.layout(height=330), hovermode="x unified",
                        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    chart.add_vline(x=0, line={"color": colours.muted, "width": 1, "dash": "dot"})
    chart.update_xaxes(showgrid=False, tickformat="+d", zeroline=False, dtick=2,
                       title={"text": _("tokens before (−) and after (+) the one just read")})
    chart.update_yaxes(tickformat=".0%", rangemode="tozero",
                       title={"text": _("variance explained")})
    caption = _(
        "How much of each layer's states is explained by one token alone, {lags} steps back to "
        "{lags} ahead (ε², with what chance would give taken off), over the last {read} of the "
        "{all} tokens of the run's own text, at step {step}.",
        lags=int(lags.max()), read=f"{trace.attrs['tokens']:,}", all=f"{trace.attrs['of']:,}",
        step=trace.attrs["step"])
    return Figure(chart, pd.concat(data, ignore_index=True), caption, caption, "carried")


MARKS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")


def _shade(colours: Palette, layer: int, count: int) -> str:
    """A layer's colour: the higher, the nearer to full ink."""
    return colour(0.45 + 0.55 * (layer / (count - 1) if count > 1 else 1.0), colours.sequential)


@view("sight", "share")
def sight(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Which tokens each guess is made of: guess × token read, rows sum to 1; a cross where the
    gradient is exactly zero, a frame where a token is the very one that is guessed."""
    colours = palette(theme)
    share = trace["share"].values  # (guess, token)
    blind = trace["gradient"].values == 0
    read = [str(label) for label in trace["label"].values]
    guessed = [str(label) for label in trace["guessed"].values]
    x = [f"{i} {shown(label)}" for i, label in enumerate(read)]
    y = [f"{i + 1} {shown(label)}" for i, label in enumerate(guessed)]
    chart = go.Figure(go.Heatmap(
        z=share, x=x, y=y, zmin=0, zmax=1, colorscale=colours.scale(signed=False),
        customdata=trace["gradient"].values, xgap=1, ygap=1,
        colorbar=_bar(0, 1, _("nothing"), _("all of it"), colours.muted),
        hovertemplate=_("guess of {guess}, token read {read}", guess="%{y}", read="%{x}")
        + "<br>%{z:.1%} · ‖∂z/∂x‖ = %{customdata:.3g}<extra></extra>"))
    rows, columns = np.nonzero(blind)
    chart.add_trace(go.Scatter(
        x=[x[i] for i in columns], y=[y[i] for i in rows], mode="markers", hoverinfo="skip",
        marker={"symbol": "x-thin", "size": 3, "line": {"width": 1, "color": colours.border}},
        showlegend=False))
    for guess in range(len(guessed)):
        chart.add_shape(type="rect", x0=guess + 0.5, x1=guess + 1.5, y0=guess - 0.5,
                        y1=guess + 0.5, line={"color": colours.architecture("rnn"), "width": 1.5})
    chart.update_layout(colours.layout(height=390))
    font = {"family": "monospace", "size": 10}
    chart.update_xaxes(showgrid=False, tickvals=list(range(len(read))), tickangle=0, tickfont=font,
                       ticktext=[shown(label, 4) for label in read], title={"text": _("reads")})
    chart.update_yaxes(showgrid=False, tickvals=list(range(len(guessed))), autorange="reversed",
                       ticktext=[shown(label, 4) for label in guessed], tickfont=font,
                       title={"text": _("guesses")})
    data = pd.DataFrame({
        "guess": np.repeat(np.arange(1, len(guessed) + 1), len(read)),
        "guessed": np.repeat(guessed, len(read)),
        "token": np.tile(np.arange(len(read)), len(guessed)),
        "label": np.tile(read, len(guessed)),
        "share": share.ravel(), "gradient": trace["gradient"].values.ravel()})
    caption = _sight_caption(trace)
    return Figure(chart, data, caption, caption, "sight")


def _sight_caption(trace: xr.Dataset) -> str:
    values = {"read": trace.sizes["token"], "all": trace.attrs["of"]}
    said = _("What each guess is made of: ‖∂z/∂x‖ of the true token's logit, as a share of its "
             "row. × is exactly zero: it cannot be seen. The frame marks the token that is "
             "guessed.")
    return said + (" " + _("The first {read} of {all} tokens.", **values)
                   if values["read"] < values["all"] else "")


@view("misuse", "known")
def misuse(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """How much of several texts stands in the text that was learnt: bars, one a source. Sources
    may be called anything; those that are known have a name for people."""
    colours = palette(theme)
    names = {
        "text": _("the real text, held out"), "one way": _("the one-way network"),
        "written": _("the network"), "both ways": _("both ways, state carried on"),
        "anew": _("both ways, all read anew"), "unigram": _("drawn by frequency"),
        "blind": _("drawn blindly")}
    sources = [str(source) for source in trace["source"].values]
    share = trace["known"].values
    ours = ("one way", "both ways", "written", "anew")
    chart = go.Figure(go.Bar(
        x=share, y=[names.get(source, source) for source in sources], orientation="h",
        marker={
            "color": [colours.architecture(trace.attrs["kind"]) if source in ours
                      else colours.muted for source in sources],
            "pattern": {"shape": ["/" if source in ("both ways", "anew") else ""
                                  for source in sources]}},
        text=[f"{value:.0%}" for value in share], textposition="outside", cliponaxis=False,
        hovertemplate="%{y}: %{x:.1%}<extra></extra>"))
    chart.update_layout(colours.layout(height=40 * len(sources) + 60))
    chart.update_xaxes(range=[0, max(0.1, float(share.max()) * 1.15)], tickformat=".0%",
                       title={"text": _("four-token stretches that it knows")})
    chart.update_yaxes(autorange="reversed", showgrid=False)
    data = pd.DataFrame({"source": sources, "known": share})
    caption = _("Of all stretches of four tokens, how many stand in the text that was learnt, each "
                "counted once, so that stammering does not pay. {count} tokens of each.",
                count=trace.attrs["tokens"])
    return Figure(chart, data, caption, caption, "plausibility")


@view("depths", "held_out")
def depths(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Held-out perplexity, seconds of training and parameters by depth: three small charts."""
    colours = palette(theme)
    ink = colours.architecture(trace.attrs["kind"])
    what = {"held_out": _("held-out perplexity"), "seconds": _("seconds of training"),
            "parameters": _("parameters")}
    forms = {"held_out": "{:.2f}", "seconds": "{:.0f}", "parameters": "{:,.0f}"}
    chart = make_subplots(rows=1, cols=3, subplot_titles=list(what.values()),
                          horizontal_spacing=0.07)
    number = trace["depth"].values
    for column, name in enumerate(what, 1):
        values = trace[name].values
        chart.add_trace(go.Scatter(
            x=number, y=values, mode="lines+markers+text", connectgaps=True,
            line={"color": ink, "width": 2}, marker={"size": 9}, textposition="top center",
            text=["" if np.isnan(v) else forms[name].format(v) for v in values], name=what[name],
            hovertemplate=_("{depth} layers", depth="%{x}") + ": %{y:,.4g}<extra></extra>",
            showlegend=False, cliponaxis=False), row=1, col=column)
    layout = colours.layout(height=270)
    axis, upright = layout.pop("xaxis"), layout.pop("yaxis")
    chart.update_layout(layout | {"margin": {"l": 8, "r": 20, "t": 44, "b": 8}})
    chart.update_xaxes(axis | {"showgrid": False, "tickvals": number.tolist(),
                               "title": axis["title"] | {"text": _("layers")}})
    chart.update_yaxes(upright | {"rangemode": "tozero"})
    chart.update_yaxes(rangemode="normal", row=1, col=1)
    chart.update_annotations(font={"size": 13, "color": colours.muted}, yshift=14)
    known = int(np.isfinite(trace["held_out"].values).sum())
    counting = trace.attrs.get("counting")
    if counting:
        chart.add_hline(counting, row=1, col=1, line={"color": colours.muted, "dash": "dash"})
    caption = _("{known} of {count} depths trained, {model}, {hidden} units a layer: same text, "
                "{steps} steps, same batches, same seed. Seconds by the clock, whatever else the "
                "machine did. One run of each; another seed may rank them otherwise.",
                known=known, count=len(number), model=trace.attrs["model"],
                hidden=trace.attrs["hidden"], steps=f"{trace.attrs['steps']:,}")
    if counting:
        caption += " " + _("Dashed: the best n-gram model (order {n}), {value}.",
                           n=trace.attrs["order"], value=f"{counting:.2f}")
    data = trace[list(what)].to_dataframe().reset_index()
    return Figure(chart, data, caption, caption, "depths")
