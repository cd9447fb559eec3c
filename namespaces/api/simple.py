"""PEP 752's answers: namespaces under the index's simple base, and what an index merges into its project detail."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from freehold.caching import cacheable
from freehold.schema import problems
from namespaces.api.serializers import NamespaceListSerializer, NamespaceSerializer
from namespaces.api.shapes import NAME_PARAMETER
from namespaces.errors import NoSuchNamespace
from namespaces.names import InvalidName, normalize
from namespaces.selectors import all_namespaces, namespace_entry
from orgs.api.permissions import Anybody

CONTENT_TYPE = "application/vnd.pypi.simple.v1+json"
META = {"api-version": "1.5"}
"""The version of the simple API that has ``namespaces`` (PEP 752, "Repository Metadata")."""


def simple_response(request: Request, payload: dict[str, Any], *keys: str) -> HttpResponse:
    body = json.dumps({"meta": META} | payload, separators=(",", ":")).encode()
    return cacheable(request, body, content_type=CONTENT_TYPE, keys=keys)


class NamespaceList(APIView):
    """Every reserved namespace, by name."""

    authentication_classes = ()
    permission_classes = (Anybody,)
    tag = "simple"

    @extend_schema(operation_id="list_namespaces", responses={(200, CONTENT_TYPE): NamespaceListSerializer})
    def get(self, request: Request) -> HttpResponse:
        entries = [{"name": e.name, "parent": e.parent, "owner": e.owner} for e in all_namespaces()]
        return simple_response(request, {"namespaces": entries}, "namespaces")


class NamespaceDetail(APIView):
    """One reserved namespace. Another spelling redirects to the normalized one; 404 when it is not reserved."""

    authentication_classes = ()
    permission_classes = (Anybody,)
    tag = "simple"

    @extend_schema(
        operation_id="get_namespace",
        parameters=[NAME_PARAMETER],
        responses={(200, CONTENT_TYPE): NamespaceSerializer, 301: None} | problems(404),
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        try:
            namespace = normalize(name)
        except InvalidName as error:
            raise NoSuchNamespace(str(error)) from error
        canonical = reverse("simple-namespace", args=[namespace])
        if request.path != canonical:  # another spelling, or a trailing slash
            return HttpResponsePermanentRedirect(canonical)
        entry = namespace_entry(namespace)
        if entry is None:
            raise NoSuchNamespace(f"{namespace!r} is not a reserved namespace.")
        payload = {"name": entry.name, "parent": entry.parent, "children": list(entry.children), "owner": entry.owner}
        return simple_response(request, payload, "namespaces", f"namespace/{namespace}")
