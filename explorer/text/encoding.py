"""From bytes to characters: what is no text is refused, and the encoding is found."""

from __future__ import annotations

import codecs
import re
import unicodedata

from explorer.errors import DataError
from explorer.words import N_

SAMPLE = 40_000  # bytes that the encoding is guessed from when it is not UTF-8
CONTROLS = 0.01  # a higher share of control characters is no text
STOPS = 0.02  # a lower share of spaces and stops is no UTF-16 text

_MAGIC = {  # names that are the same in every language
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"RIFF": "RIFF (.wav, .webp, .avi)",
    b"PK\x03\x04": "ZIP (.zip, .docx, .xlsx, .epub)",
    b"\xd0\xcf\x11\xe0": "OLE (.doc, .xls)",
    b"\x1f\x8b": "gzip",
    b"BZh9": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
    b"Rar!\x1a": "RAR",
    b"\x7fELF": "ELF",
    b"SQLite format 3": "SQLite",
    b"PAR1": "Parquet",
    b"ID3\x03": "MP3",
    b"ID3\x04": "MP3",
    b"OggS\x00": "Ogg",
}
_BOMS = {  # UTF-32 before UTF-16: its mark begins with the other's
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# Common encodings, the commonest first, each as the largest set of characters it stands for.
_COMMON = [
    "cp1252",
    "gb18030",
    "big5hkscs",
    "cp932",
    "euc_jp",
    "cp949",
    "cp1251",
    "cp1250",
    "koi8_r",
    "koi8_u",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "iso8859_2",
    "iso8859_5",
    "iso8859_7",
    "cp866",
    "cp850",
    "cp437",
    "mac_roman",
]
_CALLED = {"cp932": "shift-jis", "big5hkscs": "big5", "cp949": "euc-kr", "cp950": "big5"}
_WIDER = {  # what a page of the web says, and the larger set that it means (WHATWG)
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_CHARSET = re.compile(
    rb"""<meta\b[^>]{0,200}?\bcharset\s*=\s*["']?([\w.:-]{2,40})""", re.IGNORECASE)
_BYTE_CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\v\f\r\x1a\x1b") + b"\x7f"
_CONTROL_BYTES = re.compile(b"[" + re.escape(_BYTE_CONTROLS) + b"]")
_CONTROLS = {code: None for code in [*_BYTE_CONTROLS, *range(0x80, 0xA0)] if code != 0x85}


def decoded(name: str, suffix: str, data: bytes) -> tuple[str, str]:
    """The characters of `data` and the name of their encoding. Raises DataError."""
    _refuse_formats(name, suffix, data)
    for mark, encoding in _BOMS.items():
        if data.startswith(mark):
            return _strictly(name, data.removeprefix(mark), encoding), encoding
    wide = _wide(data)
    if wide and _reads(data, wide):
        return data.decode(wide), wide
    if b"\x1b$" in data and _reads(data, "iso2022_jp"):  # it would pass for UTF-8, as ASCII does
        return data.decode("iso2022_jp"), _named("iso2022_jp", data)
    try:
        content, encoding = data.decode(), "utf-8"
    except UnicodeDecodeError as error:
        _refuse_binary(name, data)
        found = _said(suffix, data) or _guess(data)
        if found is None:
            raise _undecodable(name, data, error.start) from error
        content, encoding = data.decode(found), _named(found, data)
    _refuse_controls(name, content)
    return content, encoding


def _refuse_formats(name: str, suffix: str, data: bytes) -> None:
    if suffix == ".pdf" or data.lstrip()[:5] == b"%PDF-":
        raise DataError(
            N_(
                "“{name}” is a PDF: it holds places of letters on pages, not running "
                "text. Copy its text and paste it, or save it as .txt."
            ),
            name=name,
        )
    for magic, what in _MAGIC.items():
        if data.startswith(magic):
            raise DataError(
                N_(
                    "“{name}” is a {what} file, not text: save its text as .txt (UTF-8), or "
                    "paste it."
                ),
                name=name,
                what=what,
            )


def _refuse_binary(name: str, data: bytes) -> None:
    """Bytes in no UTF: many control characters mean that they are no text in any encoding."""
    first = _CONTROL_BYTES.search(data)
    if first and _share(len(data) - len(data.translate(None, _BYTE_CONTROLS)), data):
        raise _binary(name, first.start())


def _refuse_controls(name: str, content: str) -> None:
    """A few stray control characters are dropped later; many of them mean that it is no text."""
    if _share(len(content) - len(content.translate(_CONTROLS)), content):
        place = next(i for i, character in enumerate(content) if ord(character) in _CONTROLS)
        raise _binary(name, place)


def _share(controls: int, whole: bytes | str) -> bool:
    return controls > CONTROLS * len(whole)


def _binary(name: str, place: int) -> DataError:
    return DataError(
        N_(
            "“{name}” is not text: it is full of control characters, the first at "
            "position {place}. Save it as plain text (.txt, UTF-8), or paste its "
            "text."
        ),
        name=name,
        place=place + 1,
    )


def _undecodable(name: str, data: bytes, place: int) -> DataError:
    return DataError(
        N_(
            "“{name}” cannot be decoded: byte {place}, in line {line}, is not UTF-8, "
            "and no other encoding fits. Save it as UTF-8, or paste its text."
        ),
        name=name,
        place=place + 1,
        line=data.count(b"\n", 0, place) + 1,
    )


def _strictly(name: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            N_(
                "“{name}” says that it is {encoding}, but byte {place} is not: save it "
                "as UTF-8, or paste its text."
            ),
            name=name,
            encoding=encoding,
            place=error.start + 1,
        ) from error


def _wide(data: bytes) -> str | None:
    """UTF-16 without its mark. Null bytes or other controls are its sign (the spaces and line
    ends of any script have them); the right order of the bytes gives letters, spaces and stops,
    the wrong one gives characters that nobody has assigned, and next to no stops."""
    if len(data) % 2 or not _CONTROL_BYTES.search(data, 0, SAMPLE):
        return None
    read = {
        encoding: data[:SAMPLE].decode(encoding, "replace")
        for encoding in ("utf-16-le", "utf-16-be")
    }
    likely = max(read, key=lambda encoding: _stops(read[encoding]))
    content = read[likely]
    strange = sum(
        unicodedata.category(c) in ("Cc", "Cn", "Co") for c in content if c not in "\t\r\n"
    )
    return likely if strange <= CONTROLS * len(content) and _stops(content) > STOPS else None


def _stops(content: str) -> float:
    """The share of letters of ASCII, spaces, line ends and stops."""
    return sum((c.isascii() and c >= " ") or c in "\n。，、！？　" for c in content) / len(content)


def _reads(data: bytes, encoding: str) -> bool:
    """Whether `data` is text in `encoding`: without a fault, and without control characters."""
    try:
        content = data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return not _share(len(content) - len(content.translate(_CONTROLS)), content)


def _said(suffix: str, data: bytes) -> str | None:
    """The encoding that a page of the web names, if it is one of the common ones and reads it."""
    said = _CHARSET.search(data, 0, 1024) if suffix in (".html", ".htm", ".xhtml") else None
    if said is None:
        return None
    try:
        name = codecs.lookup(said[1].decode("ascii")).name
    except (LookupError, UnicodeDecodeError):
        return None
    found = _WIDER.get(name, name.replace("-", "_"))
    return found if found in _COMMON and _reads(data, found) else None


def _guess(data: bytes) -> str | None:
    """The likeliest encoding that reads all of `data`, from a sample of it."""
    cut = data.rfind(b"\n", 1, SAMPLE) + 1 if len(data) > SAMPLE else len(data)
    found = (name for name in _candidates(data[: cut or SAMPLE]) if _reads(data, name))
    return next(found, None)


def _candidates(sample: bytes) -> list[str]:
    """Encodings of `sample`, likeliest first; of those that a few accents or one short line fit
    alike, the commonest, because a detector has too little to tell them apart."""
    from charset_normalizer import from_bytes

    matches = list(from_bytes(sample, cp_isolation=_COMMON))
    if not matches:
        return ["cp1252"] if _only_signs(sample) else []
    best = matches[0]
    near = [
        match
        for match in matches
        if match.chaos <= best.chaos + 0.02 and match.coherence >= best.coherence - 0.05
    ]
    alike = {name for match in near for name in match.could_be_from_charset}
    first = ["cp1252"] if _only_signs(sample) else []
    return [*first, *(name for name in _COMMON if name in alike), *(m.encoding for m in matches)]


def _only_signs(sample: bytes) -> bool:
    """Whether, read as Windows-1252, only quotes, dashes and signs lie outside of ASCII."""
    content = sample.decode("cp1252", "replace")
    return not any(c.isalpha() or c == "\ufffd" for c in content if c > "\x7f")


def _named(encoding: str, data: bytes) -> str:
    """The name people know it by; Windows-1252 without its own characters is Latin-1."""
    if encoding == "cp1252":
        own = len(data) - len(data.translate(None, bytes(range(0x80, 0xA0))))
        return "windows-1252" if own else "latin-1"
    return _CALLED.get(encoding, encoding.replace("_", "-"))
