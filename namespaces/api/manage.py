"""``/api/v1/organizations/<name>/namespaces``: what an organization holds, and children and releases of it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from freehold.schema import problems
from namespaces.errors import NoSuchNamespace
from namespaces.models import Grant, GrantQuerySet, Share
from namespaces.names import MAX_LENGTH
from namespaces.services.grants import create_child
from namespaces.services.lifecycle import reinstate_namespace, release_namespace
from namespaces.states import HOLDING, GrantState
from orgs.api.base import OrganizationView
from orgs.api.fields import CursorSerializer, TextField
from orgs.models import Organization
from orgs.vocabulary import Permission


class HeldSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    display_name = serializers.CharField(help_text="As its holder writes it.")
    owner = serializers.CharField(source="owner.name")
    root = serializers.CharField(  # type: ignore[assignment]  # a field, not the attribute
        source="root.name", allow_null=True, default=None, help_text="Null for a root."
    )
    state = serializers.ChoiceField([state.value for state in HOLDING])
    created_at = serializers.DateTimeField()
    effective_at = serializers.DateTimeField(allow_null=True, help_text="Enforced from then on.")


class HeldListSerializer(serializers.Serializer[Any]):
    results = HeldSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class ChildInputSerializer(serializers.Serializer[Any]):
    name = TextField(max_length=MAX_LENGTH, help_text="The whole name, such as `acme-labs` below `acme`.")


def shown(grant: Grant) -> dict[str, Any]:
    """The grant as JSON."""
    return dict(HeldSerializer(grant).data)


def held_by(organization: Organization) -> GrantQuerySet:
    """What it owns or may use by a share, and nobody else's."""
    guest = Share.objects.current().filter(organization=organization).values("grant")
    rows = Grant.objects.filter(Q(owner=organization) | Q(pk__in=guest), state__in=HOLDING)
    return rows.select_related("owner", "root")


class NamespacesView(OrganizationView):
    tag = "namespaces"
    permissions = {"GET": Permission.VIEW}

    @extend_schema(
        operation_id="list_held_namespaces",
        parameters=[CursorSerializer],
        responses={200: HeldListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """The namespaces that the organization holds: its own, and those that others share with it."""
        return self.listed(held_by(self.organization), shown, key="name")


class HeldView(OrganizationView):
    """A view of one of the organization's namespaces, or of what concerns them."""

    tag = "namespaces"

    def held(self, namespace: str) -> Grant:
        """A grant that the organization holds; to others' there is nothing here."""
        return _found(held_by(self.organization), namespace)

    def own(self, namespace: str) -> Grant:
        """A grant that the organization owns."""
        return _found(held_by(self.organization).filter(owner=self.organization), namespace)


class NamespaceView(HeldView):
    permissions = {"GET": Permission.VIEW, "DELETE": Permission.MANAGE_NAMESPACES}

    @extend_schema(operation_id="get_held_namespace", responses={200: HeldSerializer} | problems(401, 403, 404))
    def get(self, request: Request, name: str, namespace: str) -> Response:
        return Response(shown(self.held(namespace)))

    @extend_schema(operation_id="release_namespace", responses={204: None} | problems(401, 403, 404, 409))
    def delete(self, request: Request, name: str, namespace: str) -> Response:
        """Give the namespace up. A root goes into quarantine with what stands under it; a child ends at once.

        The same again changes nothing.
        """
        grant = self.own(namespace)
        if grant.state != GrantState.QUARANTINED:
            release_namespace(actor=self.actor, grant=grant)
        return Response(status=204)


class TakeBackView(HeldView):
    permissions = {"POST": Permission.MANAGE_NAMESPACES}

    @extend_schema(
        operation_id="take_back_namespace", request=None, responses={200: HeldSerializer} | problems(401, 403, 404, 409)
    )
    def post(self, request: Request, name: str, namespace: str) -> Response:
        """Hold a root again that is in quarantine, with what stands under it."""
        return Response(shown(reinstate_namespace(actor=self.actor, grant=self.own(namespace))))


def _found(rows: GrantQuerySet, namespace: str) -> Grant:
    found = None if "\x00" in namespace else rows.filter(name=namespace).first()
    if found is None:
        raise NoSuchNamespace(f"The organization holds no namespace {namespace!r}.")
    return found


class ChildrenView(HeldView):
    permissions = {"POST": Permission.MANAGE_TEAMS}

    @extend_schema(
        operation_id="create_child_namespace",
        request=ChildInputSerializer,
        examples=[OpenApiExample("A child", {"name": "acme-labs"}, request_only=True)],
        responses={201: HeldSerializer} | problems(400, 401, 403, 404, 409, 413, 415),
    )
    def post(self, request: Request, name: str, namespace: str) -> Response:
        """A namespace below one that the organization owns; made at once."""
        child = create_child(actor=self.actor, parent=self.own(namespace), **self.given(ChildInputSerializer))
        return Response(shown(child), status=201)
