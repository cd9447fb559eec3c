"""Teams: named sets of an organization's memberships, which may be given publishing rights on namespaces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction

from freehold.errors import DomainError, Invalid, NotFound, NotPermitted
from orgs import audit, hooks
from orgs.actors import Actor, Verdict, may, membership_of
from orgs.models import Membership, Organization, Team, TeamMember
from orgs.services.organizations import locked_organization
from orgs.vocabulary import Permission

NAME_LENGTH = 100
DESCRIPTION_LENGTH = 300


class TeamNameTaken(DomainError):
    code = "team-name-taken"


class NoSuchTeam(NotFound):
    code = "no-such-team"


class NotInTeam(NotFound):
    code = "not-in-team"


class NotInOrganization(DomainError):
    code = "not-in-organization"


def can_manage_teams(organization: Organization, actor: Actor) -> Verdict:
    """Owners and managers may make, change and delete teams, and say who is in them."""
    return may(actor, Permission.MANAGE_TEAMS, organization)


@transaction.atomic
def create_team(*, actor: Actor, organization: Organization, name: str, description: str = "") -> Team:
    """Make an empty team. Its name is the only one of its kind in the organization, however it is spelled."""
    organization = locked_organization(organization)  # which may be closed in this instant
    _demand(organization, actor)
    team = Team(organization=organization, name=_name(name), description=_description(description))
    _save(team)
    _record(actor, "team.created", team, after={"name": team.name, "description": team.description})
    return team


@transaction.atomic
def update_team(*, actor: Actor, team: Team, name: str, description: str) -> Team:
    """Give the team this name and description. Its members and its rights stay."""
    team = _lock(team)
    _demand(team.organization, actor)
    before = {"name": team.name, "description": team.description}
    after = {"name": _name(name), "description": _description(description)}
    if before == after:
        return team
    team.name, team.description = after["name"], after["description"]
    _save(team)
    _record(actor, "team.changed", team, before=before, after=after)
    return team


@transaction.atomic
def delete_team(*, actor: Actor, team: Team) -> None:
    """Delete it, and with it the publishing rights it has; its members stay in the organization."""
    team = _lock(team)
    _demand(team.organization, actor)
    for act in hooks.on_deleting_team:
        act(actor, team)
    emails = list(team.members.order_by("user__email").values_list("user__email", flat=True))
    _record(actor, "team.deleted", team, before={"name": team.name, "members": emails})
    team.delete()


@transaction.atomic
def add_team_members(*, actor: Actor, team: Team, memberships: Iterable[Membership]) -> list[Membership]:
    """Put memberships of the organization into the team, all or none; those that were not in it before are returned."""
    wanted = {membership.pk for membership in memberships}
    team = _lock(team)
    _demand(team.organization, actor)
    # Locked: who is removed from the organization in this instant is either removed before, or from the team too.
    present = Membership.objects.select_for_update(no_key=True, of=("self",)).filter(organization=team.organization)
    found = list(present.filter(pk__in=wanted).select_related("user").order_by("pk"))
    if len(found) < len(wanted):
        raise NotInOrganization("Somebody you chose is no longer in the organization; look again.")
    known = set(team.team_members.values_list("membership_id", flat=True))
    added = [membership for membership in found if membership.pk not in known]
    rows = [TeamMember(team=team, membership=membership) for membership in added]
    TeamMember.objects.bulk_create(rows, ignore_conflicts=True)  # an invitation may be accepted in this instant
    for membership in added:
        _record(actor, "team.member_added", team, after={"member": membership.user.email})
    return added


@transaction.atomic
def remove_team_member(*, actor: Actor, team: Team, membership: Membership) -> None:
    """Take a membership out of the team; at once, with the publishing that came by it."""
    team = _lock(team)
    _demand(team.organization, actor)
    _take_out(actor, team, membership, "team.member_removed")


@transaction.atomic
def leave_team(*, actor: Actor, team: Team) -> None:
    """Take oneself out of the team. Nobody need permit that."""
    team = _lock(team)
    membership = None if actor.token else membership_of(actor, team.organization)
    if membership is None:
        raise NotPermitted(f"{actor.label} is not in {team.organization.name}.")
    _take_out(actor, team, membership, "team.left")


def _take_out(actor: Actor, team: Team, membership: Membership, action: str) -> None:
    deleted, _ = TeamMember.objects.filter(team=team, membership=membership).delete()
    if not deleted:
        raise NotInTeam(f"{membership.user.email} is not in the team “{team.name}”.")
    _record(actor, action, team, before={"member": membership.user.email})


def _demand(organization: Organization, actor: Actor) -> None:
    if not (verdict := can_manage_teams(organization, actor)):
        raise NotPermitted(verdict.reason)


def _lock(team: Team) -> Team:
    """The team as it is now, held until the transaction ends."""
    teams = Team.objects.select_for_update(no_key=True, of=("self",)).select_related("organization")
    found = teams.filter(pk=team.pk).first()
    if found is None:
        raise NoSuchTeam(f"The team “{team.name}” has been deleted.")
    return found


def _save(team: Team) -> None:
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError as error:
        raise TeamNameTaken(f"There is a team named “{team.name}” already; choose another name.") from error


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise Invalid("Give the team a name.")
    return _plain(name, NAME_LENGTH, "A team's name")


def _description(text: str) -> str:
    return _plain(" ".join(text.split()), DESCRIPTION_LENGTH, "A team's description")


def _plain(text: str, limit: int, what: str) -> str:
    """One line that can be shown and stored."""
    if len(text) > limit:
        raise Invalid(f"{what} has at most {limit} characters, not {len(text)}.")
    if not text.isprintable():
        raise Invalid(f"{what} is plain text: it has a character that cannot be shown.")
    return text


def _record(
    actor: Actor,
    action: str,
    team: Team,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    organization = team.organization.name
    target = f"team {organization}/{team.name}"
    audit.record(actor, action, target, organization=organization, before=before, after=after)
