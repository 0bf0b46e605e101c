"""What every task says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.spec import Kind

if TYPE_CHECKING:
    from torch import nn

    from explorer.models.base import Model


class Task(Kind):
    """Something that is learnt."""

    def build(self, model: Model, vocabulary: int) -> nn.Module:
        """The network that learns it, freshly initialised: by default the model as it is."""
        return model.build(vocabulary)
