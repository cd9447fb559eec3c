"""Answers that a cache may hold: a strong ETag, Cache-Control, and the keys by which they are purged.

``docs/cdn.md`` says what each header is for. Browsers and the proxies between hear ``Cache-Control``; only the
operator's own CDN, which can be purged, hears the other two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import parse_etags
from rest_framework.request import Request

PUBLIC = "public, max-age=60"
"""For pages, which may be a minute old."""
REVALIDATED = "public, max-age=0, must-revalidate"
"""For answers that are to be true: whoever kept one asks whether it still is, which costs a 304."""

Answer = TypeVar("Answer", bound=HttpResponseBase)


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
    return keyed(response, keys)


def keyed(response: Answer, keys: Iterable[str]) -> Answer:
    """The answer with the keys of which any purges it."""
    if surrogate := " ".join(keys):
        response["Surrogate-Key"] = surrogate
    return response


def held(response: Answer, *, until: datetime | None = None) -> Answer:
    """Let the operator's CDN hold the answer until it is purged or, where no purge will come, until that time."""
    seconds: int = settings.FREEHOLD_CDN_SECONDS
    if until is not None:
        seconds = max(0, min(seconds, int((until - timezone.now()).total_seconds())))
    response["Cache-Control"] = REVALIDATED
    response["CDN-Cache-Control"] = response["Surrogate-Control"] = f"max-age={seconds}"
    return response


def matches(request: HttpRequest | Request, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag; by weak comparison, as RFC 9110 has it."""
    wanted = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    return "*" in wanted or tag in {value.removeprefix("W/") for value in wanted}
