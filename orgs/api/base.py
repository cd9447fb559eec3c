"""What the API's views of an organization have in common: who may, where they are, and how lists are read on.

``permissions`` of a view is a table: each method that it serves, and the permission that this takes. A view that serves
a method without a row does not start; a method that is not in the table is refused to everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework import serializers
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from freehold.errors import Invalid
from orgs.actors import Actor, may
from orgs.api.authentication import OrganizationCaller, OrganizationTokenAuthentication
from orgs.api.fields import CursorSerializer
from orgs.models import Organization
from orgs.vocabulary import Permission

Row = TypeVar("Row", bound=Model)
METHODS = ("get", "post", "put", "patch", "delete")


class Moved(APIException):
    """The organization has another name now; what was to be read is there."""

    status_code = 308
    default_code = "moved"

    def __init__(self, location: str) -> None:
        super().__init__("The organization has another name now; see Location.")
        self.location = location


class OrganizationPermission(BasePermission):
    """The caller's own organization and no other; then the view's row for the method, judged as everywhere else."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        assert isinstance(view, OrganizationView)
        caller = request.user
        if not isinstance(caller, OrganizationCaller):
            return False
        view.enter(request, caller)
        permission = view.permission_for(str(request.method))
        if permission is None:
            self.message = "Nobody may do this."
            return False
        verdict = may(caller.actor, permission, view.organization)
        self.message = verdict.reason
        return bool(verdict)


class OrganizationView(APIView):
    """A view at ``organizations/<str:name>…``. Handlers find ``self.organization`` and ``self.actor``."""

    authentication_classes = (OrganizationTokenAuthentication,)
    permission_classes = (OrganizationPermission,)
    tag = "organizations"
    permissions: ClassVar[dict[str, Permission]] = {}

    organization: Organization
    actor: Actor

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        served = {method.upper() for method in METHODS if hasattr(cls, method)}
        if served != set(cls.permissions):
            raise TypeError(
                f"{cls.__name__} serves {sorted(served)} and has permissions for {sorted(cls.permissions)}."
            )

    def enter(self, request: Request, caller: OrganizationCaller) -> None:
        """Find the organization of the address; to a token of another one there is none."""
        name, own = str(self.kwargs["name"]), caller.token.organization
        if name != own.name:
            if "\x00" in name or not own.names.filter(name=name).exists():
                raise Http404("There is nothing here for this token.")
            if request.method in {"GET", "HEAD"}:
                raise Moved(request.get_full_path().replace(f"/{name}", f"/{own.name}", 1))
        self.organization, self.actor = own, caller.actor

    def permission_for(self, method: str) -> Permission | None:
        """The row of the table. HEAD is GET without a body; what is not served at all is 405, not 403."""
        row = self.permissions.get("GET" if method == "HEAD" else method)
        if row is None and method != "OPTIONS":
            raise MethodNotAllowed(method)
        return row

    def handle_exception(self, exc: Exception) -> Response:
        response: Response = super().handle_exception(exc)
        if isinstance(exc, Moved):
            response["Location"] = exc.location
        return response

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    def given(self, serializer: type[serializers.Serializer[Any]], *, partial: bool = False) -> dict[str, Any]:
        """The body, validated; raises what is answered with 400."""
        if self.request.stream is None:
            raise Invalid("Send a JSON object.")
        read = serializer(data=self.request.data, partial=partial)
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)

    def asked(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The query, validated as strictly: what is empty is not left out, and what is not known is a slip."""
        given = dict(self.request.query_params.items())
        read = serializer(data=given)
        if unknown := sorted(given.keys() - read.fields.keys()):
            raise serializers.ValidationError({name: ["There is no such parameter."] for name in unknown})
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)

    def listed(
        self,
        rows: QuerySet[Row, Row],
        show: Callable[[Row], dict[str, Any]],
        *,
        key: str = "pk",
        query: dict[str, Any] | None = None,
    ) -> Response:
        """One page of the rows in the order of ``key``, from after the cursor on, with the address of the next.

        ``query`` where the view has read it, with more in it than a list's own.
        """
        query = self.asked(CursorSerializer) if query is None else query
        size, after = query["limit"], query.get("after")
        if after is not None:
            rows = rows.filter(**{f"{key}__gt": _cursor(str(after), key)})
        found = list(rows.order_by(key)[: size + 1])
        shown = found[:size]
        following = getattr(shown[-1], key) if len(found) > size else None
        return Response({"results": [show(row) for row in shown], "next": self._next(following)})

    def _next(self, after: object | None) -> str | None:
        if after is None:
            return None
        query = self.request.query_params.copy()
        query["after"] = str(after)
        return self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")


def _cursor(text: str, key: str) -> str | int:
    if key == "name":
        return text
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise serializers.ValidationError({"after": ["Give the cursor that stands in `next`."]})
    return int(text)
