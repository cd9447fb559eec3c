"""A strict, streaming parser of ``multipart/form-data`` that accepts one spelling of it.

Pure: bytes in, calls out, no I/O. The parsers that indexes use agree on canonical bodies and disagree on all others:
on bare line feeds, folded or repeated headers, escapes, text before the first or after the last delimiter, a boundary
inside of a line, nested multiparts. Whoever knows where they disagree shows one file to a guard and another to the
index. So what is not canonical is refused, whatever it may have meant.

    multipart = "--" boundary CRLF part *(CRLF "--" boundary CRLF part) CRLF "--" boundary "--" CRLF
    part      = 1*(header CRLF) CRLF *OCTET          ; the octets never contain "--" boundary
    header    = 'Content-Disposition: form-data; name="' field '"' ['; filename="' file '"']
              / "Content-Type: " type

Memory: a chunk and a part's headers, whatever the size of the body.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from freehold_client.guard.errors import Unacceptable

MAX_PART_HEADERS = 4096
"""Bytes of a part's headers: a file name of 255 characters and a media type need a tenth of it."""

MAX_PARTS = 10_000
"""Each classifier and each dependency is a part; the largest real metadata has a few hundred."""

_CRLF = b"\r\n"
# Unquoted, no other parameter, lower case: every tool sends it so. It ends with a letter or digit, lest the boundary
# and the two hyphens of the closing delimiter run into each other.
_CONTENT_TYPE = re.compile(r"multipart/form-data; ?boundary=([A-Za-z0-9._-]{0,69}[A-Za-z0-9])").fullmatch
_DISPOSITION = re.compile(
    rb'Content-Disposition: form-data; name="([A-Za-z0-9:_.-]{1,100})"(?:; filename="([ -!#-\[\]-~]{1,255})")?'
).fullmatch
# Not multipart/* or message/*, which some parsers descend into; not urlencoded, which FieldStorage expands; no charset
# but UTF-8, since a value in another one reads differently to who heeds it.
_PART_TYPE = re.compile(
    rb"Content-Type: text/plain(?:; ?charset=(?:utf-8|UTF-8))?"
    rb"|Content-Type: application/(?!x-www-form-urlencoded)[a-z0-9.+-]{1,80}"
).fullmatch


@dataclass(frozen=True)
class Part:
    """What the headers of a part say. ``filename`` is None where there is none."""

    name: str
    filename: str | None


class PartHandler(Protocol):
    """Takes the parts as they come by. Each method may raise ``Unacceptable`` to end it all."""

    def begin(self, part: Part) -> None:
        """A part begins."""

    def data(self, chunk: bytes) -> None:
        """Some bytes of the part's content."""

    def end(self) -> None:
        """The part is complete."""


def boundary_of(content_type: str) -> bytes:
    """The boundary that a canonical ``Content-Type`` header names."""
    match = _CONTENT_TYPE(content_type)
    if match is None:
        raise Unacceptable("The only form of multipart taken here is multipart/form-data; boundary=<plain token>.", 415)
    return match[1].encode()


class MultipartParser:
    """Feed it the body in pieces of any size, then close it. Raises ``Unacceptable`` at the first irregularity."""

    def __init__(self, boundary: bytes, handler: PartHandler) -> None:
        self._token = b"--" + boundary
        self._handler = handler
        self._buffer = bytearray()
        self._parts = 0
        self._state = self._opening

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body."""
        self._buffer += data
        while self._state():
            pass

    def close(self) -> None:
        """The body is over. Raises if it ended before its closing delimiter."""
        if self._state != self._finished:
            raise Unacceptable("The multipart body ends before its closing delimiter.")

    # Each state consumes what it can and says whether another turn is worth while.

    def _opening(self) -> bool:
        expected = self._token + _CRLF
        if not expected.startswith(self._buffer[: len(expected)]):
            raise Unacceptable("The multipart body does not begin with its boundary.")
        if len(self._buffer) < len(expected):
            return False
        del self._buffer[: len(expected)]
        self._state = self._headers
        return True

    def _headers(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end > MAX_PART_HEADERS or (end < 0 and len(self._buffer) > MAX_PART_HEADERS):
            raise Unacceptable("The headers of a part are too long.")
        if end < 0:
            return False
        part = self._part(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        self._handler.begin(part)
        self._state = self._content
        return True

    def _part(self, block: bytes) -> Part:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise Unacceptable("The multipart body has too many parts.", 413)
        if self._token in block:
            raise Unacceptable("The boundary occurs inside of a part's headers.")
        return _parse_headers(block)

    def _content(self) -> bool:
        place = self._buffer.find(self._token)
        if place < 0:
            # What is kept may be the beginning of a delimiter, with the line break before it.
            self._pass_on(len(self._buffer) - len(self._token) - 1)
            return False
        if place < 2 or self._buffer[place - 2 : place] != _CRLF:
            raise Unacceptable("The boundary occurs inside of a part.")
        after = bytes(self._buffer[place + len(self._token) :][:2])
        if len(after) < 2:
            return False
        self._pass_on(place - 2)
        self._handler.end()
        del self._buffer[: len(self._token) + 4]
        self._state = self._state_after(after)
        return True

    def _state_after(self, marker: bytes) -> _State:
        if marker == _CRLF:
            return self._headers
        if marker == b"--":
            return self._closing
        raise Unacceptable("A boundary is followed by neither a line break nor two hyphens.")

    def _closing(self) -> bool:
        if len(self._buffer) > 2 or not _CRLF.startswith(self._buffer):
            raise Unacceptable("Something other than one line break follows the closing delimiter.")
        if len(self._buffer) < 2:
            return False
        self._buffer.clear()
        self._state = self._finished
        return False

    def _finished(self) -> bool:
        if self._buffer:
            raise Unacceptable("Something follows the end of the multipart body.")
        return False

    def _pass_on(self, count: int) -> None:
        if count > 0:
            self._handler.data(bytes(self._buffer[:count]))
            del self._buffer[:count]


class _State(Protocol):
    def __call__(self) -> bool: ...


def _parse_headers(block: bytes) -> Part:
    """A part's headers: one disposition, at most one media type, nothing else."""
    disposition, types = None, 0
    for line in block.split(_CRLF):
        match = _DISPOSITION(line)
        if match is not None and disposition is None:
            disposition = match
        elif _PART_TYPE(line) is not None and not types:
            types += 1
        else:
            raise Unacceptable(f"A part has a header that is not taken here: {line[:80].decode('latin-1')!a}")
    if disposition is None:
        raise Unacceptable("A part has no Content-Disposition.")
    name, filename = disposition.groups()
    return Part(name.decode("ascii"), None if filename is None else filename.decode("ascii"))
