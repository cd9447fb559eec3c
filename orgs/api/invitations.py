"""``…/invitations``: offers of a membership that are not answered yet."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from freehold.errors import DomainError
from freehold.schema import problems
from orgs.api.base import OrganizationView
from orgs.api.fields import CursorSerializer, TextField, WholeField, WordField
from orgs.api.lookups import invitation_of, teams_by_id
from orgs.invitees import EMAIL_LENGTH, MOST, Invitee
from orgs.models import Invitation, Team
from orgs.services.invitations import Outcome, invite, resend_invitation, revoke_invitation
from orgs.vocabulary import Permission, Role

STANDINGS = {"no": "invited", "member": "already-member", "invited": "already-invited", "twice": "named-twice"}
"""What came of an invitee, by how they stood to the organization before."""


class NobodyInvited(DomainError):
    code = "nobody-to-invite"


class InvitationSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    email = serializers.CharField(allow_blank=True)
    index_username = serializers.CharField(allow_blank=True)
    role = serializers.ChoiceField(Role.choices)
    teams = serializers.ListField(child=serializers.IntegerField(), help_text="The ids of teams.")
    sent_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class InvitationListSerializer(serializers.Serializer[Any]):
    results = InvitationSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class InviteeSerializer(serializers.Serializer[Any]):
    email = TextField(required=False, max_length=EMAIL_LENGTH, help_text="This, or a user name.")
    index_username = TextField(required=False, max_length=100, help_text="A user name of the index.")
    role = WordField(Role.choices)
    teams = serializers.ListField(child=WholeField(), required=False, max_length=100, help_text="The ids of teams.")


class InviteSerializer(serializers.Serializer[Any]):
    invitations = serializers.ListField(child=InviteeSerializer(), min_length=1, max_length=MOST)


class OutcomeSerializer(serializers.Serializer[Any]):
    addressee = serializers.CharField()
    outcome = serializers.ChoiceField(list(STANDINGS.values()))
    invitation = InvitationSerializer(allow_null=True)


class OutcomeListSerializer(serializers.Serializer[Any]):
    results = OutcomeSerializer(many=True)


def shown(invitation: Invitation) -> dict[str, Any]:
    """The invitation as JSON; never its link, which stands in the mail alone."""
    teams = sorted(team.pk for team in invitation.teams.all())
    fields = ("email", "index_username", "role", "sent_at", "expires_at")
    row = {"id": invitation.pk, "teams": teams} | {name: getattr(invitation, name) for name in fields}
    return dict(InvitationSerializer(row).data)


def _outcome(outcome: Outcome) -> dict[str, Any]:
    invitation = outcome.invitation and shown(outcome.invitation)
    return {
        "addressee": outcome.invitee.addressee,
        "outcome": STANDINGS[outcome.known.value if outcome.known else "no"],
        "invitation": invitation,
    }


def _invitee(given: dict[str, Any], teams: dict[int, Team]) -> Invitee:
    return Invitee(
        role=Role(given["role"]),
        email=given.get("email", ""),
        index_username=given.get("index_username", ""),
        teams=tuple(teams[number] for number in dict.fromkeys(given.get("teams", []))),
    )


class InvitationsView(OrganizationView):
    tag = "people"
    permissions = {"GET": Permission.MANAGE_PEOPLE, "POST": Permission.MANAGE_PEOPLE}

    @extend_schema(
        operation_id="list_invitations",
        parameters=[CursorSerializer],
        responses={200: InvitationListSerializer} | problems(400, 401, 403, 404),
    )
    def get(self, request: Request, name: str) -> Response:
        """The invitations that are not answered, expired ones among them."""
        return self.listed(self.organization.invitations.prefetch_related("teams"), shown)

    @extend_schema(
        operation_id="invite",
        request=InviteSerializer,
        examples=[
            OpenApiExample(
                "Two people",
                {
                    "invitations": [
                        {"email": "ann@acme.example", "role": "manager"},
                        {"index_username": "bob", "role": "member", "teams": [7]},
                    ]
                },
                request_only=True,
            )
        ],
        responses={201: OutcomeListSerializer} | problems(400, 401, 403, 404, 409, 413, 415, 429),
    )
    def post(self, request: Request, name: str) -> Response:
        """Invite people, one or up to 500, each by e-mail address or by user name of the index.

        Who is in the organization or invited already is told so, and the others are invited; when that leaves nobody,
        the answer is 409. With an entry that can't be used, nobody is invited.
        """
        given = self.given(InviteSerializer)["invitations"]
        wanted = {number for entry in given for number in entry.get("teams", [])}
        teams = teams_by_id(self.organization, wanted)
        invitees = [_invitee(entry, teams) for entry in given]
        outcomes = invite(actor=self.actor, organization=self.organization, invitees=invitees)
        if not any(outcome.invitation for outcome in outcomes):
            raise NobodyInvited("Everybody who is named is in the organization, or is invited already.")
        return Response({"results": [_outcome(outcome) for outcome in outcomes]}, status=201)


class InvitationView(OrganizationView):
    tag = "people"
    permissions = {"DELETE": Permission.MANAGE_PEOPLE}

    @extend_schema(operation_id="revoke_invitation", responses={204: None} | problems(401, 403, 404))
    def delete(self, request: Request, name: str, invitation: int) -> Response:
        """Take it back: its link is dead."""
        revoke_invitation(actor=self.actor, invitation=invitation_of(self.organization, invitation))
        return Response(status=204)


class ResendView(OrganizationView):
    tag = "people"
    permissions = {"POST": Permission.MANAGE_PEOPLE}

    @extend_schema(
        operation_id="resend_invitation",
        request=None,
        responses={200: InvitationSerializer} | problems(401, 403, 404, 409, 429),
    )
    def post(self, request: Request, name: str, invitation: int) -> Response:
        """Send it anew: the link before it is dead, and the time begins again."""
        found = invitation_of(self.organization, invitation)
        return Response(shown(resend_invitation(actor=self.actor, invitation=found)))
