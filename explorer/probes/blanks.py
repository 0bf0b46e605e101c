"""What a network that learnt to fill gaps would write into each place of a text."""

from __future__ import annotations

import torch
import xarray as xr

from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.probes.stacks import cropped
from explorer.tasks.masked import MASK

CANDIDATES = 5


def blanks(opened: Opened, text: str) -> xr.Dataset:
    """Each of the first tokens of a text hidden in turn, all others seen (the pseudo-likelihood of
    Salazar et al. 2020): `loss` over token, in nats, and over (token, rank) the likeliest
    `candidate` and its `candidate_probability`. As many tokens are read as a window of its training
    had; attrs["of"] says how many there are. Raises DataError: an empty text.
    """
    tokens, of = cropped(opened, text, opened.experiment.training.window)
    true = torch.from_numpy(tokens.ids)
    rows = true.repeat(len(true), 1)  # (T copies, T)
    rows.fill_diagonal_(MASK)
    with torch.no_grad():
        logits = torch.cat([opened.network(part.T)[0].transpose(0, 1) for part in rows.split(64)])
    each = torch.arange(len(true))
    guessed = logits[each, each].log_softmax(-1)  # (T, vocabulary)
    best = guessed.exp().topk(min(CANDIDATES, guessed.shape[1]))
    return xr.Dataset(
        {"loss": ("token", -guessed[each, true].numpy(), {"units": "nat"}),
         "candidate": (("token", "rank"), best.indices.numpy()),
         "candidate_probability": (("token", "rank"), best.values.numpy())},
        {"label": ("token", list(tokens.labels)), "id": ("token", tokens.ids)},
        about(opened) | {"of": of})
