"""The hot path as the schema sees it. The functions that serve it are plain; these classes only describe them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from freehold.schema import problems
from namespaces.api.checks import check_upload, check_uploads
from namespaces.api.serializers import BatchAnswerSerializer, DecisionSerializer
from namespaces.api.shapes import BATCH_SCHEMA, QUESTION_SCHEMA
from orgs.api.permissions import CanCheck

PlainView = Callable[[HttpRequest], HttpResponse]


class DescribedCheck(APIView):
    permission_classes = (CanCheck,)
    tag = "checks"

    @extend_schema(
        operation_id="check_upload",
        request={"application/json": QUESTION_SCHEMA},
        responses={200: DecisionSerializer} | problems(400, 401, 403, 413, 415),
    )
    def post(self, request: Request) -> HttpResponse:
        """May this publisher upload this name? Always 200 for a question that was understood."""
        raise NotImplementedError("check_upload serves it")


class DescribedBatch(APIView):
    permission_classes = (CanCheck,)
    tag = "checks"

    @extend_schema(
        operation_id="check_uploads",
        request={"application/json": BATCH_SCHEMA},
        responses={200: BatchAnswerSerializer} | problems(400, 401, 403, 413, 415),
    )
    def post(self, request: Request) -> HttpResponse:
        """Up to 1,000 questions, answered in their order; one that is not understood spoils no other."""
        raise NotImplementedError("check_uploads serves it")


def described(view: PlainView, by: type[APIView]) -> PlainView:
    """Mark the plain view so that the schema's generator takes it for the class that describes it."""
    view.cls = by  # type: ignore[attr-defined]  # as DRF's as_view does
    view.initkwargs: dict[str, Any] = {}  # type: ignore[attr-defined,misc]  # as above
    return view


check = described(check_upload, DescribedCheck)
check_batch = described(check_uploads, DescribedBatch)
