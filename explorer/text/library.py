"""The built-in texts: two stories written for this project, and what Python itself brings along."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from explorer.errors import DataError
from explorer.text.door import admit
from explorer.text.types import Text
from explorer.words import N_

_HERE = Path(__file__).parent / "corpora"
_MODULES = (
    "abc",
    "argparse",
    "ast",
    "bisect",
    "calendar",
    "codecs",
    "collections/__init__",
    "contextlib",
    "copy",
    "csv",
    "dataclasses",
    "difflib",
    "enum",
    "fractions",
    "functools",
    "heapq",
    "inspect",
    "random",
    "shutil",
    "statistics",
    "string",
    "textwrap",
)
MOST = 400_000  # characters of Python source


class Corpus(NamedTuple):
    """title and about: for people, to be translated where they are shown."""

    title: str
    about: str
    language: str
    make: Callable[[], str]


def _story(name: str) -> Callable[[], str]:
    return lambda: (_HERE / name).read_text(encoding="utf-8")


def _reference() -> str:
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name].strip() for name in sorted(topics))


def _source() -> str:
    library = Path(sysconfig.get_path("stdlib"))
    found = [library / f"{name}.py" for name in _MODULES]
    joined = "\n\n".join(path.read_text(encoding="utf-8") for path in found if path.exists())
    return joined[:MOST]


CORPORA: dict[str, Corpus] = {
    "story-en": Corpus(
        N_("The Minnow of Tern Point"),
        N_(
            "A story in English, written for this explorer: a lighthouse, a clockmaker, and a "
            "machine that guesses the next letter."
        ),
        "en",
        _story("story-en.txt"),
    ),
    "story-zh": Corpus(
        N_("The Two Lamps"),
        N_(
            "A story in Chinese, written for this explorer: two lamps on two "
            "rocks, and the people who keep them burning."
        ),
        "zh",
        _story("story-zh.txt"),
    ),
    "python-reference": Corpus(
        N_("Python's reference"), N_("The help texts that come with Python."), "en", _reference
    ),
    "python-source": Corpus(
        N_("Python source"), N_("Modules of Python's standard library."), "python", _source
    ),
}


@cache
def corpus(name: str) -> Text:
    """A built-in text. Raises DataError when there is none of that name."""
    if name not in CORPORA:
        raise DataError(
            N_("There is no built-in text called “{name}”; there are: {known}."),
            name=name,
            known=", ".join(CORPORA),
        )
    return admit(CORPORA[name].title, CORPORA[name].make())
