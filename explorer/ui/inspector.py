"""One step of the cell, its equations filled with its numbers."""

from __future__ import annotations

import numpy as np
import streamlit as st
import xarray as xr

from explorer.models.recurrent import Recurrent, Sums
from explorer.observations import OBSERVATIONS
from explorer.ui.figure import plain
from explorer.views.gates import plane
from explorer.words import _

TERMS = 5  # of each product are listed
PARTS = ("from_input", "from_state", "bias_input", "bias_state")


def step_with_numbers(spec: Recurrent, trace: xr.Dataset, sums: xr.Dataset) -> None:
    """The equations of one unit at one token. sums: what the probe `inspect` said of it."""
    token, layer, unit, way = (
        int(sums.attrs[name]) for name in ("token", "layer", "unit", "direction")
    )
    planes = {name: plane(trace, name, layer, way)[:, unit] for name in spec.observes}  # (token,)
    now = {name: float(values[token]) for name, values in planes.items()}
    earlier = token + 1 if way else token - 1
    known = 0 <= earlier < trace.sizes["token"]
    before = {name: float(values[earlier]) if known else 0.0 for name, values in planes.items()}
    blocks = [str(block) for block in sums["block"].values]
    filled = {
        block: Sums(*(float(sums[part].sel(block=block)) for part in PARTS)) for block in blocks
    }
    st.markdown(
        _(
            "Token {token}, “{label}”, unit {unit} of layer {layer}:",
            token=token,
            label=plain(str(trace["label"].values[token])),
            unit=unit,
            layer=layer + 1,
        )
    )
    for formula in spec.filled(filled, before, now):
        st.latex(formula)
    with st.expander(_("The matrix products, unfolded")):
        st.caption(_("The largest terms of W x and U h for this unit: weight times what it reads."))
        st.table(_terms(sums, blocks))


def _terms(sums: xr.Dataset, blocks: list[str]) -> list[dict[str, object]]:
    """Of each block's two products the largest terms: a table."""
    rows: list[dict[str, object]] = []
    for block in blocks:
        for name, axis in (("input_terms", "x"), ("state_terms", "h")):
            terms = sums[name].sel(block=block).values
            rows += [
                {
                    _("gate"): _(OBSERVATIONS[block].title),
                    _("term"): f"{axis}[{place}]",
                    _("adds"): float(terms[place]),
                }
                for place in np.argsort(-np.abs(terms))[:TERMS]
            ]
    return rows
