"""What is answered when something is wrong: problem details under /api/, else a page in our own look."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from freehold.context import site
from freehold.problems import api_error

logger = logging.getLogger(__name__)

BARE = "<!doctype html><html lang=en><title>500 Freehold</title><h1>Something broke on our side</h1><p>Try again soon."


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """``detail`` is what the API says; the page says it in the template, where it can be translated."""

    status: int
    code: str
    detail: str
    page: str = ""

    @property
    def template(self) -> str:
        return f"errors/{self.page or self.status}.html"


BAD_REQUEST = ErrorPage(400, "bad-request", "The request could not be understood.")
PERMISSION_DENIED = ErrorPage(403, "permission-denied", "You may not do this.")
NOT_FOUND = ErrorPage(404, "not-found", "There is nothing here.")
TOO_MANY = ErrorPage(429, "too-many-requests", "That was tried too often. Wait a few minutes.")
NO_CSRF = ErrorPage(403, "csrf", "The form could not be matched to your session.", page="csrf")
SERVER_ERROR = ErrorPage(500, "server-error", "Something broke on our side; it has been recorded.")
ALL = (BAD_REQUEST, PERMISSION_DENIED, NOT_FOUND, TOO_MANY, NO_CSRF, SERVER_ERROR)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _answer(request, BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """The page says why, where the refusal did."""
    return _answer(request, PERMISSION_DENIED, reason=str(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _answer(request, NOT_FOUND)


def too_many_requests(request: HttpRequest) -> HttpResponseBase:
    """What allauth answers where one of its limits is reached."""
    return _answer(request, TOO_MANY)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """A form that came without its token: from another site, or from a page older than the sign-in."""
    return _answer(request, NO_CSRF)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Whatever broke may be the database, a context processor or the template: it needs none of them."""
    try:
        return _answer(request, SERVER_ERROR, request_in_template=False)
    except Exception:
        logger.exception("The page for errors is broken too.")
        return HttpResponse(BARE, status=500)


def _answer(
    request: HttpRequest, error: ErrorPage, *, request_in_template: bool = True, reason: str = ""
) -> HttpResponseBase:
    problem = api_error(request, error.status, error.code, error.detail)
    if problem is not None:
        return problem
    context = {"status": error.status, "reason": reason, **site(request)}
    body = render_to_string(error.template, context, request if request_in_template else None)
    return HttpResponse(body, status=error.status, headers={"Cache-Control": "no-store"})
