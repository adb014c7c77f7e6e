"""Text files in any encoding, as a stream of UTF-8 bytes in bounded memory.

Python's codecs decode, so that no extension of the engine is needed. A byte that cannot be
decoded is one error that names the file, the place, what was declared and what it looks like.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from ..errors import SourceError

PROBE_BYTES = 1 << 20
"""How much of a file is looked at to tell its encoding."""

_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "ascii": "utf-8"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FILES = (
    (b"\x1f\x8b", "packed (gzip)"),
    (b"PK\x03\x04", "a spreadsheet or packed (zip)"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls)"),
    (b"%PDF", "a PDF"),
    (b"7z\xbc\xaf", "packed (7z)"),
    (b"Rar!", "packed (rar)"),
    (b"PAR1", "Parquet"),
)
"""What other files begin with that people send under the name of a text."""

_MIN_WIDE = 5
"""So many characters of three bytes that read as UTF-8 by chance are not to be expected."""


def encoding_of(path: Path, declared: str | None) -> str:
    """The encoding a text file is read with.

    Args:
        path: The file.
        declared: What the profile says, or None to detect it.

    Returns:
        The codec: the byte-order mark's, else the declared one (GB2312 and GBK are read as
        their superset GB18030), else UTF-8 where the file's beginning is valid, else GB18030.

    Raises:
        SourceError: The beginning contradicts the declared encoding, or none fits.
    """
    head = _head(path)
    seen = _looks_like(head)
    if declared is None:
        if seen is None:
            raise _no_text(path, head)
        if seen == "gb18030" and not _reads_as_chinese(head):
            raise _untold(path)
        return seen
    name = codecs.lookup(declared).name
    name = _SUPERSETS.get(name, name)
    if _marked(head) not in (None, name) or (
        name != "utf-8" and seen == "utf-8" and _has_wide_utf8(head)
    ):
        raise _undecodable(path, 0, declared, seen)
    bad = _first_bad(head, name)
    if bad is not None:
        raise _undecodable(path, bad, declared, seen)
    return name


def likely_western(path: Path) -> str:
    """``cp1252`` where a text that is in none of the known encodings looks Western; else empty.

    Nearly any bytes are Windows-1252. In a Western text what is not ASCII is rare, and nearly all
    of it letters and the usual signs; other encodings give mostly signs that no one writes.
    """
    head = _head(path)
    if _looks_like(head) not in (None, "gb18030") or _first_bad(head, WESTERN) is not None:
        return ""
    text = head.decode(WESTERN)
    letters = sum(sign.isalpha() for sign in text)
    wide = [sign for sign in text if sign > "\x7f"]
    usual = sum(sign in _WESTERN_SIGNS for sign in wide)
    is_rare = 0 < len(wide) <= _WESTERN_SHARE * letters
    return WESTERN if is_rare and usual >= _WESTERN_USUAL * len(wide) else ""


def is_ascii(path: Path) -> bool:
    """Whether a whole file is ASCII, which is the same in nearly every encoding."""
    with path.open("rb") as stream:
        return all(chunk.isascii() for chunk in iter(lambda: stream.read(PROBE_BYTES), b""))


def open_utf8(path: Path, encoding: str) -> BinaryIO:
    """A file as a stream of UTF-8 bytes, without a byte-order mark.

    Args:
        path: The file.
        encoding: What `encoding_of` returned.

    Returns:
        The file itself where it is UTF-8; else a stream that decodes as it is read and raises
        `SourceError` at the first byte that cannot be decoded.
    """
    stream = path.open("rb")
    if encoding == "utf-8":
        if stream.read(3) != codecs.BOM_UTF8:
            stream.seek(0)
        return stream
    return io.BufferedReader(_Transcoded(stream, path, encoding), 1 << 20)


def undecodable(path: Path, declared: str | None) -> SourceError | None:
    """The error for the first bad byte of a whole file; None where there is none."""
    encoding = encoding_of(path, declared)
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as stream:
        read = 0
        while True:
            chunk = stream.read(PROBE_BYTES)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as fault:
                offset = max(0, read + fault.start - _kept(fault, chunk))
                return _undecodable(path, offset, declared or encoding, _looks_like(_head(path)))
            read += len(chunk)
            if not chunk:
                return None


class _Transcoded(io.RawIOBase):
    """Reads a file in another encoding as UTF-8 bytes."""

    def __init__(self, stream: BinaryIO, path: Path, encoding: str) -> None:
        self._stream, self._path, self._encoding = stream, path, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready, self._at, self._read, self._ended = b"", 0, 0, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while self._at >= len(self._ready):
            if self._ended:
                return 0
            self._ready, self._at = self._next(), 0
        part = self._ready[self._at : self._at + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _next(self) -> bytes:
        chunk = self._stream.read(PROBE_BYTES)
        self._ended = not chunk
        try:
            text = self._decoder.decode(chunk, final=self._ended)
        except UnicodeDecodeError as fault:
            offset = max(0, self._read + fault.start - _kept(fault, chunk))
            raise _undecodable(self._path, offset, self._encoding, None) from fault
        first = self._read == 0
        self._read += len(chunk)
        return (text.removeprefix("\ufeff") if first else text).encode("utf-8", "surrogatepass")

    def close(self) -> None:
        self._stream.close()
        super().close()


def _kept(fault: UnicodeDecodeError, chunk: bytes) -> int:
    """Bytes that the decoder had kept from the chunk before."""
    return max(0, len(fault.object) - len(chunk))


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(PROBE_BYTES)


def _marked(head: bytes) -> str | None:
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def _looks_like(head: bytes) -> str | None:
    """The encoding of a file's beginning; None where it is neither text nor a known one."""
    marked = _marked(head)
    if marked:
        return marked
    if head[1::2].count(0) > len(head) // 5 or head[::2].count(0) > len(head) // 5:
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    return next((n for n in ("utf-8", "gb18030") if _first_bad(head, n) is None), None)


def _reads_as_chinese(head: bytes) -> bool:
    """Whether what GB18030 makes of a text is what Chinese texts consist of.

    Nearly any bytes are GB18030. What people write in it are the characters and signs of GB2312,
    most of them of its first level; a text in another encoding gives rare characters instead
    (two accented letters side by side, as in ``größe``, one of the second level).
    """
    text = codecs.getincrementaldecoder("gb18030")().decode(head, final=False)
    wide = [sign for sign in text[:_SIGNS_SEEN] if sign > "\x7f"]
    usual = sum(1 for sign in wide if _is_usual(sign))
    return usual >= _USUAL_SHARE * len(wide) and _is_everyday(wide)


def _is_everyday(wide: Sequence[str]) -> bool:
    """Whether at least half of the Chinese characters are of the first level of GB2312."""
    leads = [sign.encode("gb2312", "ignore")[:1] for sign in wide]
    hanzi = [lead for lead in leads if lead >= _FIRST_LEVEL]
    return 2 * sum(lead < _SECOND_LEVEL for lead in hanzi) >= len(hanzi)


def _is_usual(sign: str) -> bool:
    """In GB2312, or of four bytes (which other encodings hardly ever look like)."""
    try:
        return len(sign.encode("gb2312")) == 2
    except UnicodeEncodeError:
        return sign in "￥€·—…" or len(sign.encode("gb18030")) == 4


WESTERN = "cp1252"
_WESTERN_SIGNS = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿŒœŠšŽž€£§©®°²½·´«»‚„…‘’“”–—º\xa0"
)
_WESTERN_SHARE, _WESTERN_USUAL = 0.2, 0.9
"""Most wide signs among the letters, and the least share of usual ones among those. French,
German and Portuguese have up to .08; Cyrillic, Greek and Asian texts .3 and more."""
_SIGNS_SEEN = 200_000
_FIRST_LEVEL, _SECOND_LEVEL = b"\xb0", b"\xd8"
"""First bytes of GB2312's 3,755 everyday characters, and of its 3,008 others (where the accented
letters of Western encodings lie)."""
_USUAL_SHARE = 0.75
"""Share of GB2312 among the wide characters. Measured: 0.999 in the demo's customers, 0.89 in a
list of rare names; 0.45 in a Big5 text, 0.1 and less in Western and Japanese ones. (Korean EUC-KR
cannot be told from it.)"""


def _has_wide_utf8(head: bytes) -> bool:
    return len(re.findall(rb"[\xe0-\xef][\x80-\xbf]{2}", head)) >= _MIN_WIDE


def _first_bad(head: bytes, encoding: str) -> int | None:
    """Offset of the first undecodable byte; a character cut off at the end is none."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(head, final=len(head) < PROBE_BYTES)
    except UnicodeDecodeError as fault:
        return fault.start
    except UnicodeError:
        return 0
    return None


def _no_text(path: Path, head: bytes) -> SourceError:
    """The error for a file that reads as no text at all."""
    kind = next((told for mark, told in _OTHER_FILES if head.startswith(mark)), "")
    return SourceError(
        f"The file is {kind}, not a text" if kind else "The file is no text in any one encoding",
        where=str(path),
        got="" if kind else f"no text at byte {_first_bad(head, 'utf-8') or 0}",
        allowed="UTF-8, UTF-16, GB18030; any other Python codec where it is declared",
        todo="Unpack it, or save it as CSV in UTF-8."
        if kind
        else "Ask for the file again, or save it in one encoding (UTF-8 is best).",
    )


def _untold(path: Path) -> SourceError:
    return SourceError(
        "The file's encoding cannot be told",
        where=str(path),
        got="not UTF-8, not UTF-16, and no Chinese text in GB18030",
        allowed="any Python codec, such as windows-1252, big5, shift_jis",
        todo="Name it: 'encoding' in the profile's source, '--encoding' of 'tierlab inspect'; "
        "or save the file as UTF-8.",
    )


def _undecodable(path: Path, offset: int | None, declared: str, seen: str | None) -> SourceError:
    return SourceError(
        "The file is not in the encoding that was declared",
        where=f"{path}, byte {offset or 0}",
        got=f"declared: {declared}; looks like: {seen or 'a mixture or no text at all'}",
        todo=f"Declare 'encoding: {seen}' in the profile's source."
        if seen and seen != declared
        else "Ask for the file again, or save it in one encoding (UTF-8 is best).",
    )
