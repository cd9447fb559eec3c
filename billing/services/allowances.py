"""Letting an organization begin before it has paid: asked for by one person, approved by another, until a day."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from billing import clock
from billing.models import Allowance
from billing.services import purchase_mails
from billing.services.effects import apply
from billing.services.impartial import is_impartial
from billing.services.purchases import person_of
from billing.sums import MOST_ROOTS, MOST_SEATS
from freehold.errors import Invalid, NotPermitted
from orgs import audit
from orgs.actors import ALLOWED, Actor, Verdict
from orgs.models import Organization
from orgs.services.organizations import NotNow, locked_organization
from orgs.vocabulary import State

LONGEST = timedelta(days=400)
_REASON_LENGTH = 500


@transaction.atomic
def request_allowance(
    *, actor: Actor, organization: Organization, seats: int, roots: int, days: int, reason: str
) -> Allowance:
    """Propose that an organization may have so much for so many days. It counts once another of the staff agrees."""
    organization = locked_organization(organization)
    _demand_staff(actor)
    if organization.state == State.CLOSED:
        raise NotNow(_("“%(name)s” is closed.") % {"name": organization.display_name})
    now = clock.now()
    allowance = Allowance.objects.create(
        organization=organization,
        reason=_parsed(reason, seats, roots, days),
        seats=seats,
        roots=roots,
        since=now,
        until=now + timedelta(days=days),
        requested_by=person_of(actor),
    )
    _record(actor, "allowance.requested", allowance, reason=allowance.reason)
    return allowance


def _parsed(reason: str, seats: int, roots: int, days: int) -> str:
    found = " ".join(reason.split())
    if not found or len(found) > _REASON_LENGTH or not found.isprintable():
        raise Invalid(_("Say why, in up to %(count)s characters.") % {"count": _REASON_LENGTH})
    if not 1 <= seats <= MOST_SEATS or not 0 <= roots <= MOST_ROOTS or not 1 <= days <= LONGEST.days:
        raise Invalid(_("Give it one seat or more, and a day or more, up to %(days)s.") % {"days": LONGEST.days})
    return found


@transaction.atomic
def approve_allowance(*, actor: Actor, allowance: Allowance) -> Allowance:
    """From now on it counts. Whoever approves is not who asked."""
    organization = locked_organization(allowance.organization)
    allowance = Allowance.objects.select_related("organization", "intent__plan").get(pk=allowance.pk)
    _demand_staff(actor)
    if not (verdict := can_approve(allowance, actor)):
        raise NotNow(verdict.reason)
    allowance.approved_by, allowance.approved_at = person_of(actor), clock.now()
    allowance.save(update_fields=["approved_by", "approved_at"])
    _record(actor, "allowance.approved", allowance)
    purchase_mails.tell_allowed(allowance)
    apply(actor=Actor.worker(), organization=organization)
    return allowance


def can_approve(allowance: Allowance, actor: Actor) -> Verdict:
    """Whether this person of the staff may approve it now."""
    if not (verdict := can_refuse(allowance, actor)):
        return verdict
    if allowance.until is not None and allowance.until <= clock.now():
        return Verdict(False, _("Its time is over."))
    if actor.user is None or actor.user.pk == allowance.requested_by_id:
        return Verdict(False, _("Somebody else has to approve what you asked for."))
    return is_impartial(actor, allowance.organization)


def can_refuse(allowance: Allowance, actor: Actor) -> Verdict:
    if not actor.is_operator:
        return Verdict(False, _("Only staff decides this."))
    if allowance.approved_by_id is not None or allowance.ended_at is not None:
        return Verdict(False, _("This was decided already."))
    return ALLOWED


@transaction.atomic
def refuse_allowance(*, actor: Actor, allowance: Allowance, reason: str) -> Allowance:
    """Not before the money is there. The order itself stays as it is."""
    locked_organization(allowance.organization)
    allowance = Allowance.objects.select_related("organization", "intent__plan").get(pk=allowance.pk)
    _demand_staff(actor)
    if not (verdict := can_refuse(allowance, actor)):
        raise NotNow(verdict.reason)
    found = " ".join(reason.split())
    if not found or len(found) > _REASON_LENGTH or not found.isprintable():
        raise Invalid(_("Say why: they are told."))
    allowance.ended_at = clock.now()
    allowance.save(update_fields=["ended_at"])
    _record(actor, "allowance.refused", allowance, reason=found)
    purchase_mails.tell_not_allowed(allowance, found)
    return allowance


def _demand_staff(actor: Actor) -> None:
    if not actor.is_operator:
        raise NotPermitted(_("Only staff decides this."))


def _record(actor: Actor, action: str, allowance: Allowance, **more: str) -> None:
    name = allowance.organization.name
    after = {"seats": allowance.seats, "roots": allowance.roots, "until": _day(allowance), **more}
    audit.record(actor, action, f"allowance {allowance.pk}", organization=name, after=after)


def _day(allowance: Allowance) -> str:
    return f"{allowance.until:%Y-%m-%d}" if allowance.until else ""
