"""What it is worth to know where a token stands: a network on texts longer than its windows, and
on texts whose order is lost.
"""

from __future__ import annotations

from itertools import pairwise
from math import log
from typing import cast

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import DataError
from explorer.models.stacked import Stacked
from explorer.probes.capture import about
from explorer.probes.opened import Opened
from explorer.probes.stacks import stack_of
from explorer.text.segment import is_chinese, words
from explorer.training.loop import split
from explorer.words import N_

TIMES = 4  # windows: how far it is read at once
LONGEST = 2_048  # places
READ = 24_000  # tokens of all stretches together, about
STRETCHES, CONTEXTS = 96, 64  # at most
BINS = 8  # of a window
DRAWS = 8  # of an order
AT_ONCE = 2**23  # logits that are held
ORDERS = ("written", "words", "tokens")


def places(
    opened: Opened, text: str = "", times: int = TIMES, draws: int = DRAWS, seed: int = 0
) -> xr.Dataset:
    """Bits a token by where it stands, and with what stands before it shuffled.

    `bits` over bin: the mean surprisal of the tokens at places `first` … `last` of stretches that
    are read whole, `times` windows long; `error`: its standard error, where stretches whose bins
    share tokens are not counted as several: attrs["independent"], and NaN for one. Where only so
    many places are known, no more are read: attrs["known"], else 0.
    `shuffled` over (order, draw): bits for the token after a window, its tokens as `written`; with
    the `words` in another order, but for the one that is being written; with all `tokens` in
    another order, but for the last. NaN: words where each token is one.

    text: "" takes what the run held out, or the end of what it learnt, if nothing was held out
    (attrs["held_out"]). Raises DataError: it is shorter than a window and one token.
    """
    ids, held_out = _ids(opened, text)
    window, N = opened.experiment.training.window, len(ids)
    if window + 1 > N:
        raise DataError(
            N_("This text has {count} tokens, but the network read {window} at once: give it a "
               "longer one, at least {least} tokens."), count=N, window=window, least=window + 1)
    asked = min(times * window, LONGEST, N - 1)
    known = _known(opened, asked)
    length = min(asked, known or asked)
    with torch.no_grad():
        stretches = _stretches(ids, length, STRETCHES)
        paid = _paid(opened, stretches[:, :-1], stretches[:, 1:])  # (stretch, place)
        contexts = _stretches(ids, window, CONTEXTS)
        shuffled = _shuffled(opened, contexts, draws, seed)
    width = max(1, window // BINS)
    edges = np.unique(np.append(np.arange(0, length, width), length))
    means = np.stack([paid[:, a:b].mean(1) for a, b in pairwise(edges)])  # (bin, stretch)
    independent = min(len(paid), (N - 1 - length + width) // width)
    spread = means.std(1, ddof=1) if independent > 1 else np.full(len(means), np.nan)
    spec = cast("Stacked", opened.experiment.model)
    return xr.Dataset(
        {"bits": ("bin", means.mean(1), {"units": "bit"}),
         "error": ("bin", spread / np.sqrt(independent)),
         "shuffled": (("order", "draw"), shuffled, {"units": "bit"})},
        {"first": ("bin", edges[:-1]), "last": ("bin", edges[1:] - 1), "order": list(ORDERS)},
        about(opened) | {
            "positions": spec.placing, "layers": spec.layers, "window": window, "asked": asked,
            "known": known, "tokens": N, "stretches": len(stretches),
            "independent": independent, "contexts": len(contexts),
            "held_out": int(held_out)})


def _ids(opened: Opened, text: str) -> tuple[Tensor, bool]:
    """What is read, and whether it was kept from the network on purpose."""
    if text:
        return torch.from_numpy(opened.tokenizer.encode(text).ids), False
    learnt, held_out = split(opened.experiment, opened.tokenizer)
    if len(held_out):
        return held_out, True
    return learnt[-max(len(learnt) // 10, 1) :], False


def _known(opened: Opened, length: int) -> int:
    """How many places it knows, if fewer than so many; else 0."""
    spec = cast("Stacked", opened.experiment.model)
    try:
        spec.position.admit(length, spec.places)
    except DataError:
        return spec.places
    return 0


def _stretches(ids: Tensor, length: int, most: int) -> Tensor:
    """At most so many stretches of `length` tokens and the next, spread evenly over a text:
    (stretch, length + 1)."""
    last = len(ids) - 1 - length
    count = max(1, min(most, READ // length, last + 1))
    starts = torch.from_numpy(np.linspace(0, last, count).round().astype(np.int64))
    return ids[starts[:, None] + torch.arange(length + 1)]


def _paid(opened: Opened, ids: Tensor, following: Tensor, last: int | None = None
          ) -> NDArray[np.float64]:
    """Bits for each token that follows: (stretch, place). last: guesses of the last places only.
    """
    stack, size = stack_of(opened), ids.shape[1] * opened.tokenizer.size
    found = []
    for part, after in zip(ids.split(max(1, AT_ONCE // size)),
                           following.split(max(1, AT_ONCE // size)), strict=True):
        logits = stack(part.T)[0].transpose(0, 1)  # (stretch, place, vocabulary)
        kept = logits[:, -last:] if last else logits
        guessed = kept.double().log_softmax(-1)
        found.append(-guessed.gather(-1, after[..., None])[..., 0] / log(2))
    return cast("NDArray[np.float64]", torch.cat(found).numpy())


def _shuffled(
    opened: Opened, contexts: Tensor, draws: int, seed: int
) -> NDArray[np.float64]:
    """Mean bits for the last token of each context, (order, draw)."""
    seen, following = contexts[:, :-1], contexts[:, -1:]
    chance = np.random.default_rng(seed)
    begins = [_begins([opened.tokenizer.labels[int(i)] for i in row]) for row in seen]
    one_each = all(len(starts) == seen.shape[1] for starts in begins)
    written = _paid(opened, seen, following, 1).mean()
    found = np.full((len(ORDERS), draws), np.nan)
    found[0] = written
    for draw in range(draws):
        singly = list(range(seen.shape[1]))
        for row, ways in ((1, begins), (2, [singly] * len(seen))):
            if row == 2 or not one_each:
                mixed = torch.stack([ids[_order(starts, len(ids), chance)]
                                     for ids, starts in zip(seen, ways, strict=True)])
                found[row, draw] = _paid(opened, mixed, following, 1).mean()
    return found


def _begins(labels: list[str]) -> list[int]:
    """At which tokens a word begins."""
    written = "".join(labels)
    edges = np.cumsum([0, *(len(word) for word in words(written, is_chinese(written)))])
    starts = np.cumsum([0, *(len(label) for label in labels)])[:-1]
    return [0, *(int(i) for i in np.flatnonzero(np.isin(starts, edges)) if i)]


def _order(starts: list[int], T: int, chance: np.random.Generator) -> Tensor:
    """The places 0 … T − 1 with the pieces that begin at `starts` in another order, but for the
    last piece."""
    pieces = np.split(np.arange(T), starts[1:])
    moved = [pieces[i] for i in chance.permutation(len(pieces) - 1)]
    return torch.from_numpy(np.concatenate([*moved, pieces[-1]]))
