"""Somebody comes back from the page on which they paid. What the browser says is only which purchase to look at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import structlog
from django.utils.translation import gettext as _

from billing.gateway.errors import GatewayError
from billing.models import Intent, Subscription
from billing.selectors.entitlements import Source, entitlement
from billing.services.alerts import raise_alert
from billing.services.syncing import sync_session
from billing.vocabulary import IntentState
from freehold.errors import NotFound, NotPermitted
from orgs.actors import Actor, may
from orgs.models import Organization
from orgs.vocabulary import Permission

log = structlog.get_logger(__name__)
FINAL = frozenset({IntentState.REVERSED, IntentState.EXPIRED})
"""Nothing comes after these. One that was dropped may have been paid all the same."""
_SESSION = re.compile(r"cs_[A-Za-z0-9_]{1,190}")


class Return(StrEnum):
    """What is known now. There is no "failed": what is not known is waited for, and who did not pay may still."""

    PAID = "paid"
    UNDER_WAY = "under way"
    WAITING = "waiting"
    NOT_PAID = "not paid"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    said: Return
    intent: Intent


def look_at_return(*, actor: Actor, organization: Organization, session: str) -> Returned:
    """Make everything what Stripe says it is, and say what came of it. Should Stripe be silent, its event will come."""
    if not (verdict := may(actor, Permission.MANAGE_BILLING, organization)):
        raise NotPermitted(verdict.reason)
    intent = _own(organization, session)
    if intent.state not in FINAL and not (intent.state == IntentState.COMPLETED and _is_paid(intent)):
        try:
            sync_session(session)
        except GatewayError as error:
            log.warning("billing.return.silent", session=session, error=str(error))
    intent = Intent.objects.select_related("plan", "organization").get(pk=intent.pk)
    return Returned(said=_said(intent), intent=intent)


def _own(organization: Organization, session: str) -> Intent:
    """The purchase of this organization that has the session. Another's is not there, and staff is told of it."""
    if not _SESSION.fullmatch(session):
        raise NotFound(_("There is no such purchase."))
    known = Intent.objects.filter(session=session).first()
    if known is not None and known.organization_id == organization.pk:
        return known
    if known is None and (unkept := _unkept(organization)) is not None:
        return unkept
    text = f"Somebody of {organization.name} came with the checkout {session}, which is not theirs."
    raise_alert(f"session-of-others:{organization.pk}", text, organization)
    raise NotFound(_("There is no such purchase."))


def _unkept(organization: Organization) -> Intent | None:
    """We may have died between Stripe's answer and our commit: then the open purchase does not know its session."""
    return Intent.objects.filter(organization=organization, state=IntentState.OPEN, session="").first()


def _is_paid(intent: Intent) -> bool:
    subscription = Subscription.objects.filter(stripe_id=intent.subscription).first() if intent.subscription else None
    return subscription is not None and entitlement(intent.organization).source is Source.PAID


def _said(intent: Intent) -> Return:
    if intent.state == IntentState.REVERSED:
        return Return.REVERSED
    if intent.state in {IntentState.EXPIRED, IntentState.CANCELLED}:
        return Return.NOT_PAID
    if intent.state != IntentState.COMPLETED:
        return Return.WAITING
    return Return.PAID if _is_paid(intent) else Return.UNDER_WAY
