"""Text from elsewhere: on its way into Markdown, and what goes with it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$&^=@])")


def plain(text: str) -> str:
    """Text that Markdown shows as it is: no mark-up, no link, no picture, no formula."""
    return _MARKS.sub(r"\\\1", text).replace("\n", " ")


def prose(text: str) -> str:
    """As `plain`, but **bold** stays bold: for sentences of ours that may quote a text."""
    return re.sub(r"\\\*\\\*(.+?)\\\*\\\*", r"**\1**", plain(text))


def opening(content: str, sentences: Mapping[str, str]) -> str:
    """Of some sentences to read, by "python", "zh" and "en", the one in the language of a run's own
    text."""
    if "def " in content and "import " in content:
        return sentences["python"]
    return sentences["zh" if any("一" <= sign <= "鿿" for sign in content[:500]) else "en"]
