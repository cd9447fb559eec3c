"""Problem details (RFC 9457): the one form of every error that the API gives."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from rest_framework import exceptions
from rest_framework.response import Response

from freehold.errors import DomainError

CONTENT_TYPE = "application/problem+json"
_UNAVAILABLE = "The database does not answer. Try again in a moment."


def problem(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """The members of a problem. ``type`` names the kind of error and never changes; ``detail`` is for a person."""
    return {
        "type": f"urn:freehold:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **extra,
    }


def problem_response(status: int, code: str, detail: str, **extra: Any) -> JsonResponse:
    body = problem(status, code, detail, **extra)
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def unauthorized() -> JsonResponse:
    response = problem_response(
        401, "not-authenticated", "Send a valid token: 'Authorization: Bearer fh_…'. It may be expired or revoked."
    )
    response["WWW-Authenticate"] = 'Bearer realm="freehold"'
    return response


def unavailable() -> JsonResponse:
    """The database does not answer. For an index this is no answer, and it falls back on what it knows."""
    response = problem_response(503, "unavailable", _UNAVAILABLE)
    response["Retry-After"] = "5"
    return response


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's hook: every error a view raises, as a problem."""
    body = _describe(error)
    if body is None:
        return None
    response = Response(body, status=body["status"], content_type=CONTENT_TYPE)
    for name, value in _headers(error).items():
        response[name] = value
    return response


def _describe(error: Exception) -> dict[str, Any] | None:  # noqa: PLR0911 -- a table, one row for each error
    if isinstance(error, DomainError):
        return problem(error.status, error.code, error.message)
    if isinstance(error, OperationalError):
        return problem(503, "unavailable", _UNAVAILABLE)
    if isinstance(error, RequestDataTooBig):
        return problem(413, "too-large", "The body is too large.")
    if isinstance(error, Http404):
        return problem(404, "not-found", str(error) or "There is nothing here.")
    if isinstance(error, PermissionDenied):
        return problem(403, "permission-denied", "You may not do this.")
    if isinstance(error, exceptions.ValidationError):
        return problem(400, "invalid", "Some values are not valid; see errors.", errors=error.detail)
    if isinstance(error, exceptions.APIException):
        return problem(error.status_code, _code(error), str(error.detail))
    return None


def _code(error: exceptions.APIException) -> str:
    return str(error.default_code).replace("_", "-")


def _headers(error: Exception) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}  # a cache may hold a 404 that says nothing about it
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(error.auth_header)  # type: ignore[attr-defined]  # DRF sets it where there is one
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))  # type: ignore[attr-defined]  # as above
    return headers


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def api_error(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponseBase | None:
    """A problem for a request to the API, None for a page: the error handlers then render theirs."""
    return problem_response(status, code, detail) if is_api(request) else None
