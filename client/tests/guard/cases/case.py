"""A case: one adversarial request, and what the parts of them are made of."""

from __future__ import annotations

from typing import NamedTuple

from guard.made import BOUNDARY as B
from guard.made import EVIL, EVIL_FILE, form_type, http, multipart, upload

DISPOSITION = 'Content-Disposition: form-data; name="{}"'
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
EVIL_BODY = multipart(upload(EVIL, EVIL_FILE))


class Case(NamedTuple):
    """``statuses``: those that are right; 0 for a connection that the server closes on what is no HTTP."""

    id: str
    request: bytes
    statuses: tuple[int, ...] = (400, 415)


def mp(parts: list[bytes], content_type: str | None = None) -> bytes:
    """An upload of these parts."""
    return http(multipart(parts), content_type or form_type())


def raw(body: bytes, boundary: bytes = B) -> bytes:
    """An upload of just these bytes."""
    return http(body, form_type(boundary))
