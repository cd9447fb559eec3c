"""Which projects a request's body names. One inspector for each kind of body that is taken.

An inspector is fed the body in pieces and then asked. It raises ``Unacceptable`` for whatever an index could read
differently, so what it lets by means to every parser what it means here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from freehold_client.guard.errors import Unacceptable
from freehold_client.guard.fields import (
    ACTION,
    CONTENT,
    FILE_FIELDS,
    FILE_NAME_FIELDS,
    MAX_VALUE,
    SIGNATURE,
    Special,
    Vocabulary,
    check_name,
)
from freehold_client.guard.filenames import InvalidFilename, documentation_readings, readings
from freehold_client.guard.multipart import MultipartParser, Part, boundary_of
from freehold_client.names import normalize

MAX_NAMES = 16
"""Different projects that one request may name: each may cost a question."""

_URLENCODED = re.compile(r"application/x-www-form-urlencoded(?:; ?charset=(?:utf-8|UTF-8))?").fullmatch
_JSON = re.compile(r"application/(?:[a-z0-9.-]{1,60}\+)?json(?:; ?charset=(?:utf-8|UTF-8))?").fullmatch
# Some parsers keep a bare percent sign and some drop it; some take a semicolon for an ampersand, or stop at a NUL.
_IRREGULAR = re.compile(r"%(?![0-9A-Fa-f]{2})|[^!-~]|;").search


class Inspector(Protocol):
    """Takes a body and says what it names."""

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body."""

    def names(self) -> tuple[str, ...]:
        """After the last piece: the normalized names of all projects the body could be about, the foremost first."""


def inspector_for(content_type: str, vocabulary: Vocabulary, max_small_body: int) -> Inspector:
    """The inspector for a media type. Raises ``Unacceptable`` (415) for one that isn't taken."""
    if content_type.lower().startswith("multipart/"):
        return MultipartInspector(boundary_of(content_type), vocabulary)
    if _URLENCODED(content_type):
        return FormInspector(vocabulary, max_small_body)
    if _JSON(content_type):
        return JsonInspector(vocabulary, max_small_body)
    raise Unacceptable("Uploads are taken as multipart/form-data, in its canonical form, and as nothing else.", 415)


class MultipartInspector:
    """An upload as all tools make it: fields, and a file whose name has to agree with them."""

    def __init__(self, boundary: bytes, vocabulary: Vocabulary) -> None:
        self._parser = MultipartParser(boundary, self)
        self._vocabulary = vocabulary
        self._special = Special(vocabulary)
        self._files: dict[str, str] = {}
        self._key: str | None = None
        self._value = bytearray()

    def feed(self, data: bytes) -> None:
        self._parser.feed(data)

    def begin(self, part: Part) -> None:
        self._vocabulary.check_key(part.name)
        self._value.clear()
        self._key = None
        if part.filename is not None:
            self._begin_file(part.name, part.filename)
        elif part.name in FILE_FIELDS:
            raise Unacceptable(f"The part {part.name!r} has no file name.")
        elif self._vocabulary.is_special(part.name):
            self._key = part.name

    def _begin_file(self, name: str, filename: str) -> None:
        if name not in FILE_FIELDS:
            raise Unacceptable(f"The part {name!r} may not be a file.")
        if name in self._files:
            raise Unacceptable(f"The part {name!r} is there twice.")
        self._files[name] = filename

    def data(self, chunk: bytes) -> None:
        if self._key is None:
            return
        self._value += chunk
        if len(self._value) > MAX_VALUE:
            raise Unacceptable(f"The field {self._key!r} is too long.")

    def end(self) -> None:
        if self._key is not None:
            self._special.put(self._key, _ascii(bytes(self._value), self._key))

    def names(self) -> tuple[str, ...]:
        self._parser.close()
        content, signature = self._files.get(CONTENT), self._files.get(SIGNATURE)
        if signature is not None and signature != f"{content}.asc":
            raise Unacceptable("The signature's file name is not that of the content with '.asc' after it.")
        return _agreement(self._special, () if content is None else (content,))


class FormInspector:
    """An urlencoded body: ``submit``, ``remove_pkg`` and whatever else an index does by name."""

    def __init__(self, vocabulary: Vocabulary, max_body: int) -> None:
        self._body = _Small(max_body)
        self._vocabulary = vocabulary

    def feed(self, data: bytes) -> None:
        self._body.add(data)

    def names(self) -> tuple[str, ...]:
        special = Special(self._vocabulary)
        text = _ascii(self._body.data, "body")
        for pair in text.split("&") if text else ():
            key, value = _decoded_pair(pair)
            self._vocabulary.check_key(key)
            if key in FILE_FIELDS:
                raise Unacceptable("A file is uploaded as multipart/form-data.", 415)
            if self._vocabulary.is_special(key):
                special.put(key, value)
        return _agreement(special, ())


class JsonInspector:
    """A JSON body: every name in it counts, however deep."""

    def __init__(self, vocabulary: Vocabulary, max_body: int) -> None:
        self._body = _Small(max_body)
        self._vocabulary = vocabulary
        self._found: list[str] = []

    def feed(self, data: bytes) -> None:
        self._body.add(data)

    def names(self) -> tuple[str, ...]:
        try:
            # The only encoding taken is UTF-8 without a mark: given bytes, the parser would guess UTF-16 and UTF-32.
            json.loads(self._body.data.decode("utf-8"), object_pairs_hook=self._object, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise Unacceptable("The body is not JSON in UTF-8, or nests too deeply.") from error
        return _distinct(self._found)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                raise Unacceptable(f"A JSON object has the key {key[:80]!a} twice.")
            self._vocabulary.check_spelling(key)
            result[key] = value
            self._found.extend(self._names_in(key, value))
        return result

    def _names_in(self, key: str, value: Any) -> Iterator[str]:
        is_name, is_file = key in self._vocabulary.names, key in FILE_NAME_FIELDS
        if (is_name or is_file) and not isinstance(value, str):
            raise Unacceptable(f"The value of {key!r} is not a text.")
        if is_name:
            yield check_name(value)
        elif is_file:
            yield from sorted(_readings(value))


class _Small:
    """A body that is held in memory, up to a size."""

    def __init__(self, max_size: int) -> None:
        self.data = b""
        self._max_size = max_size

    def add(self, data: bytes) -> None:
        self.data += data
        if len(self.data) > self._max_size:
            raise Unacceptable("A body of this type may not be that long.", 413)


def _agreement(special: Special, files: tuple[str, ...]) -> tuple[str, ...]:
    """All names, given that those of the fields are one and that the file could be that project's."""
    names = [normalize(name) for name in special.names]
    if len(set(names)) > 1:
        raise Unacceptable("The request names several projects.")
    for filename in (*files, *special.filenames):
        possible = _readings(filename, documentation=special.get(ACTION) == "doc_upload")
        if names and names[0] not in possible:
            raise Unacceptable(f"The file {filename!r} is not one of the project {names[0]!r} by its name.")
        names.extend(sorted(possible))
    if files and not special.names:
        raise Unacceptable("The upload has no field 'name'.")
    return _distinct(names)


def _readings(filename: str, *, documentation: bool = False) -> frozenset[str]:
    try:
        return documentation_readings(filename) if documentation else readings(filename)
    except InvalidFilename as error:
        raise Unacceptable(str(error)) from error


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(names))
    if not found:
        raise Unacceptable("The request names no project, and its path is not among those that are let by.")
    if len(found) > MAX_NAMES:
        raise Unacceptable("The request names too many projects.")
    return found


def _decoded_pair(pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    if not equals or _IRREGULAR(pair):
        raise Unacceptable("The urlencoded body is not in its canonical form.")
    return _unquoted(key), _unquoted(value)


def _unquoted(text: str) -> str:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unacceptable("The urlencoded body is not in UTF-8.") from error


def _ascii(value: bytes, what: str) -> str:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError as error:
        raise Unacceptable(f"The {what} has characters other than ASCII.") from error


def _no_constant(name: str) -> None:
    raise ValueError(name)
