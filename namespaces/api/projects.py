"""``/api/v1/projects/<name>``: a project's namespaces, and the mirror's entry."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from freehold.caching import held
from freehold.errors import Invalid, NotFound
from freehold.schema import problems
from namespaces.api.serializers import ProjectInputSerializer, ProjectNamespacesSerializer, ProjectSerializer
from namespaces.api.shapes import NAME_PARAMETER
from namespaces.api.simple import CONTENT_TYPE, simple_response
from namespaces.errors import InvalidNamespace
from namespaces.names import InvalidName, normalize
from namespaces.purging import project_keys
from namespaces.selectors import project_namespaces
from namespaces.services.projects import delete_project, put_project
from orgs.api.permissions import Anybody, CanMirror


class NoSuchProject(NotFound):
    code = "no-such-project"


def _normalized(name: str) -> str:
    try:
        return normalize(name)
    except InvalidName as error:
        raise InvalidNamespace(str(error)) from error


class ProjectDetail(APIView):
    tag = "projects"

    def get_permissions(self) -> list[BasePermission]:
        public = self.request.method in {"GET", "HEAD", "OPTIONS"}
        return [Anybody() if public else CanMirror()]

    @extend_schema(
        operation_id="get_project_namespaces",
        parameters=[NAME_PARAMETER],
        auth=[],
        responses={(200, CONTENT_TYPE): ProjectNamespacesSerializer, 301: None} | problems(400),
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """What the index merges into its project detail: ``namespaces``, null or a list (PEP 752, "Project Detail").

        Answers for every valid name, whether the project is in the mirror or not.
        """
        project = _normalized(name)
        if project != name:
            return held(HttpResponsePermanentRedirect(reverse("project", args=[project])))
        found = project_namespaces(project)
        listed = None if found is None else [{"name": mark.name, "owned": mark.owned} for mark in found.marks]
        until = None if found is None else found.until
        payload = {"name": project, "namespaces": listed}
        return simple_response(request, payload, project_keys(project), until=until)

    @extend_schema(
        operation_id="put_project",
        parameters=[NAME_PARAMETER],
        request=ProjectInputSerializer,
        responses={200: ProjectSerializer, 201: ProjectSerializer} | problems(400, 401, 403, 415),
    )
    def put(self, request: Request, name: str) -> Response:
        """Make the mirror's entry so. What is left out stays as it is; the same again changes nothing."""
        project = _normalized(name)
        if request.stream is None:
            raise Invalid("Send a JSON object; an empty one leaves everything as it is.")
        given = ProjectInputSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        entry, created = put_project(name=project, **given.validated_data)
        body: dict[str, Any] = dict(ProjectSerializer(entry).data)
        return Response(body, status=201 if created else 200)

    @extend_schema(
        operation_id="delete_project", parameters=[NAME_PARAMETER], responses={204: None} | problems(400, 401, 403, 404)
    )
    def delete(self, request: Request, name: str) -> Response:
        """Take a project out of the mirror. Uploaded again, it is a new one."""
        project = _normalized(name)
        if not delete_project(name=project):
            raise NoSuchProject(f"There is no project {project!r} in the mirror.")
        return Response(status=204)
