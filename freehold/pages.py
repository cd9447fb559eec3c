"""Answers that are for one person: their header shows who is signed in, and no cache keeps them.

Public pages are the same for everybody and held by caches, so their template never learns who looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

PRIVATE = "private, no-store"


def private_page(
    request: HttpRequest, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """The page as the signed-in user sees it; for somebody who is not signed in, without a ``viewer``."""
    show_viewer(request)
    body = render_to_string(template, dict(context or {}), request)
    return HttpResponse(body, status=status, headers={"Cache-Control": PRIVATE})


def private(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For views that render by themselves, such as those of other packages: the same header, the same caching."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        show_viewer(request)
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = PRIVATE
        return response

    return shown


def show_viewer(request: HttpRequest) -> None:
    """From here on every template that this request renders, also that of an error, shows who is signed in."""
    user = getattr(request, "user", None)
    request.viewer = user if user is not None and user.is_authenticated else None  # type: ignore[attr-defined]  # read by freehold.context
