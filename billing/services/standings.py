"""An organization's standing: judged from the mirror, from allowances and the time, and written down with why.

What it brings about stands in ``effects``; what comes by time alone, in ``ladder``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing import clock
from billing.models import Allowance, Customer, Health, StandingChange, Subscription
from billing.selectors.entitlements import became_company
from billing.standing import ByHand, Evidence, Judgement, Known, judge
from billing.standing import Subscription as Mirrored
from freehold.errors import NotPermitted
from orgs import audit
from orgs.actors import Actor
from orgs.models import Organization
from orgs.services.organizations import locked_organization
from orgs.vocabulary import Kind, Standing

RANK = {Standing.GOOD: 0, Standing.GRACE: 1, Standing.LAPSED: 2}
FRESH = timedelta(hours=26)
"""A day, for everything is compared each night, and some more: an older mirror is no evidence against anybody."""
ENDED = ("canceled", "incomplete_expired")
"""Stripe never brings these back to life, so they need not be looked at again."""


@transaction.atomic
def judge_standing(*, actor: Actor, organization: Organization) -> Health:
    """Judge it now, under its lock; the judgement, which stands in the log too where the standing is another."""
    _demand_machine(actor)
    organization = locked_organization(organization)
    now = clock.now()
    known = facts_about(organization)
    judgement = _judged(known, organization, now)
    if judgement.standing is not known.before:
        _change(actor, organization, known, judgement)
    return _write_down(organization, judgement, now)


def _demand_machine(actor: Actor) -> None:
    if not actor.is_operator:
        raise NotPermitted("A standing comes from what was paid and from the time, not from people.")


# --- What is known ----------------------------------------------------------------------------------------------------


def facts_about(organization: Organization) -> Known:
    """All that its standing depends on, as it is in the database now."""
    before = Standing(organization.standing)
    return Known(
        kind=Kind(organization.kind),
        before=before,
        since=_since(organization, before),
        subscriptions=[_mirrored(one) for one in _subscriptions(organization)],
        by_hand=[*(_by_hand(one) for one in _allowances(organization)), *_as_project(organization)],
    )


def _as_project(organization: Organization) -> list[ByHand]:
    """A company that was a community project had all for nothing until then: from then on it has time to choose a plan,
    whatever it bought long before."""
    until = became_company(organization)
    return [] if until is None else [ByHand(since=organization.created_at, until=until)]


def _since(organization: Organization, before: Standing) -> datetime:
    """Since when it has the standing that it has; of one that was never judged, since there is the organization."""
    health = Health.objects.filter(organization=organization, standing=before).first()
    return health.since if health else organization.created_at


def _subscriptions(organization: Organization) -> Sequence[Subscription]:
    return list(Subscription.objects.filter(organization=organization).order_by("started_at", "pk"))


def _allowances(organization: Organization) -> Sequence[Allowance]:
    return list(Allowance.objects.filter(organization=organization, approved_by__isnull=False).order_by("since", "pk"))


def _mirrored(row: Subscription) -> Mirrored:
    return Mirrored(
        status=row.status, unpaid_since=row.unpaid_since, ended_at=row.ended_at, is_promise=_is_promise(row)
    )


def _is_promise(row: Subscription) -> bool:
    """Whether its first invoice is there, and neither that nor a later one was ever paid."""
    invoices = row.invoices.exclude(status="deleted")
    return (
        row.status != "trialing"
        and invoices.filter(billing_reason="subscription_create").exists()
        and not invoices.filter(status="paid").exists()
    )


def _by_hand(row: Allowance) -> ByHand:
    return ByHand(since=row.since, until=min(filter(None, (row.until, row.ended_at)), default=None))


# --- The judgement ----------------------------------------------------------------------------------------------------


def _judged(known: Known, organization: Organization, now: datetime) -> Judgement:
    if not settings.FREEHOLD_STRIPE.enabled:
        return Judgement(
            standing=Standing.GOOD,
            since=known.since if known.before is Standing.GOOD else now,
            until=None,
            evidence=Evidence.BY_HAND,
        )
    found = judge(known, now)
    if RANK[found.standing] > RANK[known.before] and not has_fresh_evidence(organization):
        return replace(found, standing=known.before, since=known.since, until=None, evidence=Evidence.UNCLEAR)
    return found


def has_fresh_evidence(organization: Organization) -> bool:
    """Whether what could still be paid was compared with Stripe of late, and Stripe asked what else it has: else it may
    be paid, and we don't know yet.

    By the real time, in the demo too: how long ago something was looked at is no matter of its clock.
    """
    before = timezone.now() - FRESH
    alive = Subscription.objects.filter(organization=organization).exclude(status__in=ENDED)
    buyers = Customer.objects.filter(organization=organization, deleted_at=None)
    return not alive.filter(synced_at__lt=before).exists() and not buyers.filter(compared_at__lt=before).exists()


# --- Writing it down --------------------------------------------------------------------------------------------------


def _change(actor: Actor, organization: Organization, known: Known, judgement: Judgement) -> None:
    organization.standing = judgement.standing
    organization.save(update_fields=["standing"])
    StandingChange.objects.create(
        organization=organization,
        before=known.before,
        after=judgement.standing,
        evidence=judgement.evidence,
        since=judgement.since,
        until=judgement.until,
        facts=_as_json(known),
        at=clock.now(),
    )
    audit.record(
        actor,
        "organization.standing",
        f"organization {organization.name}",
        organization=organization.name,
        before={"standing": known.before.value},
        after={"standing": judgement.standing.value, "evidence": judgement.evidence.value},
    )


def _as_json(known: Known) -> dict[str, Any]:
    """What was known, so that anybody can judge it again."""
    return {
        "kind": known.kind.value,
        "before": known.before.value,
        "since": known.since.isoformat(),
        "subscriptions": [
            {
                "status": one.status,
                "unpaid_since": _iso(one.unpaid_since),
                "ended_at": _iso(one.ended_at),
                "is_promise": one.is_promise,
            }
            for one in known.subscriptions
        ],
        "by_hand": [{"since": one.since.isoformat(), "until": _iso(one.until)} for one in known.by_hand],
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _write_down(organization: Organization, judgement: Judgement, now: datetime) -> Health:
    told = {
        "standing": judgement.standing,
        "evidence": judgement.evidence,
        "since": judgement.since,
        "until": judgement.until,
        "step": judgement.step,
        "judged_at": now,
    }
    health, _ = Health.objects.update_or_create(organization=organization, defaults=told)
    health.organization = organization
    return health
