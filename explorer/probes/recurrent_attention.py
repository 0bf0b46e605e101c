"""One query reads the user's sentence three ways, and what it has to keep as it goes on (Feng et
al. 2024, “Attention as an RNN”).
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from explorer.errors import DataError
from explorer.models.scan import by_scan, by_softmax, by_steps, nothing, step
from explorer.probes.bare_layers import Aaren, size
from explorer.words import N_

MOST = 4096  # tokens
WIDTHS = (1, 256)


def recurrent_attention(words: list[str], d: int = 32, seed: int = 0) -> xr.Dataset:
    """Each different word has a vector of d standard normal numbers, and a layer as before any
    training makes one query, and keys and values of them; in double precision.

    Over (token, unit): `softmax`, `steps`, `scan`: the answers of the three forms. Over token:
    `label`, `score` s, the running `maximum` m and `sum` u of the recurrence; `state`, the bytes
    of its memory (m, u, w) after the token, and `cache`, those of all keys and values so far, both
    counted on the tensors. attrs `apart`: the largest difference between any two forms.

    Raises DataError: no token, more than 4,096, or d outside 1…256.
    """
    if not 1 <= len(words) <= MOST or not WIDTHS[0] <= d <= WIDTHS[1]:
        raise DataError(
            N_("Attention reads 1 to {most} tokens here, of {low} to {high} numbers each (given: "
               "{tokens} and {d})."), most=MOST, low=WIDTHS[0], high=WIDTHS[1],
            tokens=len(words), d=d)
    ids = {word: number for number, word in enumerate(dict.fromkeys(words))}
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = Aaren(d).double()
        vectors = torch.randn(len(ids), d, dtype=torch.float64)
        s, k, v = layer.scored(vectors[[ids[word] for word in words]])  # (T,), (T, d), (T, d)
        answers = {"softmax": by_softmax(s, v), "steps": by_steps(s, v), "scan": by_scan(s, v)}
        state, cached, held = nothing(v[0]), [], 0
        rows = []
        for s_t, k_t, v_t in zip(s, k, v, strict=True):
            state = step(state, s_t, v_t)
            cached.append((k_t.clone(), v_t.clone()))
            held += size(cached[-1])
            rows.append((float(state.m), float(state.u), size(state), held))
    maximum, total, kept, cache = (np.array(column) for column in zip(*rows, strict=True))
    arrays = {name: answer.numpy() for name, answer in answers.items()}
    apart = max(float(np.abs(one - other).max())
                for one in arrays.values() for other in arrays.values())
    return xr.Dataset(
        {name: (("token", "unit"), array) for name, array in arrays.items()}
        | {"score": ("token", s.numpy()), "maximum": ("token", maximum), "sum": ("token", total),
           "state": ("token", kept), "cache": ("token", cache)},
        {"label": ("token", list(words))},
        {"d": d, "seed": seed, "apart": apart, "rounds": int(np.ceil(np.log2(len(words))))},
    )
