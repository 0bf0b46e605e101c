"""Gradients through time: how much each state of the past matters to one guess."""

from __future__ import annotations

import torch
import xarray as xr
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.models.tape import Tape, record
from explorer.probes.capture import DIRECTIONS, about, admit, through_cell
from explorer.probes.opened import Opened
from explorer.words import N_


def gradients(opened: Opened, text: str, at: int = -1) -> xr.Dataset:
    """`gradient` = ∂L(at)/∂h(t) over (layer, direction, token, unit), by backpropagation through
    the cell; L(at) is the cross-entropy, in nats, of guessing token `at` from those before it, so
    the gradient is zero from t = at on.

    at: an index into the text's tokens, counted from the end if negative.
    Raises DataError: fewer than two tokens, or `at` outside the text or its first token.
    """
    tokens = admit(opened, text)
    T = len(tokens)
    guessed = at + T if at < 0 else at
    if not 0 < guessed < T:
        raise DataError(
            N_(
                "Token {at} cannot be guessed from tokens before it: the text has {count} tokens; "
                "choose one from 1 to {last}."
            ),
            at=at,
            count=T,
            last=T - 1,
        )
    ids = torch.from_numpy(tokens.ids)
    tape = Tape(retain=True)
    with torch.enable_grad(), record(tape):
        top = through_cell(opened, ids[:guessed])  # (guessed, width)
        loss = F.cross_entropy(opened.network.decoder(top[-1]), ids[guessed])
        loss.backward()
    opened.network.zero_grad(set_to_none=True)
    spec = opened.network.spec
    gradient = torch.zeros(spec.layers, spec.directions, T, spec.hidden)
    for axes, h in tape.kept["hidden"].items():
        place = dict(axes)
        if h.grad is not None:
            gradient[place["layer"], place.get("direction", 0), place["token"]] = h.grad
    return xr.Dataset(
        {"gradient": (("layer", "direction", "token", "unit"), gradient.numpy())},
        {
            "label": ("token", list(tokens.labels)),
            "direction": list(DIRECTIONS[: spec.directions]),
        },
        about(opened) | {"at": guessed, "loss": float(loss.detach())},
    )
