"""The catalogues of words: taken from the source, brought up to date, compiled.

`make words` (python -m tests.catalogues) rewrites explorer/locale/*/LC_MESSAGES/explorer.po and
.mo, and says what is still to be translated. The .mo files are kept in the repository, so that
the app speaks 中文 where nothing but Python is installed.
"""

from __future__ import annotations

import ast
import sys
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from explorer.words import LANGUAGES

ROOT = Path(__file__).parents[1]
LOCALE = ROOT / "explorer" / "locale"
SOURCES = ("explorer", "pages")
ERRORS = (
    "ExplorerError",
    "DataError",
    "ExperimentError",
    "RunError",
    "QueueFull",
    "EngineError",
    "Diverged",
)
MARKS = {"_", "N_", *ERRORS}  # their first argument is a message
TRANSLATED = sorted(set(LANGUAGES) - {"en"})


def extract() -> Catalog:
    """Every message that the source marks, with the files it stands in."""
    found = Catalog(project="Sequence Explorer", charset="utf-8")
    for file in sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")):
        place = file.relative_to(ROOT).as_posix()
        for message in marked(file.read_text(encoding="utf-8")):
            found.add(message, locations=[(place, 0)])
    return found


def marked(source: str) -> list[str]:
    """The messages of a source. By its syntax tree: Babel's own reader passes over a message in
    the arguments of another one's call."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)
             and isinstance(node.func, ast.Name) and node.func.id in MARKS and node.args]
    first = [call.args[0] for call in calls]
    return [each.value for each in first
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value]


def path(language: str, kind: str = "po") -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"explorer.{kind}"


def read(language: str) -> Catalog:
    """The catalogue as it stands on disk; an empty one if there is none."""
    if not path(language).exists():
        return Catalog(
            locale=language,
            project="Sequence Explorer",
            version="0.1",
            charset="utf-8",
            header_comment="# PROJECT in another language: see tests/catalogues.py.",
            msgid_bugs_address="-",
            last_translator="-",
            language_team="-",
            fuzzy=False,
        )
    with path(language).open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalogue: Catalog) -> bytes:
    """The bytes of the .mo file."""
    buffer = BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def update(language: str) -> list[str]:
    """Bring the .po and the .mo up to date; returns what is not translated yet."""
    catalogue = read(language)
    catalogue.update(extract(), no_fuzzy_matching=True, update_creation_date=False)
    path(language).parent.mkdir(parents=True, exist_ok=True)
    with path(language).open("wb") as file:
        write_po(
            file, catalogue, width=100, sort_output=True, ignore_obsolete=True, include_lineno=False
        )
    path(language, "mo").write_bytes(compiled(read(language)))
    return untranslated(catalogue)


def untranslated(catalogue: Catalog) -> list[str]:
    """The messages without a whole and settled translation."""
    return [
        str(entry.id)
        for entry in catalogue
        if entry.id and (entry.fuzzy or not all(strings(entry.string)))
    ]


def strings(message: object) -> tuple[str, ...]:
    """A message's one text, or its singular and plural."""
    return tuple(message) if isinstance(message, tuple | list) else (str(message or ""),)


if __name__ == "__main__":
    missing = {language: update(language) for language in TRANSLATED}
    for language, messages in missing.items():
        print(f"{language}: {len(messages)} to translate", *messages, sep="\n  ", file=sys.stderr)
    sys.exit(any(missing.values()))
