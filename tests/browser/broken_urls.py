"""Our addresses, and three that break, so that the pages for errors can be seen."""

from __future__ import annotations

from typing import NoReturn

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest
from django.urls import path

import freehold.urls
from freehold.access import public


@public
def bad_request(request: HttpRequest) -> NoReturn:
    raise BadRequest


@public
def forbidden(request: HttpRequest) -> NoReturn:
    raise PermissionDenied


@public
def broken(request: HttpRequest) -> NoReturn:
    raise ZeroDivisionError


urlpatterns = [
    path("broken/400", bad_request),
    path("broken/403", forbidden),
    path("broken/500", broken),
    *freehold.urls.urlpatterns,
]

handler400, handler403 = freehold.urls.handler400, freehold.urls.handler403
handler404, handler500 = freehold.urls.handler404, freehold.urls.handler500
