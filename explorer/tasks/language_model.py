"""Guess the next token: batches of windows, their loss, and the held-out perplexity.

How a long text is cut into minibatches stands in `explorer.text.windows`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from explorer.tasks.base import Task, guess_loss
from explorer.text.windows import cut
from explorer.words import N_

if TYPE_CHECKING:
    from torch import Tensor, nn

    from explorer.experiment import Training

WARM_UP = 32  # tokens read before the first scored one, so that no guess is made from a blank state
LANE = 256  # scored tokens per lane of an evaluation …
ABREAST = 16  # … or fewer, down to 64, so that about so many lanes are read side by side


class LanguageModel(Task):
    """p(x(t+1) | x(1…t))"""

    kind: Literal["language_model"] = "language_model"
    mismatch: ClassVar[str] = N_(
        "This run learnt something else. Here networks are looked at that guess the next token of "
        "a text: choose such a run.")

    @staticmethod
    def batch(ids: Tensor, training: Training, seed: int, step: int) -> tuple[Tensor, Tensor, bool]:
        """Inputs and targets (window, batch) of a step, and whether the state starts blank.

        A pure function of its arguments: a resumed run draws what an unbroken one would have.
        """
        import torch

        T = training.window
        found = cut(len(ids), T, training.batch, training.sampling, seed, step)
        start = torch.from_numpy(found.starts)  # (B,)
        where = (start + torch.arange(T + 1)[:, None]).to(ids.device)  # (T + 1, B)
        window = ids[where]
        return window[:-1], window[1:], found.blank

    @staticmethod
    def loss(
        network: nn.Module, inputs: Tensor, targets: Tensor, state: Any,
        links: Tensor | None = None, smoothing: float = 0.0,
    ) -> tuple[Tensor, Any]:
        """Mean cross-entropy per token, in nats, and the state after the window. links: how its
        gradient passes from token to token (`models.truncation`); None: whole."""
        how = () if links is None else (links,)
        logits, state = network(inputs, state, *how)  # (T, B, V)
        return guess_loss(logits.flatten(0, 1), targets.flatten(), smoothing), state

    @staticmethod
    def evaluate(
        network: nn.Module, ids: Tensor, limit: int | None = None, window: int | None = None
    ) -> tuple[float, int]:
        """Cross-entropy per token in nats on a held-out text, and how many tokens were scored.

        The text is read in lanes of 64 to `LANE` tokens, each after `WARM_UP` tokens of context
        (the first lane has none to read); by a network that carries no state in windows as long as
        those that it was trained on, of which the second half is scored. limit: score about so many
        tokens, lanes spread evenly.
        """
        import torch
        from torch.nn import functional as F

        N = len(ids) - 1  # guesses that can be scored
        if N < 1:
            return float("nan"), 0
        warm, length = WARM_UP, min(LANE, max(64, min(N, limit or N) // ABREAST))
        spec: Any = getattr(network, "spec", None)
        if window is not None and spec is not None and not spec.carries:
            warm = window // 2
            length = window - warm
        lanes = list(range(0, N, length))
        if limit is not None and limit < N:
            keep = max(1, limit // length)
            lanes = [lanes[i * len(lanes) // keep] for i in range(keep)]
        total, count = 0.0, 0
        with torch.no_grad():
            for chunk in range(0, len(lanes), 64):
                starts = torch.tensor(lanes[chunk : chunk + 64])
                steps = torch.arange(warm + length)[:, None]
                where = (starts - warm).clamp(min=0) + steps  # (warm + length, lanes)
                scored = (where >= starts) & (where < (starts + length).clamp(max=N))
                where = where.clamp(max=N - 1)
                inputs, targets = ids[where.to(ids.device)], ids[(where + 1).to(ids.device)]
                logits, _ = network(inputs)  # (T, lanes, V)
                losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
                mask = scored.flatten().to(losses.device)
                total += float(losses.double()[mask].sum())
                count += int(mask.sum())
        return total / count, count
