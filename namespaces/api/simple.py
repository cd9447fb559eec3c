"""PEP 752's answers: namespaces under the index's simple base, and what an index merges into its project detail."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from freehold.caching import cacheable, held, keyed
from freehold.problems import problem_response
from freehold.schema import problems
from namespaces.api.serializers import NamespaceListSerializer, NamespaceSerializer
from namespaces.api.shapes import NAME_PARAMETER
from namespaces.errors import NoSuchNamespace
from namespaces.names import InvalidName, normalize
from namespaces.purging import NAMESPACES, namespace_keys
from namespaces.selectors import all_namespaces, namespace_entry
from orgs.api.permissions import Anybody

CONTENT_TYPE = "application/vnd.pypi.simple.v1+json"
META = {"api-version": "1.5"}
"""The version of the simple API that has ``namespaces`` (PEP 752, "Repository Metadata")."""


def simple_response(
    request: Request, payload: dict[str, Any], keys: Iterable[str], *, until: datetime | None = None
) -> HttpResponse:
    """``until``: when the answer changes by itself, without a purge."""
    body = json.dumps({"meta": META} | payload, separators=(",", ":")).encode()
    return held(cacheable(request, body, content_type=CONTENT_TYPE, keys=keys), until=until)


class NamespaceList(APIView):
    """Every reserved namespace, by name."""

    authentication_classes = ()
    permission_classes = (Anybody,)
    tag = "simple"

    @extend_schema(operation_id="list_namespaces", responses={(200, CONTENT_TYPE): NamespaceListSerializer})
    def get(self, request: Request) -> HttpResponse:
        entries = [{"name": e.name, "parent": e.parent, "owner": e.owner} for e in all_namespaces()]
        return simple_response(request, {"namespaces": entries}, (NAMESPACES,))


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
            return held(HttpResponsePermanentRedirect(canonical))
        entry = namespace_entry(namespace)
        if entry is None:
            return not_reserved(namespace)
        payload = {"name": entry.name, "parent": entry.parent, "children": list(entry.children), "owner": entry.owner}
        return simple_response(request, payload, namespace_keys(namespace))


def not_reserved(namespace: str) -> HttpResponse:
    """404, which may be held too: it is purged when the namespace is granted."""
    response = problem_response(404, NoSuchNamespace.code, f"{namespace!r} is not a reserved namespace.")
    return held(keyed(response, namespace_keys(namespace)))
