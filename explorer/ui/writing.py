"""Let a trained network write, and put one's own token in its way."""

from __future__ import annotations

import streamlit as st
import xarray as xr

from explorer.store import Run
from explorer.text import Tokenizer
from explorer.ui import link
from explorer.ui.backend import ask
from explorer.ui.figure import netcdf
from explorer.ui.glossary import meaning
from explorer.ui.page import guard
from explorer.ui.session import theme
from explorer.ui.strip import strip
from explorer.views import palette
from explorer.words import _


def write(run: Run) -> None:
    """The form, what the network writes, and each token's five likeliest candidates."""
    tokenizer = run.tokenizer
    with st.container(border=True):
        parameters = _settings(run)
    forced = _forced(run)
    if forced is not None:
        parameters = parameters | {"prefix": "", "prefix_ids": forced}
    with guard():
        written = ask("generate", run.key, run.snapshots[-1], **parameters)
        _draw(run, tokenizer, written)


def _forced(run: Run) -> list[int] | None:
    """The tokens that were put in the network's way, as ids: by a click, or by the link, of which
    what the network does not know is refused."""
    if "forced" not in st.session_state:
        said = link.read("forced")
        ids = [int(each) if each.isdecimal() else -1 for each in said.split(".")] if said else []
        if not all(0 <= each < run.tokenizer.size for each in ids):
            link.refuse(_("The link puts tokens in the network's way that it does not know: they "
                          "are left out."))
            ids = []
        st.session_state["forced"] = {run.key: ids} if ids else {}
    forced: list[int] | None = st.session_state["forced"].get(run.key)
    link.write(forced=".".join(map(str, forced)) if forced else None)
    return forced


def _settings(run: Run) -> dict[str, object]:
    """Prefix, length, temperature, top-k, top-p and seed, which stand in the link."""
    left, right = st.columns([3, 1])
    link.seed("prefix", run.experiment.text.content.strip().split("\n")[0][:20].strip())
    prefix = left.text_input(
        _("Prefix"), key="prefix", help=meaning("prefix"), on_change=_forget, args=(run.key,)
    )
    link.seed("length", 200, int, between=(1, 1000))
    length = right.number_input(_("Tokens to write"), 1, 1000, key="length", step=50)
    cells = st.columns(4)
    link.seed("temperature", 0.8, float, between=(0.0, 3.0))
    temperature = cells[0].slider(
        _("Temperature"), 0.0, 3.0, step=0.1, key="temperature", help=meaning("temperature")
    )
    link.seed("k", 0, int, between=(0, 100))
    top_k = cells[1].number_input(_("Top-k"), 0, 100, key="k", help=meaning("top-k"))
    link.seed("p", 1.0, float, between=(0.05, 1.0))
    top_p = cells[2].slider(_("Top-p"), 0.05, 1.0, step=0.05, key="p", help=meaning("top-p"))
    link.seed("draw", 0, int, between=(0, 9999))
    seed = cells[3].number_input(
        _("Draw"),
        0,
        9999,
        key="draw",
        help=_("Another number draws another text; the same one the same."),
    )
    link.write(prefix=prefix, length=length, temperature=temperature, k=top_k, p=top_p, draw=seed)
    return {
        "prefix": prefix,
        "tokens": int(length),
        "temperature": float(temperature),
        "top_k": int(top_k),
        "top_p": float(top_p),
        "seed": int(seed),
    }


def _draw(run: Run, tokenizer: Tokenizer, written: xr.Dataset) -> None:
    colours = palette(theme())
    labels = [str(label) for label in written["label"].values]
    probability = written["probability"].values
    new = written["generated"].values
    candidates = [
        [
            (tokenizer.labels[int(i)], f"{p:.1%}", int(i))
            for i, p in zip(ids, ps, strict=True)
            if i >= 0
        ]
        for ids, ps in zip(
            written["candidate"].values, written["candidate_probability"].values, strict=True
        )
    ]
    hover = [
        [_("given: read, not written")]
        if not fresh
        else [_("probability {share}", share=f"{p:.1%}")]
        for p, fresh in zip(probability, new, strict=True)
    ]
    event = strip(
        labels,
        [
            colours.shade(float(p), signed=False) if fresh else None
            for p, fresh in zip(probability, new, strict=True)
        ],
        label=_("What the network wrote, each token coloured by its probability"),
        hover=hover,
        candidates=candidates,
        key="written",
    )
    st.caption(
        _(
            "Each token is coloured by the probability that the network gave it, from 0 to 1 "
            "(full ink); the prefix has no colour. Point at a token for the five likeliest; "
            "choose one to put it there, and the network goes on from it."
        )
    )
    if event is not None and event.index is not None and event.candidate is not None:
        ids = [int(i) for i in written["id"].values[: event.index]]
        st.session_state["forced"] = {run.key: [*ids, event.candidate]}
        st.rerun()
    row = st.container(horizontal=True)
    if st.session_state.get("forced", {}).get(run.key) is not None:
        row.button(
            _("Back to the prefix"), icon=":material/undo:", on_click=_forget, args=(run.key,)
        )
    row.download_button(
        _("Text"),
        written.attrs["text"],
        "written.txt",
        on_click="ignore",
        icon=":material/download:",
    )
    row.download_button(
        "NetCDF",
        lambda: netcdf(written),
        "written.nc",
        on_click="ignore",
        icon=":material/download:",
    )


def _forget(key: str) -> None:
    """Take back the tokens that were put in the network's way."""
    st.session_state.get("forced", {}).pop(key, None)
