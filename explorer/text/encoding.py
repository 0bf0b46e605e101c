"""From bytes to characters: what is no text is refused, and the encoding is found."""

from __future__ import annotations

import codecs
from functools import cache

from explorer.errors import DataError
from explorer.words import N_

SAMPLE = 40_000  # bytes that the encoding is guessed from when it is not UTF-8
CONTROLS = 0.01  # a higher share of control characters is no text

_MAGIC = {
    b"\x89PNG": N_("a PNG image"),
    b"\xff\xd8\xff": N_("a JPEG image"),
    b"GIF8": N_("a GIF image"),
    b"RIFF": N_("a sound, film or WebP image"),
    b"PK\x03\x04": N_("a zip archive or an office document"),
    b"\xd0\xcf\x11\xe0": N_("an office document"),
    b"\x1f\x8b": N_("a gzip archive"),
    b"BZh9": N_("a bzip2 archive"),
    b"\xfd7zXZ": N_("an xz archive"),
    b"7z\xbc\xaf": N_("a 7z archive"),
    b"Rar!\x1a": N_("a RAR archive"),
    b"\x7fELF": N_("a program"),
    b"SQLite format 3": N_("a database"),
    b"PAR1": N_("Parquet data"),
    b"ID3\x03": N_("a sound"),
    b"ID3\x04": N_("a sound"),
    b"OggS\x00": N_("a sound or film"),
}
_BOMS = {  # UTF-32 before UTF-16: its mark begins with the other's
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# What a detector answers, as the larger set of characters that the web reads in its place.
_LARGER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "hz": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "ascii": "utf-8",
}
_CALLED = {"cp932": "shift-jis", "big5hkscs": "big5", "cp949": "euc-kr", "cp950": "big5"}
_BYTE_CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\v\f\r\x1a\x1b") + b"\x7f"
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
    try:
        content, encoding = data.decode(), "utf-8"
    except UnicodeDecodeError as error:
        _refuse_binary(name, data)
        found = _guess(data)
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
                N_("“{name}” is {what}, not text: save its text as .txt (UTF-8), or paste it."),
                name=name,
                what=what,
            )


def _refuse_binary(name: str, data: bytes) -> None:
    """Bytes in no UTF: many control characters mean that they are no text in any encoding."""
    if _wide(data) or _share(len(data) - len(data.translate(None, _BYTE_CONTROLS)), data):
        place = next(i for i, byte in enumerate(data) if byte in _BYTE_CONTROLS)
        raise _binary(name, place)


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
    """UTF-16 without its mark: every letter of a Western text has a null byte, on one side."""
    if len(data) % 2 or len(data) < 4:
        return None
    halves = data[0::2].count(0), data[1::2].count(0)
    few, many = sorted(halves)
    if many < len(data) / 2 * 0.05 or few > many * 0.05:
        return None
    return "utf-16-be" if halves[0] == many else "utf-16-le"


def _reads(data: bytes, encoding: str) -> bool:
    """Whether `data` is text in `encoding`: without a fault, and without control characters."""
    try:
        content = data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return not _share(len(content) - len(content.translate(_CONTROLS)), content)


def _guess(data: bytes) -> str | None:
    """The likeliest encoding that reads all of `data`, from a sample of it."""
    cut = data.rfind(b"\n", 1, SAMPLE) + 1 if len(data) > SAMPLE else len(data)
    for encoding in _candidates(data[: cut or SAMPLE]):
        larger = _LARGER.get(encoding, encoding)
        if _reads(data, larger):
            return larger
    return None


def _candidates(sample: bytes) -> list[str]:
    """Encodings of `sample`, likeliest first. Of the Western ones that read a few accents alike,
    the commonest: a detector has too little to tell them apart."""
    from charset_normalizer import from_bytes

    matches = list(from_bytes(sample))
    names = [match.encoding for match in matches]
    if names and names[0] in _european():
        fit = {m.encoding: m.chaos for m in matches}
        if fit.get("cp1252", 1.0) <= matches[0].chaos + 0.02 or "cp1252" not in fit:
            names.insert(0, "cp1252")
    return names


@cache
def _european() -> frozenset[str]:
    """One-byte encodings of Latin letters, as the detector calls them."""
    return frozenset(
        [
            "cp1250",
            "cp1252",
            "cp1254",
            "cp1257",
            "cp1258",
            "cp437",
            "cp775",
            "cp850",
            "cp852",
            "cp858",
            "cp860",
            "cp861",
            "cp863",
            "cp865",
            "hp_roman8",
            "mac_roman",
            "mac_iceland",
            "mac_latin2",
            "mac_turkish",
            "cp037",
            "cp500",
            "cp1140",
            "cp273",
            "cp1026",
        ]
        + [f"iso8859_{part}" for part in (2, 3, 4, 9, 10, 13, 14, 15, 16)]
        + ["latin_1"]
    )


def _named(encoding: str, data: bytes) -> str:
    """The name people know it by; Windows-1252 without its own characters is Latin-1."""
    if encoding == "cp1252":
        own = len(data) - len(data.translate(None, bytes(range(0x80, 0xA0))))
        return "windows-1252" if own else "latin-1"
    return _CALLED.get(encoding, encoding.replace("_", "-"))
