"""Reads for what an organization has of its plan, wants of it and uses of it, and what it costs.

Namespaces are whole numbers here, those that are included among them; Stripe is told of the further ones alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlencode

from django.urls import reverse

from billing import sums
from billing.models import Call, Invoice, Plan, Subscription, SubscriptionItem, Wanted
from billing.money import Money
from billing.selectors import buying
from billing.selectors.entitlements import (
    InUse,
    Source,
    entitlement,
    in_use,
    included,
    included_unpaid,
    paid_roots,
    paid_seats,
)
from billing.sums import Held
from billing.tiers import Sum
from billing.vocabulary import CallKind, Interval, Item, JobState
from orgs.models import Organization

COUNTED = (Item.SEAT, Item.ROOT)
CHANGING = (CallKind.SET_QUANTITIES, CallKind.CHANGE_PLAN)
BY_INVOICE = "send_invoice"


class Counts(NamedTuple):
    seats: int
    roots: int


def held(subscription: Subscription) -> dict[Item, Held]:
    """By item, as the mirror has it; what is not in the subscription is left out. Of namespaces, beside those that the
    plan includes, be it paid or not yet."""
    found = subscription.items.filter(item__in=COUNTED).order_by("pk")
    more = {Item.ROOT: included_unpaid(subscription)}
    return {
        item: Held(
            quantity=one.quantity, paid=max(0, one.paid_quantity - more.get(item, 0)), pending=one.pending_quantity
        )
        for one in found
        for item in [Item(one.item)]
    }


def item_of(subscription: Subscription, item: Item) -> SubscriptionItem | None:
    return subscription.items.filter(item=item).order_by("pk").first()


def wanted(subscription: Subscription) -> Counts:
    """What was last asked for; of a subscription about which nothing was asked since it began, what it has."""
    row = Wanted.objects.filter(organization=subscription.organization_id).first()
    if row is not None and row.changed_at >= subscription.started_at:
        return Counts(row.seats, row.roots)
    return Counts(*_whole(held(subscription), subscription.plan, "quantity"))


def targets(plan: Plan | None, asked: Counts, used: InUse, known: Mapping[Item, Held]) -> dict[Item, int]:
    """What Stripe is to bill of each item, from what is asked for and what is in use at this moment."""
    paid = Counts(*_whole(known, plan, "paid"))
    seats = sums.target(wanted=asked.seats, used=used.seats, paid=paid.seats)
    roots = sums.target(wanted=asked.roots, used=used.roots, paid=paid.roots)
    return {Item.SEAT: seats, Item.ROOT: sums.further_roots(roots, included(plan))}


def _whole(known: Mapping[Item, Held], plan: Plan | None, what: str) -> tuple[int, int]:
    nothing = Held(quantity=0, paid=0)
    seats, roots = (getattr(known.get(item, nothing), what) for item in COUNTED)
    return seats, included(plan) + roots


def waiting_call(organization: Organization) -> Call | None:
    """A change that Stripe has not been told of yet."""
    rows = Call.objects.filter(organization=organization, kind__in=CHANGING, state=JobState.PENDING)
    return rows.order_by("pk").first()


def unpaid_change(subscription: Subscription) -> bool:
    """Whether a change waits for its payment."""
    if subscription.pending_until is not None or included_unpaid(subscription):
        return True
    known = held(subscription).values()
    return any(one.pending is not None or one.quantity > one.paid for one in known)


def invoice_of_change(subscription: Subscription) -> Invoice | None:
    """What is to be paid for a change that waits for it."""
    rows = Invoice.objects.filter(subscription=subscription, billing_reason="subscription_update", status="open")
    return rows.order_by("-created").first()


def wanted_plan(subscription: Subscription) -> Wanted | None:
    """A change of the plan that takes effect later. What was wanted of a subscription before it counts for nothing."""
    row = Wanted.objects.filter(organization=subscription.organization_id, plan__isnull=False)
    row = row.filter(changed_at__gte=subscription.started_at)
    return row.select_related("plan").first()


@dataclass(frozen=True)
class Sheet:
    """All that the pages show of a plan and its quantities."""

    organization: Organization
    subscription: Subscription

    @cached_property
    def held(self) -> dict[Item, Held]:
        return held(self.subscription)

    @cached_property
    def used(self) -> InUse:
        return in_use(self.organization)

    @cached_property
    def wanted(self) -> Counts:
        return wanted(self.subscription)

    @cached_property
    def paid(self) -> Counts:
        """What may be used until the end of the period."""
        if included_unpaid(self.subscription):
            return Counts(paid_seats(self.subscription), paid_roots(self.subscription))
        return Counts(*_whole(self.held, self.subscription.plan, "paid"))

    @cached_property
    def billed(self) -> Counts:
        """What the next invoice is for, as Stripe has it now."""
        return Counts(*_whole(self.held, self.subscription.plan, "quantity"))

    @cached_property
    def next(self) -> Counts:
        """What the next period is for, once Stripe was told of all that was asked."""
        if self.call is None:
            return self.billed
        found = targets(self.subscription.plan, self.wanted, self.used, self.held)
        return Counts(found[Item.SEAT], self.included + found[Item.ROOT])

    @property
    def included(self) -> int:
        return included(self.subscription.plan)

    @property
    def least(self) -> Counts:
        """Fewer than that is not to be had."""
        return Counts(max(1, self.used.seats), max(self.included, self.used.roots))

    @property
    def over(self) -> InUse:
        """What is in use without being paid for."""
        return InUse(max(0, self.used.seats - self.paid.seats), max(0, self.used.roots - self.paid.roots))

    @property
    def is_less_later(self) -> bool:
        return self.next.seats < self.paid.seats or self.next.roots < self.paid.roots

    @cached_property
    def call(self) -> Call | None:
        return waiting_call(self.organization)

    @cached_property
    def is_unpaid(self) -> bool:
        return unpaid_change(self.subscription)

    @cached_property
    def invoice(self) -> Invoice | None:
        return invoice_of_change(self.subscription)

    @cached_property
    def change(self) -> Wanted | None:
        return wanted_plan(self.subscription)

    def costs(self, counts: Counts) -> Sum | None:
        """A whole period with so many, before tax, by the prices that the organization has."""
        return period_sum(self.subscription.plan, self.subscription, counts)

    @property
    def costs_next(self) -> Money | None:
        """The next period, before tax."""
        found = self.costs(self.next)
        return found.total if found else None

    @property
    def each_seat(self) -> Money | None:
        return self._each(Item.SEAT)

    @property
    def each_root(self) -> Money | None:
        return self._each(Item.ROOT)

    def _each(self, item: Item) -> Money | None:
        """One of them for a whole period."""
        plan, currency = self.subscription.plan, self.subscription.currency
        if plan is None or not self.subscription.interval:
            return None
        try:
            return Money(buying.price_of(plan, item, currency, Interval(self.subscription.interval)).amount, currency)
        except buying.NotSold:
            return None


def period_sum(plan: Plan | None, subscription: Subscription, counts: Counts, interval: str = "") -> Sum | None:
    """What a period costs, before tax; None where the prices can't be told."""
    interval = interval or subscription.interval
    if plan is None or not interval:
        return None
    try:
        return buying.reckon(
            plan,
            seats=counts.seats,
            roots=counts.roots,
            currency=subscription.currency,
            interval=Interval(interval),
        )
    except buying.NotSold:
        return None


def sheet(organization: Organization) -> Sheet | None:
    """None without a plan."""
    subscription = buying.live_subscription(organization)
    return Sheet(organization, subscription) if subscription else None


def payment_page(organization: Organization, more: int) -> str:
    """Where it sees what so many more root namespaces cost it, and agrees to that; without a plan, where it chooses
    one. Empty where nothing is to be paid."""
    if entitlement(organization).source in {Source.OFF, Source.COMMUNITY}:
        return ""
    found = sheet(organization)
    if found is None:
        return reverse("organization-plan-buy", args=[organization.name])
    roots = buying.use_of(organization).roots + more
    asked = Counts(max(found.next.seats, found.least.seats), max(found.next.roots, roots))
    return f"{reverse('organization-plan-quantities', args=[organization.name])}?{urlencode(asked._asdict())}"
