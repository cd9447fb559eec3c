"""``…/teams``: named sets of members."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from freehold.schema import problems
from orgs.api.base import OrganizationView
from orgs.api.fields import CursorSerializer, TextField
from orgs.api.lookups import membership_in, team_of
from orgs.api.members import MemberListSerializer, shown
from orgs.models import Team
from orgs.services.teams import (
    DESCRIPTION_LENGTH,
    NAME_LENGTH,
    NotInTeam,
    add_team_members,
    create_team,
    delete_team,
    remove_team_member,
    update_team,
)
from orgs.vocabulary import Permission


class TeamSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)


class TeamListSerializer(serializers.Serializer[Any]):
    results = TeamSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class TeamInputSerializer(serializers.Serializer[Any]):
    name = TextField(max_length=NAME_LENGTH)
    description = TextField(required=False, allow_blank=True, max_length=DESCRIPTION_LENGTH)


def as_json(team: Team) -> dict[str, Any]:
    """The team as JSON."""
    return dict(TeamSerializer(team).data)


class TeamsView(OrganizationView):
    tag = "teams"
    permissions = {"GET": Permission.VIEW, "POST": Permission.MANAGE_TEAMS}

    @extend_schema(
        operation_id="list_teams",
        parameters=[CursorSerializer],
        responses={200: TeamListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """The teams of the organization."""
        return self.listed(self.organization.teams.all(), as_json)

    @extend_schema(
        operation_id="create_team",
        request=TeamInputSerializer,
        examples=[OpenApiExample("A team", {"name": "Release managers"}, request_only=True)],
        responses={201: TeamSerializer} | problems(400, 401, 403, 404, 409, 413, 415),
    )
    def post(self, request: Request, name: str) -> Response:
        """A team, with nobody in it yet."""
        team = create_team(actor=self.actor, organization=self.organization, **self.given(TeamInputSerializer))
        return Response(as_json(team), status=201)


class TeamView(OrganizationView):
    tag = "teams"
    permissions = {"GET": Permission.VIEW, "PATCH": Permission.MANAGE_TEAMS, "DELETE": Permission.MANAGE_TEAMS}

    @extend_schema(operation_id="get_team", responses={200: TeamSerializer} | problems(401, 403, 404))
    def get(self, request: Request, name: str, team: int) -> Response:
        return Response(as_json(team_of(self.organization, team)))

    @extend_schema(
        operation_id="update_team",
        request=TeamInputSerializer,
        responses={200: TeamSerializer} | problems(400, 401, 403, 404, 409, 413, 415),
    )
    def patch(self, request: Request, name: str, team: int) -> Response:
        """Change its name or description; what is left out stays as it is."""
        found = team_of(self.organization, team)
        known = {"name": found.name, "description": found.description}
        wanted = known | self.given(TeamInputSerializer, partial=True)
        return Response(as_json(update_team(actor=self.actor, team=found, **wanted)))

    @extend_schema(operation_id="delete_team", responses={204: None} | problems(401, 403, 404))
    def delete(self, request: Request, name: str, team: int) -> Response:
        """Delete it, with the rights that it has; its members stay in the organization."""
        delete_team(actor=self.actor, team=team_of(self.organization, team))
        return Response(status=204)


class TeamMembersView(OrganizationView):
    tag = "teams"
    permissions = {"GET": Permission.VIEW}

    @extend_schema(
        operation_id="list_team_members",
        parameters=[CursorSerializer],
        responses={200: MemberListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str, team: int) -> Response:
        """Who is in the team."""
        return self.listed(team_of(self.organization, team).members.select_related("user"), shown)


class TeamMemberView(OrganizationView):
    tag = "teams"
    permissions = {"PUT": Permission.MANAGE_TEAMS, "DELETE": Permission.MANAGE_TEAMS}

    @extend_schema(operation_id="add_team_member", request=None, responses={204: None} | problems(401, 403, 404, 409))
    def put(self, request: Request, name: str, team: int, member: int) -> Response:
        """Put a member of the organization into the team. The same again changes nothing."""
        found = team_of(self.organization, team)
        add_team_members(actor=self.actor, team=found, memberships=[membership_in(self.organization, member)])
        return Response(status=204)

    @extend_schema(operation_id="remove_team_member", responses={204: None} | problems(401, 403, 404))
    def delete(self, request: Request, name: str, team: int, member: int) -> Response:
        """Take them out of the team, at once. The same again changes nothing."""
        found, membership = team_of(self.organization, team), membership_in(self.organization, member)
        try:
            remove_team_member(actor=self.actor, team=found, membership=membership)
        except NotInTeam:
            return Response(status=204)
        return Response(status=204)
