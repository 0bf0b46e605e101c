"""Text from elsewhere: on its way into Markdown, and what goes with it."""

from __future__ import annotations

import re
from collections.abc import Mapping

KNOWN = 0.9  # of the characters of a sentence, for it to be read
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$&^=@])")


def plain(text: str) -> str:
    """Text that Markdown shows as it is: no mark-up, no link, no picture, no formula."""
    return _MARKS.sub(r"\\\1", text).replace("\n", " ")


def prose(text: str) -> str:
    """As `plain`, but **bold** stays bold: for sentences of ours that may quote a text."""
    return re.sub(r"\\\*\\\*(.+?)\\\*\\\*", r"**\1**", plain(text))


def opening(content: str, sentences: Mapping[str, str]) -> str:
    """Of some sentences to read, by "python", "zh" and "en", the one in the language of a run's own
    text. Where its characters do not stand in that text, which is all that the run knows, about as
    much of the text's own beginning."""
    letters = [sign for sign in content[:500] if sign.isalpha()]
    if "def " in content and "import " in content:
        sentence = sentences["python"]
    elif 2 * sum("一" <= sign <= "鿿" for sign in letters) > len(letters):
        sentence = sentences["zh"]
    else:
        sentence = sentences["en"]
    if sum(sign in content for sign in sentence) >= KNOWN * len(sentence):
        return sentence
    return beginning(content, len(sentences["en"]))


def beginning(content: str, most: int) -> str:
    """At most so many characters of the beginning of a text, to the last blank in their second
    half, if there is one."""
    begins = content.lstrip()
    whole = re.match(rf"(?s).{{{most // 2},{most}}}(?=\s|$)", begins)
    return (whole[0] if whole else begins[:most]).rstrip()
