"""The controls and strips of the page “What does it think so far?”."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr
from streamlit.delta_generator import DeltaGenerator

from explorer.models.stacked import Stacked
from explorer.store import Run
from explorer.ui import link
from explorer.ui.glossary import meaning
from explorer.ui.runs import within
from explorer.ui.session import theme
from explorer.ui.strip import strip
from explorer.views import palette
from explorer.views.ablation import FEED, HOW, name, title
from explorer.views.lens import depth_name
from explorer.views.thinking_notices import said_as
from explorer.words import N_, _

OPENING = 120  # characters of the run's own text that the page opens on
METHODS = {"occlusion": N_("occlusion"), "gradient-input": N_("gradient × input"),
           "integrated-gradients": N_("integrated gradients")}
TARGETS = {"guess": N_("its guess"), "next": N_("what really comes next")}


def ending(run: Run) -> str:
    """The end of a run's own text, which was kept back from training, from the start of a word; no
    more of it than the network has places for."""
    content = run.experiment.text.content.strip()
    end = within(run, content[-OPENING:], end=True)
    if len(end) == len(content):
        return content
    return end.split(" ", 1)[-1] if " " in end[: len(end) // 2] else end


def choose_token(trace: xr.Dataset) -> int:
    """A token of the text, by a strip that is coloured by how well each was guessed."""
    T = trace.sizes["token"]
    link.seed("token", (T - 1) // 2, int, between=(0, T - 1))
    token = int(st.session_state["token"])
    guessed = np.append(np.nan, trace["probability"].values[-1, :-1])  # (T,) of each token
    colours = palette(theme())
    event = strip(
        [str(label) for label in trace["label"].values],
        [None if np.isnan(p) else colours.shade(float(p), signed=False) for p in guessed],
        label=_("The text, coloured by how likely it held each token to be"),
        hover=[[_("nothing guessed it") if np.isnan(p) else f"p = {p:.4f}"] for p in guessed],
        selected=token, key="text-strip")
    if event is not None and event.index is not None and event.index != token:
        st.session_state["token"] = event.index
        st.rerun()
    st.caption(_("What comes after the chosen token is looked at below: click another. Coloured by "
                 "the probability that it gave each token before it read it."))
    return token


def candidates(trace: xr.Dataset, token: int) -> pd.DataFrame:
    """The five likeliest after a token at each depth, the last on top."""
    words = trace["vocabulary"].values
    at = trace.isel(token=token)
    rows = {depth_name(depth): [
        f"{said_as(str(words[i]))} {p:.3f}" for i, p in zip(
            at["candidate"].values[depth], at["candidate_probability"].values[depth], strict=True)]
        for depth in reversed(range(trace.sizes["depth"]))}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[
        str(place + 1) for place in range(trace.sizes["place"])])


def choose_sampling(size: int, row: Sequence[DeltaGenerator]) -> dict[str, Any]:
    """Temperature, top-k and top-p; they stand in the link where they change anything."""
    link.seed("temperature", 1.0, float, between=(0.0, 2.0))
    link.seed("top_k", 0, int, between=(0, size))
    link.seed("top_p", 1.0, float, between=(0.05, 1.0))
    heat, k, p = row
    chosen = {
        "temperature": float(heat.slider(_("Temperature"), 0.0, 2.0, step=0.05, key="temperature",
                                         help=meaning("temperature"))),
        "top_k": int(k.slider(_("Top-k"), 0, size, key="top_k", help=meaning("top-k"))),
        "top_p": float(p.slider(_("Top-p"), 0.05, 1.0, step=0.01, key="top_p",
                                help=meaning("top-p")))}
    usual = {"temperature": 1.0, "top_k": 0, "top_p": 1.0}
    link.write(**{name: value if value != usual[name] else None
                  for name, value in chosen.items()})
    return chosen


def parts(spec: Stacked) -> list[str]:
    """The names of all heads and feed-forward layers."""
    return [name(layer, head) for layer in range(spec.layers)
            for head in (*range(spec.heads), None)]


def choose_silent(spec: Stacked) -> list[str]:
    """Which heads and feed-forward layers are silenced: their names. The link writes them with
    blanks between; what this network has not is refused in words."""
    known = parts(spec)

    def read(said: str) -> list[str]:
        wanted = said.split()
        unknown = [part for part in wanted if part not in known]
        if unknown:
            link.refuse(_("The link silences {given}, which this network has not: there are layers "
                          "1 to {layers}, each with heads 1 to {heads} and {feed}.",
                          given=" ".join(unknown)[:40], layers=spec.layers, heads=spec.heads,
                          feed=FEED))
        return [part for part in known if part in wanted]

    link.seed("silent", [], read)
    link.put("silent", [part for part in st.session_state["silent"] if part in known])
    chosen = st.multiselect(_("Silence heads and feed-forward layers"), known, key="silent",
                            format_func=title, placeholder=_("Choose one or several"))
    silent = [part for part in known if part in chosen]
    link.write(silent=" ".join(silent) or None)
    return silent


def choose_how() -> str:
    """What stands in the place of what is silenced."""
    link.seed("how", "zero", allowed=list(HOW))
    how = st.segmented_control(
        _("In its place"), list(HOW), key="how", required=True,
        format_func=lambda how: _(HOW[how]),
        help=_("Zero, or what it gives on average of the run's own text: zero may be further from "
               "all that the layers above have ever read."))
    link.write(how=how if how != "zero" else None)
    return str(how)


def asked(silent: Sequence[str]) -> dict[str, Any]:
    """The parameters of the probe `ablated` for these names."""
    pairs = [part.split(".") for part in silent]
    return {"heads": [[int(layer) - 1, int(head) - 1] for layer, head in pairs if head != FEED],
            "feeds": [int(layer) - 1 for layer, head in pairs if head == FEED]}


def loss_strip(trace: xr.Dataset, token: int) -> None:
    """The text, each token coloured by how much more it costs without what is silenced."""
    before, after = trace["loss"].values
    rise = after - before
    reach = max(float(np.nanmax(np.abs(rise), initial=0)), 1e-6)
    st.caption(_("Each token by how much more surprising it has become: from −{reach} to +{reach} "
                 "nats.", reach=f"{reach:.2f}"))
    _signed_strip(
        trace, rise, reach, _("The text, coloured by the change of each token's loss"),
        [[_("{before} → {after} nats", before=f"{a:.3f}", after=f"{b:.3f}"), f"Δ = {b - a:+.3f}"]
         if np.isfinite(a) else [_("nothing guessed it")]
         for a, b in zip(before, after, strict=True)], token, "loss-strip")


def choose_attribution(follows: bool) -> tuple[str, str]:
    """The method, and whose probability is explained. follows: a token comes next."""
    method, target = st.columns([1.6, 1])
    link.seed("method", "occlusion", allowed=list(METHODS))
    chosen = method.segmented_control(
        _("Method"), list(METHODS), key="method", required=True,
        format_func=lambda method: _(METHODS[method]))
    targets = list(TARGETS) if follows else ["guess"]
    link.seed("of", "guess", allowed=targets)
    of = target.segmented_control(
        _("Explain the probability of"), targets, key="of", required=True,
        format_func=lambda target: _(TARGETS[target]))
    link.write(method=chosen if chosen != "occlusion" else None,
               of=of if of != "guess" else None)
    return str(chosen), str(of)


def attribution_strips(trace: xr.Dataset) -> None:
    """The tokens by what they add to log p, and below them by where the network looked."""
    values, colours = trace["attribution"].values, palette(theme())
    reach = max(float(np.abs(values).max()), 1e-9)
    method = _(METHODS[str(trace.attrs["method"])])
    st.markdown(_("**{method}**: from −{reach} to +{reach} nats of log p", method=method,
                  reach=f"{reach:.2g}"))
    last = trace.sizes["token"] - 1
    _signed_strip(trace, values, reach,
                  _("The text, coloured by each token's attribution"),
                  [[f"{value:+.4f}"] for value in values], last, "attribution-strip")
    for key, said in (("attention", _("**Attention** of the last layer, mean of its heads")),
                      ("rollout", _("**Attention rollout** through all layers"))):
        weights = trace[key].values
        most = max(float(weights.max()), 1e-9)
        st.markdown(_("{what}: from 0 to {most}", what=said, most=f"{most:.2f}"))
        strip([str(label) for label in trace["label"].values],
              [colours.shade(float(weight) / most, signed=False) for weight in weights],
              label=said.replace("**", ""), hover=[[f"{weight:.4f}"] for weight in weights],
              selected=last, key=f"{key}-strip")


def _signed_strip(
    trace: xr.Dataset, values: np.ndarray, reach: float, label: str,
    hover: Sequence[Sequence[str]], selected: int, key: str,
) -> None:
    colours = palette(theme())
    strip([str(each) for each in trace["label"].values],
          [None if np.isnan(value) else colours.shade(float(value), True, reach)
           for value in values],
          label=label, hover=hover, selected=selected, key=key)
