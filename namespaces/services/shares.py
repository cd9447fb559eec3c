"""Letting others use a grant: other organizations by shares, one's own people by their teams."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from freehold.errors import Invalid, NotPermitted
from namespaces.errors import AlreadyShared, NotNow, NotShared
from namespaces.models import Grant, Share, TeamGrant
from namespaces.services.locks import lock_tree
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
    tree, organizations = lock_tree(grant, organization.pk)
    grant, organization = tree[0], organizations[organization.pk]
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, grant.owner)):
        raise NotPermitted(verdict.reason)
    if not (verdict := can_share(grant, organization, actor)):
        raise NotNow(verdict.reason)
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("A share must expire in the future.")
    _end(Share.objects.expired().filter(grant=grant, organization=organization))
    try:
        with transaction.atomic():
            share = Share.objects.create(grant=grant, organization=organization, expires_at=expires_at)
    except IntegrityError as error:
        raise AlreadyShared(f"{grant.name!r} is shared with {organization.name!r} already.") from error
    until = expires_at.isoformat() if expires_at else None
    _record(actor, "namespace.shared", grant, organization, after={"with": organization.name, "until": until})
    return share


def can_share(grant: Grant, organization: Organization, actor: Actor) -> Verdict:
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, grant.owner)):
        return verdict
    if grant.owner.state == State.SUSPENDED and not actor.is_operator:
        # Else its people would publish as the guest what they may not publish as themselves.
        return Verdict(False, f"{grant.owner.name!r} is suspended; it shares nothing until it is reinstated.")
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
    grant = lock_tree(grant, organization.pk)[0][0]
    if not (verdict := may(actor, Permission.MANAGE_NAMESPACES, grant.owner)):
        raise NotPermitted(verdict.reason)
    if not _end(Share.objects.filter(grant=grant, organization=organization)):
        raise NotShared(f"{grant.name!r} is not shared with {organization.name!r}.")
    _record(actor, "namespace.unshared", grant, organization, before={"with": organization.name})


def _end(shares: QuerySet[Share]) -> bool:
    """End them, with the rights that the guests' teams had by them; whether there were any."""
    for share in shares:
        TeamGrant.objects.filter(grant=share.grant_id, team__organization=share.organization_id).delete()
    deleted, _ = shares.delete()
    return deleted > 0


@transaction.atomic
def give_team_right(*, actor: Actor, grant: Grant, team: Team) -> TeamGrant:
    """Let a team of a holder publish new projects in the namespace."""
    grant = lock_tree(grant, team.organization_id)[0][0]
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


def end_rights_of(actor: Actor, team: Team) -> None:
    """All rights of a team that is being deleted, each told in the trail. For ``orgs.hooks``."""
    for right in TeamGrant.objects.filter(team=team).select_related("grant").order_by("grant__name"):
        take_team_right(actor=actor, grant=right.grant, team=team)


def holds(organization: Organization, grant: Grant) -> bool:
    """Whether the organization owns the grant or it is shared with it."""
    shares = Share.objects.current().filter(grant=grant, organization=organization)
    return grant.owner_id == organization.pk or shares.exists()


def _record(
    actor: Actor,
    action: str,
    grant: Grant,
    organization: Organization,
    *,
    before: dict[str, str | None] | None = None,
    after: dict[str, str | None] | None = None,
) -> None:
    """One event for each side, so that each sees it in its own trail."""
    for concerned in (grant.owner, organization):
        audit.record(actor, action, f"namespace {grant.name}", organization=concerned.name, before=before, after=after)
