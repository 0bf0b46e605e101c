"""Sentence pairs before they are learnt from: how one is prepared, a batch of them, and all."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import NDArray

from explorer.views.figure import Figure, shown, view
from explorer.views.history import EXPORTS
from explorer.views.palette import Palette, Theme, mix, palette
from explorer.words import N_, _

KINDS = (N_("word"), N_("unknown"), N_("begin"), N_("end"), N_("padding"), N_("cut off"))
WORD, UNKNOWN, BEGIN, END, PAD, CUT = range(len(KINDS))
STEPS = {
    "raw": N_("as it came"),
    "lowercase": N_("in lower case"),
    "spaced": N_("signs set apart"),
    "tokens": N_("cut into tokens"),
    "rare": N_("rare ones unknown"),
    "ended": N_("ended, and cut"),
    "padded": N_("filled up"),
}
SIDES = {"source": N_("source"), "given": N_("told"), "target": N_("to write")}
LANGUAGES = {"source": N_("source"), "target": N_("target")}
READ = N_("One sentence of the {side}, step by step. Its valid length at the end: {valid} tokens, "
          "<eos> among them; at most {longest} are kept.")
CROPPED = N_("One sentence of the {side}, step by step. Its valid length at the end: {valid} "
             "tokens, for no more than {longest} are kept: the rest is cut off, and <eos> with it.")
TALL = 26  # pixels of a row of cells
AROUND, LEGEND = 55, 24  # of the axis and of a line of the legend, which the height holds too
WIDE = 60  # columns, at most: of longer rows the rest is not drawn
VISIBLE = {" ": "␣", "\u3000": "␣"}
BINS = 40  # bars of a side, at most
FEW = 10  # counts: of fewer each has a tick


@view("preparation", "step_label")
def preparation(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """A sentence after each step of its preparation, a row a step."""
    names = [_(STEPS[str(step)]) for step in trace["step"].values]
    data = _table(trace["step_label"].values, trace["step_kind"].values, names)
    valid = int(trace["valid"].values[-1])
    whole = (trace["step_kind"].values[-1] == END).any()
    caption = _(READ if whole else CROPPED, side=_(LANGUAGES[str(trace.attrs["side"])]),
                valid=valid, longest=trace.attrs["longest"])
    last = " ".join(str(label) for label in trace["step_label"].values[-1] if label)
    return Figure(_cells(data, names, palette(theme)), data, caption + _left_out(data),
                  _("A row of cells for each step; the last: {tokens}", tokens=last),
                  "preparation")  # fmt: skip


@view("batch", "batch_label")
def batch(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """Pairs side by side, as a network is given them: a row a sentence, a column a step."""
    rows = trace.sizes["row"]
    names = [f"{_(SIDES[str(side)])} {row + 1}" for side in trace["side"].values
             for row in range(rows)]  # fmt: skip
    shape = (len(names), trace.sizes["position"])
    data = _table(trace["batch_label"].values.reshape(shape),
                  trace["batch_kind"].values.reshape(shape), names)  # fmt: skip
    kinds = trace["batch_kind"].values
    fill, cells = int((kinds == PAD).sum()), int(((kinds >= 0) & (kinds != CUT)).sum())
    caption = _("{rows} pairs: what the encoder reads, what the decoder is told before each "
                "guess, and what it is to write. {share} of all cells are padding, which no loss "
                "counts.", rows=rows, share=f"{fill / cells:.0%}")  # fmt: skip
    cut = int((kinds == CUT).any(-1).sum())
    if cut:
        caption += " " + _("Sentences that are longer than {longest} tokens: {count}; the rest is "
                           "cut off, and <eos> with it.", count=cut,
                           longest=trace.attrs["longest"])  # fmt: skip
    lengths = "; ".join(
        f"{_(SIDES[str(side)])} " + ", ".join(map(str, trace["valid"].sel(side=side).values))
        for side in trace["side"].values)  # fmt: skip
    return Figure(_cells(data, names, palette(theme), gap=rows), data, caption + _left_out(data),
                  _("Rows of tokens; their valid lengths: {lengths}.", lengths=lengths),
                  "batch")  # fmt: skip


@view("pair lengths", "length_pairs")
def lengths(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """How many sentences of either side have how many tokens, and where they are cut."""
    colours, chart = palette(theme), go.Figure()
    longest, most = int(trace.attrs["longest"]), trace.sizes["length"]
    wide = -(-most // BINS)
    starts = np.arange(1, most + 1, wide)
    rows, highest = [], 0
    for i, side in enumerate(str(side) for side in trace["side"].values):
        counts = np.add.reduceat(trace["length_pairs"].sel(side=side).values, starts - 1)
        name, highest = _(LANGUAGES[side]), max(highest, int(counts.max()))
        said = [f"{low}–{low + wide - 1}" if wide > 1 else str(low) for low in starts]
        chart.add_bar(x=starts + (wide - 1) / 2, y=counts, name=name, customdata=said,
                      width=wide * 0.42, offset=(i - 1) * wide * 0.42,
                      marker={"color": _side_colour(colours, i),
                              "pattern": {"shape": ("", "/")[i], "solidity": 0.25}},
                      hovertemplate=_("{length} tokens: {count} sentences",
                                      length="%{customdata}", count="%{y:,}")
                      + f"<extra>{name}</extra>")  # fmt: skip
        rows += [{"side": side, "from": int(low), "to": int(low + wide - 1), "sentences": int(n)}
                 for low, n in zip(starts, counts, strict=True)]  # fmt: skip
    if longest <= most:
        chart.add_vline(longest + 0.5, line={"color": colours.text, "dash": "dash", "width": 1.5},
                        annotation={"text": _("kept: {longest}", longest=longest),
                                    "font": {"color": colours.muted}, "y": 1,
                                    "yanchor": "bottom", "xanchor": "center"})  # fmt: skip
    chart.update_layout(colours.layout(height=260), barmode="overlay", bargap=0,
                        legend={"orientation": "h", "y": 1.12 if longest <= most else 1.02,
                                "yanchor": "bottom", "x": 0})  # above what is said of the line
    chart.update_xaxes(title={"text": _("tokens, <eos> among them")}, showgrid=False,
                       tickformat="d", dtick=_whole(most))  # fmt: skip
    chart.update_yaxes(title={"text": _("sentences")}, rangemode="tozero", tickformat=",d",
                       dtick=_whole(highest))  # fmt: skip
    cut = [int(trace["cut"].sel(side=side)) for side in LANGUAGES]
    caption = _of(trace) + " " + _("Longer than {longest} tokens: {source} sources and {target} "
                                   "targets.", longest=longest, source=f"{cut[0]:,}",
                                   target=f"{cut[1]:,}")  # fmt: skip
    middle = [_middle(trace["length_pairs"].sel(side=side).values) for side in LANGUAGES]
    return Figure(chart, pd.DataFrame(rows), caption,
                  _("Sentences by length; half of the sources have at most {source} tokens, half "
                    "of the targets at most {target}.", source=middle[0], target=middle[1]),
                  "pair-lengths")  # fmt: skip


@view("pair words", "word_count")
def words(trace: xr.Dataset, theme: Theme = "light") -> Figure:
    """How often each token of either side comes, by its rank, and which ones are kept."""
    colours, chart = palette(theme), go.Figure()
    for i, side in enumerate(LANGUAGES):
        of_side = trace.isel(point=trace["word_side"].values == side)
        for kept in (True, False):
            one = of_side.isel(point=of_side["word_kept"].values == kept)
            if not one.sizes["point"]:
                continue
            name = _(LANGUAGES[side]) if kept else _("{side}: read as <unk>",
                                                     side=_(LANGUAGES[side])).replace("<", "&lt;")
            colour = _side_colour(colours, i)
            chart.add_scatter(
                x=one["word_rank"].values, y=one["word_count"].values, mode="markers", name=name,
                marker={"symbol": ("circle", "diamond")[i] + ("" if kept else "-open"), "size": 7,
                        "color": colour, "opacity": 0.8},
                customdata=[shown(str(word), 40) for word in one["word"].values],
                hovertemplate="<b>%{customdata}</b><br>"
                + _("rank {rank}: {count}×", rank="%{x}", count="%{y}") + "<extra></extra>")
    chart.update_layout(colours.layout(height=260),
                        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    for update, title, values in (
        (chart.update_xaxes, _("rank: 1 is the most frequent"), trace["word_rank"].values),
        (chart.update_yaxes, _("how often it comes"), trace["word_count"].values),
    ):
        wide = values.max() > 30 * values.min()
        update(type="log", dtick=1 if wide else "D1", exponentformat="none",
               separatethousands=True, title={"text": title})  # fmt: skip
    said = [_("{side}: {kept} of {all} different tokens are kept, {share} of the text is unknown.",
              side=_(LANGUAGES[side]), kept=f"{int(trace['kept'].sel(side=side)):,}",
              all=f"{int(trace['distinct'].sel(side=side)):,}",
              share=f"{float(trace['unknown'].sel(side=side)):.1%}")
            for side in LANGUAGES]  # fmt: skip
    drawn, every = trace.sizes["point"], int(trace["distinct"].sum())
    if drawn < every:
        said.append(_("Drawn are {drawn} of {all} ranks, evenly on the axis.", drawn=drawn,
                      all=f"{every:,}"))  # fmt: skip
    columns = ["word_side", "word_rank", "word", "word_count", "word_kept"]
    return Figure(chart, trace[columns].to_dataframe(), " ".join([_of(trace), *said]),
                  _("Count by rank on two logarithmic axes.") + " " + " ".join(said),
                  "pair-words")  # fmt: skip


def _whole(most: int) -> int | None:
    """Between the ticks of an axis of counts: of few Plotly would write halves."""
    return 1 if most < FEW else None


def _side_colour(colours: Palette, side: int) -> str:
    """Of the source, of the target."""
    return (colours.primary, colours.categorical[3])[side]


def _of(trace: xr.Dataset) -> str:
    pairs, counted = int(trace.attrs["pairs"]), int(trace.attrs["counted"])
    if counted < pairs:
        return _("{counted} of {pairs} pairs, spread evenly.", counted=f"{counted:,}",
                 pairs=f"{pairs:,}")  # fmt: skip
    return _("{pairs} pairs.", pairs=f"{pairs:,}")


def _middle(counts: NDArray[np.int64]) -> int:
    """The median of lengths 1, 2, … of which there are so many."""
    return int(np.searchsorted(counts.cumsum(), counts.sum() / 2)) + 1


def _table(labels: NDArray[np.str_], kinds: NDArray[np.int8], names: list[str]) -> pd.DataFrame:
    """A row a cell: the name of its row, its position from 1, label and kind."""
    row, place = np.nonzero(kinds >= 0)
    return pd.DataFrame({"row": np.array(names)[row], "position": place + 1,
                         "label": labels[row, place], "kind": kinds[row, place]})


def _left_out(data: pd.DataFrame) -> str:
    more = int((data["position"] > WIDE).sum())
    return " " + _("{count} cells beyond position {widest} are not drawn.", count=f"{more:,}",
                   widest=WIDE) if more else ""  # fmt: skip


def _cells(
    data: pd.DataFrame, names: list[str], colours: Palette, gap: int = 0
) -> alt.TopLevelMixin:
    """Cells with their tokens in them, cut to their width, and in brackets what is cut off. gap:
    rows before each blank one."""
    fills = {WORD: mix(colours.background, colours.primary, 0.18), UNKNOWN: colours.border,
             BEGIN: mix(colours.background, colours.categorical[1], 0.45),
             END: mix(colours.background, colours.categorical[0], 0.45),
             PAD: colours.background, CUT: mix(colours.background, colours.diverging[-1], 0.25)}
    present = sorted(set(data["kind"]))
    drawn = data[data["position"] <= WIDE].assign(
        label=lambda each: [VISIBLE.get(label, label) for label in each["label"]],
        what=lambda each: [_(KINDS[kind]) for kind in each["kind"]],
        text=lambda each: [f"({label})" if kind == CUT else label
                           for label, kind in zip(each["label"], each["kind"], strict=True)])
    order = [each for at, name in enumerate(names)
             for each in ([" " * at] if gap and at and at % gap == 0 else []) + [name]]
    base = alt.Chart(drawn).encode(
        x=alt.X("position:O", title=None, axis=alt.Axis(
            labelAngle=0, orient="top", ticks=False, domain=False, labelOverlap=True)),
        y=alt.Y("row:O", title=None, sort=order, scale=alt.Scale(domain=order),
                axis=alt.Axis(ticks=False, domain=False, labelLimit=110, labelOverlap=False,
                              labelFlush=False)),
        tooltip=[alt.Tooltip("label:N", title=_("token")), alt.Tooltip("what:N", title=_("is")),
                 alt.Tooltip("position:O", title=_("position"))])  # fmt: skip
    boxes = base.mark_rect(stroke=colours.border, strokeWidth=1, cornerRadius=3).encode(
        color=alt.Color("what:N", title=None, sort=[_(KINDS[kind]) for kind in present],
                        scale=alt.Scale(domain=[_(KINDS[kind]) for kind in present],
                                        range=[fills[kind] for kind in present]),
                        legend=alt.Legend(orient="bottom", symbolStrokeColor=colours.border,
                                          symbolType="square", columns=3)))  # fmt: skip
    words = base.mark_text(fontSize=11, color=colours.text, baseline="middle",
                           limit=alt.ExprRef("bandwidth('x') - 2")).encode(text="text:N")
    chart: alt.TopLevelMixin = alt.layer(boxes, words).properties(
        height=TALL * len(order) + AROUND + LEGEND * -(-len(present) // 3), usermeta=EXPORTS,
    ).configure_view(strokeWidth=0)  # fmt: skip
    return chart
