"""Text out of markup: HTML without its tags, subtitles without their numbers and times."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from explorer.errors import DataError
from explorer.words import N_

CHUNK = 16_000  # characters given to the parser at once
PATIENCE = (
    64_000  # characters of a tag that never closes; the parser's time grows with their square
)

_SILENT = {"script", "style", "template", "noscript", "svg", "math", "select"}
_BLOCKS = {
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "td",
    "th",
    "title",
    "tr",
    "ul",
}
_PARAGRAPHS = {"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "p", "pre", "title"}
_TIMES = re.compile(r"^\s*\d+:\d\d:\d\d[,.]\d+\s*-->\s*\d+:\d\d:\d\d[,.]\d+")
_STYLES = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>|\{\\[^{}\n]{0,200}\}")


class _Reader(HTMLParser):
    """Collects what a browser would show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = ""  # the element whose text is not read, and how deep we are in it
        self.depth = 0
        self.verbatim = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if not self.silent and tag in _SILENT:
            self.silent, self.depth = tag, 0
        if tag == self.silent:
            self.depth += 1
        self._break(tag)
        self.verbatim = self.verbatim or tag == "pre"

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self.silent:
            self.depth -= 1
            self.silent = self.silent if self.depth else ""
        self._break(tag)
        self.verbatim = self.verbatim and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        if not self.verbatim:
            data = re.sub(r"[ \t\n\f]+", " ", data)
            if not self.parts or self.parts[-1].endswith("\n"):
                data = data.removeprefix(" ")
        if data:
            self.parts.append(data)

    def _break(self, tag: str) -> None:
        if tag in _BLOCKS and not self.silent:
            self.parts.append("\n\n" if tag in _PARAGRAPHS else "\n")


def html_text(name: str, content: str) -> str:
    """What a page says: without tags, scripts and styles, entities resolved. Raises DataError."""
    reader = _Reader()
    try:
        for start in range(0, len(content), CHUNK):
            reader.feed(content[start : start + CHUNK])
            if len(reader.rawdata) > PATIENCE and not reader.cdata_elem:
                raise _unreadable(name, reader)
        if len(reader.rawdata) < 1000:  # else it ends within a tag
            reader.close()
    except AssertionError as error:  # how the parser says that a declaration is malformed
        raise _unreadable(name, reader) from error
    text = "".join(reader.parts)
    text = re.sub(r" +\n", "\n", text.replace("\u00a0", " "))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _unreadable(name: str, reader: _Reader) -> DataError:
    return DataError(
        N_(
            "Line {line} of “{name}” begins a tag that cannot be read: repair it, or "
            "save the page as .txt."
        ),
        name=name,
        line=reader.getpos()[0],
    )


def srt_text(name: str, content: str) -> str:
    """What is said in subtitles: without numbers, times and styles. A file without any time is
    taken as it stands."""
    lines = content.split("\n")
    times = [i for i, line in enumerate(lines) if _TIMES.match(line)]
    if not times:
        return content
    skipped = {i - 1 for i in times if i and lines[i - 1].strip().isdecimal()} | set(times)
    said = [_STYLES.sub("", line).strip() for i, line in enumerate(lines) if i not in skipped]
    return "\n".join(line for line in said if line)
