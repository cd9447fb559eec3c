"""Requests to order: multipart bodies in any shape, and heads with anything in them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence

BOUNDARY = b"8dcb5a1f0f5a4f0b9e60c1a7a0d3c2b1"
CRLF = b"\r\n"
EVIL = "acme-evil"
EVIL_FILE = "acme_evil-1.0.tar.gz"
PLAIN = "plain"
PLAIN_FILE = "plain-1.0.tar.gz"

Header = tuple[str, str]


def part(disposition: str | bytes, value: str | bytes, *headers: str | bytes, eol: bytes = CRLF) -> bytes:
    """A part without its delimiter: headers, empty line, value."""
    lines = [_bytes(disposition), *(_bytes(header) for header in headers), b"", _bytes(value)]
    return eol.join(lines)


def field(name: str, value: str | bytes) -> bytes:
    """A form field as all tools write it."""
    return part(f'Content-Disposition: form-data; name="{name}"', value)


def file(filename: str, value: bytes = b"\x1f\x8b content", name: str = "content") -> bytes:
    """A file as most tools write it."""
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
    return part(disposition, value, "Content-Type: application/octet-stream")


def multipart(parts: Iterable[bytes], boundary: bytes = BOUNDARY, eol: bytes = CRLF) -> bytes:
    """A body: canonical, given canonical parts."""
    delimiter = b"--" + boundary
    return b"".join(delimiter + eol + each + eol for each in parts) + delimiter + b"--" + eol


def upload(name: str | bytes = PLAIN, filename: str = PLAIN_FILE, *more: bytes) -> list[bytes]:
    """The parts of an upload."""
    return [
        field(":action", "file_upload"),
        field("protocol_version", "1"),
        field("name", name),
        field("version", "1.0"),
        field("classifiers", "Programming Language :: Python :: 3"),
        field("classifiers", "Private :: Do Not Upload"),
        *more,
        file(filename),
    ]


def form_type(boundary: bytes = BOUNDARY) -> str:
    """The media type of a canonical body."""
    return f"multipart/form-data; boundary={boundary.decode('latin-1')}"


def http(
    body: bytes = b"",
    content_type: str | None = None,
    *,
    method: str = "POST",
    target: str = "/legacy/",
    headers: Sequence[Header] = (),
    length: str | None = "right",
    user: str | None = "stranger",
    close: bool = True,
) -> bytes:
    """The bytes of a request. ``length``: "right", another value to send, or None for no header."""
    lines = [f"{method} {target} HTTP/1.1", "Host: index.example"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length == 'right' else length}")
    if user is not None:
        lines.append(f"Authorization: Basic {b64encode(f'{user}:{user[::-1]}'.encode()).decode()}")
    if close:
        lines.append("Connection: close")
    lines.extend(f"{key}: {value}" for key, value in headers)
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(body: bytes, size: int = 1000) -> bytes:
    """The body in the chunked transfer coding."""
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    return b"".join(f"{len(piece):x}".encode() + CRLF + piece + CRLF for piece in pieces) + b"0\r\n\r\n"


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
