"""Reads of teams. Who is asked for through the organization, so that nobody finds another's by its number."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from freehold.errors import NotFound
from orgs.models import Membership, Organization, Team


class NoTeamHere(NotFound):
    code = "no-such-team"


def team_of(organization: Organization, number: int) -> Team:
    """The organization's team of this number; raises ``NoTeamHere``, also for one of another organization."""
    found = organization.teams.filter(pk=number).select_related("organization").first()
    if found is None:
        raise NoTeamHere("There is no such team here.")
    return found


def teams_of(organization: Organization) -> QuerySet[Team]:
    """By name, each with ``member_count``."""
    counted = organization.teams.annotate(member_count=Count("team_members", filter=Q(members__user__is_active=True)))
    return counted.order_by("name", "pk")


def members_of(team: Team) -> QuerySet[Membership]:
    """The memberships in the team with their users, by address."""
    return team.members.select_related("user", "organization").order_by("user__email")


def others_than(team: Team) -> QuerySet[Membership]:
    """Who is in the organization and not in the team, by address."""
    inside = team.team_members.values("membership")
    here = Membership.objects.filter(organization=team.organization_id).exclude(pk__in=inside)
    return here.select_related("user").order_by("user__email")
