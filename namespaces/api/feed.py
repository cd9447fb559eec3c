"""``/api/v1/snapshot`` and ``/api/v1/changes``: for indexes that keep a copy."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from freehold.caching import cacheable
from freehold.schema import problems
from namespaces import feed, waiting
from namespaces.api.serializers import ChangesQuerySerializer, ChangesSerializer, SnapshotSerializer
from namespaces.api.shapes import RETRY_PARAMETER
from orgs.api.permissions import CanFollow

PRIVATE = "private, no-cache"
JSON = "application/json"
NO_PLACE = "2"
"""Seconds after which who found no place to wait may ask again."""


@method_decorator(gzip_page, name="dispatch")
class SnapshotView(APIView):
    permission_classes = (CanFollow,)
    tag = "feed"

    @extend_schema(operation_id="get_snapshot", responses={200: SnapshotSerializer, 304: None} | problems(401, 403))
    def get(self, request: Request) -> HttpResponse:
        """All enforced grants and the organizations that hold them, as of one revision."""
        tag = f'"{feed.current_revision()}"'
        if tag == request.headers.get("If-None-Match"):
            return cacheable(request, b"", content_type=JSON, etag=tag, control=PRIVATE)
        taken = feed.snapshot()
        etag = f'"{taken.revision}"'
        return cacheable(request, taken.body.encode(), content_type=JSON, etag=etag, control=PRIVATE)


@method_decorator(gzip_page, name="dispatch")
class ChangesView(APIView):
    permission_classes = (CanFollow,)
    tag = "feed"

    @extend_schema(
        operation_id="list_changes",
        parameters=[ChangesQuerySerializer, RETRY_PARAMETER],
        responses={200: ChangesSerializer} | problems(400, 401, 403, 410),
    )
    def get(self, request: Request) -> HttpResponse:
        """What has changed since a revision, in order and without a gap; 410 when a new snapshot is needed.

        With `wait`, an answer without changes is held back until there is one or the time has passed. Few may wait at
        once: when no place is free, the answer comes at once, with `Retry-After`.
        """
        query = ChangesQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        after, limit, wait = (query.validated_data[key] for key in ("after", "limit", "wait"))
        waited = waiting.wait_for_change(after=after, seconds=wait)
        response = HttpResponse(feed.changes(after=after, limit=limit), content_type=JSON)
        response["Cache-Control"] = "no-store"
        if not waited:
            response["Retry-After"] = NO_PLACE
        return response
