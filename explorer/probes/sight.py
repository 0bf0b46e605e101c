"""Which tokens each guess is made of, by its gradient: what cannot be seen has none at all."""

from __future__ import annotations

import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.network import Network
from explorer.probes.capture import about, admit
from explorer.probes.opened import Opened
from explorer.words import N_

SEEN = 32  # tokens of a text whose guesses are looked at


def sight(opened: Opened, text: str, writing: bool = False, most: int = SEEN) -> xr.Dataset:
    """Over (guess, token): `gradient` = ‖∂z/∂x(s)‖, where z is the logit, made at token t, of the
    token t + 1 that really comes, and x(s) is what the network reads at token s; `share`, the same
    with rows that sum to 1. Where it is exactly 0, the guess cannot see the token.

    writing: for each guess only the tokens up to t are read, as when the network writes: what
    comes after is not there yet. Else the whole text is read at once, as in training. Only the
    first `most` tokens are read; attrs["of"] says how many there are.
    Raises DataError: fewer than two tokens, or the text is too long.
    """
    tokens = admit(opened, text)
    if len(tokens) < 2:
        raise DataError(N_("One token is not enough: nothing is guessed from it. Type at least "
                           "two."))
    ids = torch.from_numpy(tokens.ids[:most])
    gradient = (_by_guess if writing else _at_once)(opened.network, ids)  # (T − 1, T)
    share = gradient / gradient.sum(1, keepdim=True).clamp(min=torch.finfo(gradient.dtype).tiny)
    labels = list(tokens.labels[:most])
    return xr.Dataset(
        {"gradient": (("guess", "token"), gradient.numpy()),
         "share": (("guess", "token"), share.numpy())},
        {"label": ("token", labels), "guessed": ("guess", labels[1:])},
        about(opened) | {"writing": int(writing), "of": len(tokens),
                         "directions": opened.network.spec.directions},
    )


def _at_once(network: Network, ids: Tensor) -> Tensor:
    """All guesses in one pass: the text side by side with itself, one copy for each guess."""
    T = len(ids)
    with torch.enable_grad():
        x = network.read(ids).detach()  # (T, inputs)
        copies = x[:, None].repeat(1, T - 1, 1).requires_grad_()  # (T, guess, inputs)
        h, _ = network.core(copies)  # (T, guess, width)
        each = torch.arange(T - 1)
        logits = network.decoder(h[each, each])  # (guess, vocabulary)
        [found] = torch.autograd.grad(logits[each, ids[1:]].sum(), copies)
    gradient: Tensor = found.norm(dim=-1).T  # (guess, T)
    return gradient


def _by_guess(network: Network, ids: Tensor) -> Tensor:
    """Guess by guess, from the tokens up to it alone."""
    T = len(ids)
    gradient = torch.zeros(T - 1, T, dtype=network.decoder.weight.dtype)
    with torch.enable_grad():
        for t in range(T - 1):
            x = network.read(ids[: t + 1]).detach().requires_grad_()  # (t + 1, inputs)
            h, _ = network.core(x)  # (t + 1, width)
            [found] = torch.autograd.grad(network.decoder(h[-1])[ids[t + 1]], x)
            gradient[t, : t + 1] = found.norm(dim=-1)
    return gradient
