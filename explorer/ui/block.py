"""A stack of blocks on the page: the flow of its tensors as boxes, and one number with where it
comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
import xarray as xr
from numpy.typing import NDArray

from explorer.models.stacked import Stacked
from explorer.store import Run
from explorer.ui import alignment, link
from explorer.ui.backend import draw
from explorer.ui.block_numbers import numbers
from explorer.ui.clicks import Cell, clicks
from explorer.ui.figure import show
from explorer.ui.flow import Box, Row, cells, flow
from explorer.ui.runs import TRANSLATION, within
from explorer.ui.session import theme
from explorer.ui.strip import strip
from explorer.ui.text import opening, plain
from explorer.ui.translating import between
from explorer.views.block_parts import (
    SHARES,
    STREAM,
    TENSORS,
    formula,
    looks,
    of_source,
    order,
    plane,
    row,
    shape,
    told,
    window,
)
from explorer.views.figure import Figure, visible
from explorer.words import N_, _

# What the engine is asked for; `whole` makes the rest of what it answers.
ASKED = tuple(name for name in TENSORS if name not in ("logits", "probability"))
SENTENCES = {"en": "The lamp is lit, and the sea is calm", "zh": "爷爷说：“灯亮了，船就能回家。”",
             "python": "def count(items):\n    return len("}
SIDES = {"encoder": N_("the encoder, which reads"), "decoder": N_("the decoder, which writes")}
TURNED = "block turned to"  # in the session: what was chosen in a picture
LOUD = (*STREAM, "embedding", "position", "attended", "attended_sum", "looks", "looks_sum", "fed",
        "fed_sum")
THUMBNAIL = 256  # numbers of a small picture

Array = NDArray[Any]


def choose_reading(run: Run) -> tuple[str, dict[str, Any]]:
    """What the network of a run is to read: the probe that opens it, and what that is asked. A
    translator reads a pair, of which one side is looked at."""
    if run.experiment.task.kind != TRANSLATION:
        usual = within(run, opening(run.experiment.text.content, SENTENCES))
        link.seed("text", usual)
        text = st.text_area(_("Text to read"), key="text", height=68)
        link.write(text=text if text != usual else None, source=None, target=None, side=None)
        return "trace", {"text": text}
    one, other = st.columns(2)
    with one:
        source = alignment.choose_source(run)
    with other:
        target = alignment.choose_target(run)
    link.seed("side", "decoder", allowed=SIDES)
    side = str(st.segmented_control(
        _("Which side is opened"), list(SIDES), key="side", required=True,
        format_func=lambda each: _(SIDES[each])))
    link.write(side=side if side != "decoder" else None, text=None)
    return "trace_pair", {"source": source, "target": target, "side": side}


def turn() -> None:
    """Follow what was just chosen in a picture."""
    for name, value in st.session_state.pop(TURNED, {}).items():
        st.session_state[name] = value


def _follow(values: Mapping[str, object]) -> None:
    st.session_state[TURNED] = dict(values)
    st.rerun()


def choose_token(run: Run, trace: xr.Dataset) -> int:
    """The token whose way is followed: at first the last one."""
    T = trace.sizes["token"]
    link.seed("token", T - 1, int, between=(0, T - 1))
    token = int(st.session_state["token"])
    labels = [str(label) for label in trace["label"].values]
    event = strip(labels, [None] * T, label=_("The text: click the token that is followed"),
                  key="strip", selected=token, apart=_apart(run, trace))
    if event is not None and event.index is not None and event.index != token:
        _follow({"token": event.index})
    link.write(token=token if token != T - 1 else None)
    return token


def _apart(run: Run, trace: xr.Dataset) -> bool:
    """Whether its tokens are words without the blanks between them, as a translator's may be."""
    return "side" in trace.attrs and bool(between(run, trace.attrs["side"] == "encoder"))


def choose_box(trace: xr.Dataset, spec: Stacked, layer: int, token: int) -> str:
    """The box that is open. A click on a block that is folded unfolds it instead."""
    rows = flow_rows(trace, spec, layer, token)
    known = [box.id for row in rows for box in row.boxes]
    link.seed("box", "after", allowed=[box for box in known if not box.startswith("block-")])
    now = str(st.session_state["box"])
    opened = flow(rows, now, _("From token to probability"), "flow")
    if opened is not None and opened.startswith("block-"):
        _follow({"layer": int(opened.removeprefix("block-"))})
    elif opened is not None and opened != now:
        _follow({"box": opened})
    link.write(box=now if now != "after" else None)
    return now


def tell_token(trace: xr.Dataset, token: int) -> None:
    """What the token itself is, before it is any vector."""
    number, d = int(trace["id"].values[token]), trace.sizes["unit"]
    st.markdown(plain(_(
        "“{name}” is number {id} of the vocabulary. The network is told this number alone: it "
        "takes the row of that number out of the matrix E, in which each token has its own.",
        name=visible(str(trace["label"].values[token])), id=number)))
    st.latex(rf"x_{{{token + 1}}} = {number},\quad E_{{{number}}} \in \mathbb{{R}}^{{{d}}}")


def flow_rows(trace: xr.Dataset, spec: Stacked, layer: int, token: int) -> list[Row]:
    """The whole way: into the stack, the block that is unfolded, out of the stack; other blocks
    are folded."""
    label = visible(str(trace["label"].values[token]), 8)
    into = [Box("token", label, _("token"), _("number {id}", id=int(trace["id"].values[token])),
                told=_("token")),
            _box(trace, "embedding", 0, token, "→")]
    if "position" in trace:
        into.append(_box(trace, "position", 0, token, "+"))
    into += [_folded(trace, each, token) for each in range(layer)]
    block = [_box(trace, name, layer, token, sign)
             for name, sign in order(spec.norm, spec.residual, looks(trace))]
    out = [_folded(trace, each, token) for each in range(layer + 1, trace.sizes["layer"])]
    if spec.norm == "pre":
        out.append(_box(trace, "final", layer, token, "→"))
    if "logits" in trace:
        out += [_box(trace, "logits", layer, token, "→"),
                _box(trace, "probability", layer, token, "→")]
    return [Row(_("Into the stack"), into),
            Row(_("Block {layer} of {layers}, unfolded", layer=layer + 1,
                  layers=trace.sizes["layer"]), block),
            Row(_("Out of the stack"), out)]


def _folded(trace: xr.Dataset, layer: int, token: int) -> Box:
    box = _box(trace, "after", layer, token, "→")
    return Box(f"block-{layer + 1}", _("block {layer}", layer=layer + 1),
               _("Block {layer}, folded", layer=layer + 1), box.shape, "→", box.cells,
               says=_("Unfold it"), told=box.told, look="stream")


def _box(trace: xr.Dataset, name: str, layer: int, token: int, sign: str) -> Box:
    """The box of a tensor, with what it has of the chosen token."""
    it, here = told(name, trace), _of(trace, name, layer, token)
    if name in SHARES:
        drawn, number = here, ""
        if name == "probability":
            best = int(here[0].argmax())
            number = (f"{visible(str(trace['vocabulary'].values[best]), 6)} "
                      f"{float(here[0, best]):.0%}")
            drawn = _thumbnail(here)
    else:
        drawn = _thumbnail(here)
        number = f"‖·‖ {np.linalg.norm(here.astype(float)):.3g}"
    return Box(name, it.letter, _(it.title), shape(trace, name), sign,
               cells(drawn, _reach(trace, name, layer, token), name not in SHARES),
               "share" if name in SHARES else "signed", _(it.meaning), number,
               "stream" if name in STREAM else "")


def _of(trace: xr.Dataset, name: str, layer: int, token: int) -> Array:
    """What a tensor has of a token, as rows: one, or one for each head."""
    found = trace[name].isel(layer=layer, missing_dims="ignore")
    axis = next(axis for axis in ("query", "token", "source") if axis in found.dims)
    return np.atleast_2d(found.isel({axis: row(trace, name, layer, token)}).values)


def _thumbnail(values: Array) -> Array:
    """Of a vocabulary that is too long for a small picture its largest numbers, in their order."""
    if values.shape[1] <= THUMBNAIL * 4:
        return values
    return values[:, np.sort(np.argsort(-values[0], kind="stable")[:THUMBNAIL])]


def _reach(trace: xr.Dataset, name: str, layer: int, token: int) -> float:
    """The end of the colours in a small picture: one for all that is on the stream or is added to
    it, so that they compare."""
    if name in SHARES:
        return 1.0
    family = [each for each in LOUD if each in trace] if name in LOUD else [name]
    return max(float(np.abs(_of(trace, each, layer, token)).max()) for each in family)


def tensor(spec: Stacked, trace: xr.Dataset, name: str, layer: int, token: int) -> None:
    """The tensor of a box, whole, and where one number of it comes from."""
    about = told(name, trace)
    here = plane(trace, name, layer)
    st.subheader(_("The box, opened: {title}", title=_(about.title)), anchor=False)
    st.markdown(_(about.meaning))
    st.latex(formula(name, trace, spec.norm, spec.residual, spec.tied))
    one, other = st.columns(2)
    head, number = 0, 0
    if "head" in trace[name].dims:
        link.seed("head", 1, int, between=(1, spec.heads))
        head = int(one.selectbox(_("Head"), range(1, spec.heads + 1), key="head")) - 1
        link.write(head=head + 1 if head else None)
    if here.dims[-1] in ("unit", "neuron", "number"):
        link.seed("number", 1, int, between=(1, here.shape[-1]))
        number = int(other.number_input(_("Number of the vectors"), 1, here.shape[-1],
                                        key="number")) - 1
        link.write(number=number + 1 if number else None)
    drawn = draw("block tensor", trace, observation=name, layer=layer, head=head, token=token,
                 number=number if here.dims[-1] in ("unit", "neuron", "number") else None,
                 theme=theme())
    show(drawn, "tensor", trace)
    listen(drawn, trace, name, token)
    st.latex(numbers(trace, spec, name, layer, head, token, number))


def listen(figure: Figure, drawn: xr.Dataset, name: str, token: int) -> None:
    """Follow a click on a cell of the opened tensor: its token, and its number."""
    high, wide = figure.chart.data[0].z.shape
    cell = clicks({"tensor": (high, wide)}, "cell")
    if cell is not None:
        _follow(chosen(drawn, name, token, cell, high))


def chosen(trace: xr.Dataset, name: str, token: int, cell: Cell, rows: int) -> dict[str, int]:
    """What a click on a cell chooses."""
    found = {}
    if not of_source(trace, name):
        found["token"] = window(trace.sizes["token"], rows, token).start + cell.row
    if name not in SHARES and name != "logits":
        found["number"] = cell.column + 1
    return found


def notices(trace: xr.Dataset, lengths: Any, token: int) -> list[str]:
    """What happens to the chosen token on its way."""
    first, last = lengths.iloc[0], lengths.iloc[-1]
    said = [_("The vector of “{name}” grows from a length of {before} to **{after}** on its way.",
              name=visible(str(trace["label"].values[token])), before=f"{first['before']:.2f}",
              after=f"{last['after']:.2f}")
            if last["after"] > first["before"] else
            _("The vector of “{name}” shrinks from a length of {before} to **{after}** on its way.",
              name=visible(str(trace["label"].values[token])), before=f"{first['before']:.2f}",
              after=f"{last['after']:.2f}")]
    fed = max(1e-12, lengths["fed"].sum())
    said.append(_("What attention makes is together {factor} times as long as what the "
                  "feed-forward networks make.", factor=f"{lengths['attended'].sum() / fed:.2f}"))
    if looks(trace):
        said.append(_("What the looks at the source make is together {factor} times as long as "
                      "what the feed-forward networks make.",
                      factor=f"{lengths['looks'].sum() / fed:.2f}"))
    x, y = (trace[name].values[place, token].astype(float)
            for name, place in (("before", 0), ("after", -1)))
    cosine = float(x @ y / max(1e-12, np.linalg.norm(x) * np.linalg.norm(y)))
    said.append(_("The cosine of the vector at the start and at the end is {cosine}: 1 would be "
                  "the same direction.", cosine=f"{cosine:.2f}"))
    if "probability" not in trace:
        return said
    p = trace["probability"].values[token]
    best = int(p.argmax())
    said.append(_("After it, “{next}” is the likeliest, with a probability of **{share}**.",
                  next=visible(str(trace["vocabulary"].values[best])), share=f"{p[best]:.1%}"))
    follows = _next(trace, token)
    if follows is not None:
        true, label = follows
        said.append(_("What really follows is “{next}”: the network gave it {share}.",
                      next=visible(label), share=f"{p[true]:.1%}"))
    return said


def _next(trace: xr.Dataset, token: int) -> tuple[int, str] | None:
    """Number and name of the token that stands after one, if that is known: not where a network
    writes by itself."""
    if "answer" in trace.coords:
        return ((int(trace["answer_id"].values[token]), str(trace["answer"].values[token]))
                if trace.attrs["forced"] else None)
    if token + 1 < trace.sizes["token"]:
        return int(trace["id"].values[token + 1]), str(trace["label"].values[token + 1])
    return None
