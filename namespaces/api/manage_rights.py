"""``…/namespaces/<namespace>/teams`` and ``/shares``: who may publish in a namespace besides owners and managers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from freehold.schema import problems
from namespaces.api.manage import HeldView
from namespaces.errors import AlreadyShared, NotShared
from namespaces.models import Share, TeamGrant
from namespaces.services.shares import give_team_right, share_namespace, take_team_right, unshare_namespace
from orgs.api.fields import CursorSerializer, MomentField
from orgs.api.lookups import other_organization, team_of
from orgs.vocabulary import Permission

GUEST = OpenApiParameter("guest", str, OpenApiParameter.PATH, description="The other organization's name.")


class TeamRightSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="team.pk", help_text="The team's.")
    name = serializers.CharField(source="team.name")


class TeamRightListSerializer(serializers.Serializer[Any]):
    results = TeamRightSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class NamespaceTeamsView(HeldView):
    permissions = {"GET": Permission.VIEW}

    @extend_schema(
        operation_id="list_namespace_teams",
        parameters=[CursorSerializer],
        responses={200: TeamRightListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str, namespace: str) -> Response:
        """The organization's own teams that may publish new projects in the namespace."""
        rows = TeamGrant.objects.filter(grant=self.held(namespace), team__organization=self.organization)
        return self.listed(rows.select_related("team"), lambda right: dict(TeamRightSerializer(right).data))


class NamespaceTeamView(HeldView):
    permissions = {"PUT": Permission.MANAGE_TEAMS, "DELETE": Permission.MANAGE_TEAMS}

    @extend_schema(operation_id="give_team_right", request=None, responses={204: None} | problems(401, 403, 404, 409))
    def put(self, request: Request, name: str, namespace: str, team: int) -> Response:
        """Let the team publish new projects in the namespace. The same again changes nothing."""
        give_team_right(actor=self.actor, grant=self.held(namespace), team=team_of(self.organization, team))
        return Response(status=204)

    @extend_schema(operation_id="take_team_right", responses={204: None} | problems(401, 403, 404))
    def delete(self, request: Request, name: str, namespace: str, team: int) -> Response:
        """Take the right back, at once. The same again changes nothing."""
        take_team_right(actor=self.actor, grant=self.held(namespace), team=team_of(self.organization, team))
        return Response(status=204)


class HeldShareSerializer(serializers.Serializer[Any]):
    organization = serializers.CharField(source="organization.name")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class HeldShareListSerializer(serializers.Serializer[Any]):
    results = HeldShareSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class ShareInputSerializer(serializers.Serializer[Any]):
    expires_at = MomentField(required=False, allow_null=True, default=None, help_text="Left out: until it is ended.")


class SharesView(HeldView):
    permissions = {"GET": Permission.VIEW}

    @extend_schema(
        operation_id="list_shares",
        parameters=[CursorSerializer],
        responses={200: HeldShareListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str, namespace: str) -> Response:
        """The organizations that the namespace is shared with. For its owner."""
        rows = Share.objects.current().filter(grant=self.own(namespace)).select_related("organization")
        return self.listed(rows, lambda share: dict(HeldShareSerializer(share).data))


class ShareView(HeldView):
    permissions = {"PUT": Permission.MANAGE_NAMESPACES, "DELETE": Permission.MANAGE_NAMESPACES}

    @extend_schema(
        operation_id="share_namespace",
        parameters=[GUEST],
        request=ShareInputSerializer,
        examples=[OpenApiExample("For a year", {"expires_at": "2027-11-22T00:00:00Z"}, request_only=True)],
        responses={200: HeldShareSerializer} | problems(400, 401, 403, 404, 409, 413, 415),
    )
    def put(self, request: Request, name: str, namespace: str, guest: str) -> Response:
        """Let another organization publish in the namespace as if it were its own.

        The same again changes nothing; for another end the share is ended first.
        """
        until = self.given(ShareInputSerializer)["expires_at"]
        grant, other = self.own(namespace), other_organization(guest)
        try:
            share = share_namespace(actor=self.actor, grant=grant, organization=other, expires_at=until)
        except AlreadyShared:
            share = Share.objects.select_related("organization").get(grant=grant, organization=other)
            if share.expires_at != until:
                raise
        return Response(HeldShareSerializer(share).data)

    @extend_schema(
        operation_id="unshare_namespace", parameters=[GUEST], responses={204: None} | problems(401, 403, 404)
    )
    def delete(self, request: Request, name: str, namespace: str, guest: str) -> Response:
        """End the share, at once, with the rights of that organization's teams. The same again changes nothing."""
        try:
            unshare_namespace(actor=self.actor, grant=self.own(namespace), organization=other_organization(guest))
        except NotShared:
            return Response(status=204)
        return Response(status=204)
