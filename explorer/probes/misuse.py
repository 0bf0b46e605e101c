"""How well a network writes, beside how well it seems to guess: a network that reads both ways
has read the very token that it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn import functional as F

from explorer.errors import DataError
from explorer.models.network import Network
from explorer.probes.capture import about
from explorer.probes.generation import blind_guesses
from explorer.probes.opened import Opened
from explorer.training.loop import split
from explorer.words import N_

READ = 600  # held-out tokens that are guessed
SAMPLES, PREFIX, WRITTEN = 6, 12, 60  # beginnings; tokens of each; tokens written after each
GRAM = 4


def misuse(opened: Opened, seed: int = 0) -> xr.Dataset:
    """`known` over `source`: of all stretches of `GRAM` tokens of some texts, how many stand in
    the text that the network learnt from, each counted once in a text: who stammers gains nothing.
    Sources: `text`, the held-out part; `written` by the network; `anew`, by a network of both
    directions in another way (below); `unigram`, tokens drawn by their frequency; `blind`, drawn
    evenly. `begun` and `written` over `sample`: what it was given, and wrote.

    A network writes token by token and carries its state on: of both directions, both states (as
    chapter 9 of Dive into Deep Learning does). `anew`: for each token it reads all there is, at
    most a training window, once more, so that the backward state is one of the prefix alone.

    attrs: `scored`, the perplexity of held-out tokens when all of them are read at once, as in
    training; `honest`, of the same tokens when each is guessed from the window before it alone;
    `echo`, how often the network wrote the very token that stood two before; `echo_text`, how
    often the held-out text has it. Raises DataError: too little is held out.
    """
    held_in, held_out = split(opened.experiment, opened.tokenizer)
    if len(held_out) <= PREFIX + WRITTEN:
        raise DataError(N_("Nothing, or hardly anything, of this run's text was held out: there is "
                           "nothing to judge it by. Train with a part held out."))
    network, window = opened.network, opened.experiment.training.window
    size, read = opened.tokenizer.size, held_out[: READ + 1]
    with torch.no_grad():
        seen, _ = network(read[:, None])  # (T, 1, vocabulary): as in training
        blind = blind_guesses(network, read[:-1], window)  # (T − 1, vocabulary)
        real = _pieces(held_out)  # (PREFIX + WRITTEN, SAMPLES)
        texts = {"text": real, "written": carry_on(network, real[:PREFIX], WRITTEN, seed)}
        if network.spec.bidirectional:
            texts["anew"] = read_anew(network, real[:PREFIX], WRITTEN, seed, window)
    texts["unigram"] = _drawn(torch.bincount(held_in, minlength=size), seed)
    texts["blind"] = _drawn(torch.ones(size), seed)
    ids = held_in.tolist()
    reference = set(zip(*(ids[i:] for i in range(GRAM)), strict=False))
    own = texts["written"]
    return xr.Dataset(
        {
            "known": ("source", [known(_written(text), reference) for text in texts.values()]),
            "begun": ("sample", [opened.tokenizer.decode(row[:PREFIX]) for row in own.T.tolist()]),
            "written": ("sample", [opened.tokenizer.decode(row) for row in _written(own)]),
            "anew": ("sample", [opened.tokenizer.decode(row)
                                for row in _written(texts.get("anew", own))]),
        },
        {"source": list(texts)},
        about(opened) | {
            "scored": _perplexity(seen[:-1, 0], read[1:]), "honest": _perplexity(blind, read[1:]),
            "echo": _echoes(own[PREFIX - 2 :]), "echo_text": _echoes(real[PREFIX - 2 :]),
            "read": len(read) - 1, "tokens": SAMPLES * WRITTEN, "window": window,
            "directions": network.spec.directions,
        },
    )


def carry_on(network: Network, ids: Tensor, count: int, seed: int) -> Tensor:
    """Write `count` tokens after ids (T, B), one at a time, every state carried on: of a backward
    direction too, which has then read the token before and not the one that comes."""
    draw = torch.Generator().manual_seed(seed)
    state = None
    for token in ids:  # (B,)
        h, state = network.core(network.read(token[None]), state)  # (1, B, width)
    for _ in range(count):
        ids = torch.cat([ids, _choose(network.decoder(h[-1]), draw)])
        h, state = network.core(network.read(ids[-1:]), state)
    return ids


def read_anew(network: Network, ids: Tensor, count: int, seed: int, window: int) -> Tensor:
    """Write `count` tokens after ids (T, B); for each, the last `window` tokens are read again."""
    draw = torch.Generator().manual_seed(seed)
    for _ in range(count):
        ids = torch.cat([ids, _choose(network(ids[-window:])[0][-1], draw)])
    return ids


def known(texts: Sequence[Sequence[int]], reference: set[tuple[int, ...]], n: int = GRAM) -> float:
    """The share of the stretches of n tokens of some texts that are in the reference; one that a
    text has said before counts as unknown (modified precision: Papineni et al. 2002)."""
    hits = count = 0
    for text in texts:
        grams = list(zip(*(text[i:] for i in range(n)), strict=False))
        hits += sum(gram in reference for gram in set(grams))
        count += len(grams)
    return hits / count


def _written(text: Tensor) -> list[list[int]]:
    """What stands after the prefix of each sample."""
    rows: list[list[int]] = text[PREFIX:].T.tolist()
    return rows


def _choose(logits: Tensor, draw: torch.Generator) -> Tensor:
    """One token for each row of logits (B, vocabulary): (1, B)."""
    return torch.multinomial(logits.softmax(-1), 1, generator=draw).T


def _pieces(ids: Tensor) -> Tensor:
    """Stretches of a text, spread evenly: (PREFIX + WRITTEN, SAMPLES)."""
    length = PREFIX + WRITTEN
    starts = torch.linspace(0, len(ids) - length, SAMPLES).long()
    return ids[starts + torch.arange(length)[:, None]]


def _drawn(weight: Tensor, seed: int) -> Tensor:
    """As many tokens as a network writes, drawn by weight (vocabulary,)."""
    share = weight.double().numpy()
    ids = np.random.default_rng(seed).choice(
        len(share), (PREFIX + WRITTEN, SAMPLES), p=share / share.sum())
    return torch.from_numpy(ids)


def _echoes(ids: Tensor) -> float:
    """How often a token of ids (T, B) is the one that stood two before."""
    return float((ids[2:] == ids[:-2]).double().mean())


def _perplexity(logits: Tensor, targets: Tensor) -> float:
    """exp of the mean cross-entropy of logits (T, vocabulary)."""
    return exp(min(700.0, float(F.cross_entropy(logits.double(), targets))))
