"""The logit lens (nostalgebraist 2020): what a stack of blocks would guess if it ended after each
of them.

    p_l = softmax(E · norm(x_l) + b)        x_0 the embedding, x_l what block l gives

The last of them is the network's own guess. How far an early one is from it: KL(p_L ‖ p_l).
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.probes.stacks import cropped, read, stack_of

CANDIDATES = 5


def lens(opened: Opened, text: str) -> xr.Dataset:
    """What would be guessed after each of at most `stacks.AT_ONCE` tokens, at each depth: 0 is the
    embedding, l what block l gives. Over (depth, token) the `probability` of the token that comes
    next and its `order` among all (1: the likeliest), NaN after the last; `entropy` and `kl`, both
    in nats, `kl` from the last depth's guess. Over (depth, token, place) the likeliest five:
    `candidate`, an index into the coordinate `vocabulary`, and `candidate_probability`.

    attrs: `of`, how many tokens the text has; `window`, how many the network was trained on at
    once. Raises DataError: an empty text.
    """
    tokens, of = cropped(opened, text)
    ids = torch.from_numpy(tokens.ids)
    with torch.no_grad():
        logits = guesses_by_depth(opened, ids)
        last = logits[-1].double().log_softmax(-1)  # (T, vocabulary)
        rows = [_measured(each.double().log_softmax(-1), last, ids) for each in logits]
    values = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    axes = {name: ("depth", "token", "place")[: value.ndim] for name, value in values.items()}
    units = {"entropy": {"units": "nat"}, "kl": {"units": "nat"}}
    return xr.Dataset(
        {name: (axes[name], value, units.get(name, {})) for name, value in values.items()},
        {"label": ("token", list(tokens.labels)), "id": ("token", tokens.ids),
         "vocabulary": list(opened.tokenizer.labels)},
        about(opened) | {"of": of, "window": opened.experiment.training.window})


def guesses_by_depth(opened: Opened, ids: Tensor) -> list[Tensor]:
    """The logits (T, vocabulary) after each of the ids (T,), read off at each depth."""
    stack = stack_of(opened)
    _, tape = read(opened, ids)
    after = [tape.kept["after"][("layer", layer),] for layer in range(stack.spec.layers)]
    return [stack.guess(x)[0] for x in (tape.kept["before"][("layer", 0),], *after)]


def _measured(log_p: Tensor, last: Tensor, ids: Tensor) -> dict[str, np.ndarray]:
    """Of one depth's guesses, as log p (T, vocabulary)."""
    p = log_p.exp()
    true = log_p[:-1].gather(1, ids[1:, None])  # (T − 1, 1)
    better = (log_p[:-1] > true).sum(1)  # (T − 1,)
    best = p.topk(min(CANDIDATES, p.shape[1]))  # (T, place)
    return {
        "probability": _before_last(true[:, 0].exp()),
        "order": _before_last(better + 1.0),
        "entropy": -torch.special.xlogy(p, p).sum(1).numpy(),
        "kl": (last.exp() * (last - log_p)).sum(1).numpy(),
        "candidate": best.indices.numpy(),
        "candidate_probability": best.values.numpy(),
    }


def _before_last(values: Tensor) -> np.ndarray:
    """values (T − 1,) and NaN: what comes after the last token is not known."""
    return np.append(values.numpy(), np.nan)
