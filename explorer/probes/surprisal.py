"""What each token of a text costs a network: its surprisal in bits (Shannon 1948)."""

from __future__ import annotations

import math

import numpy as np
import torch
import xarray as xr

from explorer.probes.capture import about, admit
from explorer.probes.guessing import guesses
from explorer.probes.opened import Opened


def surprisal(opened: Opened, text: str) -> xr.Dataset:
    """`bits` = −log₂ p(x_t | x_1 … x_{t−1}) over token; NaN for the first, which nothing guesses.
    Their sum is log₂ of the perplexity on this text times the tokens guessed.

    Raises DataError: empty, or longer than `capture.LONGEST` tokens.
    """
    tokens = admit(opened, text)
    ids = torch.from_numpy(tokens.ids)
    with torch.no_grad():
        guessed = guesses(opened, ids)[:-1].double().log_softmax(-1)  # (T − 1, vocabulary)
        bits = -guessed.gather(1, ids[1:, None])[:, 0] / math.log(2)  # (T − 1,)
    return xr.Dataset(
        {"bits": ("token", np.concatenate([[np.nan], bits.numpy()]), {"units": "bit"})},
        {"label": ("token", list(tokens.labels)), "id": ("token", tokens.ids)},
        about(opened))
