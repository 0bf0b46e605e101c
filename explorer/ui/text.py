"""Text from elsewhere, on its way into Markdown."""

from __future__ import annotations

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$&^=@])")


def plain(text: str) -> str:
    """Text that Markdown shows as it is: no mark-up, no link, no picture, no formula."""
    return _MARKS.sub(r"\\\1", text).replace("\n", " ")


def prose(text: str) -> str:
    """As `plain`, but **bold** stays bold: for sentences of ours that may quote a text."""
    return re.sub(r"\\\*\\\*(.+?)\\\*\\\*", r"**\1**", plain(text))
