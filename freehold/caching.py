"""Answers that a cache may hold: a strong ETag, Cache-Control, and the keys by which they are purged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from rest_framework.request import Request

PUBLIC = "public, max-age=60"


def etag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def cacheable(
    request: HttpRequest | Request,
    body: bytes,
    *,
    content_type: str,
    etag: str | None = None,
    control: str = PUBLIC,
    keys: Iterable[str] = (),
) -> HttpResponse:
    """The answer, or 304 where the caller has it; always with the same headers."""
    tag = etag or etag_of(body)
    known = matches(request, tag)
    response = HttpResponseNotModified() if known else HttpResponse(body, content_type=content_type)
    response["ETag"] = tag
    response["Cache-Control"] = control
    if surrogate := " ".join(keys):
        response["Surrogate-Key"] = surrogate
    return response


def matches(request: HttpRequest | Request, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag; by weak comparison, as RFC 9110 has it."""
    wanted = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    return "*" in wanted or tag in {value.removeprefix("W/") for value in wanted}
