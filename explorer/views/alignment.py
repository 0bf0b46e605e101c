"""A translator's attention: where it looks while it writes, and what each step makes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from explorer.text.cropped import cropped
from explorer.views import attention
from explorer.views.figure import Figure, shown, view
from explorer.views.gates import NAMED
from explorer.views.palette import Palette, Theme, palette
from explorer.words import _

REACH = 3  # D of local attention, as `explorer.models.translator` has it
COMPACT = 24  # pixels of a row of a small multiple
UPRIGHT = -90  # degrees, of its names: a slanting last one runs out of it, and Plotly hides it
ACROSS = 60  # letters, with two for each gap: of no more the names along an axis lie flat

Array = NDArray[np.float64]


@view("alignment", "query_label")
def alignment(
    trace: xr.Dataset, query: int | None = None, compact: bool = False, theme: Theme = "light"
) -> Figure:
    """The weights of each written token over the tokens that were read (written × read), 0…1.
    query: the step that is framed. compact: as one of several, without the colour bar."""
    drawn = attention.attention(trace, query=query, theme=theme)
    assert isinstance(drawn.chart, go.Figure)
    names = [shown(str(label), 12) for label in trace["key_label"].values]
    drawn.chart.update_xaxes(title={"text": "" if compact else _("read")},
                             tickangle=UPRIGHT if compact else angle(names))
    drawn.chart.update_yaxes(title={"text": "" if compact else _("written")})
    if compact:
        drawn.chart.data = drawn.chart.data[:1]  # without the numbers in the cells
        drawn.chart.update_traces(showscale=False)
        drawn.chart.update_layout(height=max(150, 70 + COMPACT * trace.sizes["query"]))
    said = _caption(trace)
    brief = _("{written} written × {read} read, 0 to 1.", written=trace.sizes["query"],
              read=trace.sizes["key"]) if compact else said
    return Figure(drawn.chart, drawn.data, brief, f"{said} {_strongest(trace)}", "alignment")


def angle(names: list[str]) -> int:
    """Of the names along an axis, in degrees."""
    return 0 if sum(len(name) + 2 for name in names) <= ACROSS else -60


def weights(trace: xr.Dataset) -> Array:
    """The weights (query, key)."""
    found: Array = trace["attention"].values[0, 0].astype(np.float64)
    return found


def _caption(trace: xr.Dataset) -> str:
    rows, wide = trace.sizes["query"], trace.sizes["key"]
    said = _("Where it looks while it writes: {written} tokens written (rows), {read} read "
             "(columns), after step {step}.", written=rows, read=wide, step=trace.attrs["step"])
    said += " " + (_("Written by itself, the likeliest token each time.")
                   if not trace.attrs["forced"] else
                   _("Teacher forcing: before each guess it read the sentence that you gave."))
    said += " " + (_("Attention is local: a row sums to less than 1.") if trace.attrs["local"]
                   else _("Each row sums to 1."))
    return " ".join([said, *cropped(trace.attrs)])


def _strongest(trace: xr.Dataset) -> str:
    """Of each written token the one it looks at most, for those who do not see the picture."""
    places = weights(trace).argmax(-1)
    pairs = [f"{shown(str(trace['query_label'].values[t]))} → "
             f"{shown(str(trace['key_label'].values[s]))}" for t, s in enumerate(places)]
    return ", ".join(pairs) + "."


@view("look", "scores")
def look(trace: xr.Dataset, query: int = 0, theme: Theme = "light") -> Figure:
    """One step: the score of each token that was read, and below it its weight."""
    colours = palette(theme)
    data = step_numbers(trace, query)
    names = [shown(str(label), 12) for label in data["key_label"]]
    wide = len(names)
    chart = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.1)
    places = list(range(wide))
    scores = data["score"].to_numpy()
    ends = [colours.diverging[0 if value < 0 else -1] for value in scores]
    for row, (name, tint) in enumerate((("score", ends), ("attention", colours.primary)), 1):
        chart.add_bar(
            x=places, y=data[name], marker_color=tint, row=row, col=1, showlegend=False,
            customdata=names, texttemplate="%{y:.2f}" if wide <= attention.WRITTEN else None,
            textposition="outside", cliponaxis=False,
            hovertemplate="%{customdata}<br>%{y:.4f}<extra></extra>")
    if "bell" in data:
        _window(chart, data, float(trace["centre"].values[query]), colours)
    chart.update_layout(colours.layout(height=340) | {"bargap": 0.25})
    axis = colours.layout(0)["xaxis"]
    chart.update_xaxes(**axis, tickvals=places if wide <= NAMED else [], ticktext=names,
                       showgrid=False, range=[-0.6, wide - 0.4],
                       tickangle=angle(names),
                       tickfont={"family": "monospace", "size": 12})
    room = 0.22 * max(float(np.ptp([*scores, 0.0])), 1e-6)
    chart.update_yaxes(axis, row=1, col=1, title_text=_("score"),
                       range=[min(0.0, scores.min()) - room, max(0.0, scores.max()) + room])
    chart.update_yaxes(axis, row=2, col=1, title_text=_("weight"), range=[0, 1.14],
                       tickvals=[0, 0.5, 1])
    said = _look_caption(trace, query, data)
    return Figure(chart, data, said, said, "look")


def step_numbers(trace: xr.Dataset, query: int) -> pd.DataFrame:
    """One row a token that was read: its score and weight; of local attention also whether it is
    in the window, and the height of the bell there."""
    data = pd.DataFrame({
        "key": np.arange(trace.sizes["key"]), "key_label": trace["key_label"].values,
        "score": trace["scores"].values[0, 0, query], "attention": weights(trace)[query]})
    if "centre" in trace:
        away = data["key"] - float(trace["centre"].values[query])
        data["inside"] = away.abs() <= REACH
        data["bell"] = np.exp(-2 * (away / REACH) ** 2)
    return data


def _window(chart: go.Figure, data: pd.DataFrame, centre: float, colours: Palette) -> None:
    """What local attention sees: its window, its centre, and the bell over the weights."""
    chart.add_vrect(x0=centre - REACH, x1=centre + REACH, fillcolor=colours.primary, opacity=0.1,
                    line_width=0, layer="below")
    chart.add_vline(x=centre, line={"color": colours.text, "dash": "dash", "width": 1})
    fine = np.linspace(centre - REACH, centre + REACH, 61)
    chart.add_scatter(x=fine, y=np.exp(-2 * ((fine - centre) / REACH) ** 2), mode="lines",
                      line={"color": colours.muted, "dash": "dot", "width": 1.5}, row=2, col=1,
                      showlegend=False, hoverinfo="skip")


def _look_caption(trace: xr.Dataset, query: int, data: pd.DataFrame) -> str:
    best = data.iloc[int(data["attention"].to_numpy().argmax())]
    said = _("Step {step}, “{label}”: scores above, their softmax below; most weight, {weight}, "
             "on “{key}”.", step=query + 1, label=str(trace["query_label"].values[query]),
             weight=f"{best['attention']:.2f}", key=best["key_label"])
    if "bell" in data:
        said += " " + _("Shaded: the window, {reach} tokens to either side of the place {centre} "
                        "that it predicts (tokens counted from 0); dotted: the bell that the "
                        "weights are multiplied by.", reach=REACH,
                        centre=f"{float(trace['centre'].values[query]):.2f}")
    return said


@view("vectors", "context")
def vectors(trace: xr.Dataset, query: int = 0, theme: Theme = "light") -> Figure:
    """One step's query and context, each as a strip of its numbers, on one signed scale."""
    colours = palette(theme)
    before = trace.attrs["attention"] == "additive"
    rows = {}
    if "query_state" in trace:
        rows[f"s<sub>{query if before else query + 1}</sub>"] = trace["query_state"].values[query]
    rows[f"c<sub>{query + 1}</sub>"] = trace["context"].values[query]
    longest = max(map(len, rows.values()))
    filled = np.full((len(rows), longest), np.nan)
    for place, values in enumerate(rows.values()):
        filled[place, : len(values)] = values
    reach = max(float(np.nanmax(np.abs(filled))), 1e-6)
    chart = go.Figure(go.Heatmap(
        z=filled, y=list(rows), zmin=-reach, zmax=reach, colorscale=colours.scale(signed=True),
        hoverongaps=False, hovertemplate="%{y}[%{x}] = %{z:.4f}<extra></extra>",
        ygap=4, colorbar={"thickness": 8, "outlinewidth": 0, "tickvals": [-reach, 0, reach],
                          "ticktext": [f"{-reach:.2g}", "0", f"{reach:.2g}"],
                          "tickfont": {"color": colours.muted, "size": 11}}))
    chart.update_layout(colours.layout(height=70 + 38 * len(rows)))
    chart.update_xaxes(showgrid=False, title={"text": _("number of the value")})
    chart.update_yaxes(showgrid=False, autorange="reversed")
    data = pd.concat(pd.DataFrame({"vector": name.replace("<sub>", "_").replace("</sub>", ""),
                                   "number": np.arange(len(values)), "value": values})
                     for name, values in rows.items())
    said = _("The query s that asked, and the context c that it got: the sum of the encoder's "
             "states by their weights.") if len(rows) == 2 else _(
        "The context c: the encoder's last state, the same at every step.")
    return Figure(chart, data, said, said, "vectors")


@view("likeliest", "candidate_probability")
def likeliest(trace: xr.Dataset, query: int = 0, theme: Theme = "light") -> Figure:
    """The likeliest tokens of one step, and the one that was written."""
    colours = palette(theme)
    data = choices(trace, query)
    names = [shown(str(label)) for label in data["label"]]
    chart = go.Figure(go.Bar(
        x=data["probability"], y=list(range(len(data))), orientation="h",
        marker_color=[colours.primary if written else colours.muted for written in data["written"]],
        customdata=names, text=[f"{p:.3f}" for p in data["probability"]], textposition="outside",
        cliponaxis=False, hovertemplate="%{customdata}<br>p = %{x:.4f}<extra></extra>"))
    chart.update_layout(colours.layout(height=60 + 30 * len(data)))
    chart.update_xaxes(range=[0, 1.12], tickvals=[0, 0.5, 1], title={"text": _("probability")})
    chart.update_yaxes(tickvals=list(range(len(data))), ticktext=names, autorange="reversed",
                       showgrid=False, tickfont={"family": "monospace", "size": 12})
    written = data[data["written"]].iloc[0]
    said = _("What it could write at step {step}; “{label}” was written, with probability "
             "{probability}.", step=query + 1, label=written["label"],
             probability=f"{written['probability']:.3f}")
    return Figure(chart, data, said, said, "likeliest")


def choices(trace: xr.Dataset, query: int) -> pd.DataFrame:
    """The likeliest tokens of a step, and the written one where it is none of them: `label`,
    `probability`, `written`."""
    at, own = trace.isel(query=query), int(trace["query_id"].values[query])
    ids = [int(i) for i in at["candidate"].values]
    shares = at["candidate_probability"].values.tolist()
    if own not in ids:
        ids, shares = [*ids, own], [*shares, float(at["probability"])]
    return pd.DataFrame({
        "label": [str(trace["vocabulary"].values[i]) for i in ids], "probability": shares,
        "written": [i == own for i in ids]})
