"""Attention without a network around it, on vectors that were typed or drawn."""

from __future__ import annotations

import hashlib
import json

import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.attention import attend
from explorer.models.scorers import Scorer
from explorer.models.tape import Tape, record
from explorer.words import N_

MASKS = ("none", "first", "causal")
Rows = list[list[float]]


def attention_alone(
    queries: Rows,
    keys: Rows,
    values: Rows,
    names: list[list[str]] | None = None,
    scorer: str = "scaled-dot",
    mask: str = "none",
    first: int = 1,
    hidden: int = 3,
    seed: int = 0,
) -> xr.Dataset:
    """`scores`, `masked` (−∞ where hidden), `attention` over (query, key); `context` over (query,
    feature); what came: `q` (query, query_number), `k` (key, key_number), `v` (key, feature); and
    the scorer's weights, `learnt_W` and so on. In double precision.

    names: of the queries and of the keys. mask: none; first: only so many keys are valid, as in a
    padded batch; causal: no query sees a key after its own place. hidden, seed: of a scorer that
    learns: here its weights are as drawn. Raises DataError or ExperimentError: sizes that do not
    go together, a mask that is not known.
    """
    q, k, v = _rows(queries, "queries"), _rows(keys, "keys"), _rows(values, "values")
    if len(k) != len(v):
        raise DataError(
            N_("There are {keys} keys and {values} values, but each key stands for a value: write "
               "as many lines for both."), keys=len(k), values=len(v))
    valid = _valid(mask, first, len(q), len(k))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        scoring = Scorer.parse(scorer).build(q.shape[-1], k.shape[-1], hidden).double()
    tape = Tape()
    with torch.no_grad(), record(tape):
        context, weights = attend(q, k, v, scoring, valid)
    (scores,) = tape.kept["scores"].values()
    asked = json.dumps([queries, keys, values, names, scorer, mask, first, hidden, seed])
    labels = names or [[f"q{i + 1}" for i in range(len(q))], [f"k{i + 1}" for i in range(len(k))]]
    learnt = {f"learnt_{name}": ([f"{name}_{axis}" for axis in range(weight.ndim)], weight.numpy())
              for name, weight in scoring.state_dict().items()}
    return xr.Dataset(
        {
            "scores": (("query", "key"), scores.numpy()),
            "masked": (("query", "key"), scores.masked_fill(~valid, -torch.inf).numpy()),
            "attention": (("query", "key"), weights.numpy()),
            "context": (("query", "feature"), context.numpy()),
            "q": (("query", "query_number"), q.numpy()),
            "k": (("key", "key_number"), k.numpy()),
            "v": (("key", "feature"), v.numpy()),
        } | learnt,
        {"query_label": ("query", labels[0]), "key_label": ("key", labels[1])},
        {"scorer": scorer, "mask": mask, "seed": seed, "hidden": hidden,
         "asked": hashlib.sha256(asked.encode()).hexdigest()},
    )


def _rows(rows: Rows, what: str) -> Tensor:
    if not rows or len({len(row) for row in rows}) != 1 or not rows[0]:
        raise DataError(N_("The {what} must be vectors of one length, at least one."), what=what)
    found = torch.tensor(rows, dtype=torch.float64)
    if not found.isfinite().all():
        raise DataError(N_("The {what} hold a number that is not finite: replace it."), what=what)
    return found


def _valid(mask: str, first: int, queries: int, keys: int) -> Tensor:
    """Which keys each query may see: bool (query, key)."""
    everything = torch.ones(queries, keys, dtype=torch.bool)
    if mask not in MASKS:
        raise DataError(N_("There is no mask called “{given}”; there are: {known}."),
                        given=mask, known=", ".join(MASKS))
    if mask == "causal":
        return everything.tril()
    if mask == "first":
        everything[:, max(first, 0) :] = False
    return everything
