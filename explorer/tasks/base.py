"""What every task says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from explorer.spec import Kind
from explorer.text import Text, Tokenisation, Tokenizer
from explorer.text.fit import check_length, kept

if TYPE_CHECKING:
    from torch import Tensor, nn

    from explorer.experiment import Training
    from explorer.models.base import Model


class Task(Kind):
    """Something that is learnt. models: the kinds of architectures that can learn it. mismatch:
    what is said of a run that learnt something else, where one of these is looked for."""

    mismatch: ClassVar[str] = ""
    models: ClassVar[tuple[str, ...]] = ("rnn", "gru", "lstm", "cnn", "transformer", "aaren")

    @property
    def draws(self) -> bool:
        """Whether its loss throws dice, beside those of the network's dropout."""
        return False

    def build(self, model: Model, vocabulary: int, source: int = 0) -> nn.Module:
        """The network that learns it, freshly initialised: by default the model as it is."""
        return model.build(vocabulary, source)

    def shapes(self, model: Model, *sizes: int) -> dict[str, tuple[int, ...]]:
        """The tensors of its network and their shapes. sizes: of its vocabularies."""
        return model.shapes(*sizes)

    def material(self, text: Text) -> Text:
        """The text as this task reads it."""
        return text

    def tokenizer(self, text: Text, how: Tokenisation) -> Tokenizer:
        """Learnt from the text. Raises DataError: too few different tokens."""
        return Tokenizer.learn(text, how)

    def stored(self, data: str) -> Tokenizer:
        """The tokenizer of what its `to_json` wrote. Raises DataError."""
        return Tokenizer.from_json(data)

    def split(
        self, text: Text, share: float, training: Training, tokenizer: Tokenizer
    ) -> tuple[Any, Any]:
        """What is trained on and what is held out, each with a `.to(device)`: here the ids before
        and after a cut. Raises DataError when the first are fewer than a window needs."""
        import torch

        ids = torch.from_numpy(tokenizer.encode(text.content).ids)
        check_length(len(ids), share, training.window, training.batch,
                     training.sampling == "sequential")
        cut = kept(len(ids), share)
        return ids[:cut], ids[cut:]

    def step_tokens(self, held_in: Any, training: Training) -> float:
        """How many tokens a step reads, on average."""
        return float(training.batch * training.window)

    def each_step(self, training: Training) -> float:
        """How many tokens every step reads; NaN where that depends on the data."""
        return float(training.batch * training.window)

    def measures(
        self, network: Any, held_out: Any, tokenizer: Tokenizer, last: bool
    ) -> Mapping[str, float]:
        """What a snapshot is measured by beside its loss. last: whether it is the training's last.
        """
        return {}


def guess_loss(logits: Tensor, true: Tensor, smoothing: float = 0.0) -> Tensor:
    """The mean of −ln p(true), in nats, of logits (M, V) for true ids (M,).

    smoothing: ε. The gradient is then that of (1 − ε) · this + ε · the mean over all tokens
    (Szegedy et al. 2016), while the value stays what it is, so that losses compare.
    """
    from torch.nn import functional as F

    loss = F.cross_entropy(logits, true)
    if not smoothing:
        return loss
    smooth = F.cross_entropy(logits, true, label_smoothing=smoothing)
    return loss.detach() + smooth - smooth.detach()
