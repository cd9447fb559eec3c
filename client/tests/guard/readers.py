"""What an index could read from a request: five parsers of forms, two of pairs, and several guesses at file names.

The suite's one question is asked with these: whatever a parser finds, lenient or not, must not be a reserved name.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from email.message import Message
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl

import multipart
import python_multipart
from werkzeug.formparser import parse_form_data

from freehold_client.guard.fields import NAME_FIELDS
from guard.stand_in import RESERVED, Seen

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import cgi  # the standard library's until Python 3.12, legacy-cgi's from then on

Pair = tuple[str, str, str]
"""A parser's name, a field, its value; the field is "filename" for a file's name."""


def everything_read(seen: Seen) -> list[Pair]:
    """All that any parser reads from a request."""
    found: list[Pair] = []
    kind = seen.content_type.lower()
    if "multipart" in kind:
        for reader in (_werkzeug, _multipart, _python_multipart, _email):
            found.extend((reader.__name__, *pair) for pair in _quietly(reader, seen))
    if "multipart" in kind or "urlencoded" in kind:
        found.extend(("cgi", *pair) for pair in _quietly(_cgi, seen))
    if "urlencoded" in kind:
        for separator in "&;":
            found.extend(("urllib", key, value) for key, value in _pairs(seen.body.decode("latin-1"), separator))
    if "json" in kind:
        found.extend(("json", key, value) for key, value in _json(seen.body))
    for separator in "&;":
        found.extend(("query", key, value) for key, value in _pairs(seen.query, separator))
    return found


def reserved_names(seen: Seen, reserved: Iterable[str] = RESERVED) -> list[Pair]:
    """What of that is a reserved name, by the most lenient reading of fields and values."""
    held = tuple(reserved)
    found = []
    for parser, key, value in everything_read(seen):
        folded = re.sub(r"\[.*|[\s\x00]+|:.*(?<!action)$", "", unicodedata.normalize("NFKC", key).casefold())
        if folded in NAME_FIELDS and _is_reserved(value, held):
            found.append((parser, key, value))
        if folded in ("filename", "file_name") and any(_is_reserved(name, held) for name in _guesses(value)):
            found.append((parser, key, value))
    return found


def _is_reserved(name: str, reserved: tuple[str, ...]) -> bool:
    plain = unicodedata.normalize("NFKC", name).casefold().strip().strip("\x00\ufeff").strip()
    plain = re.sub(r"[-_.\s]+", "-", plain).strip("-")
    return any(plain == held or plain.startswith(held + "-") for held in reserved)


def _guesses(filename: str) -> Iterator[str]:
    """Projects that indexes make out of a file name: the first part, all before the last hyphen, all before a digit."""
    base = re.split(r"[/\\]", filename)[-1].removesuffix(".asc")
    stem = re.sub(r"(\.doc)?\.(whl|tar\.gz|tar\.bz2|tar\.xz|tar\.Z|tgz|zip|egg|exe|msi|rpm)$", "", base)
    if base.endswith(".whl"):
        yield stem.split("-")[0]
        yield re.split(r"-(?=\d)", stem)[0]
        return
    yield stem.rpartition("-")[0]
    yield re.split(r"-(?=\d)", stem)[0]
    yield re.split(r"-\d+[a-zA-Z_.!+]", stem)[0]
    yield re.split(r"-(?=[vV]?\d)", stem)[0]


def _quietly(reader: Any, seen: Seen) -> list[tuple[str, str]]:
    """What a parser reads before it gives up, if it does."""
    found: list[tuple[str, str]] = []
    try:
        for key, value in reader(seen):
            found.append((key or "", value or ""))
    except Exception:
        return found
    return found


def _environ(seen: Seen) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": seen.content_type,
        "CONTENT_LENGTH": str(len(seen.body)),
        "QUERY_STRING": seen.query,
        "wsgi.input": io.BytesIO(seen.body),
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "index.example",
        "SERVER_PORT": "80",
    }


def _werkzeug(seen: Seen) -> Iterator[tuple[str, str]]:
    _, form, files = parse_form_data(_environ(seen))
    yield from form.items(multi=True)
    for key, file in files.items(multi=True):
        yield "filename", file.filename or ""
        yield key or "", file.stream.read(4096).decode("latin-1")
        file.close()


def _multipart(seen: Seen) -> Iterator[tuple[str, str]]:
    form, files = multipart.parse_form_data(_environ(seen), strict=False)
    for key, values in form.dict.items():
        for value in values:
            yield key, value
    for key, parts in files.dict.items():
        for part in parts:
            yield "filename", part.filename or ""
            yield key, part.raw[:4096].decode("latin-1")


def _python_multipart(seen: Seen) -> Iterator[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def on_field(field: Any) -> None:
        found.append(((field.field_name or b"").decode("latin-1"), (field.value or b"").decode("latin-1")))

    def on_file(file: Any) -> None:
        found.append(("filename", (file.file_name or b"").decode("latin-1")))
        file.close()

    headers = {"Content-Type": seen.content_type.encode("latin-1"), "Content-Length": str(len(seen.body)).encode()}
    try:
        python_multipart.parse_form(headers, io.BytesIO(seen.body), on_field, on_file)
    finally:
        yield from found


def _cgi(seen: Seen) -> Iterator[tuple[str, str]]:
    environ = _environ(seen)
    yield from _fields(cgi.FieldStorage(environ.pop("wsgi.input"), environ=environ, keep_blank_values=True))


def _fields(storage: Any) -> Iterator[tuple[str, str]]:
    for item in storage.list or ():
        if item.filename:
            yield "filename", item.filename
        if isinstance(getattr(item, "list", None), list):
            yield from _fields(item)
            continue
        value = item.value
        yield item.name or "", value if isinstance(value, str) else value[:4096].decode("latin-1")


def _email(seen: Seen) -> Iterator[tuple[str, str]]:
    head = f"MIME-Version: 1.0\r\nContent-Type: {seen.content_type}\r\n\r\n".encode("latin-1")
    yield from _parts(BytesParser().parsebytes(head + seen.body))


def _parts(message: Message) -> Iterator[tuple[str, str]]:
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if (filename := part.get_filename()) is not None:
            yield "filename", filename
        if name is not None and not part.is_multipart():
            key = name if isinstance(name, str) else str(name[-1])
            payload = part.get_payload(decode=True)
            yield key, payload.decode(part.get_content_charset() or "latin-1", "replace")  # type: ignore[union-attr]  # never None here


def _pairs(text: str, separator: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, separator=separator, max_num_fields=10_000)


def _json(body: bytes) -> Iterator[tuple[str, str]]:
    pairs: list[tuple[str, Any]] = []

    def hook(found: list[tuple[str, Any]]) -> dict[str, Any]:
        pairs.extend(found)
        return dict(found)

    with contextlib.suppress(ValueError, RecursionError):
        json.loads(body, object_pairs_hook=hook)
    for key, value in pairs:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield key, text
