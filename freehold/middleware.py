"""Middleware of our own."""

from __future__ import annotations

from collections.abc import Awaitable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware

_SIMPLE = [f"/{settings.FREEHOLD_SIMPLE_BASE}/"] if settings.FREEHOLD_SIMPLE_BASE else ["/namespace/"]
_ONE_LANGUAGE = ("/api/", "/healthz", "/readyz", *_SIMPLE)


class PagesLocaleMiddleware(LocaleMiddleware):
    """The language of pages. What machines read has one language, and must not vary by it in caches."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if request.path.startswith(_ONE_LANGUAGE):
            return self.get_response(request)
        return super().__call__(request)
