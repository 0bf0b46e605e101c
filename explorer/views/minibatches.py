"""Which windows of a text each step of a training reads, and what follows what."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from explorer.views.figure import Figure, shown, view
from explorer.views.palette import Palette, Theme, mix, palette
from explorer.words import N_, _

WAYS = {"random": N_("random windows"), "sequential": N_("sequential, state carried")}
TALL = 26  # pixels of a step
TINT = 0.45  # of a row's colour that is the page's own
BAR = 0.66  # of a step's height


def shade(colours: Palette, row: int, strong: bool = True) -> str:
    """The colour of a row of the batch, from 0."""
    return mix(colours.categorical[row % len(colours.categorical)], colours.background,
               TINT if strong else 0.8)


@view("minibatches", "blank")
def minibatches(trace: xr.Dataset, at: int = 1, theme: Theme = "light") -> Figure:
    """Each step's windows where they stand in the text, a colour and a number for each row of the
    batch: a ring where a row begins with a blank state, a line where it goes on with its own.

    at: the step that is drawn in full colour, from 1.
    """
    colours = palette(theme)
    ways = [str(way) for way in trace["sampling"].values]
    chart = make_subplots(len(ways), 1, shared_xaxes=True, vertical_spacing=0.1,
                          subplot_titles=[_(WAYS[way]) for way in ways])
    for place, way in enumerate(ways, 1):
        _rows(chart, trace.sel(sampling=way), place, at, colours)
    S, T = trace.sizes["step"], trace.sizes["token"]
    look = colours.layout(height=len(ways) * (TALL * S + 50) + 90)
    chart.update_layout(look | {"margin": {"l": 8, "r": 8, "t": 60, "b": 8}}, barmode="overlay",
                        legend={"orientation": "h", "x": 0, "y": 1, "yref": "container",
                                "yanchor": "top"})
    chart.update_layout(xaxis2=look["xaxis"], yaxis2=look["yaxis"])
    for note in chart.layout.annotations:
        note.update(x=0, xanchor="left", font={"size": 14, "color": colours.text})
    chart.update_yaxes(range=[S + 0.6, 0.4], dtick=1, showgrid=False, title={"text": _("step")})
    chart.update_xaxes(range=[-1, T], showgrid=False, zeroline=False)
    chart.update_xaxes(title={"text": _("place in the text (tokens)")}, row=len(ways))
    data = trace["start"].to_dataframe().reset_index().merge(
        trace[["blank", "epoch"]].to_dataframe().reset_index(), on=["sampling", "step"])
    return Figure(chart, data, _caption(trace), _alt(trace), "minibatches")


def _rows(chart: go.Figure, one: xr.Dataset, place: int, at: int, colours: Palette) -> None:
    """The windows of one way to cut, row by row, and what the state does between them."""
    window = int(one.attrs["window"])
    labels = [str(label) for label in one["label"].values]
    steps = one["step"].values
    blank = one["blank"].values
    for row in range(one.sizes["row"]):
        starts = one["start"].values[:, row]
        name = _("row {number}", number=row + 1)
        chart.add_bar(
            orientation="h", y=steps, x=np.full(len(steps), window), base=starts, width=BAR,
            name=name, showlegend=False,
            marker={"color": [shade(colours, row, step == at) for step in steps],
                    "line": {"width": 0}},
            text=[str(row + 1)] * len(steps), textposition="inside", insidetextanchor="middle",
            textangle=0, constraintext="none", textfont={"color": colours.text, "size": 11},
            customdata=_said(one, row, starts, window, labels), hovertemplate="%{customdata}"
            "<extra></extra>", row=place, col=1,
        )
        carried = _joined(starts, steps, blank, window)
        chart.add_scatter(
            x=carried[0], y=carried[1], mode="lines", showlegend=False, hoverinfo="skip",
            line={"color": colours.text, "width": 1.5}, row=place, col=1)
        chart.add_scatter(
            x=starts[blank], y=steps[blank], mode="markers", hoverinfo="skip",
            name=_("a blank state"), legendgroup="blank",
            showlegend=place == 1 and row == 0,
            marker={"symbol": "circle", "size": 7, "color": colours.background,
                    "line": {"color": colours.text, "width": 1.5}}, row=place, col=1)
    if place > 1:
        chart.add_scatter(x=[None], y=[None], mode="lines", name=_("the state goes on"),
                          line={"color": colours.text, "width": 1.5}, row=place, col=1)


def _joined(starts: Any, steps: Any, blank: Any, window: int) -> tuple[list[Any], list[Any]]:
    """Short lines from the end of a row's window to the beginning of its next, where the state goes
    on."""
    x: list[Any] = []
    y: list[Any] = []
    for i in np.flatnonzero(~blank):
        x += [starts[i - 1] + window, starts[i], None]
        y += [steps[i - 1], steps[i], None]
    return x, y


def _said(one: xr.Dataset, row: int, starts: Any, window: int, labels: list[str]) -> list[str]:
    """What each window says under the mouse."""
    said = []
    for i, start in enumerate(map(int, starts)):
        read = shown("".join(labels[start : start + window]), 60)
        target = shown("".join(labels[start + 1 : start + window + 1]), 60)
        state = _("begins with a blank state") if one["blank"].values[i] else _(
            "goes on with the state of step {step}", step=int(one["step"].values[i]) - 1)
        said.append("<br>".join([
            _("step {step}, row {row}: {state}", step=int(one["step"].values[i]), row=row + 1,
              state=state),
            _("reads {text}", text=f"“{read}”"), _("guesses {text}", text=f"“{target}”")]))
    return said


def _caption(trace: xr.Dataset) -> str:
    return _("The first {steps} steps, as if these {tokens} tokens were the whole text: batches of "
             "{batch} windows of {window} tokens, cut as the training cuts them. The numbers are "
             "the rows of the batch.",
             steps=trace.sizes["step"], tokens=trace.sizes["token"], batch=trace.sizes["row"],
             window=trace.attrs["window"])


def _alt(trace: xr.Dataset) -> str:
    parts = [
        _("{way}: at step 1 from the places {starts}, at step 2 from {next}", way=_(WAYS[str(way)]),
          starts=", ".join(map(str, one.values[0])), next=", ".join(map(str, one.values[1])))
        for way, one in trace["start"].groupby("sampling", squeeze=False)
        for one in [one.squeeze("sampling")]]
    return "; ".join(parts) + "."
