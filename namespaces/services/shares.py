"""Letting others use a grant: other organizations by shares, one's own people by their teams."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from freehold.errors import Invalid, NotPermitted
from namespaces.errors import AlreadyShared, NotNow, NotShared
from namespaces.models import Grant, Share, TeamGrant
from namespaces.services.locks import lock_organizations, lock_tree
from namespaces.states import GrantState
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.models import Organization, Team
from orgs.vocabulary import Permission, State


@transaction.atomic
def share_namespace(
    *, actor: Actor, grant: Grant, organization: Organization, expires_at: datetime | None = None
) -> Share:
    """Let another organization publish in the namespace as if it were its own (PEP 752, "Grant Ownership")."""
    organizations = lock_organizations(grant.owner_id, organization.pk)
    grant = lock_tree(grant.pk)[0]
    if not (verdict := can_share(grant, organizations[organization.pk], actor)):
        raise _refusal(verdict, grant, actor)
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("A share must expire in the future.")
    try:
        with transaction.atomic():
            share = Share.objects.create(grant=grant, organization=organization, expires_at=expires_at)
    except IntegrityError as error:
        raise AlreadyShared(f"{grant.name!r} is shared with {organization.name!r} already.") from error
    _record(actor, "namespace.shared", grant, organization, after={"with": organization.name})
    return share


def can_share(grant: Grant, organization: Organization, actor: Actor) -> Verdict:
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, grant.owner)):
        return verdict
    if grant.state != GrantState.ACTIVE:
        return Verdict(False, f"The namespace {grant.name!r} is {grant.state}; only an active one can be shared.")
    if organization.pk == grant.owner_id:
        return Verdict(False, f"{organization.name!r} owns {grant.name!r} and need not share it with itself.")
    if organization.state != State.ACTIVE:
        return Verdict(False, f"{organization.name!r} is not an active organization.")
    return ALLOWED


@transaction.atomic
def unshare_namespace(*, actor: Actor, grant: Grant, organization: Organization) -> None:
    """Take the permission back; at once, and with it the rights of that organization's teams on the grant."""
    lock_organizations(grant.owner_id, organization.pk)
    grant = lock_tree(grant.pk)[0]
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, grant.owner)):
        raise NotPermitted(verdict.reason)
    deleted, _ = Share.objects.filter(grant=grant, organization=organization).delete()
    if not deleted:
        raise NotShared(f"{grant.name!r} is not shared with {organization.name!r}.")
    TeamGrant.objects.filter(grant=grant, team__organization=organization).delete()
    _record(actor, "namespace.unshared", grant, organization, before={"with": organization.name})


@transaction.atomic
def give_team_right(*, actor: Actor, grant: Grant, team: Team) -> TeamGrant:
    """Let a team of a holder publish new projects in the namespace."""
    lock_organizations(grant.owner_id, team.organization_id)
    grant = lock_tree(grant.pk)[0]
    if not (verdict := may(actor, Permission.MANAGE_TEAMS, team.organization)):
        raise NotPermitted(verdict.reason)
    if grant.state == GrantState.RELEASED or not holds(team.organization, grant):
        raise NotNow(f"{team.organization.name!r} does not hold the namespace {grant.name!r}.")
    right, created = TeamGrant.objects.get_or_create(grant=grant, team=team)
    if created:
        audit.record(
            actor,
            "team.right_given",
            f"team {team.organization.name}/{team.name}",
            organization=team.organization.name,
            after={"namespace": grant.name},
        )
    return right


@transaction.atomic
def take_team_right(*, actor: Actor, grant: Grant, team: Team) -> None:
    if not (verdict := may(actor, Permission.MANAGE_TEAMS, team.organization)):
        raise NotPermitted(verdict.reason)
    deleted, _ = TeamGrant.objects.filter(grant=grant, team=team).delete()
    if deleted:
        audit.record(
            actor,
            "team.right_taken",
            f"team {team.organization.name}/{team.name}",
            organization=team.organization.name,
            before={"namespace": grant.name},
        )


def holds(organization: Organization, grant: Grant) -> bool:
    """Whether the organization owns the grant or it is shared with it."""
    return grant.owner_id == organization.pk or Share.objects.filter(grant=grant, organization=organization).exists()


def _refusal(verdict: Verdict, grant: Grant, actor: Actor) -> NotPermitted | NotNow:
    permitted = may(actor, Permission.MANAGE_NAMESPACES, grant.owner)
    return NotNow(verdict.reason) if permitted else NotPermitted(verdict.reason)


def _record(
    actor: Actor,
    action: str,
    grant: Grant,
    organization: Organization,
    *,
    before: dict[str, str] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    """One event for each side, so that each sees it in its own trail."""
    for concerned in (grant.owner, organization):
        audit.record(actor, action, f"namespace {grant.name}", organization=concerned.name, before=before, after=after)
