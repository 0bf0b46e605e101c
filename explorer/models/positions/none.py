"""No position at all: an encoder then sees a bag of words."""

from __future__ import annotations

from typing import ClassVar, Literal

from explorer.models.positions.base import Position
from explorer.words import N_


class NoPosition(Position):
    """x"""

    kind: Literal["none"] = "none"

    title: ClassVar = N_("none")
    paper: ClassVar = ""
    letters: ClassVar = "x_p"
