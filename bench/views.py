"""What the check is compared with: a view that does nothing, and one that is wrong on purpose."""

from __future__ import annotations

import os
import time

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from freehold.access import public
from namespaces.api.checks import check_upload

STALE_SECONDS = 0.2
_kept: dict[bytes, tuple[float, bytes]] = {}


@public
@csrf_exempt
def empty(request: HttpRequest) -> HttpResponse:
    """The floor: what the server, Django and the middleware cost without any work."""
    return HttpResponse(b"{}", content_type="application/json")


@public
@csrf_exempt
def caching_check(request: HttpRequest) -> HttpResponse:
    """The check with a cache of its own in each process: the probe for stale answers must find these."""
    found = _kept.get(request.body)
    if found is not None and time.monotonic() - found[0] < STALE_SECONDS:
        return HttpResponse(found[1], content_type="application/json")
    response = check_upload(request)
    _kept[request.body] = (time.monotonic(), response.content)
    return response


@public
@csrf_exempt
def worker(request: HttpRequest) -> JsonResponse:
    """Which process answers on this connection."""
    return JsonResponse({"process": os.getpid()})
