"""Who guesses which token better: the strip, the bars, and what each writes."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr

from explorer.comparison import TOY, TOY_PREFIX, TOY_WORDS, duel
from explorer.experiment import Experiment
from explorer.ui import link
from explorer.ui.backend import ask, draw
from explorer.ui.figure import show
from explorer.ui.glossary import meaning
from explorer.ui.page import guard
from explorer.ui.session import theme
from explorer.ui.side import Entry, Field
from explorer.ui.strip import strip
from explorer.ui.text import plain
from explorer.views.duel import ALL, WIDEST, lead, lines, specialities, sums, tints
from explorer.views.figure import amount, shown
from explorer.words import _

READ = 360  # characters of the held-out end that are read at first
SHORT = 12  # tokens: so few are shown with their probabilities


def opening(experiment: Experiment) -> str:
    """The beginning of what was held out, from a whole word on; the text's own where nothing
    was."""
    content, share = experiment.text.content, experiment.data.held_out
    cut = len(content) - round(len(content) * share)
    part = content[cut : cut + READ + 20] if share else content[:READ]
    start = part.find(" ", 0, 20) + 1 if share else 0
    return part[start : start + READ].strip() or content[:READ]


def scored(field: Field) -> tuple[list[str], list[list[Entry]]]:
    """The variations of which a run has a snapshot after the first step, and those runs."""
    groups = [[entry for entry in group if entry.step] for group in field.groups]
    kept = [index for index, group in enumerate(groups) if group]
    return [field.names[i] for i in kept], [groups[i] for i in kept]


def left_out(field: Field) -> list[str]:
    """The variations that have ended, and are no better anywhere than before their first step."""
    return [name for name, group in zip(field.names, field.groups, strict=True)
            if all(entry.step == 0 and entry.status in ("finished", "diverged") for entry in group)]


def read(names: Sequence[str], groups: Sequence[Sequence[Entry]], text: str) -> xr.Dataset:
    """What a text costs each variation. Raises DataError."""
    return duel(names, [[ask("surprisal", entry.run.key, entry.step or 0, text=text)
                         for entry in group] for group in groups])


def rivals(names: Sequence[str]) -> tuple[int, int]:
    """Which two are compared, or all."""
    link.seed("one", ALL, int, between=(ALL, len(names) - 1))
    link.seed("other", 1, int, between=(0, len(names) - 1))
    left, right = st.columns(2)
    one: int = left.selectbox(
        _("Who"), [ALL, *range(len(names))], key="one",
        format_func=lambda v: _("the best of all") if v == ALL else names[v])
    if one == ALL:
        right.selectbox(_("against"), [0], disabled=True, key="against nobody",
                        format_func=lambda _v: _("the second best"))
        link.write(one=None)
        return 0, ALL
    rest = [v for v in range(len(names)) if v != one]
    if st.session_state["other"] not in rest:
        st.session_state["other"] = rest[0]
    other: int = right.selectbox(_("against"), rest, key="other", format_func=names.__getitem__)
    link.write(one=one, other=other)
    return one, other


def choose_text(experiment: Experiment) -> str:
    """The text that all read; it stands in the link unless it is the beginning of what was held
    out."""
    usual = opening(experiment)
    key = f"text-{experiment.data.sha256}"
    link.seed("text", usual, key=key)
    text: str = st.text_area(_("Text to read"), key=key, height=100)
    link.write(text=text if text != usual else None)
    return text


def contest(trace: xr.Dataset) -> None:
    """The text in its winners' colours, and by how many bits they win each token."""
    names = [str(name) for name in trace["variation"].values]
    one, other = rivals(names)
    strip([str(label) for label in trace["label"].values],
          tints(trace, lead(trace, one, other), theme()), hover=lines(trace),
          label=_("The text, each token in the colour of who guesses it best"), key="winners")
    st.caption(_("Each token has the colour of the network that guesses it best, the fuller the "
                 "more bits it is ahead (full at {most}). Point at a token for all numbers.",
                 most=2))
    start, T = 0, trace.sizes["token"]
    if T > WIDEST:
        link.seed("start", 0, int, between=(0, T - 1))
        start = int(st.slider(_("First token drawn"), 0, T - 1, step=20, key="start"))
        link.write(start=start or None)
    show(draw("duel", trace, one=one, other=other, start=start, theme=theme()), "duel", trace)
    st.table(tallies(trace), border="horizontal")
    for name, won in specialities(trace).items():
        said = [_("“{label}” ({times} times, {bits} bits)", label=_bare(label), times=times,
                  bits=f"{bits:.1f}") for label, times, bits in won]
        if said:
            st.caption(_("{name} gains most at {tokens}", name=f"**{plain(name)}**",
                         tokens=plain(", ".join(said))))


def tallies(trace: xr.Dataset) -> pd.DataFrame:
    """Bits paid for the whole text, and tokens won."""
    names = [str(name) for name in trace["variation"].values]
    found, total = lead(trace), sums(trace)
    guessed = max(1, int((found.winner >= 0).sum()))
    rows = [{
        _("bits in all"): f"{total[v]:.1f}",
        _("bits per token"): f"{total[v] / guessed:.3f}",
        _("perplexity here"): amount(_power(total[v] / guessed)),
        _("tokens won"): f"{int((found.winner == v).sum())}",
    } for v in range(len(names))]
    return pd.DataFrame(rows, index=pd.Index([plain(name) for name in names]))


def _power(bits: float) -> float:
    """The perplexity of so many bits a token, also of more than a float can hold."""
    return 2.0**bits if bits < sys.float_info.max_exp else math.inf


def _bare(label: str) -> str:
    """A token for a caption, where Markdown has the care of its signs."""
    return shown(label).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def samples(names: Sequence[str], groups: Sequence[Sequence[Entry]]) -> None:
    """What each writes after the same beginning."""
    experiment = groups[0][0].run.experiment
    toy = experiment.data.sha256 == TOY.sha256
    left, middle, right = st.columns([2, 1, 1])
    usual = {"prefix": TOY_PREFIX if toy else experiment.text.content[:20].strip(),
             "length": TOY_WORDS if toy else 120, "temperature": 0.0 if toy else 0.7}
    keys = {name: f"{name}-{experiment.data.sha256}" for name in usual}
    link.seed("prefix", usual["prefix"], key=keys["prefix"])
    prefix = left.text_input(_("Prefix"), key=keys["prefix"], help=meaning("prefix"))
    link.seed("length", usual["length"], int, between=(1, 400), key=keys["length"])
    length = int(middle.number_input(_("Tokens to write"), 1, 400, key=keys["length"]))
    link.seed("temperature", usual["temperature"], float, between=(0.0, 3.0),
              key=keys["temperature"])
    heat = float(right.slider(_("Temperature"), 0.0, 3.0, step=0.1, key=keys["temperature"],
                              help=meaning("temperature")))
    chosen_now = {"prefix": prefix, "length": length, "temperature": heat}
    link.write(**{name: value if value != usual[name] else None
                  for name, value in chosen_now.items()})
    with guard():
        chosen = [(name, entry) for name, group in zip(names, groups, strict=True)
                  for entry in (group if length <= SHORT else group[:1])]
        said = [ask("generate", entry.run.key, entry.step or 0, prefix=prefix, tokens=length,
                    temperature=heat) for _name, entry in chosen]
        rows = [name if len(chosen) == len(names) else
                _("{name}, seed {seed}", name=name, seed=entry.run.experiment.seed)
                for name, entry in chosen]
        if length <= SHORT:
            trace = together(rows, said, prefix, heat)
            show(draw("written", trace, theme=theme()), "written", trace)
        else:
            for name, each in zip(rows, said, strict=True):
                st.caption(f"**{plain(name)}**")
                st.text(str(each.attrs["text"]))


def together(
    rows: Sequence[str], said: Sequence[xr.Dataset], prefix: str, heat: float
) -> xr.Dataset:
    """What several wrote: `written`, `probability` over (row, place), without the prefix."""
    new = [each.isel(token=each["generated"].values) for each in said]
    return xr.Dataset(
        {"written": (("row", "place"), np.array([each["label"].values for each in new])),
         "probability": (("row", "place"), np.array([each["probability"].values for each in new]))},
        {"row": list(rows)},
        {"run": ".".join(f"{each.attrs['run']}@{each.attrs['step']}" for each in said),
         "step": 0, "prefix": prefix, "temperature": heat, "places": new[0].sizes["token"]})
