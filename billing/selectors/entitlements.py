"""What an organization may have: how many seats and root namespaces, by which tier, and on what that rests.

One typed question that always has an answer. A quantity of None is any number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q

from billing import clock
from billing.models import LIVE, Allowance, Plan, Subscription
from billing.vocabulary import Item, Tier
from namespaces.cases import CaseKind, DecisionOutcome, DecisionState
from namespaces.models import CaseDecision, Grant
from namespaces.states import GrantState
from orgs.models import Organization
from orgs.vocabulary import Kind, State

IN_USE = (GrantState.ACTIVE, GrantState.LOCKED)
"""States in which a root namespace counts. What is held waits to be paid for, what is in quarantine is given up."""
BECAME_COMPANY: Mapping[str, object] = {
    "case__kind": CaseKind.APPLICATION,
    "case__wanted_kind": Kind.COMPANY,
    "outcome": DecisionOutcome.APPROVE,
    "state": DecisionState.EFFECTIVE,
    "evaluation__inputs__name__applicant__state": State.ACTIVE,
}
"""The decisions by which active community projects became companies: one that was not active has to pay first."""


class Source(StrEnum):
    """On what an entitlement rests."""

    OFF = "billing is off"
    COMMUNITY = "community"
    BY_HAND = "by hand"
    PAID = "paid"
    ENDED = "ended"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """``tier`` is None where nothing says which: without a purchase there is none."""

    seats: int | None
    roots: int | None
    tier: Tier | None
    source: Source

    def covers(self, used: InUse) -> bool:
        """Whether all that is in use may be."""
        return not self.exceeding(used)

    def exceeding(self, used: InUse) -> InUse:
        """How much more is in use than may be; nothing of what is enough."""
        return InUse(seats=_over(used.seats, self.seats), roots=_over(used.roots, self.roots))


class InUse(NamedTuple):
    """What an organization has now: memberships, and root namespaces that it holds and that count."""

    seats: int
    roots: int

    def __bool__(self) -> bool:
        return any(self)


def entitlement(organization: Organization) -> Entitlement:
    """What it may have now. Where several things entitle it, the most of each."""
    if not settings.FREEHOLD_STRIPE.enabled:
        return Entitlement(seats=organization.seats, roots=None, tier=None, source=Source.OFF)
    if organization.kind == Kind.COMMUNITY:
        return Entitlement(seats=organization.seats, roots=None, tier=Tier.COMMUNITY, source=Source.COMMUNITY)
    found = [_by_allowance(one) for one in allowances(organization)]
    found += [_by_subscription(one) for one in paid_subscriptions(organization)]
    return _most(found) if found else _without_purchase(organization)


def in_use(organization: Organization) -> InUse:
    roots = Grant.objects.filter(owner=organization, root__isnull=True, state__in=IN_USE)
    return InUse(seats=organization.memberships.count(), roots=roots.count())


def allowances(organization: Organization) -> list[Allowance]:
    """What staff grants it by hand, approved by a second person, and counts now."""
    now = clock.now()
    counting = Q(since__lte=now) & (Q(until__isnull=True) | Q(until__gt=now)) & Q(ended_at__isnull=True)
    found = Allowance.objects.filter(counting, organization=organization, approved_by__isnull=False)
    return list(found.select_related("intent__plan"))


def paid_subscriptions(organization: Organization) -> list[Subscription]:
    """Those of which something was ever paid and that are not over, the oldest first; else the last that is over."""
    every = Subscription.objects.filter(organization=organization, items__item=Item.SEAT, items__paid_quantity__gt=0)
    every = every.select_related("plan", "paid_plan").prefetch_related("items")
    found = list(every.order_by("started_at", "pk").distinct())
    return [one for one in found if one.is_live] or found[-1:]


def paid_seats(subscription: Subscription) -> int:
    return _paid(subscription, Item.SEAT)


def paid_roots(subscription: Subscription) -> int:
    """Those that are included among them."""
    return included(paid_plan(subscription)) + _paid(subscription, Item.ROOT)


def paid_plan(subscription: Subscription) -> Plan | None:
    """A better one that is billed by invoice counts when that is paid."""
    return subscription.paid_plan or subscription.plan


def included(plan: Plan | None) -> int:
    return plan.roots_included if plan else 0


def included_unpaid(subscription: Subscription) -> int:
    """So many more namespaces does the plan include than the one that is paid."""
    if subscription.paid_plan_id in {None, subscription.plan_id}:
        return 0
    return max(0, included(subscription.plan) - included(subscription.paid_plan))


def _paid(subscription: Subscription, item: Item) -> int:
    return sum(one.paid_quantity for one in subscription.items.all() if one.item == item)


def _by_subscription(subscription: Subscription) -> Entitlement:
    plan = paid_plan(subscription)
    return Entitlement(
        seats=paid_seats(subscription),
        roots=paid_roots(subscription),
        tier=Tier(plan.tier) if plan else None,
        source=Source.PAID if subscription.status in LIVE else Source.ENDED,
    )


def _by_allowance(allowance: Allowance) -> Entitlement:
    tier = Tier(allowance.intent.plan.tier) if allowance.intent else None
    return Entitlement(seats=allowance.seats, roots=allowance.roots, tier=tier, source=Source.BY_HAND)


def became_company(organization: Organization) -> datetime | None:
    """Since when it pays as companies do, of one that was an active community project before; None of all others."""
    if organization.kind != Kind.COMPANY:
        return None
    found = CaseDecision.objects.filter(case__organization=organization, **BECAME_COMPANY).order_by("effective_at")
    return found.values_list("effective_at", flat=True).last()


def _without_purchase(organization: Organization) -> Entitlement:
    """Whoever is active and never bought anything was activated by staff, who say how many seats it has; or was a
    community project, which had all for nothing, and has to choose a plan now."""
    if organization.state == State.APPLIED:
        return Entitlement(seats=organization.seats, roots=0, tier=None, source=Source.NOTHING)
    had_allowance = Allowance.objects.filter(organization=organization, approved_by__isnull=False).exists()
    if had_allowance or became_company(organization) is not None:
        return Entitlement(seats=organization.seats, roots=0, tier=None, source=Source.ENDED)
    return Entitlement(seats=organization.seats, roots=None, tier=None, source=Source.BY_HAND)


def _most(found: list[Entitlement]) -> Entitlement:
    """What is over counts for nothing beside what is not."""
    counting = [one for one in found if one.source is not Source.ENDED] or found
    tiers = [one.tier for one in counting if one.tier]
    return Entitlement(
        seats=_highest(one.seats for one in counting),
        roots=_highest(one.roots for one in counting),
        tier=max(tiers, key=list(Tier).index, default=None),
        source=Source.PAID if any(one.source is Source.PAID for one in counting) else counting[0].source,
    )


def _highest(quantities: Iterable[int | None]) -> int | None:
    """None, which is any number, is the highest."""
    known = list(quantities)
    return None if None in known else max(one for one in known if one is not None)


def _over(used: int, limit: int | None) -> int:
    return 0 if limit is None else max(0, used - limit)
