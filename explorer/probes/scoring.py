"""How the scores of one decoding step come about, with their numbers."""

from __future__ import annotations

import xarray as xr

from explorer.errors import DataError
from explorer.probes.opened import Opened
from explorer.probes.translating import alignment, opened_pairs
from explorer.words import N_


def scoring(opened: Opened, source: str, target: str | None = None, query: int = 0) -> xr.Dataset:
    """The scores that a step's query gives: `formula` over key, as LaTeX, filled with its numbers,
    and `score`, what it comes to.

    target: as for `alignment`. query: which of the written tokens. Raises DataError: no such step,
    a network without attention, or an empty source or target.
    """
    translator, _ = opened_pairs(opened)
    seen = alignment(opened, source, target)
    if translator.scorer is None:
        raise DataError(N_("This network has no attention: nothing is scored."))
    if not 0 <= query < seen.sizes["query"]:
        raise DataError(N_("There is no step {query}: choose one from 0 to {last}."), query=query,
                        last=seen.sizes["query"] - 1)
    weights = {name: value.detach().double().numpy()
               for name, value in translator.scorer.weights.items()}
    asks = seen["query_state"].values[query].astype(float)
    keys = seen["key_state"].values.astype(float)
    return xr.Dataset(
        {"formula": ("key", [translator.scorer.spec.filled(asks, key, weights) for key in keys]),
         "score": ("key", seen["scores"].values[0, 0, query])},
        {"key_label": seen["key_label"]}, seen.attrs | {"query": query})
