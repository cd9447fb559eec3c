"""Closing an organization: what people call deleting it. Its name and its trail stay, for ever."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from freehold.errors import Invalid, NotPermitted
from orgs import audit, hooks
from orgs.actors import ALLOWED, Actor, Verdict, may
from orgs.lifecycle import Action, next_state
from orgs.models import Organization
from orgs.services.notices import people, tell
from orgs.services.organizations import NotNow, locked_organization
from orgs.vocabulary import Permission, RecoveryState, State


@transaction.atomic
def close_organization(*, actor: Actor, organization: Organization, name: str) -> Organization:
    """End the organization with everything in it; what it held is released. ``name`` is its name, typed to confirm.

    Nobody else ever gets the name. Everybody who was in it is told.
    """
    organization = locked_organization(organization)
    if not (verdict := may(actor, Permission.MANAGE_PEOPLE, organization)):
        raise NotPermitted(verdict.reason)
    if name.strip() != organization.name:
        raise Invalid(f"Type the organization's name, {organization.name!r}, to confirm.")
    if not (verdict := can_close(organization, actor)):
        raise NotNow(verdict.reason)
    everybody = people(organization)
    before = {"state": str(organization.state), "members": [user.email for user in everybody]}
    for release in hooks.on_closing:
        release(actor, organization)
    organization.state, organization.is_sponsor = State.CLOSED, False
    organization.save(update_fields=["state", "is_sponsor"])
    _end_what_it_has(organization)
    audit.record(
        actor,
        "organization.closed",
        f"organization {organization.name}",
        organization=organization.name,
        before=before,
        after={"state": State.CLOSED.value},
    )
    tell(everybody, organization, "organization_closed", by=actor.label)
    return organization


def can_close(organization: Organization, actor: Actor) -> Verdict:
    """Whether it may be closed now; when not, the first thing that stands in the way."""
    if not (verdict := may(actor, Permission.MANAGE_PEOPLE, organization)):
        return verdict
    if next_state(State(organization.state), Action.CLOSE) is None:
        return Verdict(False, f"{organization.name!r} is {organization.state} and can't be closed.")
    blockers = closing_blockers(organization)
    return Verdict(False, blockers[0]) if blockers else ALLOWED


def closing_blockers(organization: Organization) -> list[str]:
    """What has to be settled first, a sentence each."""
    return [reason for ask in hooks.closing_blockers if (reason := ask(organization))]


def _end_what_it_has(organization: Organization) -> None:
    """Memberships take with them the tokens and invitations that their people made; it has to be closed by now, for an
    organization that is not keeps an owner."""
    organization.invitations.all().delete()
    organization.tokens.all().delete()
    organization.teams.all().delete()
    organization.trusted_publishers.all().delete()
    # The others go once they were told of the closing (``orgs.services.audit_streaming.end_closed``).
    organization.audit_endpoints.filter(disabled_at__isnull=False).delete()
    organization.proofs.all().delete()
    organization.recoveries.filter(state__in=[RecoveryState.PROVING, RecoveryState.WAITING]).update(
        state=RecoveryState.OPPOSED, ended_at=timezone.now(), reason=_("The organization was closed.")
    )
    organization.memberships.all().delete()
