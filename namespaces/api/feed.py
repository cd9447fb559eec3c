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
from namespaces import feed
from namespaces.api.serializers import ChangesQuerySerializer, ChangesSerializer, SnapshotSerializer
from orgs.api.permissions import CanFollow

PRIVATE = "private, no-cache"
JSON = "application/json"


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
        parameters=[ChangesQuerySerializer],
        responses={200: ChangesSerializer} | problems(400, 401, 403, 410),
    )
    def get(self, request: Request) -> HttpResponse:
        """What has changed since a revision, in order and without a gap; 410 when a new snapshot is needed."""
        query = ChangesQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        body = feed.changes(**query.validated_data)
        response = HttpResponse(body, content_type=JSON)
        response["Cache-Control"] = "no-store"
        return response
