"""Files for accountants: the same bytes whenever a closed month is written. Pure."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class File:
    name: str
    content: bytes
    content_type: str = "text/csv; charset=utf-8"


def text(value: str) -> str:
    """A cell that a spreadsheet takes for text, whatever somebody called their organization."""
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """RFC 4180 in UTF-8. Texts among the cells have been through :func:`text`; numbers may be below zero."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(header)
    writer.writerows(rows)
    return written.getvalue().encode()


def name_of(month: date, what: str, *, is_closed: bool) -> str:
    """A file of a month that may still change says so."""
    return f"freehold-{month:%Y-%m}-{what}{'' if is_closed else '-preliminary'}.csv"


def in_one(files: Sequence[File], name: str) -> File:
    """The file itself if it is the only one, else an archive of them, which has no time in it: the same bytes again."""
    if len(files) == 1:
        return files[0]
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name), file.content)
    return File(name, written.getvalue(), "application/zip")
