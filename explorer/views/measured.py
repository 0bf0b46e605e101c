"""What a layer costs as measured: seconds and bytes as the text grows, and attention as a
recurrence, whose memory does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from explorer.views.cost import LEGEND, NAMES, crossing, look
from explorer.views.figure import Figure, shown, view
from explorer.views.palette import Theme, palette
from explorer.words import N_, _

FORMS = {"softmax": N_("masked softmax"), "steps": N_("step by step"), "scan": N_("parallel scan")}
DENSE = 200  # tokens, beyond which marks are small
SCORE = 4  # bytes, in single precision
LABELS = 40  # tokens that are written along an axis; beyond, places


@view("layer seconds", "seconds")
def seconds(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Seconds of each layer over the length, on log axes, with the length from which self-attention
    takes longer than an RNN, and where the formula has it."""
    colours, chart = palette(theme), go.Figure()
    x = trace["length"].values
    for kind in map(str, trace["layer"].values):
        colour, dash, marker = look(kind, colours)
        here = trace.sel(layer=kind)
        middle = here["seconds"].values
        chart.add_trace(go.Scatter(
            x=x, y=middle, name=_(NAMES[kind]), mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2},
            marker={"symbol": marker, "size": 7, "color": colour},
            error_y={"type": "data", "symmetric": False, "thickness": 1, "width": 2,
                     "array": here["highest"].values - middle,
                     "arrayminus": middle - here["lowest"].values},
            hovertemplate="n = %{x:,}: %{y:.3s}s"))
    _log(chart, colours, x, _("seconds"), 380)
    at, d = crossover(trace), int(trace.attrs["d"])
    upright = [(float(d), _("n = d"), "dot")]
    upright += [(at, _("measured: {n}", n=f"{at:,.0f}"), "dash")] if np.isfinite(at) else []
    for place, text, dash in upright:
        chart.add_vline(float(place), line={"color": colours.text, "width": 1, "dash": dash})
        chart.add_annotation(x=np.log10(place), y=1, yref="paper", text=text, showarrow=False,
                             xanchor="left", xshift=4, yanchor="top",
                             font={"size": 12, "color": colours.text})
    said = _("Reading n tokens with one layer of width {d}, in one thread, without gradients: the "
             "median of up to {most} readings, with the quickest and the slowest. Upright: where "
             "self-attention overtakes the RNN by the formula, n = d, and as measured.",
             d=d, most=int(trace["repeats"].max()))
    names = ["seconds", "lowest", "highest", "repeats"]
    data = trace[names].to_dataframe().reset_index()[["layer", "length", *names]]
    return Figure(chart, data, said, said, "seconds")


def crossover(trace: xr.Dataset, kind: str = "attention") -> float:
    """The length from which self-attention takes longer than the RNN; NaN where it does not."""
    return crossing(trace["length"].values, trace["seconds"].sel(layer=kind).values,
                    trace["seconds"].sel(layer="rnn").values)


@view("layer memory", "peak")
def memory(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Bytes over the length, on log axes: while it reads, and what must be kept to go on."""
    colours = palette(theme)
    chart = make_subplots(1, 2, horizontal_spacing=0.1, subplot_titles=[
        _("while it reads, at most"), _("kept to read one more token")])
    x = trace["length"].values
    for column, name in enumerate(("peak", "kept"), 1):
        for kind in map(str, trace["layer"].values):
            colour, dash, marker = look(kind, colours)
            chart.add_trace(go.Scatter(
                x=x, y=trace[name].sel(layer=kind).values, name=_(NAMES[kind]), legendgroup=kind,
                showlegend=column == 1, mode="lines+markers",
                line={"color": colour, "dash": dash, "width": 2},
                marker={"symbol": marker, "size": 7, "color": colour},
                hovertemplate="n = %{x:,}: %{y:,} bytes"), row=1, col=column)
    _log(chart, colours, x, _("bytes"), 360)
    chart.update_yaxes(title={"text": ""}, row=1, col=2)
    said = _("Left: what the results of operations take at one time, at most; weights, input and "
             "what a kernel uses within itself are not counted. Right: what must stay to read the "
             "next token. RNN and “{steps}” end with one state; attention keeps the keys and "
             "values of all tokens.", steps=_(NAMES["aaren"]))
    data = trace[["peak", "kept"]].to_dataframe().reset_index()[
        ["layer", "length", "peak", "kept"]]
    return Figure(chart, data, said, said, "memory")


def _log(chart: go.Figure, colours: Any, x: Any, title: str, height: int) -> None:
    layout = colours.layout(height=height)
    chart.update_layout({name: layout[name] for name in layout if "axis" not in name},
                        legend=LEGEND | {"y": 1.12 if chart.layout.annotations else 1.02},
                        margin={"l": 8, "r": 8, "t": 40, "b": 8})
    chart.update_xaxes(**layout["xaxis"])
    chart.update_yaxes(**layout["yaxis"])
    chart.update_xaxes(type="log", tickvals=x[::2], tickformat=",",
                       title={"text": _("tokens, n")})
    chart.update_yaxes(type="log", exponentformat="power", dtick=1, title={"text": title},
                       tickfont={"size": 12})
    chart.update_annotations(font={"size": 13, "color": colours.muted})


def timed(trace: xr.Dataset) -> list[str]:
    """Where the curves cross, and what the longest text takes."""
    at, d = crossover(trace), trace.attrs["d"]
    last = trace.isel(length=-1)
    n, spent = int(last["length"]), {str(kind): float(last["seconds"].sel(layer=kind))
                                     for kind in last["layer"].values}
    said = [_("Self-attention takes longer than the RNN from about **{n} tokens** on; the formula "
              "has it at n = d = {d}.", n=f"{at:,.0f}", d=d) if np.isfinite(at) else
            _("Here self-attention and the RNN do not cross between 16 and 4,096 tokens; the "
              "formula has it at n = d = {d}.", d=d)]
    if at > d:
        said.append(_("That is {times} times as late: the RNN's products are small and many, and "
                      "the way to each takes time that no formula counts.",
                      times=f"{at / d:.1f}"))
    said.append(_("{n} tokens: self-attention **{attention}**, RNN {rnn}, CNN {cnn}.",
                  n=f"{n:,}", attention=_said(spent["attention"]), rnn=_said(spent["rnn"]),
                  cnn=_said(spent["cnn"])))
    peak = {kind: int(last["peak"].sel(layer=kind)) for kind in ("attention", "fused")}
    said.append(_("There the results of self-attention take {attention} at one time, at most, each "
                  "matrix of scores {scores} of it; PyTorch's fused kernel computes the same with "
                  "{fused}, **{times} times** as fast, and its time still grows with n².",
                  attention=size(peak["attention"]), scores=size(SCORE * n * n),
                  fused=size(peak["fused"]),
                  times=f"{spent['attention'] / spent['fused']:.1f}"))
    kept = {kind: int(last["kept"].sel(layer=kind)) for kind in ("attention", "aaren")}
    said.append(_("To read one more, attention keeps **{cache}** of keys and values, the "
                  "recurrence **{state}**, at {n} tokens as at 16.", cache=size(kept["attention"]),
                  state=size(kept["aaren"]), n=f"{n:,}"))
    return said


@view("recurrent attention", "steps")
def recurrence(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """The memory of attention as a recurrence beside the growing cache, and the first number of its
    answer by three forms."""
    colours = palette(theme)
    chart = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.14, subplot_titles=[
        _("first number of the answer"), _("bytes that are kept")])
    x = np.arange(1, trace.sizes["token"] + 1)
    words = [shown(str(label)) for label in trace["label"].values]
    colour, _dash, marker = look("aaren", colours)
    wide = {"color": look("attention", colours)[0], "width": 6}
    looks: dict[str, dict[str, Any]] = {
        "softmax": {"mode": "lines", "line": wide, "opacity": 0.35},
        "scan": {"mode": "lines", "line": {"color": colours.primary, "width": 1.5}},
        "steps": {"mode": "markers", "marker": {"color": colour, "symbol": marker,
                                                  "size": 6 if len(x) <= DENSE else 2}}}
    for name, how in looks.items():
        chart.add_trace(go.Scatter(x=x, y=trace[name].values[:, 0], name=_(FORMS[name]), text=words,
                                   hovertemplate="%{x}, %{text}: %{y:.6f}", **how), row=1, col=1)
    for name, kind, text in (("cache", "attention", _("keys and values of all")),
                             ("state", "aaren", _("state m, u, w"))):
        colour, dash, _marker = look(kind, colours)
        chart.add_trace(go.Scatter(
            x=x, y=trace[name].values, name=text, text=words, mode="lines",
            line={"color": colour, "dash": dash, "width": 2, "shape": "hv"},
            hovertemplate="%{x}, %{text}: %{y:,} bytes"), row=2, col=1)
    layout = colours.layout(height=430)
    chart.update_layout({name: layout[name] for name in layout if "axis" not in name},
                        legend=LEGEND | {"y": 1.08}, margin={"l": 8, "r": 8, "t": 40, "b": 8})
    chart.update_xaxes(**layout["xaxis"])
    chart.update_yaxes(**layout["yaxis"])
    chart.update_xaxes(showgrid=False)
    if len(words) <= LABELS:
        chart.update_xaxes(tickvals=x, ticktext=words, tickfont={"family": "monospace"}, row=2,
                           col=1)
    else:
        chart.update_xaxes(title={"text": _("tokens read")}, tickformat=",", row=2, col=1)
    chart.update_yaxes(rangemode="tozero", row=2, col=1)
    chart.update_annotations(font={"size": 13, "color": colours.muted})
    said = _("One query reads {count} tokens of {d} numbers each, in double precision, with "
             "weights as before any training. Above: three ways to one answer. Below: bytes of the "
             "tensors that are kept after each token.", count=f"{len(words):,}",
             d=trace.attrs["d"])
    names = [*FORMS]
    data = trace[names].isel(unit=0).to_dataframe().reset_index()[["token", "label", *names]]
    for name in ("score", "maximum", "sum", "state", "cache"):
        data[name] = trace[name].values
    return Figure(chart, data, said, said, "recurrent-attention")


def recalled(trace: xr.Dataset) -> list[str]:
    """How well the forms agree, how many rounds the scan took, and what is kept."""
    state, cache = trace["state"].values, trace["cache"].values
    count = trace.sizes["token"]
    return [
        _("The three forms differ by at most **{apart}** in {numbers} numbers: the last digits of "
          "double precision.", apart=f"{trace.attrs['apart']:.1e}",
          numbers=f"{count * trace.attrs['d']:,}"),
        _("Step by step takes {steps} steps, the scan {rounds} rounds; the softmax holds "
          "{weights} weights at once.", steps=f"{count:,}", rounds=trace.attrs["rounds"],
          weights=f"{count**2:,}"),
        _("After the first token the recurrence keeps {first}, after the last **{last}**; the "
          "cache has grown from {small} to **{large}**.", first=size(state[0]),
          last=size(state[-1]), small=size(cache[0]), large=size(cache[-1]))]


def size(count: float) -> str:
    """Bytes as people write them."""
    if count < 1024:
        return f"{int(count)} B"
    mebi = count >= 1024**2
    return f"{count / 1024**2:,.1f} MiB" if mebi else f"{count / 1024:,.1f} KiB"


def _said(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"
