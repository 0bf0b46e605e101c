"""The pictures of the first page: small, live, each a link to the page that draws it large."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from explorer.errors import RunError
from explorer.models.base import RECURRENT
from explorer.observations import OBSERVATIONS
from explorer.store import Run
from explorer.text.annotations import spans
from explorer.ui.backend import ask, store
from explorer.ui.page import onward
from explorer.ui.runs import called, whole
from explorer.ui.session import owner, theme
from explorer.ui.strip import strip
from explorer.ui.text import plain
from explorer.views import Figure, figure, palette
from explorer.views.gates import plane
from explorer.views.order import correlations
from explorer.words import _

HEIGHT = 232  # pixels of a picture, as in page.css
READ = 72  # characters of its own text that the network of the first card reads
WRITTEN = 50  # tokens of each sample
MARKED = 220  # characters of the text of the last card
STILL = {"staticPlot": True, "displayModeBar": False}


def finished() -> list[Run]:
    """Runs to make pictures of: the shipped ones, else one's own. One that is damaged is left out:
    the list of runs says what is wrong with it."""
    runs = []
    for key in store().pretrained() or store().own(owner()):
        with suppress(RunError):
            runs.append(whole(key, kinds=RECURRENT))
    return [run for run in runs if run.snapshots and len(run.history)]


def first(runs: Sequence[Run]) -> Run:
    """The first LSTM, or else any."""
    return next((run for run in runs if run.experiment.model.title == "LSTM"), runs[0])


def gates(run: Run) -> None:
    """A gate of a network while it reads the beginning of its own text."""
    text = run.experiment.text.content[:READ]
    trace = ask("trace", run.key, run.snapshots[-1], text=text, logits=False)
    with st.container(border=True, height="stretch", key="card-gates"):
        _still(figure("gates", trace, theme=theme()), "card-gates-chart")
        st.caption(plain(_("{run}, reading {count} tokens.", run=called(run),
                           count=trace.sizes["token"])))
        onward("pages/gates.py", _("What does the network let in, keep, and let out?"),
               run=run.key, text=text)


def samples(run: Run) -> None:
    """What a network writes, early and late in its training."""
    kept = run.snapshots
    steps = sorted({kept[0], kept[len(kept) // 3], kept[-1]})
    prefix = run.experiment.text.content[:8]
    with st.container(border=True, height="stretch", key="card-samples"):
        with st.container(gap=None, key="card-samples-text"):
            for step in steps:
                written = ask("generate", run.key, step, prefix=prefix, tokens=WRITTEN,
                              temperature=0.6)
                st.caption(_("after step {step}", step=step))
                st.text(" ".join(str(written.attrs["text"]).split()))
        st.caption(plain(_("{run}, learning to spell.", run=called(run))))
        onward("pages/train.py", _("Can a network learn to write like your text?"), run=run.key)


def unit(run: Run) -> None:
    """A text coloured by the unit that goes most with the inside of its brackets or quotes."""
    text = _marked(run.experiment.text.content)
    trace = ask("trace", run.key, run.snapshots[-1], text=text, logits=False)
    view = "cell" if "cell" in trace else "hidden"
    values = plane(trace, view)  # (token, unit)
    labels = [str(label) for label in trace["label"].values]
    best, name, r = max(
        ((int(np.abs(found).argmax()), name, float(np.abs(found).max()))
         for name, mask in spans(labels).items()
         for found in [correlations(values, mask)]),
        key=lambda found: found[2], default=(0, "", 0.0))
    colours, reach = palette(theme()), float(np.abs(values[:, best]).max())
    with st.container(border=True, height="stretch", key="card-unit"):
        with st.container(key="card-unit-text"):
            strip(labels, [colours.shade(float(value), True, reach) for value in values[:, best]],
                  label=_("A text, coloured by unit {unit}", unit=best), key="card-unit-strip",
                  hover=[[f"{value:.3f}"] for value in values[:, best]])
        st.caption(plain(
            _("{run}: the {what} of unit {unit}, and {mark} (|r| = {r}).", run=called(run),
              what=_(OBSERVATIONS[view].title), unit=best, mark=_(name), r=f"{r:.2f}") if name else
            _("{run}: the {what} of unit {unit}.", run=called(run), unit=best,
              what=_(OBSERVATIONS[view].title))))
        onward("pages/gates.py", _("Does a unit know that a bracket is open?"), run=run.key,
               text=text, view=view, unit=best)


def _marked(content: str) -> str:
    """The stretch, near the beginning, with the most brackets and quotation marks."""
    starts = range(0, min(len(content), 40_000), MARKED // 2)
    start = max(starts, key=lambda i: sum(map(content[i : i + MARKED].count, "()[]“”「」")))
    start = max(content.rfind("\n", 0, start) + 1, start - MARKED // 2)
    return textwrap.dedent(content[start : start + MARKED]).strip()


def _still(drawn: Figure, key: str) -> None:
    """A figure without its tools and its labels."""
    chart = drawn.chart
    assert isinstance(chart, go.Figure)
    chart.update_layout(height=HEIGHT, margin={"l": 0, "r": 0, "t": 0, "b": 0})
    chart.update_xaxes(visible=False)
    chart.update_yaxes(visible=False)
    chart.update_traces(showscale=False)
    st.plotly_chart(chart, theme=None, config=STILL, alt=drawn.alt, key=key)
