"""A translator's pictures: BLEU while it learns, what its own mistakes cost it, BLEU by length."""

from __future__ import annotations

import html
from math import ceil

import altair as alt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr

from explorer.text.cropped import cropped
from explorer.text.subwords import UNKNOWN
from explorer.views.figure import Figure, shown, view
from explorer.views.history import EXPORTS, shades
from explorer.views.palette import DASHES, MARKS, Palette, Theme, palette
from explorer.words import N_, _

BOTH = {"bleu": N_("sacrebleu"), "notes_bleu": N_("the notes' formula")}
FULL = {"bleu": 100.0, "notes_bleu": 1.0}  # full marks
NAMED = 40  # tokens that are labelled along an axis
CHANCE = {  # what was likeliest, by whether the true token is unknown
    False: N_("“{guess}” was likeliest; the true “{label}” had {share}"),
    True: N_("“{guess}” was likeliest; the true “{label}” is unknown to it, {sign} had {share}"),
}


def bleu(
    history: pd.DataFrame, kind: str, scored: tuple[int, int], theme: Theme = "light",
    steps: int | None = None, height: int = 260,
) -> Figure:
    """Held-out BLEU over steps, both ways: sacrebleu's on the left axis, the notes' on the right,
    so that equal heights are equal shares of full marks.

    kind: of the architecture, which gives the colour. scored: how many sentences a snapshot on the
    way translates, and the last one. steps: how far the axis reaches (of a run still going).
    """
    colours = palette(theme)
    data = pd.concat([_measured(history, column) for column in BOTH], ignore_index=True)
    top = min(1.0, max(0.05, ceil(20 * data["share"].max() + 0.2) / 20))
    names = [_(name) for name in BOTH.values()]
    x = alt.X("step:Q", title=_("step"), axis=alt.Axis(grid=False, tickMinStep=1),
              scale=alt.Scale(domain=[0, steps]) if steps else alt.Undefined)
    lines = []
    for column, name in BOTH.items():
        first = column == "bleu"
        axis = alt.Axis(orient="left" if first else "right", grid=first, tickCount=5)
        lines.append(alt.Chart(data[data["measure"] == _(name)]).mark_line(
            strokeWidth=2, point={"filled": True, "size": 44}).encode(
            x=x,
            y=alt.Y("value:Q", axis=axis, scale=alt.Scale(domain=[0, top * FULL[column]]),
                    title=f"{_(name)}, 0 … {FULL[column]:g}"),
            color=alt.Color("measure:N", title=None, sort=names, scale=alt.Scale(
                domain=names, range=[colours.architecture(kind), colours.text]),
                legend=alt.Legend(orient="top", labelLimit=240, symbolType="stroke")),
            strokeDash=alt.StrokeDash("measure:N", legend=None, scale=alt.Scale(
                domain=names, range=[[1, 0], [4, 3]])),
            tooltip=[alt.Tooltip("measure:N", title="BLEU"),
                     alt.Tooltip("step:Q", title=_("step")),
                     alt.Tooltip("value:Q", title=_("value"), format=".3f")]))
    blind = alt.Chart(pd.DataFrame({"value": [0.0], "words": [_("blind guess: 0")]}))
    at_zero = alt.Y("value:Q", axis=None, scale=alt.Scale(domain=[0, top]))
    rule = blind.mark_rule(strokeDash=[5, 4], color=colours.muted).encode(y=at_zero)
    words = blind.mark_text(align="right", dy=-7, color=colours.muted).encode(
        x=alt.value(alt.ExprRef("width - 4")), y=at_zero, text="words:N")
    chart = alt.layer(rule, words, *lines).resolve_scale(y="independent").properties(
        height=height, usermeta=EXPORTS)
    caption = _bleu_caption(data, names, scored)
    return Figure(chart, data, caption, caption, "bleu")


def _measured(history: pd.DataFrame, column: str) -> pd.DataFrame:
    """step, value, measure, share (of full marks): a row for each snapshot that was scored."""
    known = history.dropna(subset=[column])
    return pd.DataFrame({"step": known["step"], "value": known[column], "measure": _(BOTH[column]),
                         "share": known[column] / FULL[column]})


def _bleu_caption(data: pd.DataFrame, names: list[str], scored: tuple[int, int]) -> str:
    newest = int(data["step"].max())
    ours, notes = (float(part.sort_values("step")["value"].iloc[-1])
                   for name in names for part in [data[data["measure"] == name]])
    return _("BLEU of held-out sentences ({some} on the way, {all} at the end), each translated by "
             "taking the likeliest token at every step. At step {step}: sacrebleu {ours} of 100 "
             "over all sentences, each against every translation that the file gives; the notes' "
             "formula, pairs of tokens at most and one translation at a time, {notes} of 1 on "
             "average. Equal heights are equal shares of full marks.", some=scored[0],
             all=scored[1], step=newest, ours=f"{ours:.1f}", notes=f"{notes:.2f}")


@view("forcing", "told")
def forcing(trace: xr.Dataset, padding: int = 0, theme: Theme = "light") -> Figure:
    """What each token of a target costs when the true tokens before it are told, and when the
    network reads its own guesses.

    padding: places behind the sentence that a batch would fill up; the mask takes them out.
    """
    colours = palette(theme)
    labels = [str(label) for label in trace["label"].values]
    T = len(labels)
    places = np.arange(T)
    bars = []
    for name, title, colour, pattern in (
            ("told", _("told the truth"), colours.primary, ""),
            ("free", _("reading its own guesses"), colours.diverging[-1], "/")):
        cost = trace[name].values  # (token,), nats
        said = [_(CHANCE[bool(unknown)], guess=shown(str(guess)), label=shown(label),
                  share=f"{np.exp(-paid):.1%}", sign=shown(UNKNOWN))
                for guess, label, unknown, paid in zip(
                    trace[f"guess_{name}"].values, labels, trace["unknown"].values, cost,
                    strict=True)]
        bars.append(go.Bar(
            x=places, y=cost, name=title, customdata=said,
            marker={"color": colour, "line": {"width": 0}, "pattern": {
                "shape": pattern, "fillmode": "overlay", "fgcolor": colours.background,
                "size": 6, "solidity": 0.25}},
            hovertemplate="%{y:.2f} nat<br>%{customdata}<extra>" + title + "</extra>"))
    chart = go.Figure(bars)
    chart.update_layout(colours.layout(height=300), barmode="group", bargap=0.25,
                        legend={"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom"})
    error = int(trace.attrs["first_error"])
    if error >= 0:
        _mark_error(chart, error, T, colours)
    if padding:
        _mark_padding(chart, T, padding, colours)
    signs = [*labels, *["<pad>"] * padding]
    named = len(signs) <= NAMED
    chart.update_xaxes(
        showgrid=False, range=[-0.5, T + padding - 0.5],
        tickvals=list(range(len(signs))) if named else [],
        ticktext=[shown(sign, 12) for sign in signs] if named else [],
        tickfont={"family": "monospace", "size": 12},
        tickangle=0 if max(map(len, signs)) <= 1 else -45)
    highest = max(*trace["told"].values, *trace["free"].values, 0.1)
    chart.update_yaxes(title={"text": _("loss, in nats")}, range=[0, highest * 1.18])
    data = pd.DataFrame({"token": places, "label": labels, "told": trace["told"].values,
                         "free": trace["free"].values, "guess_told": trace["guess_told"].values,
                         "guess_free": trace["guess_free"].values,
                         "unknown": trace["unknown"].values})
    caption = _forcing_caption(trace, padding)
    return Figure(chart, data, caption, caption, "forcing")


def _mark_error(chart: go.Figure, error: int, T: int, colours: Palette) -> None:
    """A line before the first token that it got wrong by itself."""
    chart.add_vline(x=error - 0.5, line={"color": colours.text, "width": 1.5, "dash": "dash"})
    late = error > T / 2
    chart.add_annotation(x=error - 0.5, y=1, yref="paper", yanchor="top", showarrow=False,
                         text=_("its first error") + (" →" if late else ""),
                         xanchor="right" if late else "left", xshift=-4 if late else 4,
                         font={"color": colours.text, "size": 12})


def _mark_padding(chart: go.Figure, T: int, padding: int, colours: Palette) -> None:
    """Where a batch would be filled up: masked out."""
    chart.add_vrect(x0=T - 0.5, x1=T + padding - 0.5, fillcolor=colours.border, opacity=0.55,
                    line_width=0, layer="below")
    chart.add_annotation(x=T + padding / 2 - 0.5, y=0.5, yref="paper", showarrow=False,
                         text=_("padding: masked out"), textangle=0 if padding > 3 else -90,
                         font={"color": colours.text, "size": 12})


def _forcing_caption(trace: xr.Dataset, padding: int) -> str:
    told, free = trace["told"].values, trace["free"].values
    said = [_("What each true token costs, in nats, after step {step}: {told} a token when the "
              "true tokens before it are told (the masked loss of this pair), {free} when the "
              "network reads its own guesses.", step=int(trace.attrs["step"]),
              told=f"{told.mean():.2f}", free=f"{free.mean():.2f}")]
    if padding:
        said.append(_("In a batch with the longest of the sentences above, {count} places of "
                      "padding follow: the mask multiplies them by 0.", count=padding))
    strange = dict.fromkeys(map(str, trace["label"].values[trace["unknown"].values]))
    if strange:
        said.append(_("Unknown to it: {words}. Such a word costs what {sign} does, and is never "
                      "right.", words=", ".join(f"“{word}”" for word in strange), sign=UNKNOWN))
    return " ".join([*said, *cropped(trace.attrs)])


@view("bleu-by-length", "bin_bleu")
def by_length(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """BLEU of sentences of like length, a line for each run. Needs `bin_bleu` and `bin_sentences`
    over (run, bin), `bin_low` and `bin_high` over bin, `kind` and `attention` over run."""
    colours = palette(theme)
    names = [str(name) for name in trace["run"].values]
    ours = shades(colours, [str(kind) for kind in trace["kind"].values])
    low, high = trace["bin_low"].values, trace["bin_high"].values
    x = [f"{a}" if a == b else f"{a}–{b}" for a, b in zip(low, high, strict=True)]
    called = [html.escape(name, quote=False) for name in names]
    chart = go.Figure([
        go.Scatter(
            x=x, y=trace["bin_bleu"].values[r], name=called[r], mode="lines+markers",
            customdata=trace["bin_sentences"].values[r],
            line={"color": ours[r], "width": 2, "dash": "dash" if str(
                trace["attention"].values[r]) == "none" else DASHES[0]},
            marker={"size": 9, "symbol": MARKS[r % len(MARKS)]},
            hovertemplate="%{x}: BLEU %{y:.1f}<br>" + _("{count} sentences", count="%{customdata}")
            + "<extra>" + called[r] + "</extra>")
        for r in range(len(names))])
    chart.update_layout(colours.layout(height=320), showlegend=True,
                        legend={"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom"})
    chart.update_xaxes(title={"text": _("tokens of the source sentence")}, type="category")
    chart.update_yaxes(title={"text": _("BLEU, sacrebleu")}, rangemode="tozero")
    data = pd.DataFrame([
        {"run": name, "low": a, "high": b, "sentences": int(count), "bleu": float(value)}
        for r, name in enumerate(names)
        for a, b, count, value in zip(low, high, trace["bin_sentences"].values[r],
                                      trace["bin_bleu"].values[r], strict=True)])
    caption = _("Corpus BLEU of held-out sentences of like length, by sacrebleu, each against "
                "every translation that the file gives; {counts} sentences from the shortest to "
                "the longest. Dashed: without attention.", counts=", ".join(
                    str(int(count)) for count in trace["bin_sentences"].values[0]))
    return Figure(chart, data, caption, caption, "bleu-by-length")
