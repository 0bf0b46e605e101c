"""Fill the gaps of a text, from both sides (Devlin et al. 2019, BERT, section 3.1, task 1).

Of the tokens of a window 15 % are asked for: 80 % of these are hidden behind a mask, 10 % replaced
by any token, 10 % left as they are, so that no token is ever surely right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, cast

from pydantic import Field

from explorer.tasks.base import Task, guess_loss
from explorer.text.windows import cut
from explorer.words import N_

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from explorer.experiment import Training
    from explorer.models.base import Model
    from explorer.models.stacked import Stacked

MASK = -1  # stands for a hidden token, in the place of its id
HIDDEN, REPLACED = 0.8, 0.1  # shares of what is asked for
AT_ONCE = 64  # windows that are scored side by side


class Gaps(NamedTuple):
    """ids: (T, B) as they are read, `MASK` where one is hidden. asked: bool (T, B)."""

    ids: Tensor
    asked: Tensor


class Masked(Task):
    """p(x(t) | all x but the hidden ones)"""

    kind: Literal["masked"] = "masked"
    models: ClassVar[tuple[str, ...]] = ("transformer",)
    mismatch: ClassVar[str] = N_(
        "This run did not learn to fill gaps. Here networks are looked at that did: choose such a "
        "run.")

    share: float = Field(
        0.15, gt=0, le=0.9, title=N_("Share that is asked for"),
        description=N_("Of the tokens of each window, drawn anew each time."))

    @property
    def draws(self) -> bool:
        return True

    def build(self, model: Model, vocabulary: int, source: int = 0) -> nn.Module:
        return cast("Stacked", model).reader(vocabulary, causal=False)

    def shapes(self, model: Model, *sizes: int) -> dict[str, tuple[int, ...]]:
        return model.shapes(*sizes) | {"mask": (cast("Stacked", model).hidden,)}

    def batch(
        self, ids: Tensor, training: Training, seed: int, step: int
    ) -> tuple[Gaps, Tensor, bool]:
        """Windows (T, B) with gaps, the true tokens, and that each is read by itself: a pure
        function of its arguments."""
        import torch

        T = training.window
        starts = torch.from_numpy(cut(len(ids), T, training.batch, "random", seed, step).starts)
        true = ids[(starts + torch.arange(T)[:, None]).to(ids.device)]
        draw = torch.Generator().manual_seed(seed * 1_000_003 + step)
        return self.hidden(true, int(ids.max()) + 1, draw), true, True

    def hidden(self, true: Tensor, vocabulary: int, draw: torch.Generator) -> Gaps:
        """Gaps in windows (T, B), at least one in all of them."""
        import torch

        chance = torch.rand(true.shape, generator=draw)
        asked = chance < self.share
        asked.view(-1)[chance.argmin()] = True
        how = torch.rand(true.shape, generator=draw)
        other = torch.randint(vocabulary, true.shape, generator=draw)
        read = true.cpu().clone()
        read[asked & (how < HIDDEN)] = MASK
        replaced = asked & (how >= HIDDEN) & (how < HIDDEN + REPLACED)
        read[replaced] = other[replaced]
        return Gaps(read.to(true.device), asked.to(true.device))

    @staticmethod
    def loss(
        network: nn.Module, inputs: Gaps, targets: Tensor, state: Any = None, links: Any = None,
        smoothing: float = 0.0,
    ) -> tuple[Tensor, Any]:
        """Mean cross-entropy of the tokens asked for, in nats."""
        logits, _ = network(inputs.ids)  # (T, B, V)
        return guess_loss(logits[inputs.asked], targets[inputs.asked], smoothing), None

    def evaluate(
        self, network: nn.Module, ids: Tensor, limit: int | None = None,
        window: int | None = None,
    ) -> tuple[float, int]:
        """Cross-entropy in nats of the tokens asked for in a held-out text, the same gaps each
        time, and how many they are. limit: ask for about so many, in windows spread evenly."""
        import torch
        from torch.nn import functional as F

        T = min(window or len(ids), len(ids))
        if T < 2:
            return float("nan"), 0
        starts = torch.arange(0, len(ids) - T + 1, T)
        if limit is not None and limit < len(starts) * T * self.share:
            keep = max(1, int(limit / (T * self.share)))
            starts = starts[torch.arange(keep) * len(starts) // keep]
        draw = torch.Generator().manual_seed(0)
        total, count = 0.0, 0
        with torch.no_grad():
            for some in starts.split(AT_ONCE):
                true = ids[(some + torch.arange(T)[:, None]).to(ids.device)]  # (T, lanes)
                gaps = self.hidden(true, int(ids.max()) + 1, draw)
                logits, _ = network(gaps.ids)
                paid = F.cross_entropy(logits[gaps.asked], true[gaps.asked], reduction="none")
                total += float(paid.double().sum())
                count += len(paid)
        return total / count, count
