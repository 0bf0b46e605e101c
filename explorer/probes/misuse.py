"""How well a network writes, beside how well it seems to guess: a network that reads both ways
has read the very token that it is asked for.
"""

from __future__ import annotations

from math import exp, log2

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.probes.capture import about
from explorer.probes.generation import blind_guesses, generate
from explorer.probes.opened import Opened
from explorer.probes.plausible import NGrams
from explorer.training.loop import split
from explorer.words import N_

READ = 600  # held-out tokens that are guessed
WRITTEN = 300
PREFIX = 12


def misuse(opened: Opened, tokens: int = WRITTEN, seed: int = 0) -> xr.Dataset:
    """`bits` over `source`: how many bits a token of a text costs by the trigrams (Witten–Bell) of
    the text that the network learnt from: of the held-out `text`, of what the `network` writes, of
    tokens drawn by their frequency (`unigram`), of tokens drawn `blind`. Fewer: more plausible.

    attrs: `scored`, the perplexity of the held-out tokens when the whole of them is read at once,
    as training does; `honest`, of the same tokens when each is guessed from those before it alone,
    at most a training window of them; `written`, what the network wrote after attrs["prefix"];
    `tokens`, `read`: how many were written, read. Raises DataError: nothing is held out.
    """
    held_in, held_out = split(opened.experiment, opened.tokenizer)
    read = held_out[: READ + 1]
    if len(read) < PREFIX + 2:
        raise DataError(N_("Nothing, or hardly anything, of this run's text was held out: there is "
                           "nothing to judge it by. Train with a part held out."))
    window = opened.experiment.training.window
    with torch.no_grad():
        seen, _ = opened.network(read[:, None])  # (T, 1, vocabulary): as in training
        blind = blind_guesses(opened.network, read[:-1], window)  # (T − 1, vocabulary)
    prefix = read[:PREFIX].tolist()
    written = generate(opened, tokens=tokens, prefix_ids=prefix, seed=seed)
    grams = NGrams(held_in.tolist(), opened.tokenizer.size)
    sources = {
        "text": held_out[: PREFIX + tokens].tolist(),
        "network": written["id"].values.tolist(),
        "unigram": prefix + _drawn(held_in, tokens, opened.tokenizer.size, seed),
        "blind": prefix + _drawn(torch.arange(opened.tokenizer.size), tokens,
                                 opened.tokenizer.size, seed),
    }
    return xr.Dataset(
        {"bits": ("source", [grams.bits(ids, PREFIX) for ids in sources.values()])},
        {"source": list(sources)},
        about(opened) | {
            "scored": _perplexity(seen[:-1, 0], read[1:]), "honest": _perplexity(blind, read[1:]),
            "written": opened.tokenizer.decode(written["id"].values[PREFIX:].tolist()),
            "prefix": opened.tokenizer.decode(prefix), "tokens": tokens, "read": len(read) - 1,
            "window": window, "vocabulary_bits": log2(opened.tokenizer.size),
        },
    )


def _perplexity(logits: Tensor, targets: Tensor) -> float:
    """exp of the mean cross-entropy of logits (T, vocabulary)."""
    return exp(min(700.0, float(F.cross_entropy(logits.double(), targets))))


def _drawn(ids: Tensor, count: int, vocabulary: int, seed: int) -> list[int]:
    """Tokens drawn by how often each stands in ids (T,)."""
    share = torch.bincount(ids, minlength=vocabulary).double().numpy()
    draw = np.random.default_rng(seed)
    return [int(i) for i in draw.choice(vocabulary, count, p=share / share.sum())]
