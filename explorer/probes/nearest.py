"""Where in its own text a network has been in nearly the same state."""

from __future__ import annotations

import numpy as np
import xarray as xr

from explorer.errors import DataError
from explorer.probes.capture import about, admit
from explorer.probes.corpus import Corpus, states
from explorer.probes.opened import Opened
from explorer.words import N_

LISTED = 12
AROUND = 32  # tokens of context on either side


def nearest_states(
    opened: Opened, text: str, token: int, layer: int = 0, observation: str = "hidden"
) -> xr.Dataset:
    """The `LISTED` tokens of the run's own text at which the state is nearest (Euclidean) to the
    one after `token` of this text, nearest first: over place, `start` (the token's number),
    `distance`, and the text `before`, `hit` (the token itself), `after`.

    attrs: `median`, the distance of the median token; `error`, by how much each kept number may be
    off. Raises DataError: an empty text, a token outside it.
    """
    tokens = admit(opened, text)
    if not 0 <= token < len(tokens):
        raise DataError(N_("There is no token {token}: the text has {count}."),
                        token=token, count=len(tokens))
    state = states(opened, tokens, layer, observation)[token]  # (unit,)
    corpus = Corpus(opened, layer, observation)
    read = corpus.go_on()
    squared = np.zeros(read, np.float32)  # (token,)
    for unit, value in enumerate(state.tolist()):
        squared += np.square(corpus.row(unit) - np.float32(value))
    order = np.argsort(squared, kind="stable")[:LISTED]
    contexts = [corpus.context(t, t + 1, AROUND) for t in order.tolist()]
    return xr.Dataset(
        {"start": ("place", order), "distance": ("place", np.sqrt(squared[order]))}
        | {name: ("place", [each[i] for each in contexts])
           for i, name in enumerate(("before", "hit", "after"))},
        {"label": ("token", list(tokens.labels))},
        about(opened) | {"token": token, "layer": layer, "observation": observation, "read": read,
                         "of": corpus.of, "error": corpus.error,
                         "median": float(np.sqrt(np.median(squared)))})


def read_states(
    opened: Opened, layer: int = 0, observation: str = "hidden", seconds: float = 1.0
) -> xr.Dataset:
    """Read the run's own text for about so many seconds, from where it was left, and keep its
    states. attrs: `read` tokens of `size`, out of `of` in the text."""
    corpus = Corpus(opened, layer, observation)
    read = corpus.go_on(seconds=seconds)
    return xr.Dataset(attrs=about(opened) | {"read": read, "size": corpus.size, "of": corpus.of})
