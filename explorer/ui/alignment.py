"""What the page of a translator's attention begins with, and one decoding step with its numbers."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import streamlit as st
import xarray as xr

from explorer.errors import ExplorerError
from explorer.models.seq2seq import Seq2Seq
from explorer.store import Run
from explorer.tasks.pairing import apart
from explorer.tasks.translation import Translation
from explorer.ui import link
from explorer.ui.backend import ask, draw
from explorer.ui.figure import show
from explorer.ui.held_out import held_out, sentences
from explorer.ui.session import theme
from explorer.ui.text import plain
from explorer.views.alignment import REACH, step_numbers
from explorer.words import _

TRIED = 60  # pairs among which a good first sentence is looked for
READABLE = 12  # tokens, about, of a first sentence
TERMS = 4  # of a sum are written
TURNED = "step turned to"  # in the session: the step that was chosen in the picture


def reference(run: Run, source: str) -> str | None:
    """What the run's pairs say is right, if they have the sentence."""
    return held_out(run).references.get(sentences(run).source.prepare(source))


@st.cache_resource(show_spinner=False, max_entries=32)
def opening(key: str, _run: Run) -> str:
    """A sentence that the run's last snapshot translates well: of some held-out ones that come out
    right the longest that is still easy to look at, else the first."""
    experiment, cut = _run.experiment, sentences(_run)
    material = cast("Translation", experiment.task).material(experiment.text)
    kept, held = apart(material, experiment.data.held_out)
    rows = (held or kept)[:TRIED]
    sources = [source for source, _target in rows]
    try:
        said = ask("translate", key, _run.snapshots[-1], sources=sources)
    except ExplorerError:  # the page says what is wrong
        return sources[0]
    right = [source for (source, target), written in zip(rows, said["translation"].values,
                                                         strict=True)
             if cut.prepare(target) == written] or sources[:1]
    length = {source: len(cut.read(source)) for source in right}
    short = [source for source in right if length[source] <= READABLE]
    return max(short, key=length.__getitem__) if short else min(right, key=length.__getitem__)


def choose_source(run: Run) -> str:
    """The sentence that is read."""
    usual, key = opening(run.key, run), f"source-{run.key}"
    link.seed("source", usual, key=key)
    source: str = st.text_input(_("Source sentence"), key=key)
    link.write(source=source if source != usual else None)
    return source


def choose_target(run: Run) -> str | None:
    """The target to force, if there is one."""
    link.seed("target", "", key=f"target-{run.key}")
    target: str = st.text_input(
        _("Target to force"), key=f"target-{run.key}",
        placeholder=_("empty: it writes by itself"),
        help=_("Teacher forcing: before each guess the network reads the tokens of this sentence "
               "instead of its own. The weights are those with which it would have gone on."))
    link.write(target=target or None)
    return target if target.strip() else None


def step_chosen(trace: xr.Dataset) -> int:
    """The decoding step that is looked at: just chosen in the picture, in the link, or the first.
    """
    if TURNED in st.session_state:
        st.session_state["written"] = st.session_state.pop(TURNED)
    link.seed("written", 0, int, between=(0, trace.sizes["query"] - 1), labels=step_labels(trace))
    return int(st.session_state["written"])


def step_labels(trace: xr.Dataset) -> list[str]:
    """The decoding steps, counted from 1, by what was written there."""
    return [f"{t + 1} · {label}" for t, label in enumerate(trace["query_label"].values)]


def choose_step(trace: xr.Dataset, now: int) -> None:
    """A choice among the decoding steps, by its written token; `now` stands there."""
    T = trace.sizes["query"]
    back, choice, on = st.columns([1, 3, 1], vertical_alignment="bottom")
    choice.selectbox(
        _("Decoding step"), range(T), key="written", format_func=step_labels(trace).__getitem__)
    back.button(_("Previous"), icon=":material/chevron_left:", disabled=now == 0,
                on_click=turn, args=(now - 1,), width="stretch")
    on.button(_("Next"), icon=":material/chevron_right:", disabled=now == T - 1,
              on_click=turn, args=(now + 1,), width="stretch")
    link.write(written=now or None)


def turn(step: int) -> None:
    """Open another step when the page is drawn next."""
    st.session_state[TURNED] = step


def one_step(run: Run, snapshot: int, spec: Seq2Seq, trace: xr.Dataset, step: int,
             source: str, target: str | None) -> None:
    """A decoding step: query, scores, softmax, context, candidates, with their formulas."""
    st.markdown(asks(spec, trace, step))
    if "scores" in trace:
        show(draw("look", trace, query=step, theme=theme()), "look", trace)
        scored = ask("scoring", run.key, snapshot, source=source, target=target, query=step)
        for formula in formulas(spec, trace, scored, step):
            st.latex(formula)
        with st.expander(_("Every score, with its numbers")):
            st.caption(_("q is the query s, k the state h of the token that was read; of long sums "
                         "the first terms."))
            for place, formula in enumerate(scored["formula"].values):
                st.markdown(f"{place} · {plain(str(trace['key_label'].values[place]))}")
                st.latex(str(formula))
    left, right = st.columns([1.5, 1], gap="medium")
    with left:
        show(draw("vectors", trace, query=step, theme=theme()), "vectors", trace)
    with right:
        show(draw("likeliest", trace, query=step, theme=theme()), "likeliest", trace)


def asks(spec: Seq2Seq, trace: xr.Dataset, step: int) -> str:
    """Which state asks, in words, with the place of the token that it looks at most."""
    if spec.scorer is None:
        return _("Step {step}: nobody asks. The context is the encoder's last state.",
                 step=step + 1)
    best = int(trace["attention"].values[0, 0, step].argmax())
    word = plain(str(trace["key_label"].values[best]))
    if spec.looks_before:
        return _("Step {step}: the decoder's state **before** it, s({before}), asks each token "
                 "that was read (Bahdanau). Most weight: number {place}, “{word}”.",
                 step=step + 1, before=step, place=best, word=word)
    return _("Step {step}: the decoder's state **after** reading the token before, s({now}), asks "
             "each token that was read (Luong). Most weight: number {place}, “{word}”.",
             step=step + 1, now=step + 1, place=best, word=word)


def formulas(spec: Seq2Seq, trace: xr.Dataset, scored: xr.Dataset, step: int) -> list[str]:
    """Score, weight and context of a step with its numbers. Tokens stand there by their number:
    what somebody wrote is no LaTeX."""
    data = step_numbers(trace, step)
    order = np.argsort(-data["attention"].to_numpy(), kind="stable")
    best, t = int(order[0]), step + 1
    score = data["score"].to_numpy().astype(float)
    found = [rf"e_{{{t},{best}}} = {scored['formula'].values[best]}"]
    if "bell" in data:
        S, p = trace.sizes["key"], float(trace["centre"].values[step])
        found.append(rf"p_{{{t}}} = S\,\sigma(v_p^\top \tanh(W_p s_{{{t}}})) = {S} \cdot "
                     rf"{p / S:.3f} = {p:.2f}")
        inside = data["inside"].to_numpy()
        total = float(np.logaddexp.reduce(score[inside]))  # its logarithm: e^score may overflow
        found.append(
            rf"\alpha_{{{t},{best}}} = \frac{{e^{{{score[best]:.2f}}}}}{{{power(total)}}} \cdot "
            rf"e^{{-\frac{{({best} - {p:.2f})^2}}{{2 \cdot {REACH / 2:g}^2}}}} = "
            rf"{data['attention'][best]:.3f}")
    else:
        shift = float(score.max())
        rest = float(np.exp(score - shift).sum())
        found.append(
            rf"\alpha_{{{t},{best}}} = \frac{{e^{{e_{{{t},{best}}}}}}}{{\sum_s e^{{e_{{{t},s}}}}}}"
            rf" = \frac{{e^{{{score[best]:.2f}}}}}{{{rest:.3f}\, e^{{{shift:.2f}}}}} = "
            rf"{data['attention'][best]:.3f}")
    sums = [rf"{data['attention'][int(s)]:.2f}\, h_{{{int(s)}}}" for s in order[:TERMS]]
    more = r" + \dots" if len(order) > TERMS else ""
    found.append(rf"c_{{{t}}} = \sum_s \alpha_{{{t},s}} h_s = {' + '.join(sums)}{more}")
    return found


def power(exponent: float) -> str:
    """e to some power as a number in LaTeX, with powers of ten where it is long."""
    tens = exponent / math.log(10)
    whole = math.floor(tens)
    digits = f"{10 ** (tens - whole):.3f}"
    if digits == "10.000":
        digits, whole = "1.000", whole + 1
    return f"{10**tens:.4g}" if -4 <= whole < 4 else rf"{digits} \cdot 10^{{{whole}}}"


def letters(spec: Seq2Seq) -> list[str]:
    """The run's attention in its paper's letters."""
    if spec.scorer is None:
        return [r"c_t = h_S", r"s_t = f(s_{t-1}, [y_{t-1}; c_t])",
                r"p(y_t) = \mathrm{softmax}(W s_t + b)"]
    score = spec.scorer.letters
    weight = (r"\alpha_{t,s} = \frac{\exp(e_{t,s})}{\sum_{s'} \exp(e_{t,s'})}",
              r"c_t = \sum_s \alpha_{t,s}\, h_s")
    if spec.looks_before:
        return [r"e_{t,s} = v^\top \tanh(W_q s_{t-1} + W_k h_s)", *weight,
                r"s_t = f(s_{t-1}, [y_{t-1}; c_t])", r"p(y_t) = \mathrm{softmax}(W s_t + b)"]
    reads = r"[y_{t-1}; \tilde s_{t-1}]" if spec.feeding else r"y_{t-1}"
    local = [] if spec.reach == "global" else [
        r"p_t = S\, \sigma(v_p^\top \tanh(W_p s_t))",
        r"\alpha_{t,s} \leftarrow \alpha_{t,s} \exp\!\left(-\frac{(s - p_t)^2}{2\sigma^2}\right)",
        r"|s - p_t| \le D,\quad \sigma = \tfrac D2"]
    return [rf"s_t = f(s_{{t-1}}, {reads})", rf"e_{{t,s}} = {score},\quad q = s_t,\ k = h_s",
            weight[0], *local, weight[1], r"\tilde s_t = \tanh(W_c [c_t; s_t])",
            r"p(y_t) = \mathrm{softmax}(W \tilde s_t + b)"]
