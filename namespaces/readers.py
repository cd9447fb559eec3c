"""Catalogues of projects as rows, streaming: TSV, CSV, NDJSON and PEP 691 project lists, plain or gzipped.

No database and no clock. A line that says nothing usable is a ``BadLine`` among the rows and reading goes on; a file
that cannot be read on is an ``UnreadableFile``. Whatever the bytes, nothing else is raised.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, BinaryIO, NamedTuple

import ijson

from freehold.errors import Invalid
from namespaces import names
from namespaces.owners import parse_owner

MAX_LINE = 1024 * 1024
"""Longest line accepted, in characters; what is longer is no catalogue, and would be held in memory whole."""

_HEAD = 64 * 1024  # bytes from which the format is recognized
_BUFFER = 256 * 1024
_REASON_LENGTH = 300
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF_16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# RFC 3339, section 5.6, or its full-date. ``fromisoformat`` alone would take week dates and times without a zone.
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?P<time>[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)


class Format(StrEnum):
    """``JSON`` is one document, PEP 691's project list: ``{"meta": …, "projects": [{"name": …}, …]}``."""

    TSV = "tsv"
    CSV = "csv"
    NDJSON = "ndjson"
    JSON = "json"


class Row(NamedTuple):
    """What a catalogue says of one project, valid and as the mirror stores it.

    ``name`` is normalized. ``owner`` is an organization's normalized name, or ``user:NAME``, or empty when the
    catalogue does not say. ``first_uploaded`` is in UTC, or None when the catalogue does not say.
    """

    name: str
    owner: str = ""
    first_uploaded: datetime | None = None


class BadLine(NamedTuple):
    """A part of the file that was skipped: where, such as ``line 7``, and why, in one sentence."""

    place: str
    reason: str


class UnreadableFile(ValueError):
    """The file is no catalogue, or it is broken from here on. The message is one sentence for a person."""


def read(source: BinaryIO, form: Format | None = None) -> Iterator[Row | BadLine]:
    """The rows of a catalogue, in its order; ``form`` overrides what its first bytes look like.

    ``source`` may be a pipe. Raises ``UnreadableFile``, perhaps after rows were given.
    """
    try:
        head, stream = _open(source)
        form = form or _recognize(head)
        if form is Format.JSON:
            yield from _document(stream)
        else:
            yield from _LINE_READERS[form](_lines(stream))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFile(f"The gzip data is damaged or cut off: {error}.") from error
    except OSError as error:
        raise UnreadableFile(f"The file cannot be read: {error.strerror or error}.") from error


# --- Bytes ----------------------------------------------------------------------------------------------------------


class _Joined(io.RawIOBase):
    """Bytes that were read ahead, and after them the rest of the stream."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._parts: list[BinaryIO] = [io.BytesIO(head), rest]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self._parts:
            if data := self._parts[0].read(len(buffer)):
                buffer[: len(data)] = data
                return len(data)
            del self._parts[0]
        return 0


def _open(source: BinaryIO) -> tuple[bytes, BinaryIO]:
    """The first bytes, and a stream of all bytes, both unpacked and without a byte order mark."""
    head, stream = _peek(source)
    if head.startswith(_GZIP_MAGIC):
        head, stream = _peek(gzip.GzipFile(fileobj=stream))
    if head.startswith(_UTF_16_BOMS):
        raise UnreadableFile("The file is UTF-16; save it as UTF-8.")
    if not head.strip():
        raise UnreadableFile("The file is empty.")
    if head.startswith(_BOM):
        stream.read(len(_BOM))
        head = head.removeprefix(_BOM)
    return head, stream


def _peek(source: BinaryIO | gzip.GzipFile) -> tuple[bytes, BinaryIO]:
    head = source.read(_HEAD)
    return head, io.BufferedReader(_Joined(head, source), _BUFFER)  # type: ignore[arg-type]  # it has all that is read by


def _recognize(head: bytes) -> Format:
    start = head.lstrip()
    if start.startswith((b"{", b"[")):
        return _recognize_json(start)
    header = start.partition(b"\n")[0]
    return Format.CSV if b"," in header and b"\t" not in header else Format.TSV


def _recognize_json(start: bytes) -> Format:
    """A list of projects is one document of any layout, and mostly one line of 40 MB; else each line is an object."""
    line, end, _ = start.partition(b"\n")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Format.NDJSON if end and b'"name"' in line and b'"projects"' not in line else Format.JSON
    return Format.NDJSON if isinstance(value, dict) and "projects" not in value else Format.JSON


def _lines(stream: BinaryIO) -> Iterator[str]:
    """The lines with their ends. What is not UTF-8 becomes U+FFFD: no name, no owner and no time has that, so it
    spoils a line only where it matters."""
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
    for number, line in enumerate(iter(partial(text.readline, MAX_LINE), ""), 1):
        if len(line) == MAX_LINE:
            raise UnreadableFile(f"Line {number} is longer than {MAX_LINE} characters: this is no catalogue.")
        yield line


# --- Formats --------------------------------------------------------------------------------------------------------


_Record = tuple[int, list[str] | BadLine]


class _Columns(NamedTuple):
    """How many there are, and where those stand that we know; an optional one that is not there is None."""

    width: int
    name: int
    owner: int | None
    first_uploaded: int | None


def _tsv(lines: Iterator[str]) -> Iterator[Row | BadLine]:
    """Tabs and nothing else, no quotes and no escapes: a summary may hold a lone quote."""
    return _table((number, line.rstrip("\r\n").split("\t")) for number, line in enumerate(lines, 1))


def _csv(lines: Iterator[str]) -> Iterator[Row | BadLine]:
    return _table(_csv_records(lines))


def _csv_records(lines: Iterator[str]) -> Iterator[_Record]:
    """Each record with the number of the line where it begins: a quoted cell may go over several."""
    reader = csv.reader(lines, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, _bad(number, f"This is not readable as CSV: {error}.")


def _table(records: Iterator[_Record]) -> Iterator[Row | BadLine]:
    filled = (record for record in records if record[1] and record[1] != [""])
    columns = _columns(next(filled, (1, []))[1])
    for number, cells in filled:
        if isinstance(cells, BadLine):
            yield cells
        elif len(cells) != columns.width:
            yield _bad(number, f"The header has {columns.width} columns, and this line has {len(cells)}.")
        else:
            owner, first_uploaded = _cell(cells, columns.owner), _cell(cells, columns.first_uploaded)
            yield _row(number, cells[columns.name], owner, first_uploaded)


def _columns(header: list[str] | BadLine) -> _Columns:
    titles = [] if isinstance(header, BadLine) else [title.strip().lower() for title in header]
    if any(titles.count(title) > 1 for title in Row._fields):
        raise UnreadableFile("The header names a column twice.")
    if "name" not in titles:
        raise UnreadableFile("The first line must name the columns, and one of them must be 'name'.")
    owner, time = (titles.index(title) if title in titles else None for title in ("owner", "first_uploaded"))
    return _Columns(len(titles), titles.index("name"), owner, time)


def _cell(cells: list[str], column: int | None) -> str:
    return "" if column is None else cells[column]


def _ndjson(lines: Iterator[str]) -> Iterator[Row | BadLine]:
    for number, line in enumerate(lines, 1):
        if not line.isspace():
            yield _from_line(number, line)


def _from_line(number: int, line: str) -> Row | BadLine:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return _bad(number, "This is not valid JSON.")
    return _from_object(number, value)


def _document(stream: BinaryIO) -> Iterator[Row | BadLine]:
    number = 0
    try:
        for number, value in enumerate(ijson.items(stream, "projects.item"), 1):
            yield _from_object(number, value, unit="project")
    except (ijson.JSONError, ValueError, ArithmeticError, RecursionError) as error:
        detail = str(error).partition("\n")[0]
        raise UnreadableFile(f"The JSON is damaged or cut off after project {number}: {detail}.") from error
    if not number:
        raise UnreadableFile("The JSON document has no list 'projects' with anything in it.")


def _from_object(number: int, value: Any, unit: str = "line") -> Row | BadLine:
    if not isinstance(value, dict) or not isinstance(name := value.get("name"), str):
        return _bad(number, "This is no JSON object with a 'name' that is a string.", unit)
    owner, first_uploaded = value.get("owner") or "", value.get("first_uploaded") or ""
    if not isinstance(owner, str) or not isinstance(first_uploaded, str):
        return _bad(number, "'owner' and 'first_uploaded' are strings, or null, or left out.", unit)
    return _row(number, name, owner, first_uploaded, unit)


_LINE_READERS: dict[Format, Callable[[Iterator[str]], Iterator[Row | BadLine]]] = {
    Format.TSV: _tsv,
    Format.CSV: _csv,
    Format.NDJSON: _ndjson,
}


# --- Values ---------------------------------------------------------------------------------------------------------


def _row(number: int, name: str, owner: str, first_uploaded: str, unit: str = "line") -> Row | BadLine:
    try:
        return Row(
            names.normalize(name),
            _owner(owner) if owner else "",
            _time(first_uploaded) if first_uploaded else None,
        )
    except (names.InvalidName, Invalid, _InvalidTime) as error:
        return _bad(number, str(error), unit)


def _bad(number: int, reason: str, unit: str = "line") -> BadLine:
    return BadLine(f"{unit} {number}", reason if len(reason) <= _REASON_LENGTH else reason[:_REASON_LENGTH] + "…")


_owner = lru_cache(maxsize=4096)(parse_owner)


class _InvalidTime(ValueError):
    pass


def _time(text: str) -> datetime:
    """The time in UTC; that of a date is its first moment."""
    try:
        if not (match := _TIME.fullmatch(text)):
            raise ValueError("not RFC 3339")
        moment = datetime.fromisoformat(text.upper())
        return moment.astimezone(UTC) if match["time"] else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise _InvalidTime(f"{text!a} is neither a time with its zone nor a date: 2021-03-04T05:06:07Z.") from error
