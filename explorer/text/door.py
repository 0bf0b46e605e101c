"""The door: bytes or characters come in, a Text goes on, or a DataError names file, place, cure.

Inside the house nothing is ever checked again.
"""

from __future__ import annotations

import re
import unicodedata
from os import PathLike
from pathlib import Path, PurePosixPath

from explorer.errors import DataError
from explorer.text.encoding import decoded
from explorer.text.markup import html_text, srt_text
from explorer.text.types import LIMIT, Text
from explorer.words import N_

MINIMUM = 2  # characters that a text must have, and different ones among them
NAME = 200  # characters of a name that are kept

_READERS = {".html": html_text, ".htm": html_text, ".xhtml": html_text, ".srt": srt_text}
_SURROGATE = re.compile("[\ud800-\udfff]")
# What no document may hold (XML 1.0): a picture of it could not be saved as SVG, nor in NetCDF.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def read(path: str | PathLike[str]) -> Text:
    """The text of a file, under the file's name. Raises DataError."""
    return decode(*loaded(path))


def loaded(path: str | PathLike[str]) -> tuple[str, bytes]:
    """The name of a file and its bytes. Raises DataError."""
    file, name = Path(path), Path(path).name
    try:
        if not file.exists():
            raise DataError(
                N_("There is no file {path}: check its name and folder."), path=str(path)
            )
        if not file.is_file():
            raise DataError(
                N_("{path} is not a file: give the path of a text file."), path=str(path)
            )
        fits(name, file.stat().st_size)
        data = file.read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(
            N_("{path} cannot be read: {reason}."),
            path=clean_name(str(path)),
            reason=str(getattr(error, "strerror", None) or error),
        ) from error
    return name, data


def decode(name: str, data: bytes) -> Text:
    """The text in `data`, an upload called `name`, read as the name's ending says (.html without
    its tags, .srt without its times, everything else as it stands). Raises DataError."""
    name, content, encoding = opened(name, data)
    reader = _READERS.get(PurePosixPath(name).suffix.lower())
    if reader is not None:
        content = reader(name, content)
    return _text(name, content, encoding)


def opened(name: str, data: bytes) -> tuple[str, str, str]:
    """The clean name of an upload, its characters as `normal` leaves them, and their encoding.
    Raises DataError."""
    name = clean_name(name)
    fits(name, len(data))
    content, encoding = decoded(name, PurePosixPath(name).suffix.lower(), data)
    return name, normal(content), encoding


def admit(name: str, content: str) -> Text:
    """A text that was typed or pasted. Raises DataError."""
    name, content = clean_name(name), normal(content)
    fits(name, len(content.encode()))
    return _text(name, content, "utf-8")


def normal(content: str) -> str:
    """`content` in NFC, its lines ended by \\n; lone surrogates become U+FFFD, control characters
    other than tab and line end are dropped. Twice is the same as once."""
    if _SURROGATE.search(content):
        # two halves pasted one after the other are one character
        content = content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    content = content.replace("\r\n", "\n").replace("\r", "\n")
    content = _FORBIDDEN.sub("", content).lstrip("\ufeff")
    return unicodedata.normalize("NFC", content)


def clean_name(name: str) -> str:
    """`name` on one line, short enough for a title, its ending kept; never empty."""
    name = " ".join(normal(name).split()) or "text"
    if len(name) <= NAME:
        return name
    suffix = PurePosixPath(name).suffix[:10]
    return name[: NAME - len(suffix) - 1] + "…" + suffix


def fits(name: str, size: int) -> None:
    """Refuse what is longer than the limit, in bytes. Raises DataError."""
    if size > LIMIT:
        raise DataError(
            N_("“{name}” is {size:.1f} MB; the limit is {limit:.0f} MB: use a part of it."),
            name=name,
            size=size / 1e6,
            limit=LIMIT / 1e6,
        )


def _text(name: str, content: str, encoding: str) -> Text:
    content = normal(content)
    if not content.strip():
        raise DataError(
            N_(
                "“{name}” is empty: choose a text with at least {minimum} different "
                "characters, better some thousands."
            ),
            name=name,
            minimum=MINIMUM,
        )
    if len(content) < MINIMUM:
        raise DataError(
            N_(
                "“{name}” has a single character: a network needs at least {minimum} "
                "different ones, better some thousands."
            ),
            name=name,
            minimum=MINIMUM,
        )
    if len(set(content)) < MINIMUM:
        raise DataError(
            N_(
                "“{name}” holds only the character {character!r}, {count} times: there "
                "is nothing to guess. Choose a text with at least {minimum} different "
                "characters."
            ),
            name=name,
            character=content[0],
            count=len(content),
            minimum=MINIMUM,
        )
    return Text(name, content, encoding)
