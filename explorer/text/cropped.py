"""What of a pair a network did not read: of each sentence only the first tokens, its longest."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from explorer.words import N_, _

SIDES = {"source": N_("Of the source's {of} tokens only the first {read} are read."),
         "target": N_("Of the target's {of} tokens only the first {read} are read.")}


def cropped(attrs: Mapping[Hashable, Any]) -> list[str]:
    """A sentence for each side that was cut off, by a trace's `source_of` and `source_read`,
    `target_of` and `target_read`; none where it says nothing of these."""
    said = []
    for side, words in SIDES.items():
        of, read = (int(attrs.get(f"{side}_{what}", 0)) for what in ("of", "read"))
        if of > read:
            said.append(_(words, of=of, read=read))
    return said
