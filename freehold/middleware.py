"""Middleware of our own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from allauth.account.middleware import AccountMiddleware
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django_htmx.middleware import HtmxMiddleware

_SIMPLE = [f"/{settings.FREEHOLD_SIMPLE_BASE}/"] if settings.FREEHOLD_SIMPLE_BASE else ["/namespace/"]
_FOR_MACHINES = ("/api/", "/log.jsonl", "/healthz", "/readyz", "/billing/stripe/", *_SIMPLE)

Answer = Callable[[HttpRequest], HttpResponseBase]


def is_for_machines(request: HttpRequest) -> bool:
    """What programs read: it has one language, no person behind it, and no time to lose."""
    return request.path.startswith(_FOR_MACHINES)


class PagesLocaleMiddleware(LocaleMiddleware):
    """The language of pages. What machines read has one language, and must not vary by it in caches."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if is_for_machines(request):
            return self.get_response(request)
        return super().__call__(request)


class PagesOnly:
    """Another middleware, ``wrapped``, which requests of machines pass by."""

    wrapped: Callable[[Answer], Any]

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.on_pages = type(self).wrapped(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer: Answer = self.get_response if is_for_machines(request) else self.on_pages
        return answer(request)


class PagesAccountMiddleware(PagesOnly):
    """allauth's, which answers where a view of its own breaks off or asks to sign in again."""

    wrapped = staticmethod(AccountMiddleware)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if is_for_machines(request):
            return None
        answer: HttpResponseBase | None = self.on_pages.process_exception(request, exception)
        return answer


class PagesHtmxMiddleware(PagesOnly):
    """``request.htmx`` on pages."""

    wrapped = HtmxMiddleware
