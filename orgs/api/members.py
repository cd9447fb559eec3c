"""``…/members``: who is in the organization, and as what."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from freehold.schema import problems
from orgs.api.base import OrganizationView
from orgs.api.fields import CursorSerializer, WordField
from orgs.api.lookups import membership_in
from orgs.models import Membership
from orgs.services.memberships import change_role, remove_member
from orgs.vocabulary import Permission, Role


class MemberSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Of the membership; somebody who comes back gets another.")
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.name", allow_blank=True)
    index_username = serializers.CharField(
        source="user.index_username", allow_null=True, help_text="The name by which the index knows them, verified."
    )
    second_factor = serializers.BooleanField(source="user.second_factor", help_text="Has two-step verification.")
    role = serializers.ChoiceField(Role.choices)
    created_at = serializers.DateTimeField()


class MemberListSerializer(serializers.Serializer[Any]):
    results = MemberSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class RoleSerializer(serializers.Serializer[Any]):
    role = WordField(Role.choices)


def shown(membership: Membership) -> dict[str, Any]:
    """The membership as JSON."""
    return dict(MemberSerializer(membership).data)


class MembersView(OrganizationView):
    tag = "people"
    permissions = {"GET": Permission.VIEW}

    @extend_schema(
        operation_id="list_members",
        parameters=[CursorSerializer],
        responses={200: MemberListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """Everybody in the organization. New ones come by invitation."""
        return self.listed(self.organization.memberships.select_related("user"), shown)


class MemberView(OrganizationView):
    tag = "people"
    permissions = {
        "GET": Permission.VIEW,
        "PATCH": Permission.MANAGE_PEOPLE,
        "DELETE": Permission.MANAGE_PEOPLE,
    }

    @extend_schema(operation_id="get_member", responses={200: MemberSerializer} | problems(401, 403, 404))
    def get(self, request: Request, name: str, member: int) -> Response:
        return Response(shown(membership_in(self.organization, member)))

    @extend_schema(
        operation_id="change_role",
        request=RoleSerializer,
        examples=[OpenApiExample("Make them a manager", {"role": "manager"}, request_only=True)],
        responses={200: MemberSerializer} | problems(400, 401, 403, 404, 409, 413, 415),
    )
    def patch(self, request: Request, name: str, member: int) -> Response:
        """Give them another role; at once. The last owner stays one."""
        role = Role(self.given(RoleSerializer)["role"])
        membership = membership_in(self.organization, member)
        return Response(shown(change_role(actor=self.actor, membership=membership, role=role)))

    @extend_schema(operation_id="remove_member", responses={204: None} | problems(401, 403, 404, 409))
    def delete(self, request: Request, name: str, member: int) -> Response:
        """End the membership, and with it their team rights, their tokens and the invitations that they sent."""
        remove_member(actor=self.actor, membership=membership_in(self.organization, member))
        return Response(status=204)
