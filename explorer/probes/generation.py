"""Writing: one token after the other, each drawn from the network's own guess."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.models.network import Network
from explorer.probes.capture import LONGEST, about, admit
from explorer.probes.guessing import guesses
from explorer.probes.opened import Opened
from explorer.sampling import stages
from explorer.words import N_

CANDIDATES = 5
AT_ONCE = 256  # windows that are read side by side


def generate(
    opened: Opened,
    prefix: str = "",
    tokens: int = 200,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
    prefix_ids: Sequence[int] | None = None,
) -> xr.Dataset:
    """`tokens` new tokens after the prefix, which warms the state up.

    temperature: 0 always takes the likeliest. top_k: draw among the k likeliest (0 = all).
    top_p: draw among the likeliest that together reach probability p (Holtzman et al. 2020).
    prefix_ids: the prefix as ids instead of text. Without any prefix the first token is a uniform
    draw, since there is no state yet to say more. A network of both directions has no future to
    read here: for each guess it reads what there is anew, at most as many tokens as a window of
    its training had, and its backward direction begins at the last of them. One that carries no
    state looks back as far as a window of its training.

    Over `token`, prefix and new tokens alike: `id`, `probability` (the network's own, at
    temperature 1, given all before; NaN for the first), `generated`; over (token, rank):
    `candidate`, `candidate_probability`, the five likeliest.
    attrs["text"] is all of it as text. Raises DataError.
    """
    if not 1 <= tokens <= LONGEST:
        raise DataError(
            N_("{tokens} tokens cannot be written: choose 1 to {longest}."),
            tokens=tokens,
            longest=LONGEST,
        )
    draw = torch.Generator().manual_seed(seed)
    ids = _prefix(opened, prefix, prefix_ids, draw)
    written = len(ids)
    guessed: list[Tensor] = []
    with torch.no_grad():
        first, follow = _reader(opened)(opened, ids)
        guessed.extend(first)
        for _ in range(tokens):
            ids.append(choose(guessed[-1], temperature, top_k, top_p, draw))
            guessed.append(follow(ids))
        probabilities = torch.stack(guessed[:-1]).softmax(-1)  # (T − 1, vocabulary)
        best = probabilities.topk(min(CANDIDATES, opened.tokenizer.size))
    own = probabilities.gather(1, torch.tensor(ids)[1:, None])[:, 0]  # (T − 1,)
    labels = opened.tokenizer.labels
    ranks = best.indices.shape[1]
    return xr.Dataset(
        {
            "id": ("token", np.array(ids)),
            "probability": ("token", _after_first(own[:, None])[:, 0]),
            "generated": ("token", np.arange(len(ids)) >= written),
            "candidate": (
                ("token", "rank"),
                np.vstack([np.full((1, ranks), -1), best.indices.numpy()]),
            ),
            "candidate_probability": (("token", "rank"), _after_first(best.values)),
        },
        {"label": ("token", [labels[i] for i in ids])},
        about(opened) | {"text": opened.tokenizer.decode(ids), "prefix_tokens": written},
    )


Follow = Callable[[Sequence[int]], Tensor]  # all ids so far -> logits (vocabulary,)


Reader = Callable[[Opened, Sequence[int]], tuple[Tensor, Follow]]


def _reader(opened: Opened) -> Reader:
    """How its network goes on from some ids."""
    if getattr(opened.experiment.model, "bidirectional", False):
        return _anew
    return _on if opened.experiment.model.carries else _within


def _on(opened: Opened, ids: Sequence[int]) -> tuple[Tensor, Follow]:
    """The guesses (T, vocabulary) after each of the first ids; and a reader of one more at a time,
    which carries the state on."""
    logits, state = opened.network(torch.tensor(ids)[:, None])  # (T, 1, vocabulary)

    def follow(ids: Sequence[int]) -> Tensor:
        nonlocal state
        logits, state = opened.network(torch.tensor([[ids[-1]]]), state)
        guess: Tensor = logits[0, 0]
        return guess

    return logits[:, 0], follow


def _within(opened: Opened, ids: Sequence[int]) -> tuple[Tensor, Follow]:
    """The same for a network that carries no state: it remembers what it has read up to the length
    of a window of its training; from there on it reads the last window anew for each guess."""
    window = opened.experiment.training.window
    state = opened.network(torch.tensor(ids)[:, None])[1] if len(ids) < window else None

    def follow(ids: Sequence[int]) -> Tensor:
        nonlocal state
        if state is None or len(ids) > window:
            logits: Tensor = opened.network(torch.tensor(ids[-window:])[:, None])[0]
            return logits[-1, 0]
        logits, state = opened.network(torch.tensor([[ids[-1]]]), state)
        return logits[0, 0]

    return guesses(opened, torch.tensor(ids)), follow


def _anew(opened: Opened, ids: Sequence[int]) -> tuple[Tensor, Follow]:
    """The same for a network of both directions, which reads all again for each guess."""
    window = opened.experiment.training.window

    def follow(ids: Sequence[int]) -> Tensor:
        guess: Tensor = opened.network(torch.tensor(ids[-window:])[:, None])[0][-1, 0]
        return guess

    return blind_guesses(opened.network, torch.tensor(ids), window), follow


def blind_guesses(network: Network, ids: Tensor, window: int) -> Tensor:
    """The guess after each token when only the tokens up to it are read, at most `window` of them:
    ids (T,) -> logits (T, vocabulary). Nothing of what comes after can leak in."""
    early = [network(ids[:t, None])[0][-1] for t in range(1, min(window, len(ids) + 1))]
    if len(ids) < window:
        return torch.cat(early)
    whole = ids.unfold(0, window, 1)  # (T − window + 1, window)
    late = [network(part.T)[0][-1] for part in whole.split(AT_ONCE)]
    return torch.cat([*early, *late])  # (T, vocabulary)


def choose(
    logits: Tensor, temperature: float, top_k: int, top_p: float, draw: torch.Generator
) -> int:
    """One id drawn from logits (vocabulary,) after temperature, top-k and top-p."""
    if temperature <= 0:
        return int(logits.argmax())
    found = stages(logits.numpy(), temperature, top_k, top_p)
    drawn = torch.multinomial(torch.from_numpy(found.drawn), 1, generator=draw)
    return int(found.order[int(drawn)])


def _prefix(
    opened: Opened, prefix: str, ids: Sequence[int] | None, draw: torch.Generator
) -> list[int]:
    size = opened.tokenizer.size
    if ids:
        if len(ids) > LONGEST or not all(0 <= i < size for i in ids):
            raise DataError(
                N_("These prefix ids are not of this run: the vocabulary has {size}."), size=size
            )
        return list(ids)
    if prefix:
        return [int(i) for i in admit(opened, prefix).ids]
    return [int(torch.randint(size, (1,), generator=draw))]


def _after_first(values: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """values (T − 1, n) with a row of NaN before them: nothing guessed the first token."""
    return np.vstack([np.full((1, values.shape[1]), np.nan), values.numpy()]).astype(np.float32)
